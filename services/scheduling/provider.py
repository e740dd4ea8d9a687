"""A provider's state as decisions see it: capacity, open orders, who and what is taken when.

Standard library only. Decisions read it; only `Provider.put` and `Provider.state` change it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.scheduling.capacity import Location, LocationWeek, local_date, week_of
from services.scheduling.diary import Diary
from services.scheduling.orders import Booking, Order, Placed, Slot, Status, Window
from services.scheduling.weights import WEIGHTS, Weights

SAME_EVENING: Final = 0
AT_ONCE: Final = 60
"""Open days before the session at which whoever has a time is told of it: as soon as they have."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A municipality's terms. `notice_days` is how many days ahead a session is booked at least;
    `transfer` is what a citizen needs from a session at one place to one at another; orders are
    `kept` for so long after the day on which they could have begun. `weights` price a session.
    Citizens are told `tell` open days before the session, or `SAME_EVENING`; `at_risk_days` before
    a limit the referral's clock warns of it. Who needs a ride is booked within the hours of `rides`
    (None: they run all day)."""

    public_holiday: Callable[[date], bool]
    notice_days: int = 1
    transfer: timedelta = timedelta(hours=1)
    kept: timedelta = timedelta(days=365)
    weights: Weights = WEIGHTS
    tell: int = AT_ONCE
    at_risk_days: int = 3
    rides: Window | None = None

    def earliest(self, now: datetime) -> date:
        """The first date on which anything may be booked now."""
        return local_date(now) + timedelta(days=self.notice_days)

    def oldest(self, now: datetime) -> date:
        """What should have begun before this date is history, and may have been deleted."""
        return local_date(now) - self.kept

    def first_day(self, order: Order, now: datetime) -> date:
        """The first date on which a session for the order may be booked now."""
        return max(order.earliest, order.not_before or date.min, self.earliest(now))


class Provider:
    """One provider: orders by id, an index of what is taken, and by (location, week) what was
    stated, the therapists' time in it (`supply`) and how much of that is `booked`. `diary` holds
    what its citizens have besides.

    Holds what can still change: weeks from the current one on, orders that wait or have a session
    ahead, and those that a command names.
    """

    def __init__(self, code: str, terms: Terms) -> None:
        self.code = code
        self.terms = terms
        self.diary = Diary()
        self.weeks: dict[tuple[str, str], LocationWeek] = {}
        self.locations: dict[str, Location] = {}
        self.orders: dict[str, Placed] = {}
        self.supply: dict[tuple[str, str], timedelta] = {}
        self.booked: dict[tuple[str, str], timedelta] = {}
        self._newest: dict[str, str] = {}
        self._by_referral: dict[str, set[str]] = {}
        self._by_whole: dict[str, set[str]] = {}
        self._unplaced: set[str] = set()
        self._held: set[str] = set()
        self._therapists: dict[tuple[str, date], list[tuple[datetime, datetime, str]]] = {}
        self._rooms: dict[tuple[str, str, date], list[tuple[datetime, datetime, str]]] = {}
        self._groups: dict[str, dict[str, Slot]] = {}

    def state(self, week: LocationWeek) -> None:
        """Takes over the whole state of a location-week."""
        code = week.location.code
        self.weeks[code, week.week] = week
        self.supply[code, week.week] = sum(
            (
                shift.end - shift.start
                for shift in week.shifts()
                if not self.terms.public_holiday(local_date(shift.start))
            ),
            timedelta(),
        )
        if self._newest.get(code, "") <= week.week:
            self._newest[code] = week.week
            self.locations[code] = week.location

    def put(self, placed: Placed) -> None:
        """Takes over an order's new state."""
        order_id = placed.order.order_id
        before = self.orders.get(order_id)
        if before is not None and before.booking is not None:
            self._release(order_id, before.booking.slot)
        if placed.booking is not None:
            self._hold(order_id, placed.booking.slot)
        self.orders[order_id] = placed
        self._by_referral.setdefault(placed.order.referral_id, set()).add(order_id)
        if placed.order.later:
            self._by_whole.setdefault(placed.order.of, set()).add(order_id)
        if placed.status in (Status.WAITING, Status.LATE):
            self._unplaced.add(order_id)
        else:
            self._unplaced.discard(order_id)
        if placed.booking is not None and not placed.booking.is_told:
            self._held.add(order_id)
        else:
            self._held.discard(order_id)

    def of_referral(self, referral_id: str) -> list[Placed]:
        """The known orders of a referral, by id."""
        return [
            self.orders[order_id] for order_id in sorted(self._by_referral.get(referral_id, ()))
        ]

    def course_of(self, order_id: str) -> list[Placed]:
        """The known sessions after an order's first, in their sequence."""
        found = [self.orders[one] for one in self._by_whole.get(order_id, ())]
        return sorted(found, key=lambda placed: placed.order.number)

    def unplaced(self) -> list[Placed]:
        """Orders without a session inside the limit, the most urgent first."""
        found = [self.orders[order_id] for order_id in self._unplaced]
        return sorted(found, key=lambda placed: placed.order.urgency())

    def has_unplaced(self) -> bool:
        """Whether any order lacks a session inside the limit."""
        return bool(self._unplaced)

    def held(self) -> list[Placed]:
        """Orders whose citizens have not been told of their session yet, by id."""
        return [self.orders[order_id] for order_id in sorted(self._held)]

    def holds_any(self) -> bool:
        """Whether anybody is still to be told."""
        return bool(self._held)

    def bookings_at(self, location: str, week: str) -> Iterator[tuple[Placed, Booking]]:
        """Orders with a session at a location in a week."""
        for placed in self.orders.values():
            booking = placed.booking
            if (
                booking is not None
                and booking.slot.location == location
                and booking.slot.week == week
            ):
                yield placed, booking

    def slots_in(self, week: str) -> Iterator[Slot]:
        """All slots that are booked in a week, at whatever location."""
        for placed in self.orders.values():
            if placed.booking is not None and placed.booking.slot.week == week:
                yield placed.booking.slot

    def week_at(self, location: str, day: date) -> LocationWeek | None:
        """What was stated about a location for the week of a date."""
        return self.weeks.get((location, week_of(day)))

    def competences(self) -> frozenset[str]:
        """What anybody here is stated to be able to do."""
        found: set[str] = set()
        for week in self.weeks.values():
            for therapist in week.therapists:
                found |= therapist.competences
        return frozenset(found)

    def open_groups(self, kind: str, seats: int) -> Iterator[Slot]:
        """The next free seat in each group of a kind (see `Slot.group`), by the group's id."""
        for group in sorted(self._groups):
            members = self._groups[group]
            if kind and group.rpartition("#")[0] == kind and members:
                taken = {slot.seat for slot in members.values()}
                free = next((n for n in range(1, seats + 1) if n not in taken), None)
                if free is not None:
                    yield replace(next(iter(members.values())), seat=free, seats=seats)

    def groups(self) -> Iterator[list[Placed]]:
        """The citizens of each group that has any, by the group's id and their order's."""
        for _, members in sorted(self._groups.items()):
            if members:
                yield [self.orders[order_id] for order_id in sorted(members)]

    def shares(self, slot: Slot, order_id: str) -> bool:
        """Whether somebody else of the slot's group is left there."""
        return bool(self._groups.get(slot.group, {}).keys() - {order_id}) if slot.group else False

    def seat_taken(self, slot: Slot, besides: frozenset[str]) -> bool:
        """Whether another order has the slot's seat in its group."""
        members = self._groups.get(slot.group, {}) if slot.group else {}
        return any(o not in besides and one.seat == slot.seat for o, one in members.items())

    def staff_taken(self, slot: Slot, day: date, besides: frozenset[str]) -> str | None:
        """Who of the slot's staff any other order than those `besides` has at that time."""
        besides |= self._groups.get(slot.group, {}).keys() if slot.group else frozenset()
        for name in slot.staff:
            if _overlaps(self._therapists.get((name, day), ()), slot, besides):
                return name
        return None

    def room_taken(self, slot: Slot, day: date, besides: frozenset[str]) -> bool:
        """Whether any other order than those `besides` has the slot's room at that time."""
        besides |= self._groups.get(slot.group, {}).keys() if slot.group else frozenset()
        key = (slot.location, slot.room or "", day)
        return _overlaps(self._rooms.get(key, ()), slot, besides)

    def _hold(self, order_id: str, slot: Slot) -> None:
        day = local_date(slot.start)
        entry = (slot.start, slot.end, order_id)
        for name in slot.staff:
            self._therapists.setdefault((name, day), []).append(entry)
        if slot.room is not None:
            self._rooms.setdefault((slot.location, slot.room, day), []).append(entry)
        if not self.shares(slot, order_id):
            week = (slot.location, week_of(day))
            self.booked[week] = self.booked.get(week, timedelta()) + slot.length * len(slot.staff)
        if slot.group:
            self._groups.setdefault(slot.group, {})[order_id] = slot

    def _release(self, order_id: str, slot: Slot) -> None:
        day = local_date(slot.start)
        entry = (slot.start, slot.end, order_id)
        for name in slot.staff:
            self._therapists[name, day].remove(entry)
        if slot.room is not None:
            self._rooms[slot.location, slot.room, day].remove(entry)
        if slot.group:
            del self._groups[slot.group][order_id]
        if not self.shares(slot, order_id):
            self.booked[slot.location, week_of(day)] -= slot.length * len(slot.staff)


def _overlaps(
    taken: list[tuple[datetime, datetime, str]] | tuple[()], slot: Slot, besides: frozenset[str]
) -> bool:
    return any(
        start < slot.end and slot.start < end and order_id not in besides
        for start, end, order_id in taken
    )
