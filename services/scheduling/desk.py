"""One provider's desk: asks the engine, has `decide` judge, keeps state and calendar in step.

A desk remembers what a batch changed until it is saved. It does no I/O.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

from services.scheduling import answering, commands, domain, events
from services.scheduling.capacity import LocationWeek, local_date, week_of
from services.scheduling.diary import Diary
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.online import (
    Engaged,
    Site,
    other_times,
    propose,
    same_time,
    that_time,
)
from services.scheduling.fullness import fullness
from services.scheduling.geography import Point, nearest_first
from services.scheduling.orders import Alternative, Answer, Booking, Order, Placed, Status
from services.scheduling.provider import Provider, Terms
from services.scheduling.store import Session
from shared.envelope import Event


class Desk:
    """A provider's state, its calendar, and what has changed since `begin`.

    `token` and `day` tell whether the state may still be trusted: the random token in the
    provider's row and the date on which it was loaded.
    """

    def __init__(self, code: str, terms: Terms, postcodes: Mapping[str, Point]) -> None:
        self.provider = Provider(code, terms)
        self.calendar = Calendar(terms.public_holiday)
        self.token: uuid.UUID | None = None
        self.day = date.min
        self._postcodes = postcodes
        self._sites: dict[str, tuple[tuple[Site, ...], str]] = {}
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

    @property
    def has_changed(self) -> bool:
        """Whether a batch changed anything that is to be saved."""
        return bool(self.changed or self.weeks)

    def redated_orders(self) -> list[Order]:
        """Those whose dates a batch changed while the rest of what was ordered stands."""
        return [self.provider.orders[order_id].order for order_id in sorted(self.redated)]

    def at_stake(self) -> set[str]:
        """The citizens whose sessions `settle` may change."""
        if not (self._retry_all or self._freed or self._lost):
            return set()
        lost = (self.provider.orders[order_id] for order_id in self._lost)
        return {placed.order.citizen_id for placed in (*lost, *self.provider.unplaced())}

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
        self._sites.clear()

    def place(self, order: Order, body: str, now: datetime) -> list[Event]:
        """Books an order, or its new state."""
        self.bodies[order.order_id] = body
        placed = self.provider.orders.get(order.order_id)
        if placed is None:
            return self.carry_out(commands.Place(order, self.ask(order, now)), now)
        order = answering.carried(placed.order, order)
        if domain.still_right(self.provider, placed, order, now):
            return self.carry_out(commands.Change(order, None), now)
        return self.carry_out(
            commands.Change(order, self.ask_anew(order, placed.booking, now)), now
        )

    def withdraw(self, order_id: str, now: datetime) -> list[Event]:
        """Gives an order up; one that was never placed here is none of our business."""
        if order_id not in self.provider.orders:
            return []
        return self.carry_out(commands.Withdraw(order_id), now)

    def pause(self, referral_id: str, now: datetime) -> list[Event]:
        """Lets a referral's orders rest."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            found += self.carry_out(commands.Pause(placed.order.order_id), now)
        return found

    def resume(
        self, referral_id: str, earliest: date | None, limit: date | None, now: datetime
    ) -> list[Event]:
        """Books a referral's resting orders anew; None leaves a date as it was."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            if placed.status is not Status.PAUSED:
                continue
            order = placed.order
            order = replace(order, earliest=earliest or order.earliest, limit=limit or order.limit)
            self.redated.add(order.order_id)
            found += self.carry_out(commands.Resume(order, self.ask(order, now)), now)
        return found

    def close(self, referral_id: str, now: datetime) -> list[Event]:
        """Gives all orders of a referral up."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            found += self.withdraw(placed.order.order_id, now)
        return found

    def state(self, week: LocationWeek, body: str, now: datetime) -> None:
        """Applies a newer state of a location-week; `settle` then rebooks what it broke."""
        key = (week.location.code, week.week)
        known = self.provider.weeks.get(key)
        if known is not None and known.version >= week.version:
            return
        self.provider.state(week)
        self.calendar.state(week, self.provider.slots_in(week.week))
        self._sites.clear()
        before, self._backlog = self._backlog, Counter()
        for placed in self.provider.unplaced():
            self._count(placed, 1)
        self._touched.update(key for key, count in before.items() if count)
        self.weeks[key] = (week, body)
        self._touched.add(key)
        self._retry_all = True
        for placed, booking in self.provider.bookings_at(*key):
            if booking.slot.start > now:
                self._lost[placed.order.order_id] = None

    def settle(self, now: datetime) -> list[Event]:
        """Ends a batch: rebooks what lost its slot, gives free time to those without, says how
        full it is. Returns what has happened that no single message stands for."""
        found = self._rebook_lost(now)
        found += self._retry(now)
        return found + self._status(now)

    def _rebook_lost(self, now: datetime) -> list[Event]:
        """Fewest moves: who can stay stays, then the same time, then the nearest other."""
        found: list[Event] = []
        lost = [self.provider.orders[order_id] for order_id in self._lost]
        for placed in sorted(lost, key=lambda one: one.order.urgency()):
            booking = placed.booking
            if booking is None or domain.stands(self.provider, placed.order, booking.slot):
                continue
            order_id = placed.order.order_id
            self.calendar.free(booking.slot)
            answer = self._same_time(placed.order, booking) or self.ask(placed.order, now)
            self.calendar.take(booking.slot)
            found += self.carry_out(commands.Rebook(order_id, answer), now)
        return found

    def _retry(self, now: datetime) -> list[Event]:
        """Offers time that has become free to those without a session inside the limit."""
        if not self.provider.has_unplaced() or not (self._retry_all or self._freed):
            return []
        found: list[Event] = []
        for placed in self.provider.unplaced():
            order = placed.order
            first = self.provider.terms.first_day(order, now)
            late = placed.status is Status.LATE
            if late and placed.booking is not None and placed.booking.accepted:
                continue
            if late and order.limit is not None:
                useful = self._retry_all or (self._freed is not None and self._freed <= order.limit)
                if order.limit < first or not useful:
                    continue
            answer = self.ask(order, now)
            if not late or answer.shortfall is None:
                found += self.carry_out(commands.Retry(order.order_id, answer), now)
        return found

    def carry_out(self, command: commands.Command, now: datetime) -> list[Event]:
        """Has `decide` judge a command, and keeps state, calendar and diary in step."""
        decision = domain.decide(self.provider, command, now)
        if decision is None:
            return []
        after = decision.placed
        order_id = after.order.order_id
        before = self.provider.orders.get(order_id)
        if after == before and not decision.events:
            return []
        if before is not None:
            self._count(before, -1)
            if before.order.citizen_id != after.order.citizen_id:
                self.provider.diary.write(before.order, None)
            if before.booking is not None:
                self._let_go(before, before.booking, after)
        self.provider.put(after)
        self._count(after, 1)
        self.changed[order_id] = after
        self.provider.diary.write(after.order, after.booking.slot if after.booking else None)
        if after.booking is not None:
            slot = after.booking.slot
            self.calendar.take(slot)
            if before is None or before.booking is None or before.booking.slot != slot:
                self._touched.add((slot.location, slot.week))
            if before is None or not _same_row(before, after):
                self.sessions[after.booking.session_id] = Session(after, after.booking, "offered")
        return [events.training(one, self.provider.locations) for one in decision.events]

    def _let_go(self, before: Placed, booking: Booking, after: Placed) -> None:
        slot = booking.slot
        self.calendar.free(slot)
        if after.booking is None:
            last = replace(booking, revision=booking.revision + 1)
            self.sessions[booking.session_id] = Session(before, last, "cancelled")
        if after.booking is None or after.booking.slot != slot:
            self._touched.add((slot.location, slot.week))
            day = local_date(slot.start)
            self._freed = day if self._freed is None else min(day, self._freed)

    def ask(self, order: Order, now: datetime) -> Answer:
        """The engine's answer to an order."""
        sites, note = self._seen_from(order.postcode)
        first = self.provider.terms.first_day(order, now)
        engaged = self._engaged(order)
        weights = self.provider.terms.weights
        return propose(
            self.calendar, order, sites, first, note=note, engaged=engaged, weights=weights
        )

    def ask_anew(self, order: Order, booking: Booking | None, now: datetime) -> Answer:
        """Asks as if the order's own session were free."""
        with self._without(booking):
            return self.ask(order, now)

    def ask_for(
        self, order: Order, booking: Booking, wanted: Alternative, now: datetime
    ) -> tuple[Answer | None, tuple[Alternative, ...]]:
        """The answer that books a certain time, None where it is taken; and what else is free."""
        sites, _ = self._seen_from(order.postcode)
        first = self.provider.terms.first_day(order, now)
        engaged = self._engaged(order)
        with self._without(booking):
            return (
                that_time(self.calendar, order, sites, first, wanted=wanted, engaged=engaged),
                other_times(self.calendar, order, sites, first, slot=booking.slot, engaged=engaged),
            )

    @contextmanager
    def _without(self, booking: Booking | None) -> Iterator[None]:
        if booking is not None:
            self.calendar.free(booking.slot)
        try:
            yield
        finally:
            if booking is not None:
                self.calendar.take(booking.slot)

    def _engaged(self, order: Order) -> Engaged:
        return Engaged(self.provider.diary.others(order), self.provider.terms.transfer)

    def _same_time(self, order: Order, booking: Booking) -> Answer | None:
        slot = same_time(self.calendar, order, booking.slot)
        if slot is None or not order.keeps_limit(slot.start):
            return None
        if any(other.overlaps(slot) for other in self.provider.diary.others(order)):
            return None
        changes = [
            f"therapist {booking.slot.therapist} by {slot.therapist}"
            if slot.therapist != booking.slot.therapist
            else "",
            f"room {booking.slot.room} by {slot.room}" if slot.room != booking.slot.room else "",
        ]
        what = " and ".join(change for change in changes if change)
        return Answer(
            slot=slot,
            distance_m=booking.distance_m,
            alternatives=booking.alternatives,
            reason=f"The time and place stay; {what} because of new capacity.",
            shortfall=None,
        )

    def _seen_from(self, postcode: str) -> tuple[tuple[Site, ...], str]:
        seen = self._sites.get(postcode)
        if seen is None:
            locations = self.provider.locations.values()
            seen = self._sites[postcode] = nearest_first(postcode, locations, self._postcodes)
        return seen

    def _count(self, placed: Placed, by: int) -> None:
        """Keeps the backlog of each location-week: who lacks a session inside the limit."""
        if placed.status not in (Status.WAITING, Status.LATE):
            return
        sites, _ = self._seen_from(placed.order.postcode)
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
