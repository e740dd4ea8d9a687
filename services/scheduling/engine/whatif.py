"""What a change of locations would mean: the policy really used, simulated on common seeds.

Travel alone is half an answer and so is a plan that knows the future: both hide how a rule that
books day by day fares when capacity moves. So every alternative meets the same drawn citizens as
today's locations do, and the differences are paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.locations import (
    Change,
    changed_requests,
    changed_supply,
)
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Requests, Supply
from services.scheduling.engine.replan import SAME_EVENING
from services.scheduling.engine.simulate import Outcome, Policy, simulate

FAR, VERY_FAR, MUCH_FARTHER = 10_000, 20_000, 5_000  # metres
# Student's t, two-sided 95 %, by degrees of freedom.
_T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14)
_T_95_MORE = (2.13, 2.12, 2.11, 2.10, 2.09)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drawn stretch of days: who comes when, from which district."""

    requests: Requests
    arrivals: Ints
    district: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What planners ask for. Shares in percent, ways in kilometres, one way.

    Citizens who cannot be in time even alone in the system are in no late share.
    """

    late: float
    vulnerable_late: float
    mean_days_late: float
    most_days_late: float
    unbooked: float
    km: float
    km_p90: float
    beyond_10_km: float
    beyond_20_km: float
    much_farther: float
    worst_district_km: float
    vulnerable_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An alternative beside today: means over the seeds, and the mean difference with half the
    width of its paired 95 % interval."""

    figures: dict[str, float]
    today: dict[str, float]
    difference: dict[str, tuple[float, float]]
    seeds: int


def cases(
    forecast: Forecast, district: Ints, *, days: int, first_day: int, seeds: Sequence[int]
) -> Iterator[Case]:
    """One case for each seed. `district[n]` is where the forecast's pattern n lives."""
    if days < 1:
        raise InvalidInputError("a simulation needs at least one day of arrivals")
    for seed in seeds:
        chance = np.random.Generator(np.random.PCG64([seed, first_day, days]))
        day = np.arange(first_day, first_day + days)
        count = _poisson(np.array(forecast.by_weekday)[day % 7], chance)
        arrivals = np.repeat(day, count)
        like = (chance.random(len(arrivals)) * len(forecast.pattern)).astype(np.int64)
        pattern = forecast.pattern.take(like)
        yield Case(
            requests=Requests(
                ids=np.arange(len(arrivals)),
                earliest=pattern.earliest + arrivals,
                limit=pattern.limit + arrivals,
                last=pattern.last + arrivals,
                kind=pattern.kind,
                weekdays=pattern.weekdays,
                window=pattern.window,
                weight=pattern.weight,
                metres=pattern.metres,
            ),
            arrivals=arrivals,
            district=district[like],
        )


def _poisson(
    means: np.ndarray[tuple[int, ...], np.dtype[np.float64]], chance: np.random.Generator
) -> Ints:
    return chance.poisson(means).astype(np.int64)


def never_in_time(requests: Requests, supply: Supply) -> Bools:
    """Who would be late even alone in the system, whatever the place."""
    bits = np.int64(1) << np.arange(supply.slots)
    usable = np.minimum(supply.capacity, supply.rooms[None]).sum(1) > 0  # class, day, slot
    offered = np.einsum("kc,cdt->kdt", supply.may.astype(np.int64), usable.astype(np.int64)) > 0
    mask = (offered * bits).sum(2)  # kind, day
    days = supply.days
    lost = np.ones(len(requests), np.bool_)
    for row in range(len(requests)):
        wanted = (days >= requests.earliest[row]) & (days <= requests.limit[row])
        wanted &= (requests.weekdays[row] >> days % 7) & 1 == 1
        lost[row] = not bool((mask[requests.kind[row], wanted] & requests.window[row]).any())
    return lost


def figures(case: Case, outcome: Outcome, lost: Bools, nearest_today: Ints) -> Figures:
    """Measures one run. `nearest_today` is each citizen's way to the nearest of today's places."""
    r, plan = case.requests, outcome.plan
    booked, counted = plan.booked, ~lost
    late = ~booked | (plan.day > r.limit)
    over = np.where(booked, plan.day - r.limit, r.last - r.limit)[late]
    way = np.where(booked, r.metres[np.arange(len(r)), np.maximum(plan.place, 0)], 0)[booked]
    vulnerable = r.weight > 1
    districts = [
        float(way[case.district[booked] == name].mean())
        for name in np.unique(case.district[booked])
    ]
    return Figures(
        late=_percent(late[counted]),
        vulnerable_late=_percent(late[counted & vulnerable]),
        mean_days_late=float(over.mean()) if len(over) else 0.0,
        most_days_late=float(over.max(initial=0)),
        unbooked=_percent(~booked),
        km=_mean(way) / 1000,
        km_p90=float(np.quantile(way, 0.9)) / 1000 if len(way) else 0.0,
        beyond_10_km=_percent(way > FAR),
        beyond_20_km=_percent(way > VERY_FAR),
        much_farther=_percent(way - nearest_today[booked] > MUCH_FARTHER),
        worst_district_km=max(districts, default=0.0) / 1000,
        vulnerable_km=_mean(way[vulnerable[booked]]) / 1000,
    )


def simulate_change(
    case: Case,
    supply: Supply,
    change: Change,
    policy: Policy,
    *,
    open_days: Ints,
    tell: int = SAME_EVENING,
    given: Supply | None = None,
) -> Figures:
    """Runs one case under one change; a change that keeps every place is today."""
    lost = never_in_time(case.requests, supply)
    far = np.iinfo(np.int64).max
    ways = np.where(case.requests.metres >= 0, case.requests.metres, far).min(1)
    outcome = simulate(
        changed_requests(case.requests, change),
        case.arrivals,
        changed_supply(supply, change, given),
        policy,
        open_days=open_days,
        tell=tell,
    )
    return figures(case, outcome, lost, ways)


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
            name: _interval([t[name] - n[name] for t, n in zip(then, now, strict=True)])
            for name in names
        },
        seeds=len(today),
    )


def search(
    keeps: Sequence[tuple[int, ...]],
    quick: Callable[[tuple[int, ...]], Beside],
    thorough: Callable[[tuple[int, ...]], Beside],
    *,
    objective: str = "late",
    best: int = 10,
) -> list[tuple[tuple[int, ...], Beside]]:
    """Tries every choice quickly, the best of them thoroughly, lowest named figure first.

    "Best" is so only by that figure, and among those that were tried thoroughly.
    """
    ranked = sorted((quick(keep).figures[objective], keep) for keep in keeps)[:best]
    found = [(keep, thorough(keep)) for _, keep in ranked]
    return sorted(found, key=lambda pair: (pair[1].figures[objective], pair[0]))


def _mean_of(runs: Sequence[dict[str, float]], name: str) -> float:
    return math.fsum(run[name] for run in runs) / len(runs)


def _interval(differences: Sequence[float]) -> tuple[float, float]:
    mean = math.fsum(differences) / len(differences)
    free = len(differences) - 1
    if free < 1:
        return mean, math.inf
    spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / free)
    table = _T_95 + _T_95_MORE
    t = table[free - 1] if free <= len(table) else 1.98
    return mean, t * spread / math.sqrt(len(differences))


def _percent(flags: Bools) -> float:
    return 100 * float(flags.mean()) if len(flags) else 0.0


def _mean(values: Ints) -> float:
    return float(values.mean()) if len(values) else 0.0
