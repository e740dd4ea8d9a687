"""What a batch has done with the rows on its desk, until it is written: once, at the end."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

from services.referral import (
    store,
    store_assessments,
    store_choice,
    store_citizens,
    store_course,
    store_dialogue,
    store_documents,
    store_orders,
    store_stays,
    store_worklist,
)
from services.referral.facts import AssessmentRecorded, AttendanceNoted, WorkClosed, WorkOpened
from services.referral.identity import worklist_id
from services.referral.referral import Referral
from services.referral.stays import StayMessage
from services.referral.store import SessionRow
from services.referral.store_citizens import Access, Citizen
from services.referral.store_dialogue import Post, Thread
from services.referral.store_documents import Document, Waiting
from services.referral.store_orders import OrderRow

if TYPE_CHECKING:
    from shared.database import Connection

Origin: TypeAlias = tuple[str, int, int]


@dataclass(slots=True)
class Unsaved:
    """New and changed rows, by their keys. `before`: referrals as they were, None for new ones."""

    before: dict[str, Referral | None] = field(default_factory=dict)
    details: dict[str, bytes] = field(default_factory=dict)
    citizens: dict[bytes, Citizen] = field(default_factory=dict)
    former: list[tuple[bytes, str]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    began_waiting: dict[Origin, Waiting] = field(default_factory=dict)
    ended_waiting: list[Origin] = field(default_factory=list)
    sessions: dict[str, SessionRow] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)
    attendances: list[AttendanceNoted] = field(default_factory=list)
    assessments: list[AssessmentRecorded] = field(default_factory=list)
    work: list[WorkOpened | WorkClosed] = field(default_factory=list)
    threads: dict[str, Thread] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    stays: list[tuple[str, StayMessage]] = field(default_factory=list)
    access: list[Access] = field(default_factory=list)

    async def save(
        self, conn: Connection, referrals: Mapping[str, Referral], now: datetime
    ) -> None:
        """Writes everything; `referrals` holds their states now."""
        citizens = [self.citizens[one] for one in sorted(self.citizens)]
        await store_citizens.save_citizens(conn, citizens, now)
        if self.former:
            await store_citizens.add_former(conn, self.former, now)
        new: list[tuple[Referral, bytes]] = []
        old: list[Referral] = []
        offered: list[Referral] = []
        started: list[Referral] = []
        handed: list[Referral] = []
        for referral_id in sorted(self.before):
            before, after = self.before[referral_id], referrals[referral_id]
            if before is None:
                new.append((after, self.details[referral_id]))
            elif before != after:
                if _row(before) != _row(after):
                    old.append(after)
                if store_choice.chosen(before) != store_choice.chosen(after):
                    handed.append(after)
                if before.offered != after.offered:
                    offered.append(after)
                if before.started != after.started:
                    started.append(after)
        await store.add_referrals(conn, new, now)
        created = {referral.referral_id for referral, _ in new}
        await store.change_referrals(conn, old, now)
        known = {id_: sealed for id_, sealed in self.details.items() if id_ not in created}
        await store.change_details(conn, known)
        await store.add_offered_days(conn, offered)
        await store_course.save_starts(conn, started)
        await store_course.save_attendances(conn, self.attendances)
        await store_choice.save_choices(conn, handed)
        await store_assessments.add_assessments(conn, self.assessments)
        await store_orders.save_orders(conn, list(self.orders.values()), now)
        await store_dialogue.save_threads(conn, list(self.threads.values()))
        await store_dialogue.add_posts(conn, self.posts)
        await store_stays.add_stay_messages(conn, self.stays, now)
        said = [self.sessions[one] for one in sorted(self.sessions)]
        await store.save_sessions(conn, said)
        await store_documents.add_documents(conn, self.documents)
        await store_documents.add_waiting(conn, list(self.began_waiting.values()))
        await store_documents.end_waiting(conn, self.ended_waiting)
        await self._save_work(conn, now)
        await store_citizens.log_access(conn, self.access, now)

    async def _save_work(self, conn: Connection, now: datetime) -> None:
        """In the order in which it happened, as many at a time as there are of one kind."""
        for opened, run in itertools.groupby(self.work, lambda fact: isinstance(fact, WorkOpened)):
            facts = list(run)
            if opened:
                await store_worklist.open_entries(conn, [_entry(one) for one in facts], now)
            else:
                settled = [_settled(one) for one in facts if isinstance(one, WorkClosed)]
                await store_worklist.close_entries(conn, settled)


def _entry(fact: WorkOpened | WorkClosed) -> store_worklist.Entry:
    return store_worklist.Entry(
        entry_id=worklist_id(fact.referral_id, fact.reason, fact.about),
        referral_id=fact.referral_id,
        reason=fact.reason,
        about=fact.about,
    )


def _settled(fact: WorkClosed) -> store_worklist.Settled:
    return store_worklist.Settled(
        entry_id=worklist_id(fact.referral_id, fact.reason, fact.about),
        decision=fact.decision,
        by=fact.by.id,
        at=fact.at,
    )


_NO_DAYS: tuple[date, ...] = ()


def _row(referral: Referral) -> Referral:
    """The referral as its own row holds it: what lies in tables of its own is left out."""
    return replace(referral, offered=_NO_DAYS, work=(), started=None)
