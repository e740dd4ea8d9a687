"""The factored network: which nodes and arcs stand between citizens and free therapists.

Citizen → (like citizens, place) → (kind, window, place, day) → (kind, unit) → (class, unit) →
rooms → sink. A *unit* is one slot, or all slots of a place's day that the same windows hold and
whose rooms cannot run out: between those a price cannot differ, so they are one node.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.scheduling.engine.model import Bools, Ints, Plan, Requests, Supply
from services.scheduling.engine.price import Price

PLENTY = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Arcs:
    """Arcs side by side: from, to, capacity, price."""

    tail: Ints
    head: Ints
    capacity: Ints
    cost: Ints

    def __len__(self) -> int:
        return len(self.tail)

    @staticmethod
    def of(tail: Ints, head: Ints, *, capacity: Ints | int = PLENTY, cost: Ints | int = 0) -> Arcs:
        """Arcs of one kind; a single capacity or cost goes for all."""
        size = len(tail)
        return Arcs(
            tail=tail,
            head=head,
            capacity=np.broadcast_to(np.asarray(capacity, np.int64), (size,)),
            cost=np.broadcast_to(np.asarray(cost, np.int64), (size,)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Bookings that citizens have been told of, row by row (-1 where not), and what it costs, in
    metres, to move one, or to give it to other staff at the same time and place. The supply holds
    their therapists and rooms, where they still are there."""

    plan: Plan
    move: int
    restaff: int = 1


class Units:
    """The supply as the requests' windows see it: slots that are alike have become one unit.

    Slots that are to stand `alone[place, day, slot]` are never joined with others.
    """

    def __init__(self, supply: Supply, windows: Ints, alone: Bools) -> None:
        _, places, days, slots = supply.capacity.shape
        holds = (windows[:, None] >> np.arange(slots)) & 1 == 1
        likes, like = np.unique(holds, axis=1, return_inverse=True)
        capacity = np.where(supply.rooms > 0, supply.capacity, 0)
        capacity = np.where(holds.any(0) | alone, capacity, 0)
        total = capacity.sum(0)
        tight = (total > supply.rooms) | (alone & (total > 0))
        many = likes.shape[1]
        inner = np.where(tight, many + np.arange(slots), like.reshape(-1))
        place_day = np.arange(places * days).reshape(places, days, 1)
        key = np.where(total > 0, place_day * (many + slots) + inner, -1)
        keys, unit = np.unique(key, return_inverse=True)
        unit = unit.reshape(key.shape)
        if len(keys) and keys[0] == -1:
            keys, unit = keys[1:], unit - 1
        self.of_slot: Ints = unit
        self.count = len(keys)
        self.place_day: Ints = keys // (many + slots)
        free = unit >= 0
        self.capacity: Ints = np.zeros((supply.capacity.shape[0], self.count), np.int64)
        for own, given in zip(self.capacity, capacity, strict=True):
            np.add.at(own, unit[free], given[free])
        self.rooms: Ints = np.full(self.count, PLENTY)
        self.rooms[unit[tight]] = supply.rooms[tight]
        place, day, slot = np.nonzero(free)
        self.in_window: Bools = np.zeros((len(windows), self.count), np.bool_)
        self.in_window[:, unit[place, day, slot]] = holds[:, slot]
        self.open_to: Bools = np.any(supply.may[:, :, None] & (self.capacity > 0)[None], axis=1)


class Network:
    """Nodes, arcs and supplies of one plan. Node 0 is the sink."""

    def __init__(
        self,
        requests: Requests,
        supply: Supply,
        price: Price,
        never: Ints,
        held: Held | None = None,
    ) -> None:
        self.requests, self.supply, self.price, self.of_never = requests, supply, price, never
        windows, self.window = np.unique(requests.window, return_inverse=True)
        self.windows = len(windows)
        self._hold(held)
        self.units = Units(supply, windows, self.held_slots)
        self.kinds, self.classes = supply.may.shape
        self.places, self.days = supply.capacity.shape[1:3]
        self._group()
        place_days = self.places * self.days
        sizes = (
            1,
            len(requests),
            self.groups * self.places,
            self.kinds * self.windows * place_days,
            self.kinds * self.units.count,
            self.classes * self.units.count,
            self.units.count,
        )
        _, self.citizens, self.waits, self.cells, self.offers, self.takers, self.rooms = (
            int(start) for start in np.cumsum((0, *sizes[:-1]))
        )
        self.nodes = sum(sizes)

    def _hold(self, held: Held | None) -> None:
        """Finds the told bookings that the supply covers."""
        supply = self.supply
        self.held_slots = np.zeros(supply.rooms.shape, np.bool_)
        self.held_rows: Ints = np.zeros(0, np.int64)
        self.moving = np.zeros(len(self.requests), np.int64)
        self.held = held
        if held is None:
            return
        self.moving[held.plan.booked] = held.move
        at = held.plan.day - supply.first_day
        self.held_rows = np.flatnonzero(held.plan.booked & (at >= 0) & (at < supply.rooms.shape[1]))
        kept = held.plan.take(self.held_rows)
        self.held_slots[kept.place, kept.day - supply.first_day, kept.slot] = True

    @cached_property
    def stay(self) -> Arcs:
        """A told citizen straight to the slot told of, at no cost of moving: to the same class of
        therapists, or to another that can do it."""
        r, rows = self.requests, self.held_rows
        if self.held is None or not len(rows) or not self.units.count:
            return Arcs.of(np.zeros(0, np.int64), np.zeros(0, np.int64))
        kept = self.held.plan.take(rows)
        unit = self.units.of_slot[kept.place, kept.day - self.supply.first_day, kept.slot]
        same = kept.taker[:, None] == np.arange(self.classes)
        there = (unit >= 0)[:, None] & (self.units.capacity[:, np.maximum(unit, 0)].T > 0)
        which, taker = np.nonzero(there & (same | self.supply.may[r.kind[rows]]))
        rows, kept, unit = rows[which], kept.take(which), unit[which]
        of_day = self.price.of_day(r.earliest[rows], r.limit[rows], r.weight[rows], kept.day)
        return Arcs.of(
            self.citizens + rows,
            self.takers + taker * self.units.count + unit,
            capacity=1,
            cost=of_day
            + np.maximum(r.metres[rows, kept.place], 0)
            + np.where(same[which, taker], 0, self.held.restaff),
        )

    def _group(self) -> None:
        """Citizens whose price differs by travel alone are alike and share the later arcs."""
        r = self.requests
        columns = (r.kind, self.window, r.weekdays, r.earliest, r.limit, r.last, r.weight)
        order = np.lexsort(columns)
        sorted_columns = np.stack(columns)[:, order]
        new = np.ones(len(order), np.bool_)
        new[1:] = (sorted_columns[:, 1:] != sorted_columns[:, :-1]).any(0)
        self.group = np.empty(len(order), np.int64)
        self.group[order] = np.cumsum(new) - 1
        self.first_of_group = order[new]
        self.groups = len(self.first_of_group)

    @cached_property
    def travel(self) -> Arcs:
        """Citizen to place, at the price of the way there."""
        row, place = np.nonzero(self.requests.metres >= 0)
        return Arcs.of(
            self.citizens + row,
            self.waits + self.group[row] * self.places + place,
            capacity=1,
            cost=self.requests.metres[row, place] + self.moving[row],
        )

    @cached_property
    def never(self) -> Arcs:
        """Citizen to sink: no session, which for a told one is no cheaper than a move."""
        return Arcs.of(
            self.citizens + np.arange(len(self.requests)),
            np.zeros(len(self.requests), np.int64),
            capacity=1,
            cost=self.of_never + self.moving,
        )

    @cached_property
    def wait(self) -> Arcs:
        """Like citizens at a place to a day there, at the price of the day."""
        r, first = self.requests, self.first_of_group
        day = self.supply.days
        wanted = (r.weekdays[first, None] >> (day % 7)) & 1 == 1
        wanted &= (day >= r.earliest[first, None]) & (day <= r.last[first, None])
        reachable = np.zeros((self.groups, self.places), np.bool_)
        row, place = np.nonzero(r.metres >= 0)
        reachable[self.group[row], place] = True
        cell = self._cells_open[r.kind[first], self.window[first]]
        group, place, at = np.nonzero(cell & wanted[:, None, :] & reachable[:, :, None])
        row = first[group]
        return Arcs.of(
            self.waits + group * self.places + place,
            self.cells + self.cell(r.kind[row], self.window[row], place * self.days + at),
            cost=self.price.of_day(r.earliest[row], r.limit[row], r.weight[row], day[at]),
        )

    def cell(self, kind: Ints | int, window: Ints | int, place_day: Ints) -> Ints:
        """The number of a (kind, window, place and day) among the cells."""
        at: Ints = (kind * self.windows + window) * (self.places * self.days) + place_day
        return at

    @cached_property
    def _cells_open(self) -> Bools:
        seen = np.zeros((self.kinds, self.windows, self.places * self.days), np.bool_)
        kind, window, unit = self._seen_units
        seen[kind, window, self.units.place_day[unit]] = True
        return seen.reshape(self.kinds, self.windows, self.places, self.days)

    @cached_property
    def _seen_units(self) -> tuple[Ints, Ints, Ints]:
        asked = np.zeros((self.kinds, self.windows), np.bool_)
        asked[self.requests.kind, self.window] = True
        seen = asked[:, :, None] & self.units.open_to[:, None, :] & self.units.in_window[None]
        kind, window, unit = np.nonzero(seen)
        return kind, window, unit

    @cached_property
    def look(self) -> Arcs:
        """A kind and window on a place's day to the units it may use."""
        kind, window, unit = self._seen_units
        return Arcs.of(
            self.cells + self.cell(kind, window, self.units.place_day[unit]),
            self.offers + kind * self.units.count + unit,
        )

    @cached_property
    def take(self) -> Arcs:
        """A kind in a unit to the classes of therapists there that can take it."""
        kind, taker, unit = np.nonzero(
            self.supply.may[:, :, None] & (self.units.capacity > 0)[None]
        )
        return Arcs.of(
            self.offers + kind * self.units.count + unit,
            self.takers + taker * self.units.count + unit,
        )

    @cached_property
    def work(self) -> Arcs:
        """A class in a unit to its rooms where they can run out, else to the sink."""
        taker, unit = np.nonzero(self.units.capacity > 0)
        tight = self.units.rooms[unit] < PLENTY
        return Arcs.of(
            self.takers + taker * self.units.count + unit,
            np.where(tight, self.rooms + unit, 0),
            capacity=self.units.capacity[taker, unit],
        )

    @cached_property
    def room(self) -> Arcs:
        """Rooms to the sink."""
        unit = np.flatnonzero(self.units.rooms < PLENTY)
        return Arcs.of(
            self.rooms + unit, np.zeros(len(unit), np.int64), capacity=self.units.rooms[unit]
        )
