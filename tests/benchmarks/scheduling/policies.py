"""The policies that scenario R5 compares, and one run of each on a world, checked and scored."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.scheduling.engine.flow import assign
from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.keeping import Keeping, limits_from
from services.scheduling.engine.model import Requests
from services.scheduling.engine.price import Price
from services.scheduling.engine.replan import SAME_EVENING, Replan
from services.scheduling.engine.simulate import Outcome, Policy, simulate
from services.scheduling.engine.single import OneByOne, cheapest, nearest
from tests.benchmarks.scheduling.bridge import (
    arrivals_of,
    requests_of,
    rows_of,
    supply_of,
    table_of,
)
from tests.benchmarks.scheduling.rules import Score, check, score
from tests.benchmarks.scheduling.world import (
    LAGS,
    LAST_DAY,
    LIMIT_DAYS,
    ROAD,
    SITES,
    TYPES,
    VULNERABLE,
    WEEKDAY_SHARE,
    WINDOWS,
    Request,
    World,
)

PATTERNS = 4000  # drawn once: enough that their shares are the published ones to a per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A column of the table: how its policy is made for a world, and when citizens are told."""

    name: str
    make: Callable[[World], Policy]
    tell: int = SAME_EVENING


def published_rates(per_week: int, *, seed: int = 5) -> Forecast:
    """What the scenario's description tells of arrivals, drawn by the engine's own dice."""
    chance = np.random.Generator(np.random.PCG64(seed))

    def choose(pairs: tuple[tuple[int, float], ...]) -> int:
        left = float(chance.random())
        for value, share in pairs:
            left -= share
            if left < 0:
                return value
        return pairs[-1][0]

    def citizen() -> Request:
        radius = (4 if chance.random() < 0.6 else 18) * math.sqrt(chance.random())
        angle = 2 * math.pi * chance.random()
        x, y = radius * math.cos(angle), radius * math.sin(angle)
        discharge = -choose(LAGS)
        start = discharge + 14 if chance.random() < 0.05 else discharge
        return Request(
            arrival=0,
            earliest=max(1, discharge + 1, start),
            limit=start + LIMIT_DAYS,
            kind=choose(TYPES),
            window=choose(WINDOWS),
            weekday=int(5 * chance.random()),
            weight=VULNERABLE if chance.random() < 0.2 else 1,
            metres=tuple(round(ROAD * math.hypot(x - sx, y - sy)) for _, sx, sy, _ in SITES),
        )

    return Forecast(
        by_weekday=tuple(per_week * share for share in WEEKDAY_SHARE),
        pattern=table_of([citizen() for _ in range(PATTERNS)]),
    )


def _keeping(world: World) -> Policy:
    limits = limits_from(published_rates(world.per_week), supply_of(world).may)
    return OneByOne(price=PLAIN, rule=Keeping(limits=limits))


def _replan(price: Price, *, ahead: bool) -> Callable[[World], Policy]:
    return lambda world: Replan(
        price=price, forecast=published_rates(world.per_week) if ahead else None
    )


PLAIN = Price()
BOUNDED = Price(longest_late=14, too_late=3_000_000)

ENTRIES = (
    Entry(name="nearest", make=lambda _: OneByOne(price=PLAIN, rule=nearest)),
    Entry(name="edd", make=lambda _: OneByOne(price=PLAIN, rule=nearest, by_deadline=True)),
    Entry(name="priced", make=lambda _: OneByOne(price=PLAIN, rule=cheapest)),
    Entry(name="priced, room kept", make=_keeping),
    Entry(name="flow", make=_replan(PLAIN, ahead=False)),
    Entry(name="flow ahead", make=_replan(PLAIN, ahead=True)),
    Entry(name="rolling", make=_replan(PLAIN, ahead=False), tell=2),
    Entry(name="rolling ahead", make=_replan(PLAIN, ahead=True), tell=2),
    Entry(name="rolling ahead, 14 days", make=_replan(BOUNDED, ahead=True), tell=2),
)


def outcome_of(world: World, entry: Entry) -> Outcome:
    """Runs the policy through the world's days."""
    return simulate(
        requests_of(world),
        arrivals_of(world),
        supply_of(world),
        entry.make(world),
        open_days=np.array([day for day in range(LAST_DAY) if world.is_open(day)]),
        tell=entry.tell,
    )


def score_of(world: World, outcome: Outcome) -> Score:
    """Checks an outcome by the rules and scores it."""
    return score(world, check(world, rows_of(world, outcome.plan, outcome.told)))


def clairvoyant(world: World, *, least_late: bool = False) -> Outcome:
    """One flow over the whole future: a bound. With `least_late` it bounds the late share alone.

    The bound on the share counts each late start once, whoever it is, and nothing else; those who
    are late whatever anybody does are counted in no share and so cost nothing there.
    """
    requests: Requests = requests_of(world)
    price = Price(late=1, late_day=0, waited_day=0) if least_late else PLAIN
    if least_late:
        lost = np.array(world.lost)
        requests = Requests(
            **{
                name: getattr(requests, name)
                for name in Requests.__slots__
                if name not in {"weight", "metres"}
            },
            weight=np.where(lost, 0, 1),
            metres=np.zeros_like(requests.metres),
        )
    plan = assign(requests, supply_of(world), price).plan
    return Outcome(plan=plan, told=arrivals_of(world))
