"""What lies on the desk while a batch is decided: loaded once, changed in memory, saved once.

So two documents of one citizen in the same batch see each other, in their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from services.referral.course import Attendance
from services.referral.evolving import evolve
from services.referral.facts import (
    AssessmentRecorded,
    AttendanceNoted,
    Closed,
    Fact,
    GpTold,
    HospitalTold,
    Noted,
    OrderChanged,
    OrderPlaced,
    Received,
    WorkClosed,
    WorkOpened,
)
from services.referral.order import Order
from services.referral.portfolio.register import Register
from services.referral.referral import Referral
from services.referral.side_by_side import closing_the_gap
from services.referral.signature import ITSELF
from services.referral.stays import StayMessage
from services.referral.store import SessionRow
from services.referral.store_citizens import Access, Citizen
from services.referral.store_dialogue import Post, Thread
from services.referral.store_documents import Document, Waiting
from services.referral.store_orders import OrderRow
from services.referral.terms import WorkReason
from services.referral.unsaved import Origin, Unsaved

if TYPE_CHECKING:
    from shared.database import Connection


@dataclass(slots=True)
class Change:
    """What one decision did: each fact with the state after it, and the states before."""

    happened: list[tuple[Fact, Referral]] = field(default_factory=list)
    before: dict[str, Referral | None] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """Rows by their keys, and what was done with them."""

    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    citizens: dict[bytes, Citizen] = field(default_factory=dict)
    former: dict[bytes, bytes] = field(default_factory=dict)  # hashes: a former number's, today's
    referrals: dict[str, Referral] = field(default_factory=dict)
    sessions: dict[str, SessionRow] = field(default_factory=dict)
    waiting: dict[Origin, Waiting] = field(default_factory=dict)
    orders: dict[str, OrderRow] = field(default_factory=dict)  # the newest, by referral
    offers: Register = field(default_factory=dict)  # where something isn't established
    attendances: dict[str, list[Attendance]] = field(default_factory=dict)
    points: dict[str, list[str]] = field(default_factory=dict)  # of re-assessment, ahead
    threads: dict[tuple[str, str], Thread] = field(default_factory=dict)
    posts: dict[tuple[str, str], Post] = field(default_factory=dict)
    stays: dict[str, list[StayMessage]] = field(default_factory=dict)  # by citizen
    _of_citizen: dict[str, list[str]] = field(default_factory=dict)
    _replacing: dict[tuple[str, str], str] = field(default_factory=dict)
    _unsaved: Unsaved = field(default_factory=Unsaved)

    def put(self, referrals: Iterable[Referral]) -> None:
        """Lays out loaded referrals."""
        for referral in referrals:
            self.referrals[referral.referral_id] = referral
            self._index(referral)

    def _index(self, referral: Referral) -> None:
        self._of_citizen.setdefault(referral.citizen_id, []).append(referral.referral_id)
        if referral.replaces_document is not None:
            key = (referral.hospital, referral.replaces_document)
            self._replacing.setdefault(key, referral.referral_id)

    def of_citizen(self, citizen_id: str) -> list[Referral]:
        """All referrals of a citizen, the earliest first."""
        mine = (self.referrals[one] for one in self._of_citizen.get(citizen_id, ()))
        return sorted(mine, key=lambda referral: (referral.received_at, referral.referral_id))

    def order_of(self, referral: Referral | None) -> Order | None:
        """The referral's order as it reads now, where it was loaded."""
        row = self.orders.get(referral.referral_id) if referral is not None else None
        return row.order if row is not None else None

    def ordinal_of(self, referral: Referral) -> int:
        """Which of the referral's orders it is that was loaded; 0 where there is none."""
        row = self.orders.get(referral.referral_id)
        return row.ordinal if row is not None else 0

    def replacing(self, hospital: str, document_id: str) -> Referral | None:
        """The referral whose plan replaces this document."""
        found = self._replacing.get((hospital, document_id))
        return self.referrals[found] if found is not None else None

    def apply(self, facts: Iterable[Fact]) -> Change:
        """Lets facts happen."""
        change = Change()
        queue = deque(facts)
        while queue:
            fact = queue.popleft()
            if isinstance(fact, Received):
                before, referral_id = None, fact.referral.referral_id
                after = fact.referral
                self._index(after)
            elif isinstance(fact, Noted):
                continue
            else:
                referral_id = fact.referral_id
                before = self.referrals[referral_id]
                after = evolve(before, fact)
                if isinstance(fact, WorkOpened | WorkClosed):
                    if after.work == before.work:
                        continue  # it is on the worklist already, or no longer
                    self._unsaved.work.append(fact)
            self._unsaved.before.setdefault(referral_id, before)
            change.before.setdefault(referral_id, before)
            self.referrals[referral_id] = after
            change.happened.append((fact, after))
            if isinstance(fact, HospitalTold) and after.gp is not None:
                queue.appendleft(GpTold(referral_id=referral_id, told=fact))
            if isinstance(fact, AssessmentRecorded):
                self._unsaved.assessments.append(fact)
            elif isinstance(fact, AttendanceNoted):
                self._attend(fact)
            elif isinstance(fact, Closed):
                queue.extend(self._settled_by(fact, after))
            elif isinstance(fact, OrderPlaced | OrderChanged):
                self._order(fact, after)
        return change

    def _attend(self, fact: AttendanceNoted) -> None:
        self._unsaved.attendances.append(fact)
        known = self.attendances.setdefault(fact.referral_id, [])
        known[:] = [one for one in known if one.session_id != fact.session_id]
        known.append(
            Attendance(
                session_id=fact.session_id,
                step_id=fact.step_id,
                start=fact.start,
                attended=fact.attended,
                said_at=fact.said_at,
            )
        )

    def _order(self, fact: OrderPlaced | OrderChanged, after: Referral) -> None:
        known = self.orders.get(fact.referral_id)
        ordinal = known.ordinal if known is not None else 0
        row = OrderRow(
            referral_id=fact.referral_id,
            ordinal=ordinal + 1 if isinstance(fact, OrderPlaced) else max(ordinal, 1),
            provider=after.provider,
            order=fact.order,
        )
        self.orders[fact.referral_id] = self._unsaved.orders[fact.order.order_id] = row

    def _settled_by(self, fact: Closed, referral: Referral) -> Iterator[WorkClosed | WorkOpened]:
        """What a human was to look at in a referral, or between it and another, is settled by its
        end; the plans on both sides of it are then beside each other."""
        all_mine, unseen = self.of_citizen(referral.citizen_id), False
        for other in all_mine:
            mine = other.referral_id == referral.referral_id
            for reason, about in other.work:
                if mine or about == referral.referral_id:
                    unseen = unseen or reason == WorkReason.SECOND_PLAN
                    yield WorkClosed(
                        referral_id=other.referral_id,
                        reason=WorkReason(reason),
                        about=about,
                        decision="referral-closed" if mine else "other-referral-closed",
                        by=ITSELF,
                        at=fact.at,
                    )
        if unseen:
            yield from closing_the_gap(referral, all_mine)

    def detail(self, referral_id: str, sealed: bytes) -> None:
        """Keeps what a new plan says beyond planning."""
        self._unsaved.details[referral_id] = sealed

    def told_of_stay(self, citizen_id: str, message: StayMessage) -> None:
        """Keeps what a hospital said of a citizen's stay."""
        self.stays.setdefault(citizen_id, []).append(message)
        self._unsaved.stays.append((citizen_id, message))

    def thread(self, thread: Thread) -> None:
        """Remembers a new thread, or one that has changed."""
        self.threads[thread.hospital, thread.thread] = thread
        self._unsaved.threads[thread.thread_id] = thread

    def wrote(self, posts: Iterable[Post]) -> list[Post]:
        """Remembers what is new of these; a message repeats all that was written before it."""
        new = [one for one in posts if (one.thread_id, one.post_id) not in self.posts]
        self.posts |= {(one.thread_id, one.post_id): one for one in new}
        self._unsaved.posts += new
        return new

    def answered(self, document: Document) -> None:
        """Remembers a document that was answered for good."""
        self.documents[document.source, document.document_id] = document
        self._unsaved.documents.append(document)

    def waits(self, waiting: Waiting) -> None:
        """Remembers that a record waits for its original."""
        self.waiting[waiting.origin] = waiting
        self._unsaved.began_waiting[waiting.origin] = waiting

    def waits_no_more(self, origin: Origin) -> None:
        """Forgets a record that has got its answer."""
        if self.waiting.pop(origin, None) is None:
            return
        if self._unsaved.began_waiting.pop(origin, None) is None:
            self._unsaved.ended_waiting.append(origin)

    def laid_out(self, found: Mapping[bytes, Citizen]) -> None:
        """Lays out citizens as they were asked for, by today's numbers or by former ones."""
        for asked, citizen in found.items():
            self.citizens[citizen.cpr_hash] = citizen
            if asked != citizen.cpr_hash:
                self.former[asked] = citizen.cpr_hash

    def renumbered(self, before: bytes, citizen: Citizen) -> None:
        """A citizen has another number: `before` is the hash of the one that they had."""
        del self.citizens[before]
        self.citizens[citizen.cpr_hash] = self._unsaved.citizens[citizen.cpr_hash] = citizen
        self.former[before] = citizen.cpr_hash
        self._unsaved.citizens.pop(before, None)
        self._unsaved.former.append((before, citizen.citizen_id))

    def recorded(self, citizen: Citizen) -> None:
        """Remembers a new citizen, or a new version of a known one."""
        self.citizens[citizen.cpr_hash] = self._unsaved.citizens[citizen.cpr_hash] = citizen

    def heard(self, session: SessionRow) -> bool:
        """Remembers what was said of a session; False where it is stale."""
        known = self.sessions.get(session.session_id)
        if known is not None and known.revision >= session.revision:
            return False
        self.sessions[session.session_id] = session
        self._unsaved.sessions[session.session_id] = session
        return True

    def accessed(self, access: Access) -> None:
        """Remembers that somebody's data was read or written."""
        self._unsaved.access.append(access)

    async def save(self, conn: Connection, now: datetime) -> None:
        """Writes everything that happened."""
        await self._unsaved.save(conn, self.referrals, now)
