"""A provider's calendar and waiting orders as the flow's tables, and its plan as slots again.

Sessions of one length lie on one grid for each provider, which starts where most shifts start: two
of them then never overlap by half, and a slot's therapists and rooms can be counted. Time between
the grid's slots and the shifts' ends is left to the online rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

import numpy as np

from services.scheduling.capacity import local_date
from services.scheduling.engine.calendar import CELL, Calendar, Day, Staff, cells_of
from services.scheduling.engine.model import (
    EVERY_WEEKDAY,
    MOST_SLOTS,
    Ints,
    Plan,
    Requests,
    Supply,
)
from services.scheduling.engine.online import Site
from services.scheduling.orders import Order, Slot, Window

VULNERABLE_WEIGHT: Final = 3
KEPT_DAYS: Final = 28  # a late citizen can be booked until so many days after the limit
UNKNOWN_WAY: Final = 30_000  # metres, where a distance is not known

Kind = tuple[frozenset[str], str]  # competences, language


def day_number(on: date) -> int:
    """The engine's number of a date; a Monday's is divisible by 7."""
    return on.toordinal() - 1


def date_of(day: int) -> date:
    """The date of a number."""
    return date.fromordinal(day + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Tables for the flow. Row n of `requests` is `orders[n]`; places are `codes`. `like` are the
    rows of orders that only serve as patterns."""

    orders: tuple[Order, ...]
    codes: tuple[str, ...]
    requests: Requests
    like: Requests
    supply: Supply
    minutes: int
    first_cell: int
    classes: tuple[Kind, ...]
    calendar: Calendar

    def plan_of(self, slots: Mapping[str, Slot]) -> Plan:
        """Sessions by order id as rows of the grid; -1 for an order without one, or with one that
        does not lie on the grid. Whose therapist is not there any more has the class -1."""
        plan = Plan.empty(len(self.orders))
        cells = cells_of(self.minutes)
        for row, order in enumerate(self.orders):
            slot = slots.get(order.order_id)
            if slot is None or slot.location not in self.codes:
                continue
            on = local_date(slot.start)
            day = self.calendar.day(slot.location, on)
            at, past = (
                (0, 1) if day is None else divmod(day.cell(slot.start) - self.first_cell, cells)
            )
            last = self.supply.first_day + len(self.supply.days)
            number = day_number(on)
            inside = 0 <= at < self.supply.slots and self.supply.first_day <= number < last
            if past or not inside or day is None or day.instant(day.cell(slot.start)) != slot.start:
                continue
            staff = day.staff.get(slot.therapist)
            plan.taker[row] = -1 if staff is None else self.classes.index(_class(staff))
            plan.place[row] = self.codes.index(slot.location)
            plan.day[row], plan.slot[row] = number, at
        return plan

    def slots(self, plan: Plan, before: Mapping[str, Slot] | None = None) -> dict[str, Slot]:
        """The plan's sessions by order id, each with a therapist and a room of its own; those of
        the slot it had `before` where it stays at its time with the same class."""
        before = before or {}
        stood = self.plan_of(before)
        same = (plan.place == stood.place) & (plan.day == stood.day) & (plan.slot == stood.slot)
        stays = plan.booked & same & (plan.taker == stood.taker)
        used: dict[tuple[int, int, int], tuple[set[str], set[str]]] = {}
        found: dict[str, Slot] = {}
        for row in (
            *np.flatnonzero(stays).tolist(),
            *np.flatnonzero(plan.booked & ~stays).tolist(),
        ):
            order_id = self.orders[row].order_id
            own = before[order_id] if stays[row] else None
            found[order_id] = self._slot(row, plan, used, own)
        return found

    def _slot(
        self,
        row: int,
        plan: Plan,
        used: dict[tuple[int, int, int], tuple[set[str], set[str]]],
        own: Slot | None,
    ) -> Slot:
        place, number, slot = int(plan.place[row]), int(plan.day[row]), int(plan.slot[row])
        day = self.calendar.day(self.codes[place], date_of(number))
        assert day is not None, "the plan books only days that the calendar has"
        staff, rooms = used.setdefault((place, number, slot), (set(), set()))
        bits = bits_of(self.first_cell, slot, self.minutes)
        taker = self.classes[int(plan.taker[row])]
        _, therapist = min(
            (own is None or one.id != own.therapist, one.id)
            for one in day.staff.values()
            if _class(one) == taker and one.free & bits == bits and one.id not in staff
        )
        _, _, room = min(  # what stands in a room is kept for who needs it
            (own is None or code != own.room, len(day.equipment[code]), code)
            for code, free in day.rooms.items()
            if free & bits == bits and code not in rooms
        )
        staff.add(therapist)
        rooms.add(room)
        start = day.instant(self.first_cell + slot * cells_of(self.minutes))
        return Slot(
            self.codes[place], therapist, room, start, start + timedelta(minutes=self.minutes)
        )


def can_be_planned(order: Order, minutes: int) -> bool:
    """Whether the flow can take the order: one length, with a room, at a location, no equipment."""
    step = order.step
    return (
        step.minutes == minutes and step.room and step.delivery == "location" and not step.equipment
    )


def lay_out(
    calendar: Calendar,
    orders: Sequence[Order],
    sites: Mapping[str, Sequence[Site]],
    *,
    first: date,
    minutes: int,
    like: Sequence[Order] = (),
    rides: Window | None = None,
) -> Grid:
    """Lays orders and free time from `first` on out on the grid of sessions of `minutes`.

    `sites` are each order's, by order id. Orders that `can_be_planned` refuses are left out. Of
    windows with different hours only those with the hours of the first one are used. Orders `like`
    those still to come are laid out beside them, in the order given, with ids of their own. Who
    needs a ride has sessions within the hours of `rides`.
    """
    planned = sorted((o for o in orders if can_be_planned(o, minutes)), key=lambda o: o.order_id)
    chosen = (*planned, *like)
    codes = tuple(sorted({site.code for order in chosen for site in sites[order.order_id]}))
    horizon = max(calendar.last_day(), first)
    days = {code: list(calendar.days(code, first, horizon)) for code in codes}
    open_days = [day for of in days.values() for day in of]
    first_cell = first_cell_of(open_days, cells_of(minutes))
    slots = min(MOST_SLOTS, (24 * 3600 // CELL - first_cell) // cells_of(minutes))
    classes = tuple(
        sorted({_class(one) for day in open_days for one in day.staff.values()}, key=_by_name)
    ) or ((frozenset[str](), ""),)
    kinds = (
        tuple(sorted({(o.step.competences, o.language) for o in chosen}, key=_by_name)) or classes
    )
    spoken = frozenset(language for _, languages in classes for language in languages.split())
    may = np.array([[may_take(kind, able, spoken) for able in classes] for kind in kinds])
    number_of = {able: number for number, able in enumerate(classes)}
    shape = (len(codes), (horizon - first).days + 1, slots)
    capacity = np.zeros((len(classes), *shape), np.int64)
    rooms = np.zeros(shape, np.int64)
    for place, code in enumerate(codes):
        for day in days[code]:
            at = (day.date - first).days
            rooms[place, at], staffed = _counted(day, first_cell, slots, minutes)
            for able, counts in staffed.items():
                capacity[number_of[able], place, at] = counts
    begin, horizon_day = day_number(first), day_number(horizon)
    earliest = np.array([max(begin, day_number(o.earliest)) for o in chosen], np.int64)
    limit = np.array([day_number(o.limit) if o.limit else horizon_day for o in chosen], np.int64)
    meant = {ws: wishes_of(ws, first_cell, slots, minutes) for ws in {o.windows for o in chosen}}
    wishes = [meant[order.windows] for order in chosen]
    _, ridden = wishes_of(() if rides is None else (rides,), first_cell, slots, minutes)
    window = [
        hours & ridden if order.rides_to_it else hours
        for order, (_, hours) in zip(chosen, wishes, strict=True)
    ]
    every = Requests(
        ids=np.arange(len(chosen)),
        earliest=earliest,
        limit=limit,
        last=np.maximum(limit, earliest) + KEPT_DAYS,
        kind=np.array([kinds.index((o.step.competences, o.language)) for o in chosen], np.int64),
        weekdays=np.array([weekdays for weekdays, _ in wishes], np.int64),
        window=np.array(window, np.int64),
        weight=np.array([VULNERABLE_WEIGHT if o.vulnerable else 1 for o in chosen], np.int64),
        metres=ways_of(chosen, sites, codes),
    )
    return Grid(
        orders=tuple(planned),
        codes=codes,
        requests=every.take(np.arange(len(planned))),
        like=every.take(np.arange(len(planned), len(chosen))),
        supply=Supply(first_day=begin, capacity=capacity, rooms=rooms, may=may),
        minutes=minutes,
        first_cell=first_cell,
        classes=classes,
        calendar=calendar,
    )


def _counted(day: Day, first_cell: int, slots: int, minutes: int) -> tuple[Ints, dict[Kind, Ints]]:
    """Rooms and, by class, therapists that are free for each slot; remembered until the day
    changes, since most days do not from one plan to the next."""
    key = (first_cell, slots, minutes)
    found = day.counts.get(key)
    if found is None:
        bits = [bits_of(first_cell, slot, minutes) for slot in range(slots)]
        staffed: dict[Kind, Ints] = {}
        for one in day.staff.values():
            counts = staffed.setdefault(_class(one), np.zeros(slots, np.int64))
            counts += [one.free & wanted == wanted for wanted in bits]
        rooms = [sum(free & wanted == wanted for free in day.rooms.values()) for wanted in bits]
        found = day.counts[key] = np.array(rooms, np.int64), staffed
    return found


def _class(staff: Staff) -> Kind:
    return staff.competences, " ".join(sorted(staff.languages))


def _by_name(kind: Kind) -> tuple[list[str], str]:
    return sorted(kind[0]), kind[1]


def may_take(kind: Kind, able: Kind, spoken: frozenset[str]) -> bool:
    """Competences must fit; the language too, where anybody here speaks it."""
    competences, language = kind
    understood = language in able[1].split() or language not in spoken
    return competences <= able[0] and understood


def first_cell_of(days: Sequence[Day], cells: int) -> int:
    """Where most shifts start, as cells into a grid of that length; the earliest of equals."""
    starts = Counter(
        ((one.shift & -one.shift).bit_length() - 1) % cells
        for day in days
        for one in day.staff.values()
        if one.shift
    )
    return min(starts, key=lambda cell: (-starts[cell], cell)) if starts else 0


def bits_of(first_cell: int, slot: int, minutes: int) -> int:
    """The cells of a slot of the grid."""
    cells = cells_of(minutes)
    return ((1 << cells) - 1) << (first_cell + slot * cells)


def wishes_of(
    windows: Sequence[Window], first_cell: int, slots: int, minutes: int
) -> tuple[int, int]:
    """The weekdays and the slots that windows of the same hours hold, as masks."""
    if not windows:
        return EVERY_WEEKDAY, (1 << slots) - 1
    hours = (windows[0].begin, windows[0].finish)
    alike = [w for w in windows if (w.begin, w.finish) == hours]
    weekdays = 0
    for window in alike:
        weekdays |= EVERY_WEEKDAY if window.weekday is None else 1 << (window.weekday - 1)
    begin, finish = _minutes(hours[0]), 24 * 60 if hours[1] is None else _minutes(hours[1])
    mask = 0
    for slot in range(slots):
        start = (first_cell + slot * cells_of(minutes)) * CELL // 60
        if begin <= start and start + minutes <= finish:
            mask |= 1 << slot
    return weekdays, mask


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def ways_of(
    orders: Sequence[Order], sites: Mapping[str, Sequence[Site]], codes: Sequence[str]
) -> Ints:
    """The price of each order's way to each place, -1 where it is no choice."""
    metres = np.full((len(orders), len(codes)), -1, np.int64)
    for row, order in enumerate(orders):
        for site in sites[order.order_id]:
            way = UNKNOWN_WAY if site.distance_m is None else site.distance_m
            metres[row, codes.index(site.code)] = way
    return metres
