"""What every document's answer has in common: asked once, answered once for good.

Every document is answered in its own format. One with an id is answered once for good: the same
document again gets the stored receipt, the same id with other content is refused.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import answers, identity
from services.referral.answers import Acknowledge, Verdict
from services.referral.arrival import Arrival, Readable
from services.referral.commands import Refusal
from services.referral.configuration import Directory, Hospitals
from services.referral.desk import Change, Desk
from services.referral.events import ACKNOWLEDGED
from services.referral.facts import Fact, Noted, WorkOpened
from services.referral.outgoing import events_of
from services.referral.plan import Plan, Problem, Unreadable
from services.referral.programme_policy import Portfolio
from services.referral.register import Register
from services.referral.request import Request
from services.referral.store_documents import Document, Waiting
from services.referral.terms import Note, WorkReason
from services.referral.timers import Timetable
from shared.envelope import Event
from shared.handling import Applied, Parked

if TYPE_CHECKING:
    from shared.handling import Outcome, Unit

PATIENCE: Final = timedelta(days=7)
"""How long a correction waits for its original before it is refused."""
NOBODY: Final = ("", "")
"""Who answers where the receiver is unknown."""


def document_key(hospital: str, document_id: str) -> str:
    """What a correction waits for."""
    return f"document:{hospital}/{document_id}"


def referral_key(referral_id: str) -> str:
    """What news of a referral that isn't known yet waits for."""
    return f"referral:{referral_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What documents are answered with."""

    hospitals: Hospitals
    directory: Directory
    portfolio: Portfolio
    register: Register
    timetable: Timetable
    acknowledge: Acknowledge


class Reply(ABC):
    """One document on its way to its answer; what is decided on it is the subclass's."""

    def __init__(
        self, office: Office, desk: Desk, unit: Unit, arrival: Arrival, counts: Counter[str]
    ) -> None:
        self._office = office
        self._desk = desk
        self._unit = unit
        self._one = arrival
        self._counts = counts
        self._same: tuple[str, ...] = ()  # other citizens who are said to be this one

    @abstractmethod
    def _decided(self, document: Readable) -> Outcome:
        """What becomes of a document that may be sent by its sender, to its receiver."""

    def outcome(self) -> Outcome:
        """What became of it; everything else is on the desk."""
        one = self._one
        document_id = one.reading.document_id
        if document_id is None:
            return self._anonymous(one.reading)
        known = self._desk.documents.get(one.document(document_id))
        if known is not None:
            return self._again(known)
        if isinstance(one.reading, Unreadable):
            return self._refused(one.reading.problems)
        refusal = self._misdirected(one.reading)
        if refusal is None:
            return self._decided(one.reading)
        return self._refused((answers.refused(one.reading.format, refusal),))

    def _anonymous(self, reading: Readable | Unreadable) -> Outcome:
        one, problems = self._one, reading.problems if isinstance(reading, Unreadable) else ()
        where = answers.unreadable_id(reading.format, *one.origin)
        self._counts["unreadable"] += 1
        return Applied(events=(self._receipt("fatal-error", (*problems, where)),))

    def _again(self, known: Document) -> Outcome:
        one = self._one
        if known.content_hash == one.content_hash:
            self._counts["duplicate"] += 1
            receipt = self._event(zlib.decompress(known.receipt), known.receipt_type)
            return Applied(events=(receipt,))
        self._counts["refused"] += 1
        problem = answers.refused(one.reading.format, answers.ID_TAKEN)
        self._desk.waits_no_more(one.origin)
        return Applied(events=(self._receipt("fatal-error", (problem,)),))

    def _misdirected(self, document: Readable) -> Refusal | None:
        if isinstance(document, Request) is (self._one.hospital.kind == "hospital"):
            return answers.WRONG_CHANNEL
        if document.sender_sor not in self._one.hospital.senders:
            return answers.FOREIGN_SENDER if isinstance(document, Plan) else answers.FOREIGN_HEADER
        return answers.UNKNOWN_RECEIVER if self._one.municipality is None else None

    def _refused(self, problems: Sequence[Problem]) -> Outcome:
        """Settles the id: what waits for this document will not get it, and is told so."""
        document_id = self._one.reading.document_id
        assert document_id is not None, "an anonymous document can't be settled"
        self._counts["refused"] += 1
        return Applied(
            events=(self._settle("fatal-error", problems),),
            releases=(document_key(self._one.hospital.sor, document_id),),
        )

    def _parked(self, document: Plan | Request, earlier: str) -> Outcome:
        one, desk, now = self._one, self._desk, self._unit.now
        waiting = desk.waiting.get(one.origin)
        since = waiting.since if waiting is not None else now
        if now >= since + PATIENCE:
            return self._refused((answers.refused(document.format, answers.NEVER_CAME),))
        told: tuple[Event, ...] = ()
        if waiting is None:
            told = (self._receipt("transient-error", (answers.waits(document.format),)),)
            self._counts["waiting"] += 1
            if self._waits_already(document):
                return Applied(events=told)
            desk.waits(
                Waiting(
                    origin=one.origin,
                    source=one.hospital.sor,
                    document_id=document.document_id,
                    content_hash=one.content_hash,
                    since=now,
                )
            )
        return Parked(
            waits_for=document_key(one.hospital.sor, earlier),
            until=since + PATIENCE,
            reason="the original has not come",
            events=told,
        )

    def _waits_already(self, document: Plan | Request) -> bool:
        """Whether the same document, sent before, waits for the same original."""
        one = self._one
        return any(
            (other.source, other.document_id, other.content_hash)
            == (one.hospital.sor, document.document_id, one.content_hash)
            for other in self._desk.waiting.values()
        )

    def _looked_at(self, facts: Sequence[Fact], about: str) -> tuple[Fact, ...]:
        """The facts, and that a human looks at citizens who are said to be one."""
        if not self._same:
            return tuple(facts)
        reason = WorkReason.SAME_PERSON
        opened = (WorkOpened(referral_id=about, reason=reason, about=one) for one in self._same)
        return (*facts, *opened, Noted(Note.SAME_PERSON))

    def _events(self, change: Change) -> list[Event]:
        """What others hear of a decision."""
        office, events = self._office, []
        for fact, after in change.happened:
            events += events_of(fact, after, office.portfolio, office.directory)
        return events

    def _settle(
        self, outcome: Verdict, problems: Sequence[Problem], referral_id: str | None = None
    ) -> Event:
        """Answers the document for good; `referral_id` is what came of it."""
        one = self._one
        document_id = one.reading.document_id
        assert document_id is not None, "an anonymous document can't be settled"
        value, content_type = self._written(outcome, problems)
        self._desk.answered(
            Document(
                source=one.hospital.sor,
                document_id=document_id,
                content_hash=one.content_hash,
                referral_id=referral_id,
                receipt=zlib.compress(value, 1),
                receipt_type=content_type,
                received_at=one.message.timestamp,
            )
        )
        self._desk.waits_no_more(one.origin)
        return self._event(value, content_type)

    def _receipt(self, outcome: Verdict, problems: Sequence[Problem]) -> Event:
        return self._event(*self._written(outcome, problems))

    def _written(self, outcome: Verdict, problems: Sequence[Problem]) -> tuple[bytes, str]:
        one = self._one
        reading, municipality = one.reading, one.municipality
        return self._office.acknowledge(
            reading.format,
            outcome,
            document_id=reading.document_id,
            sender_sor=reading.sender_sor,
            receiver=(municipality.sor, municipality.name) if municipality else NOBODY,
            problems=problems,
            at=one.message.timestamp,
            receipt_id=identity.receipt_id(
                one.hospital.sor, reading.document_id or one.cause, one.content_hash, outcome
            ),
            original=reading.original,
        )

    def _event(self, value: bytes, content_type: str) -> Event:
        one = self._one
        about = one.reading.document_id or one.cause
        return Event(
            topic=one.hospital.topic("receipts"),
            key=about,
            type=ACKNOWLEDGED,
            subject=about,
            value=value,
            content_type=content_type,
        )
