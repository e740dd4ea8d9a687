"""One citizen at a time: the session of least price among what is free now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.scheduling.engine.model import Bools, Ints, Plan, Requests, Supply
from services.scheduling.engine.price import Price

Choice = tuple[int, int, int, int]  # class, place, day, slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """One row of `Requests` as plain numbers."""

    earliest: int
    limit: int
    last: int
    kind: int
    weekdays: int
    window: int
    weight: int
    metres: tuple[int, ...]


def citizens(requests: Requests) -> list[Citizen]:
    """The rows of a table, one by one."""
    columns = (
        requests.earliest,
        requests.limit,
        requests.last,
        requests.kind,
        requests.weekdays,
        requests.window,
        requests.weight,
    )
    rows = zip(*(column.tolist() for column in columns), requests.metres.tolist(), strict=True)
    return [
        Citizen(
            earliest=earliest,
            limit=limit,
            last=last,
            kind=kind,
            weekdays=weekdays,
            window=window,
            weight=weight,
            metres=tuple(metres),
        )
        for earliest, limit, last, kind, weekdays, window, weight, metres in rows
    ]


class Shelf:
    """What is free, kept so that one choice takes microseconds; changed by every booking."""

    def __init__(self, supply: Supply) -> None:
        self._first = supply.first_day
        self._capacity = supply.capacity.copy()
        self._rooms = supply.rooms.copy()
        self._may = supply.may
        width = supply.may.sum(0)
        # The class that can do least comes first, so that the ones who can do all are kept.
        self._classes = [
            [int(c) for c in np.lexsort((np.arange(len(width)), width)) if able[c]]
            for able in supply.may
        ]
        self._bits = 1 << np.arange(supply.slots, dtype=np.int64)
        shape = (len(supply.may), *self._rooms.shape[:2])
        self._masks: list[list[list[int]]] = np.zeros(shape, np.int64).tolist()
        self._sessions: dict[int, dict[int, int]] = {}
        for place, day in np.ndindex(*self._rooms.shape[:2]):
            self._refresh(place, day)

    @property
    def last_day(self) -> int:
        """The last day covered."""
        return int(self._first + self._rooms.shape[1] - 1)

    def _refresh(self, place: int, day: int) -> None:
        free: Bools = (self._capacity[:, place, day] > 0) & (self._rooms[place, day] > 0)
        of_class = (free @ self._bits).tolist()
        for kind, classes in enumerate(self._classes):
            mask = 0
            for taker in classes:
                mask |= of_class[taker]
            self._masks[kind][place][day] = mask
        self._sessions.pop(day, None)

    def open_slots(self, kind: int, place: int, day: int) -> int:
        """A mask of the slots in which somebody who can take the kind is free, and a room too."""
        mask: int = self._masks[kind][place][day - self._first]
        return mask

    def takers(self, kind: int, place: int, day: int, slot: int) -> list[int]:
        """The free classes that can take the kind, the one that can do least first."""
        free = self._capacity[:, place, day - self._first, slot]
        return [taker for taker in self._classes[kind] if free[taker] > 0]

    def may(self, kind: int, taker: int) -> bool:
        """Whether a class can take a kind."""
        return bool(self._may[kind, taker])

    def sessions(self, kind: int, day: int) -> int:
        """How many sessions are free for the kind on a day, all places together."""
        at = day - self._first
        if at < 0:
            return 0
        of_day = self._sessions.setdefault(at, {})
        if kind not in of_day:
            staffed = self._capacity[self._may[kind], :, at].sum(0)
            of_day[kind] = int(np.minimum(staffed, self._rooms[:, at]).sum())
        return of_day[kind]

    def plainest(self, kind: int, window: int, place: int, day: int) -> Choice | None:
        """A place's session on a day with the class that can do least, the earliest of those."""
        mask = self.open_slots(kind, place, day) & window
        if not mask:
            return None
        free = self._capacity[:, place, day - self._first] > 0
        of_class = (free @ self._bits).tolist()
        for taker in self._classes[kind]:
            if found := of_class[taker] & mask:
                return taker, place, day, (found & -found).bit_length() - 1
        return None

    def take(self, choice: Choice) -> None:
        """Books a session."""
        self._move(choice, -1)

    def give_back(self, choice: Choice) -> None:
        """Frees a session."""
        self._move(choice, 1)

    def _move(self, choice: Choice, by: int) -> None:
        taker, place, day, slot = choice
        self._capacity[taker, place, day - self._first, slot] += by
        self._rooms[place, day - self._first, slot] += by
        self._refresh(place, day - self._first)


def days_of(citizen: Citizen, shelf: Shelf, evening: int) -> range:
    """The days after `evening` on which the citizen may be booked."""
    return range(max(citizen.earliest, evening + 1), min(citizen.last, shelf.last_day) + 1)


def cheapest(citizen: Citizen, shelf: Shelf, price: Price, evening: int) -> Choice | None:
    """The session of least price; the earlier day, then the lower place, decides between equals."""
    best: tuple[int, int, int] | None = None
    by_way = sorted((metres, place) for place, metres in enumerate(citizen.metres) if metres >= 0)
    if not by_way:
        return None
    shortest = by_way[0][0]
    for day in days_of(citizen, shelf, evening):
        if not citizen.weekdays >> day % 7 & 1:
            continue
        of_day = price_of_day(citizen, price, day)
        if best is not None and of_day + shortest >= best[0]:
            break  # later days cost more, and no way is shorter
        for metres, place in by_way:
            if shelf.open_slots(citizen.kind, place, day) & citizen.window:
                if best is None or of_day + metres < best[0]:
                    best = (of_day + metres, day, place)
                break
    if best is None:
        return None
    return _session(citizen, shelf, place=best[2], day=best[1])


def nearest(citizen: Citizen, shelf: Shelf, price: Price, evening: int) -> Choice | None:
    """The nearest place that has a session inside the limit, on its first day; else the first day
    there is anywhere."""
    by_way = sorted((metres, place) for place, metres in enumerate(citizen.metres) if metres >= 0)
    days = days_of(citizen, shelf, evening)
    wanted = [day for day in days if citizen.weekdays >> day % 7 & 1]
    inside = [day for day in wanted if day <= citizen.limit]
    order = [(place, day) for _, place in by_way for day in inside]
    order += [(place, day) for day in wanted[len(inside) :] for _, place in by_way]
    for place, day in order:
        if shelf.open_slots(citizen.kind, place, day) & citizen.window:
            return _session(citizen, shelf, place=place, day=day)
    return None


def _session(citizen: Citizen, shelf: Shelf, *, place: int, day: int) -> Choice:
    """The slot whose free class can do least, so that what many need stays free."""
    mask = shelf.open_slots(citizen.kind, place, day) & citizen.window
    slot = (mask & -mask).bit_length() - 1
    return shelf.takers(citizen.kind, place, day, slot)[0], place, day, slot


def price_of_day(citizen: Citizen, price: Price, day: int) -> int:
    """The part of the price that hangs on the day."""
    over = day - citizen.limit
    waited = price.waited_day * (day - citizen.earliest)
    if over <= 0:
        return waited
    beyond = price.longest_late is not None and over > price.longest_late
    lateness = price.late + price.late_day * over + (price.too_late if beyond else 0)
    return citizen.weight * lateness + waited


Rule = Callable[[Citizen, Shelf, Price, int], Choice | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneByOne:
    """A policy that books each citizen for good, one after the other, by a rule."""

    price: Price
    rule: Rule
    by_deadline: bool = False  # the vulnerable first, then by limit

    def __call__(self, evening: int, waiting: Requests, supply: Supply) -> Plan:
        """Books all who wait, in order of id or of deadline."""
        shelf = Shelf(supply.between(evening + 1, int(supply.days[-1])))
        plan = Plan.empty(len(waiting))
        order: Ints = np.arange(len(waiting))
        if self.by_deadline:
            order = np.lexsort((waiting.ids, waiting.limit, -waiting.weight))
        every = citizens(waiting)
        for row in order.tolist():
            choice = self.rule(every[row], shelf, self.price, evening)
            if choice is None:
                continue
            shelf.take(choice)
            plan.taker[row], plan.place[row], plan.day[row], plan.slot[row] = choice
        return plan
