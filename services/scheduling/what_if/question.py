"""What is asked: which locations, what becomes of staff and rooms, and what "best" shall mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from math import comb
from typing import Final

from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.what_if.world import World

MOST_SIMULATED_SITES: Final = 10
MOST_SEEDS: Final = 200


class Policy(StrEnum):
    """How bookings are made."""

    REPLAN = "re-plan"
    PRICED = "priced"
    NEAREST = "nearest"


class Objective(StrEnum):
    """What "best" means: the lowest of one figure."""

    LATE = "late"
    VULNERABLE_LATE = "vulnerable-late"
    KM = "km"
    P90 = "p90"
    MUCH_FARTHER = "much-farther"


OBJECTIVES: Final[Mapping[Objective, tuple[str, str]]] = {
    Objective.LATE: ("late", "the lowest late share"),
    Objective.VULNERABLE_LATE: ("vulnerable_late", "the lowest late share of the vulnerable"),
    Objective.KM: ("km", "the shortest mean way"),
    Objective.P90: ("km_p90", "the shortest way that nine of ten are within"),
    Objective.MUCH_FARTHER: ("much_farther", "the fewest with over 5 km more than today"),
}
"""The figure behind each objective, and its name in a sentence."""

POLICIES: Final[Mapping[Policy, str]] = {
    Policy.REPLAN: "by the service's own desk: at once at the least price, and all who are not "
    "told yet planned anew each evening",
    Policy.PRICED: "by the service's own desk: at once at the least price, and told at once",
    Policy.NEAREST: "each citizen is booked at once, at the nearest location in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A change to be tried. Locations are named by code.

    `sizes` are numbers of locations to keep; without, exactly `close` and `open` are done.
    `growth` is 1.3 for 30 % more plans. `tell` is how many open days before the session a citizen
    is told (0: the same evening). Money is in DKK, `budget` and `rents` a year.
    """

    staff: Staff
    rooms: Rooms
    sizes: tuple[int, ...] = ()
    close: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    stay: tuple[str, ...] = ()
    growth: float = 1.0
    objective: Objective = Objective.LATE
    policy: Policy = Policy.REPLAN
    tell: int = 2
    quick_seeds: int = 5
    seeds: int = 20
    best: int = 10
    load: float | None = None
    replay: bool = False
    budget: float | None = None
    rents: Mapping[str, float] = field(default_factory=dict)
    ride_cost: float | None = None
    ride_km_cost: float | None = None

    def __post_init__(self) -> None:
        for size in self.sizes:
            if size < 1:
                raise InvalidInputError(
                    f"cannot keep {size} locations: at least one must stay open"
                )
        both = set(self.close) & {*self.open, *self.stay}
        if both:
            raise InvalidInputError(f"{', '.join(sorted(both))} can't both close and be open")
        if not 0 < self.growth <= 10:
            raise InvalidInputError("the number of plans can change to between 0 and 10 times")
        if not 1 <= self.quick_seeds <= MOST_SEEDS or not 1 <= self.seeds <= MOST_SEEDS:
            raise InvalidInputError(f"from 1 to {MOST_SEEDS} seeds can be simulated")
        if not 1 <= self.best <= 50:
            raise InvalidInputError("from 1 to 50 of the best can be simulated fully")
        if not 0 <= self.tell <= 60:
            raise InvalidInputError("citizens are told 0 to 60 open days before their session")
        if self.load is not None and not 0 < self.load <= 5:
            raise InvalidInputError("a load lies above 0 and up to 5; 0.9 is 90 % full")
        if self.replay and (self.growth != 1 or self.load is not None):
            raise InvalidInputError(
                "the past had its own number of plans and hours: growth and load need a forecast"
            )
        money = [self.budget, self.ride_cost, self.ride_km_cost, *self.rents.values()]
        if any(one is not None and not 0 <= one < 1e12 for one in money):
            raise InvalidInputError("money is given in DKK, 0 or more")

    @property
    def figure(self) -> str:
        """The name of the figure that is lowest at the best."""
        return OBJECTIVES[self.objective][0]


def choices(question: Question, world: World) -> list[tuple[int, ...]]:
    """Every set of places to keep that the question allows, in order.

    Without sizes it is one: today's, less the closed, with the opened. Raises `InvalidInputError`.
    """
    must, may = _forced(question, world)
    if not question.sizes:
        return [tuple(sorted(must | (set(world.today) & may)))]
    return [keep for size in sorted(set(question.sizes)) for keep in _of_size(size, must, may)]


def how_many(question: Question, world: World) -> int:
    """How many sets `choices` would list."""
    must, may = _forced(question, world)
    if not question.sizes:
        return 1
    return sum(comb(len(may), size - len(must)) for size in set(question.sizes))


def forced(question: Question, world: World) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places that are kept in any case, and those that may be kept besides."""
    must, may = _forced(question, world)
    return tuple(sorted(must)), tuple(sorted(may))


def _forced(question: Question, world: World) -> tuple[set[int], set[int]]:
    closed = {world.place(code) for code in question.close}
    must = {world.place(code) for code in (*question.open, *question.stay)}
    for code in question.open:
        if world.place(code) in world.today:
            raise InvalidInputError(f"{code} is open today; to keep it whatever comes: stay")
    for code in question.rents:
        world.place(code)
    for code in question.close:
        if world.place(code) not in world.today:
            raise InvalidInputError(f"{code} is not open today, so it can't close")
    may = set(range(len(world.sites))) - closed - must
    for size in question.sizes:
        if size > len(world.sites):
            raise InvalidInputError(
                f"cannot keep {size} of {len(world.sites)} locations: there are no more than "
                f"{len(world.sites)}"
            )
        if not len(must) <= size <= len(must) + len(may):
            raise InvalidInputError(
                f"cannot keep {size} locations: {len(must)} must stay and {len(closed)} close, "
                f"so from {max(1, len(must))} to {len(must) + len(may)} can be kept"
            )
    if not question.sizes and not (must | (set(world.today) & may)):
        raise InvalidInputError("cannot close every location: at least one must stay open")
    closing = question.sizes or not set(world.today) <= must | may
    if question.open and not closing and question.staff is not Staff.AS_GIVEN:
        raise InvalidInputError(
            f"nothing closes, so nobody would work at {', '.join(question.open)}: give the staff "
            "of each location (staff as given)"
        )
    return must, may


def _of_size(size: int, must: set[int], may: set[int]) -> Iterator[tuple[int, ...]]:
    for more in combinations(sorted(may), size - len(must)):
        yield tuple(sorted({*must, *more}))


def named(world: World, keep: Sequence[int]) -> str:
    """Places by name, in order, as in "Langå + Randers"."""
    return " + ".join(world.sites[place].name for place in keep)
