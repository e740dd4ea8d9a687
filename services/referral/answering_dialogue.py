"""One CareCommunication on its way to its answer: kept on the referral's thread, for staff to read.

A message about somebody who has no referral here is refused, so that its sender knows that nobody
reads it; nothing of it is kept. Attachments are not taken: the receipt says so, and the text is
taken all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.referral import answers
from services.referral.arrival import Readable
from services.referral.conversation import posts_in, thread_id
from services.referral.dialogue import CareMessage
from services.referral.replying import Reply
from services.referral.store_dialogue import Thread
from services.referral.terms import Note
from shared.handling import Applied

if TYPE_CHECKING:
    from services.referral.referral import Referral
    from shared.handling import Outcome


class DialogueReply(Reply):
    """One message on its way to its answer."""

    def _decided(self, document: Readable) -> Outcome:
        assert isinstance(document, CareMessage), "other documents have other replies"
        citizen = self._desk.citizens.get(self._one.cpr_hash)
        mine = self._desk.of_citizen(citizen.citizen_id) if citizen is not None else []
        if not mine:
            self._counts["refused"] += 1
            problem = answers.refused(document.format, answers.NO_REFERRAL)
            return Applied(events=(self._receipt("fatal-error", (problem,)),))
        self._office.register.find(self._desk, self._one.cpr_hash, self._one.cause)
        key = (self._one.hospital.sor, document.thread)
        thread = self._desk.threads.get(key)
        if thread is None:
            thread = self._opened(document, self._about(mine))
        elif thread.referral_id not in {one.referral_id for one in mine}:
            return self._refused((answers.refused(document.format, answers.OTHERS_THREAD),))
        return self._kept(document, thread)

    def _about(self, mine: list[Referral]) -> Referral:
        """The newest referral of this hospital's, open before closed; else of any."""
        hospital = self._one.hospital.sor
        return max(
            mine,
            key=lambda one: (one.hospital == hospital, one.closed is None, one.received_at),
        )

    def _opened(self, message: CareMessage, referral: Referral) -> Thread:
        name = thread_id(self._one.hospital.sor, message.thread)
        original = message.original
        vault = self._office.register.vault
        assert self._one.municipality is not None, "misdirected messages are refused before"
        return Thread(
            thread_id=name,
            hospital=self._one.hospital.sor,
            thread=message.thread,
            referral_id=referral.referral_id,
            municipality=self._one.municipality.code,
            category=message.category,
            department_sor=message.sender_sor,
            department_ean=original.sender_ean if original is not None else None,
            department_name=message.sender_name,
            topic=vault.seal((message.topic or "").encode(), name),
            newest_document=None,
            unread_since=None,
            opened_at=self._one.message.timestamp,
        )

    def _kept(self, message: CareMessage, thread: Thread) -> Outcome:
        vault, desk, now = self._office.register.vault, self._desk, self._one.message.timestamp
        new = desk.wrote(posts_in(message, thread.thread_id, vault))
        since = thread.unread_since or now
        desk.thread(
            replace(
                thread,
                newest_document=message.document_id,
                unread_since=since if new else thread.unread_since,
            )
        )
        self._counts["communication"] += 1
        notes = [Note.ATTACHMENTS] if any(one.new for one in message.attachments) else []
        noted = answers.noted(message.format, notes)
        return Applied(events=(self._settle("ok", noted, thread.referral_id),))
