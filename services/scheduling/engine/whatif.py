"""What a change of locations would mean: the policy really used, simulated on common seeds.

Travel alone is half an answer and so is a plan that knows the future: both hide how a rule that
books day by day fares when capacity moves. So every alternative meets the same drawn citizens as
today's locations do, and the differences are paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np

from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.locations import (
    Change,
    changed_requests,
    changed_supply,
)
from services.scheduling.engine.measures import (
    Case,
    Figures,
    Measured,
    measure,
    never_in_time,
)
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Requests, Supply
from services.scheduling.engine.price import Price
from services.scheduling.engine.quick import simulate_online
from services.scheduling.engine.replan import Replan
from services.scheduling.engine.simulate import Outcome, simulate
from services.scheduling.engine.single import Rule

# Student's t, two-sided 95 %, by degrees of freedom.
_T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14)
_T_95_MORE = (2.13, 2.12, 2.11, 2.10, 2.09)


class Practice(Protocol):
    """How bookings are really made, from the first day to the last."""

    def __call__(
        self, requests: Requests, arrivals: Ints, supply: Supply, open_days: Ints
    ) -> Outcome:
        """Books a stretch of days; rows are in ascending order of id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """Each citizen booked at once and for good, by a rule."""

    rule: Rule
    price: Price

    def __call__(
        self, requests: Requests, arrivals: Ints, supply: Supply, open_days: Ints
    ) -> Outcome:
        """Books a stretch of days; the open days are those of the supply."""
        return simulate_online(requests, arrivals, supply, self.rule, self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """All who are not told yet planned anew each evening, told `tell` open days before.

    `forecast` is of the citizens who are still to come, or None for a plan that leaves no room for
    them; the places that are no choice here are taken out of it.
    """

    price: Price
    forecast: Forecast | None
    tell: int

    def __call__(
        self, requests: Requests, arrivals: Ints, supply: Supply, open_days: Ints
    ) -> Outcome:
        """Books a stretch of days."""
        forecast = self.forecast
        if forecast is not None:
            pattern = forecast.pattern
            open_places = np.flatnonzero(supply.capacity.sum((0, 2, 3)))
            metres = np.full_like(pattern.metres, -1)
            metres[:, open_places] = pattern.metres[:, open_places]
            forecast = replace(forecast, pattern=replace(pattern, metres=metres))
        policy = Replan(price=self.price, forecast=forecast)
        return simulate(requests, arrivals, supply, policy, open_days=open_days, tell=self.tell)


def draw(
    forecast: Forecast,
    district: Ints,
    rides: Bools,
    *,
    days: int,
    first_day: int,
    seed: int,
    growth: float = 1.0,
) -> tuple[Case, Bools, Bools]:
    """The citizens of one seed, which of them come today, and which with the growth.

    `district[n]` is where the forecast's pattern n lives, `rides[n]` whether they need a ride. With
    a growth above 1 the same citizens come as without, and others besides; below 1 some stay away.
    """
    if days < 1:
        raise InvalidInputError("a simulation needs at least one day of arrivals")
    if not 0 < growth <= 10:
        raise InvalidInputError("the number of plans can change to between 0 and 10 times")
    chance = np.random.Generator(np.random.PCG64([seed, first_day, days]))
    day = np.arange(first_day, first_day + days)
    most = max(1.0, growth)
    count = chance.poisson(most * np.array(forecast.by_weekday)[day % 7]).astype(np.int64)
    arrivals: Ints = np.repeat(day, count)
    like = (chance.random(len(arrivals)) * len(forecast.pattern)).astype(np.int64)
    ticket = chance.random(len(arrivals)) * most
    pattern = forecast.pattern.take(like)
    case = Case(
        requests=replace(
            pattern,
            ids=np.arange(len(arrivals)),
            earliest=pattern.earliest + arrivals,
            limit=pattern.limit + arrivals,
            last=pattern.last + arrivals,
        ),
        arrivals=arrivals,
        district=district[like],
        rides=rides[like],
    )
    return case, ticket < 1.0, ticket < growth


def simulate_change(
    case: Case,
    supply: Supply,
    change: Change,
    practice: Practice,
    *,
    open_days: Ints,
    days: int,
    groups: Ints,
    districts: int,
    given: Supply | None = None,
    ways_today: Ints | None = None,
) -> Measured:
    """Runs one case under one change; a change that keeps every place is today.

    `ways_today` are the same citizens' ways today, row by row; without, nobody's way is longer.
    """
    after = changed_supply(supply, change, given)
    outcome = practice(changed_requests(case.requests, change), case.arrivals, after, open_days)
    return measure(
        case,
        outcome.plan,
        supply=after,
        lost=never_in_time(case.requests, supply),
        ways_today=np.full(len(case.requests), -1) if ways_today is None else ways_today,
        groups=groups,
        districts=districts,
        days=days,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An alternative beside today: means over the seeds, and the mean difference with half the
    width of its paired 95 % interval (infinite for one seed)."""

    figures: dict[str, float]
    today: dict[str, float]
    difference: dict[str, tuple[float, float]]
    seeds: int


def beside(today: Sequence[Figures], other: Sequence[Figures]) -> Beside:
    """Pairs the runs of the same seeds; raises `InvalidInputError` where they are not as many."""
    if len(today) != len(other) or not today:
        raise InvalidInputError("an alternative and today must have run on the same seeds")
    then, now = [asdict(f) for f in other], [asdict(f) for f in today]
    names = list(then[0])
    return Beside(
        figures={name: _mean_of(then, name) for name in names},
        today={name: _mean_of(now, name) for name in names},
        difference={
            name: interval([t[name] - n[name] for t, n in zip(then, now, strict=True)])
            for name in names
        },
        seeds=len(today),
    )


def _mean_of(runs: Sequence[dict[str, float]], name: str) -> float:
    return math.fsum(run[name] for run in runs) / len(runs)


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval (Student's t; infinite for one)."""
    mean = math.fsum(differences) / len(differences)
    free = len(differences) - 1
    if free < 1:
        return mean, math.inf
    spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / free)
    table = _T_95 + _T_95_MORE
    t = table[free - 1] if free <= len(table) else 1.98
    return mean, t * spread / math.sqrt(len(differences))
