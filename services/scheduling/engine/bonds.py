"""A provider's calendar and orders as the mixed program's tables: sessions of several lengths, and
equipment that rooms share. Its plan as slots again.

The grid's slots are as long as all lengths have in common, and each therapist is a class of their
own. Rooms are counted by the program and picked when the plan is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import gcd
from typing import Final

import numpy as np

from services.scheduling.engine.calendar import CELL, Calendar, Day, cells_of
from services.scheduling.engine.flow import Solution
from services.scheduling.engine.grid import (
    KEPT_DAYS,
    bits_of,
    date_of,
    day_number,
    first_cell_of,
    may_take,
    ways_of,
    wishes_of,
)
from services.scheduling.engine.mip import ProgramFailedError
from services.scheduling.engine.mixed import NO_LIMIT, Extras, plan
from services.scheduling.engine.model import MOST_SLOTS, Plan, Requests, Supply
from services.scheduling.engine.online import Site
from services.scheduling.engine.price import Price
from services.scheduling.orders import Order, Slot, Window

DAYS_AHEAD: Final = 28
"""Days that the program looks at: what is later is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonds:
    """Tables for the mixed program. Row n of `requests` is `orders[n]`, class n `staff[n]`."""

    orders: tuple[Order, ...]
    codes: tuple[str, ...]
    staff: tuple[str, ...]
    requests: Requests
    supply: Supply
    extras: Extras
    first_cell: int
    base: int
    calendar: Calendar

    def solve(self, price: Price, *, gap: float, seconds: float) -> Solution | None:
        """The best plan found within the time; None where it found none."""
        try:
            return plan(self.requests, self.supply, price, self.extras, gap=gap, seconds=seconds)
        except ProgramFailedError:
            return None

    def slots(self, found: Plan) -> dict[str, Slot] | None:
        """The plan's sessions by order id; None where rooms that suffice by number do not when
        each session keeps to one of them."""
        rows = np.flatnonzero(found.booked)
        rows = rows[np.lexsort((rows, found.slot[rows], found.day[rows]))]
        taken: dict[tuple[int, int], dict[str, int]] = {}
        slots: dict[str, Slot] = {}
        for row in rows.tolist():
            order = self.orders[row]
            place, number = int(found.place[row]), int(found.day[row])
            day = self.calendar.day(self.codes[place], date_of(number))
            assert day is not None, "the plan books only days that the calendar has"
            cell = self.first_cell + int(found.slot[row]) * cells_of(self.base)
            bits = ((1 << cells_of(order.step.minutes)) - 1) << cell
            room = _room(day, order, bits, taken.setdefault((place, number), {}))
            if room is None:
                return None
            start = day.instant(cell)
            end = start + timedelta(minutes=order.step.minutes)
            therapist = self.staff[int(found.taker[row])]
            slots[order.order_id] = Slot(self.codes[place], therapist, room, start, end)
        return slots


def _room(day: Day, order: Order, bits: int, taken: dict[str, int]) -> str | None:
    free = [
        (len(day.equipment[code]), code)
        for code, open_to in day.rooms.items()
        if open_to & ~taken.get(code, 0) & bits == bits
        and order.step.equipment <= day.equipment[code]
    ]
    if not free:
        return None
    room = min(free)[1]
    taken[room] = taken.get(room, 0) | bits
    return room


def _having(equipment: frozenset[str], day: Day) -> int:
    """How many rooms have the equipment."""
    return sum(equipment <= has for has in day.equipment.values())


def lay_out_bonds(
    calendar: Calendar,
    orders: Sequence[Order],
    sites: Mapping[str, Sequence[Site]],
    *,
    first: date,
    weight: int,
    rides: Window | None = None,
) -> Bonds:
    """Lays orders of whatever lengths and free time from `first` on out; at least one order.

    `sites` are each order's by order id, with the price of the way; `weight` is that of the
    vulnerable. Equipment is counted at each place as the fewest rooms that have it on any day.
    """
    chosen = tuple(sorted(orders, key=lambda order: order.order_id))
    base = gcd(*(order.step.minutes for order in chosen))
    codes = tuple(sorted({site.code for order in chosen for site in sites[order.order_id]}))
    horizon = min(max(calendar.last_day(), first), first + timedelta(days=DAYS_AHEAD))
    days = {code: list(calendar.days(code, first, horizon)) for code in codes}
    every = [day for of in days.values() for day in of]
    first_cell = first_cell_of(every, cells_of(base))
    slots = min(MOST_SLOTS, (24 * 3600 // CELL - first_cell) // cells_of(base))
    known = {one.id: one for day in every for one in day.staff.values()}
    staff = tuple(sorted(known)) or ("",)
    able = [
        (known[name].competences, " ".join(sorted(known[name].languages)))
        if name in known
        else (frozenset[str](), "")
        for name in staff
    ]
    spoken = frozenset(language for _, languages in able for language in languages.split())
    kinds = sorted({(tuple(sorted(o.step.competences)), o.language) for o in chosen})
    may = np.array(
        [[may_take((frozenset(c), language), one, spoken) for one in able] for c, language in kinds]
    )
    shape = (len(codes), (horizon - first).days + 1, slots)
    capacity, rooms = np.zeros((len(staff), *shape), np.int64), np.zeros(shape, np.int64)
    for place, code in enumerate(codes):
        for day in days[code]:
            at = (day.date - first).days
            for slot in range(slots):
                bits = bits_of(first_cell, slot, base)
                rooms[place, at, slot] = sum(free & bits == bits for free in day.rooms.values())
                for one in day.staff.values():
                    capacity[staff.index(one.id), place, at, slot] = one.free & bits == bits
    bundles = sorted({tuple(sorted(o.step.equipment)) for o in chosen if o.step.equipment})
    equipment = [
        [min((_having(frozenset(bundle), day) for day in days[code]), default=0) for code in codes]
        for bundle in bundles
    ]
    begin, end = day_number(first), day_number(horizon)
    earliest = np.array([max(begin, day_number(o.earliest)) for o in chosen], np.int64)
    limit = np.array([day_number(o.limit) if o.limit else end for o in chosen], np.int64)
    wishes = [wishes_of(o.windows, first_cell, slots, base) for o in chosen]
    _, ridden = wishes_of(() if rides is None else (rides,), first_cell, slots, base)
    requests = Requests(
        ids=np.arange(len(chosen)),
        earliest=earliest,
        limit=limit,
        last=np.minimum(np.maximum(limit, earliest) + KEPT_DAYS, end),
        kind=np.array(
            [kinds.index((tuple(sorted(o.step.competences)), o.language)) for o in chosen], np.int64
        ),
        weekdays=np.array([weekdays for weekdays, _ in wishes], np.int64),
        window=np.array(
            [
                hours & ridden if order.rides_to_it else hours
                for order, (_, hours) in zip(chosen, wishes, strict=True)
            ],
            np.int64,
        ),
        weight=np.array([weight if o.vulnerable else 1 for o in chosen], np.int64),
        metres=ways_of(chosen, sites, codes),
    )
    return Bonds(
        orders=chosen,
        codes=codes,
        staff=staff,
        requests=requests,
        supply=Supply(first_day=begin, capacity=capacity, rooms=rooms, may=may),
        extras=Extras(
            slots=np.array([o.step.minutes // base for o in chosen], np.int64),
            uses=np.array(
                [[tuple(sorted(o.step.equipment)) == one for one in bundles] for o in chosen],
                np.bool_,
            ).reshape(len(chosen), len(bundles)),
            equipment=np.array(equipment, np.int64).reshape(len(bundles), len(codes)),
            week_slots=np.full(len(staff), NO_LIMIT),
            floating=np.zeros(len(staff), np.bool_),
        ),
        first_cell=first_cell,
        base=base,
        calendar=calendar,
    )
