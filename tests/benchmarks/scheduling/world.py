"""Scenario R5: a town's twelve weeks of first sessions, made from a seed and nothing else.

Five sites, forty therapists, 300 (or 60) requests a week, each with a home, a limit, a needed
competence and wishes. Every draw is a hash of the seed and of what is drawn, so a world depends on
no order, no library and no other draw. Days are counted from a Monday, slots are hours 0–8 of a
day, distances are whole metres by road.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

ARRIVAL_WEEKS = 12
LAST_DAY = ARRIVAL_WEEKS * 7 + 70  # capacity goes on for ten weeks after the last arrival
SLOTS = 9
LIMIT_DAYS = 7
KEEPS_DAYS = 28  # a late citizen can be booked until so many days after the limit
EASTER = frozenset({31, 32, 35})  # Thursday, Friday, Monday
ROAD = 1300  # metres by road for each kilometre as the crow flies
VULNERABLE = 3  # their weight; everybody else's is 1
FULL_WEEK = 1350  # therapist-slots a week, were all open for first sessions
BUSY_WEEK = 300  # requests a week that the sites' rooms are given for

SITES = (("A", 0, 0, 4), ("B", 3, -2, 4), ("C", -11, -7, 3), ("D", 3, 12, 3), ("E", 14, 4, 3))
STAFF = (12, 10, 6, 6, 6)
COMPETENCES = (
    frozenset({0}),
    frozenset({0, 1}),
    frozenset({0, 2}),
    frozenset({0, 3}),
    frozenset({0, 1, 2, 3}),
)
CLASS_OF = (0, 1, 2, 0, 1, 3, 0, 1, 2, 4)  # the class of therapist j is CLASS_OF[j % 10]
WEEKDAY_SHARE = (0.20, 0.18, 0.18, 0.18, 0.20, 0.04, 0.02)
LAGS = ((-2, 0.05), (0, 0.57), (1, 0.20), (2, 0.06), (3, 0.05), (5, 0.03), (8, 0.04))
TYPES = ((0, 0.55), (1, 0.20), (2, 0.15), (3, 0.10))
ANY, MORNING, AFTERNOON, TWO_WEEKDAYS = 0, 1, 2, 3
WINDOWS = ((ANY, 0.60), (MORNING, 0.15), (AFTERNOON, 0.15), (TWO_WEEKDAYS, 0.10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One citizen who needs a first session."""

    arrival: int
    earliest: int
    limit: int
    kind: int
    window: int
    weekday: int
    weight: int
    metres: tuple[int, ...]

    @property
    def last(self) -> int:
        """The last day on which a session may still be booked."""
        return max(self.limit, self.earliest) + KEEPS_DAYS

    def wants_day(self, day: int) -> bool:
        """Tells whether the citizen's weekdays hold the day."""
        if self.window != TWO_WEEKDAYS:
            return True
        return day % 7 in (self.weekday, (self.weekday + 2) % 5)

    def wants_slot(self, slot: int) -> bool:
        """Tells whether the citizen's part of the day holds the slot (mornings are slots 0–3)."""
        if self.window == MORNING:
            return slot < 4
        return self.window != AFTERNOON or slot >= 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A therapist who is free for a first session on a day, in a slot."""

    therapist: int
    competence_class: int
    site: int
    day: int
    slot: int


@dataclass(frozen=True, kw_only=True)
class World:
    """What one seed makes. Request number i is `requests[i]`."""

    seed: int
    load: float
    easter: bool
    per_week: int
    rooms: tuple[int, ...]
    requests: tuple[Request, ...]
    openings: tuple[Opening, ...]

    def is_open(self, day: int) -> bool:
        """Tells whether there is training at all on the day."""
        return day % 7 < 5 and not (self.easter and day in EASTER)

    @cached_property
    def lost(self) -> tuple[bool, ...]:
        """For each request, whether it would be late even alone in the system."""
        offered: dict[int, set[tuple[int, int]]] = {}
        for opening in self.openings:
            offered.setdefault(opening.day, set()).add((opening.competence_class, opening.slot))
        return tuple(not self._can_be_in_time(request, offered) for request in self.requests)

    def _can_be_in_time(self, request: Request, offered: dict[int, set[tuple[int, int]]]) -> bool:
        return any(
            request.kind in COMPETENCES[competence_class] and request.wants_slot(slot)
            for day in range(request.earliest, request.limit + 1)
            if self.is_open(day) and request.wants_day(day)
            for competence_class, slot in offered.get(day, ())
        )


def make_world(seed: int, load: float, *, easter: bool = False, per_week: int = BUSY_WEEK) -> World:
    """Makes the world of a seed; `load` is requests over capacity."""
    dice = _Dice(seed)
    closed: frozenset[int] = EASTER if easter else frozenset()
    days = [day for day in range(LAST_DAY) if day % 7 < 5 and day not in closed]
    return World(
        seed=seed,
        load=load,
        easter=easter,
        per_week=per_week,
        rooms=tuple(math.ceil(rooms * per_week / BUSY_WEEK) for *_, rooms in SITES),
        requests=tuple(
            _request(dice, day, number)
            for day in range(ARRIVAL_WEEKS * 7)
            for number in range(_count(dice, day, per_week * WEEKDAY_SHARE[day % 7]))
        ),
        openings=tuple(
            Opening(
                therapist=therapist,
                competence_class=CLASS_OF[therapist % len(CLASS_OF)],
                site=site,
                day=day,
                slot=slot,
            )
            for therapist, site in enumerate(
                site for site, heads in enumerate(STAFF) for _ in range(heads)
            )
            for day in days
            for slot in _hours(therapist)
            if dice(f"open/{therapist}/{day}/{slot}") < per_week / (load * FULL_WEEK)
        ),
    )


class _Dice:
    """Numbers in [0, 1) that depend on the seed and the key alone."""

    def __init__(self, seed: int) -> None:
        self._prefix = f"R5/{seed}/"

    def __call__(self, key: str) -> float:
        digest = hashlib.sha256((self._prefix + key).encode()).digest()
        return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def _choose(number: float, shares: tuple[tuple[int, float], ...]) -> int:
    for value, share in shares:
        number -= share
        if number < 0:
            return value
    return shares[-1][0]


def _count(dice: _Dice, day: int, mean: float) -> int:
    """A Poisson number by inversion, one probability taken off at a time."""
    left, count, probability = dice(f"n/{day}"), 0, math.exp(-mean)
    while left >= probability and count < 10 * mean + 50:
        left -= probability
        count += 1
        probability *= mean / count
    return count


def _hours(therapist: int) -> range:
    """Even therapists work all day; of the odd, every other has mornings, the rest afternoons."""
    if therapist % 2 == 0:
        return range(SLOTS)
    return range(4) if therapist % 4 == 1 else range(4, SLOTS)


def _request(dice: _Dice, day: int, number: int) -> Request:
    def draw(what: str) -> float:
        return dice(f"r/{day}/{number}/{what}")

    radius = (4 if draw("town") < 0.6 else 18) * math.sqrt(draw("radius"))
    angle = 2 * math.pi * draw("angle")
    x, y = radius * math.cos(angle), radius * math.sin(angle)
    discharge = day - _choose(draw("lag"), LAGS)
    start = discharge + 14 if draw("later") < 0.05 else discharge
    return Request(
        arrival=day,
        earliest=max(day + 1, discharge + 1, start),
        limit=start + LIMIT_DAYS,
        kind=_choose(draw("type"), TYPES),
        window=_choose(draw("win"), WINDOWS),
        weekday=int(5 * draw("wd")),
        weight=VULNERABLE if draw("vuln") < 0.2 else 1,
        metres=tuple(
            round(ROAD * math.hypot(x - site_x, y - site_y)) for _, site_x, site_y, _ in SITES
        ),
    )
