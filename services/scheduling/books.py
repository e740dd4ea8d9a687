"""One provider's books: state, calendar and diary, kept in step with what is decided. No I/O."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from services.scheduling import commands, domain, events, facts
from services.scheduling.capacity import LocationWeek, local_date, week_of
from services.scheduling.diary import Diary
from services.scheduling.echoes import Echo
from services.scheduling.engine.calendar import Calendar
from services.scheduling.facts import Decision
from services.scheduling.fullness import fullness
from services.scheduling.geography import Point
from services.scheduling.once import Change, once, unraised
from services.scheduling.orders import Answer, Booking, Order, Placed, Status
from services.scheduling.proposals import Proposals
from services.scheduling.provider import Provider, Terms
from services.scheduling.store_sessions import Session
from services.scheduling.together import decide_together
from shared.envelope import Event

EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""From which the times of plans are counted, so that all processes name the same."""


class Books:
    """A provider's state, its calendar, and what has changed since `begin`.

    `token` and `day` tell whether the state may still be trusted: the random token in the
    provider's row and the date on which it was loaded.
    """

    def __init__(self, code: str, terms: Terms, postcodes: Mapping[str, Point]) -> None:
        self.provider = Provider(code, terms)
        self.calendar = Calendar(terms.public_holiday)
        self.token: uuid.UUID | None = None
        self.day = date.min
        self.asks = Proposals(self.provider, self.calendar, postcodes)
        self.plan_due: datetime | None = None
        self.planned = False
        self.echoes: dict[str, Echo] = {}
        self.echoed: dict[str, datetime] = {}
        self._backlog: Counter[tuple[str, str]] = Counter()
        self.begin(Diary())

    def begin(self, diary: Diary) -> None:
        """Forgets what a batch changed. `diary` is the new batch's; whoever is planned for must be
        known in it: those whom commands name and, before `settle`, those `at_stake`."""
        self.provider.diary = diary
        self.changed: dict[str, Placed] = {}
        self.bodies: dict[str, str] = {}
        self.redated: set[str] = set()
        self.sessions: dict[str, Session] = {}
        self.weeks: dict[tuple[str, str], tuple[LocationWeek, str]] = {}
        self._touched: set[tuple[str, str]] = set()
        self._freed: date | None = None
        self._lost: dict[str, None] = {}
        self._retry_all = False
        self._full = False
        self._asked: dict[str, Answer] = {}
        self.courses: set[str] = set()
        self.kept_echoes: dict[str, Echo] = {}
        self._gathered: list[facts.Event] | None = None
        self._spoken: set[str] = set()

    @property
    def has_changed(self) -> bool:
        """Whether a batch changed anything that is to be saved."""
        return bool(self.changed or self.weeks or self.kept_echoes)

    def redated_orders(self) -> list[Order]:
        """Those whose dates a batch changed while the rest of what was ordered stands."""
        return [self.provider.orders[order_id].order for order_id in sorted(self.redated)]

    def remember(self, placed: Placed) -> None:
        """Takes over an order from the database."""
        self.provider.put(placed)
        self._count(placed, 1)
        if placed.booking is not None:
            self.calendar.take(placed.booking.slot)

    def load_week(self, week: LocationWeek) -> None:
        """Takes over a location-week from the database, before any order."""
        self.provider.state(week)
        self.calendar.state(week, ())
        self.asks.locations_changed()

    def carry_out(self, command: commands.Command, now: datetime) -> list[Event]:
        """Has `decide` judge a command, and keeps state, calendar and diary in step."""
        decision = domain.decide(self.provider, command, now)
        return [] if decision is None else self._take_over([decision])

    def _move(
        self, answers: Mapping[str, Answer], now: datetime, new: Order | None = None
    ) -> list[Event]:
        """Carries a plan over several orders out; `new` is one that has none of this state yet."""
        moves = tuple(
            commands.Move(
                order_id, answer, new if new is not None and new.order_id == order_id else None
            )
            for order_id, answer in sorted(answers.items())
        )
        return self._take_over(decide_together(self.provider, commands.Replan(moves), now))

    def _take_over(self, decisions: Sequence[Decision]) -> list[Event]:
        """What all leave is free before any of them takes its new time."""
        changed: list[tuple[Placed | None, Decision]] = []
        for decided in decisions:
            decision = unraised(decided, self._spoken)
            after = decision.placed
            before = self.provider.orders.get(after.order.order_id)
            if after == before and not decision.events:
                continue
            changed.append((before, decision))
            self.planned = False
            if before is not None:
                self._count(before, -1)
                if before.order.citizen_id != after.order.citizen_id:
                    self.provider.diary.write(before.order, None)
                if before.booking is not None:
                    self._let_go(before, before.booking, after)
        for before, decision in changed:
            self._keep(before, decision.placed)
        said = [event for _, one in changed for event in one.events]
        if self._gathered is not None:
            self._gathered += said
            self._spoken.update(one.booking.session_id for one in said if isinstance(one, Change))
            return []
        return self._wire(said)

    def _wire(self, said: Iterable[facts.Event]) -> list[Event]:
        return [events.training(one, self.provider.locations) for one in said]

    @contextmanager
    def gathered(self) -> Iterator[list[Event]]:
        """Gathers what happens in the block: each session is spoken of once, after it."""
        found: list[Event] = []
        self._gathered, self._spoken = [], set()
        try:
            yield found
            found += self._wire(once(self._gathered))
        finally:
            self._gathered, self._spoken = None, set()

    def _keep(self, before: Placed | None, after: Placed) -> None:
        self.provider.put(after)
        self._count(after, 1)
        self.courses.add(after.order.whole)
        self.changed[after.order.order_id] = after
        booking = after.booking
        self.provider.diary.write(after.order, booking.slot if booking else None)
        if booking is None:
            return
        slot, was = booking.slot, before.booking if before is not None else None
        self.calendar.take(slot)
        if was is None or was.slot != slot:
            self._touched.add((slot.location, slot.week))
        if before is None or not _same_row(before, after):
            self._save(Session(after, booking, "offered", new=was is None))

    def _let_go(self, before: Placed, booking: Booking, after: Placed) -> None:
        slot = booking.slot
        if not self.provider.shares(slot, before.order.order_id):
            self.calendar.free(slot)
        if after.booking is None:
            said = booking.is_told and booking.session_id not in self._spoken
            last = replace(booking, revision=booking.revision + said)
            self._save(Session(before, last, "cancelled"))
        if after.booking is None or after.booking.slot != slot:
            self._touched.add((slot.location, slot.week))
            day = local_date(slot.start)
            self._freed = day if self._freed is None else min(day, self._freed)

    def _save(self, session: Session) -> None:
        """Remembers a session's last state; one that is new in this batch stays so."""
        before = self.sessions.get(session.booking.session_id)
        if before is not None and before.new:
            session = replace(session, new=True)
        self.sessions[session.booking.session_id] = session

    def _count(self, placed: Placed, by: int) -> None:
        """Keeps the backlog of each location-week: who lacks a session inside the limit."""
        if placed.status not in (Status.WAITING, Status.LATE) or placed.order.later:
            return
        sites, _ = self.asks.seen_from(placed.order.postcode)
        if sites:
            order = placed.order
            key = (sites[0].code, week_of(order.limit or order.earliest))
            self._backlog[key] += by
            self._touched.add(key)

    def _status(self, now: datetime) -> list[Event]:
        return [
            fullness(self.provider, self.calendar, key, self._backlog[key], now)
            for key in sorted(self._touched)
        ]


def _same_row(before: Placed, after: Placed) -> bool:
    """Whether the session's row says what it said before."""
    citizens = before.order.citizen_id, after.order.citizen_id
    return before.booking == after.booking and citizens[0] == citizens[1]
