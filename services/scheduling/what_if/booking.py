"""Books a stretch of days by the service's own desk: the very code that books for citizens.

Orders come in the forenoon of their day and are booked at once; in the evening all who are not told
yet are planned anew, and those whose time has come are told. Rosters are stated some weeks ahead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from services.scheduling.capacity import DENMARK, LocationWeek, local_date
from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.history import WEEKS, Came, History
from services.scheduling.orders import Booking
from services.scheduling.provider import AT_ONCE, Terms
from services.scheduling.what_if.arrivals import Case
from services.scheduling.what_if.question import Policy
from services.scheduling.what_if.world import Weeks, World

STATED_AHEAD: Final = 8  # weeks that a roster is known before it holds
FORENOON: Final = time(10)
EVENING: Final = time(18)
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The capacity from the n-th week on, known from a day on (in the evening)."""

    announced: date
    first_week: int
    weeks: Weeks


@dataclass(frozen=True, slots=True)
class Moved:
    """A citizen who had been told, by their row, and the day that their session was on."""

    row: int
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What each citizen has at last (None: no session), and whose told session each later stage
    took."""

    bookings: tuple[Booking | None, ...]
    moved: tuple[tuple[Moved, ...], ...]
    last: date


def forenoon(on: date) -> datetime:
    """When a day's orders come."""
    return datetime.combine(on, FORENOON, DENMARK)


def _terms(terms: Terms, policy: Policy, tell: int) -> Terms:
    """The municipality's terms as a policy has them."""
    if policy is Policy.REPLAN:
        return replace(terms, tell=tell)
    weights = terms.weights
    if policy is Policy.NEAREST:  # inside the limit the way alone counts, after it the day alone
        weights = replace(weights, waited_day=0, language=0, ride=1.0, reserve=0.0, late_day=10**7)
    return replace(terms, tell=AT_ONCE, weights=weights)


def book(world: World, case: Case, stages: Sequence[Stage], tell: int, policy: Policy) -> Booked:
    """Lets the desk book from the world's first day on, until nobody waits or rosters end.

    The first stage holds from the beginning. `tell` is as in `Terms`.
    """
    run = _Run(world, case, stages, _terms(world.terms, policy, tell))
    return run.through(replans=policy is Policy.REPLAN)


class _Run:
    def __init__(self, world: World, case: Case, stages: Sequence[Stage], terms: Terms) -> None:
        self._base, *self._later = stages
        self._first = world.first
        self._case = case
        self._diary = Diary()
        self._diary.know(order.citizen_id for order in case.orders)
        self._desk = Desk("", terms, world.homes)
        self._valid: list[Stage] = [self._base]
        self._known = 0  # weeks that are stated
        self._moved: list[tuple[Moved, ...]] = [()] * len(self._later)
        self._came = [
            *case.before,
            *(Came(on, order) for on, order in zip(case.came, case.orders, strict=True)),
        ]
        self._rows = {order.order_id: row for row, order in enumerate(case.orders)}

    def through(self, *, replans: bool) -> Booked:
        """Day after day."""
        weeks = len(self._base.weeks)
        coming, row = self._case.came, 0
        on = self._first
        while on < self._first + timedelta(weeks=weeks) - _ONE_DAY:
            now = forenoon(on)
            self._desk.begin(self._diary)
            if on.weekday() == 0:
                self._remember(on)
            self._state_ahead(min(weeks, (on - self._first).days // 7 + STATED_AHEAD), now)
            while row < len(coming) and coming[row] <= on:
                self._desk.place(self._case.orders[row], "", now)
                row += 1
            evening = datetime.combine(on, EVENING, DENMARK)
            self._announce(on, evening)
            if replans:
                self._desk.replan(evening)
            self._desk.tell(evening)
            self._desk.settle(evening)
            on += _ONE_DAY
            if row == len(coming) and self._is_over(on):
                break
        placed = self._desk.provider.orders
        found = (placed.get(order.order_id) for order in self._case.orders)
        return Booked(
            bookings=tuple(None if one is None else one.booking for one in found),
            moved=tuple(self._moved),
            last=on,
        )

    def _remember(self, today: date) -> None:
        """Whom the desk expects, judged by who has come: counted anew each Monday (the service
        counts each day, of the same twelve weeks)."""
        since = bisect_left(self._came, today - timedelta(weeks=WEEKS), key=_day_of)
        until = bisect_left(self._came, today, key=_day_of)
        self._desk.asks.history = History(self._came[since:until], today)

    def _is_over(self, on: date) -> bool:
        provider = self._desk.provider
        waits = provider.holds_any() or any(one.booking is None for one in provider.unplaced())
        return not waits and all(stage.announced < on for stage in self._later)

    def _state_ahead(self, until: int, now: datetime) -> None:
        for number in range(self._known, until):
            self._state(number, now)
        self._known = max(self._known, until)

    def _state(self, number: int, now: datetime) -> None:
        """States a week as the newest stage that holds then has it."""
        version, stage = max(
            (version, stage)
            for version, stage in enumerate(self._valid, 1)
            if version == 1 or stage.first_week <= number
        )
        for week in stage.weeks[number]:
            self._desk.state(_versioned(week, version), "", now)

    def _announce(self, on: date, now: datetime) -> None:
        for number, stage in enumerate(self._later):
            if stage.announced != on:
                continue
            self._valid.append(stage)
            before = {
                order_id: placed.booking
                for order_id, placed in self._desk.provider.orders.items()
                if placed.booking is not None
                and placed.booking.is_told
                and local_date(placed.booking.slot.start) > on
            }
            for week in range(stage.first_week, self._known):
                self._state(week, now)
            self._desk.settle(now)
            self._moved[number] = tuple(
                Moved(self._rows[order_id], local_date(booking.slot.start))
                for order_id, booking in sorted(before.items())
                if self._has_moved(order_id, booking)
            )

    def _has_moved(self, order_id: str, before: Booking) -> bool:
        after = self._desk.provider.orders[order_id].booking
        return after is None or after.slot.appointment != before.slot.appointment


def _day_of(one: Came) -> date:
    return one.on


def _versioned(week: LocationWeek, version: int) -> LocationWeek:
    return week if version == week.version else replace(week, version=version)
