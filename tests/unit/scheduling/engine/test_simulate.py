"""Every policy, evening by evening: rules kept, told for good, and blind to the future."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.forecast import Forecast, from_history
from services.scheduling.engine.model import InvalidInputError, Plan
from services.scheduling.engine.price import Price
from services.scheduling.engine.replan import SAME_EVENING, Replan, to_tell
from services.scheduling.engine.simulate import Outcome, Policy, simulate
from services.scheduling.engine.single import OneByOne, cheapest, nearest
from tests.unit.scheduling.engine.towns import Town, a_town, broken_rules, price_of, towns

FORECAST = from_history(a_town(99).requests, a_town(99).arrivals, days_ahead=5)
POLICIES: list[Policy] = [
    OneByOne(price=Price(), rule=nearest),
    OneByOne(price=Price(), rule=nearest, by_deadline=True),
    OneByOne(price=Price(), rule=cheapest),
    Replan(price=Price()),
    Replan(price=Price(longest_late=4), forecast=FORECAST),
]


def run(town: Town, policy: Policy, tell: int) -> Outcome:
    return simulate(
        town.requests, town.arrivals, town.supply, policy, open_days=town.open_days, tell=tell
    )


@settings(deadline=None, max_examples=40)
@given(town=towns, policy=st.sampled_from(POLICIES), tell=st.integers(0, 3))
def test_what_is_told_keeps_every_rule(town: Town, policy: Policy, tell: int) -> None:
    outcome = run(town, policy, tell)
    assert broken_rules(town, outcome.plan) == []
    booked = outcome.plan.booked
    assert (outcome.told[booked] >= town.arrivals[booked]).all()
    assert (outcome.told[booked] < outcome.plan.day[booked]).all()
    assert (outcome.told[~booked] == -1).all()


@settings(deadline=None, max_examples=40)
@given(
    town=towns,
    policy=st.sampled_from(POLICIES),
    tell=st.integers(0, 3),
    evening=st.integers(1, 12),
)
def test_cutting_off_the_future_never_changes_what_was_told(
    town: Town, policy: Policy, tell: int, evening: int
) -> None:
    whole = run(town, policy, tell)
    come = np.flatnonzero(town.arrivals <= evening)
    cut = simulate(
        town.requests.take(come),
        town.arrivals[come],
        town.supply,
        policy,
        open_days=town.open_days,
        tell=tell,
    )
    told = (whole.told[come] >= 0) & (whole.told[come] <= evening)
    assert (told == ((cut.told >= 0) & (cut.told <= evening))).all()
    for column in ("taker", "place", "day", "slot"):
        before = getattr(whole.plan, column)[come][told]
        assert before.tolist() == getattr(cut.plan, column)[told].tolist()


@settings(deadline=None, max_examples=40)
@given(town=towns)
def test_alone_a_citizen_gets_from_the_quick_rule_what_the_flow_would_give(town: Town) -> None:
    for row in range(len(town.requests)):
        one = Town(
            requests=town.requests.take(np.array([row])),
            arrivals=town.arrivals[[row]],
            supply=town.supply,
            open_days=town.open_days,
        )
        evening = int(one.arrivals[0])
        quick = OneByOne(price=Price(), rule=cheapest)(evening, one.requests, one.supply)
        exact = Replan(price=Price())(evening, one.requests, one.supply)
        assert price_of(one, quick, Price()) == price_of(one, exact, Price())


@pytest.mark.parametrize(
    ("evening", "tell", "last_told"),
    [(3, 1, 4), (3, 2, 7), (4, 2, 8), (5, 1, 7), (6, 3, 9), (4, SAME_EVENING, 11)],
)
def test_citizens_are_told_so_many_open_days_before(
    evening: int, tell: int, last_told: int
) -> None:
    plan = a_plan_on_each_of(range(5, 12)) if evening >= 5 else a_plan_on_each_of(range(4, 12))
    weekdays = np.array([day for day in range(28) if day % 7 < 5])
    told = to_tell(plan, evening, weekdays, tell)
    assert plan.day[told].max() == last_told
    assert (plan.day[told] <= last_told).all()


def a_plan_on_each_of(days: range) -> Plan:
    where = np.zeros(len(days), np.int64)
    open_days = [day for day in days if day % 7 < 5]
    where = where[: len(open_days)]
    return Plan(taker=where, place=where, day=np.array(open_days), slot=where)


def test_nobody_can_be_told_a_negative_number_of_days_before() -> None:
    with pytest.raises(InvalidInputError, match="negative"):
        to_tell(a_plan_on_each_of(range(3)), 0, np.arange(5), -1)


def test_a_forecast_is_the_same_for_the_same_evening_and_no_other() -> None:
    def days(forecast: Forecast, first: int) -> list[int]:
        return [int(day) for day in forecast.draw(first, first + 5).earliest]

    assert days(FORECAST, 10) == days(FORECAST, 10)
    assert days(FORECAST, 10) != [day - 7 for day in days(FORECAST, 17)]
    assert (FORECAST.draw(10, 15).ids < 0).all()


def test_more_growth_draws_more_citizens() -> None:
    town = a_town(5, citizens=40)
    as_now, grown = (
        from_history(town.requests, town.arrivals, growth=growth) for growth in (1.0, 2.0)
    )
    assert sum(grown.by_weekday) == pytest.approx(2 * sum(as_now.by_weekday))
    assert sum(len(grown.draw(d, d)) for d in range(99)) > sum(
        len(as_now.draw(d, d)) for d in range(99)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: Forecast(by_weekday=(1.0,), pattern=a_town(1).requests),
        lambda: Forecast(by_weekday=(-1.0,) * 7, pattern=a_town(1).requests),
        lambda: Forecast(by_weekday=(1.0,) * 7, pattern=a_town(1).requests.take(np.arange(0))),
        lambda: from_history(a_town(1).requests.take(np.arange(0)), np.arange(0)),
    ],
)
def test_a_forecast_from_nothing_is_refused(make: Callable[[], Forecast]) -> None:
    with pytest.raises(InvalidInputError):
        make()
