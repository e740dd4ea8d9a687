"""The quick rule that keeps room: rules kept, blind to nobody, and never dearer when alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from services.scheduling.engine.forecast import from_history
from services.scheduling.engine.keeping import Keeping, limits_from
from services.scheduling.engine.price import Price
from services.scheduling.engine.single import OneByOne, Shelf, cheapest
from tests.unit.scheduling.engine.towns import Town, a_town, broken_rules, price_of, towns

PAST = a_town(99)


def a_rule(town: Town) -> Keeping:
    forecast = from_history(PAST.requests, PAST.arrivals)
    return Keeping(limits=limits_from(forecast, town.supply.may))


@settings(deadline=None, max_examples=40)
@given(town=towns)
def test_no_rule_is_broken_and_whoever_could_be_booked_is(town: Town) -> None:
    evening = int(town.arrivals.max())
    policy = OneByOne(price=Price(), rule=a_rule(town))
    plan = policy(evening, town.requests, town.supply)
    assert broken_rules(town, plan) == []
    rest = town.requests.take(~plan.booked)
    left = town.supply.less(plan)
    assert not OneByOne(price=Price(), rule=cheapest)(evening, rest, left).booked.any()


@settings(deadline=None, max_examples=40)
@given(town=towns)
def test_where_nobody_is_to_come_it_is_the_least_price(town: Town) -> None:
    forecast = from_history(PAST.requests, PAST.arrivals, growth=0.0)
    rule = Keeping(limits=limits_from(forecast, town.supply.may))
    for row in range(len(town.requests)):
        one = Town(
            requests=town.requests.take(np.array([row])),
            arrivals=town.arrivals[[row]],
            supply=town.supply,
            open_days=town.open_days,
        )
        evening = int(one.arrivals[0])
        plans = [
            OneByOne(price=Price(), rule=each)(evening, one.requests, one.supply)
            for each in (rule, cheapest)
        ]
        assert price_of(one, plans[0], Price()) == price_of(one, plans[1], Price())


@settings(deadline=None, max_examples=30)
@given(town=towns)
def test_the_shelf_counts_what_is_free(town: Town) -> None:
    supply, shelf = town.supply, Shelf(town.supply)
    for kind in range(len(supply.may)):
        for day in supply.days.tolist():
            staffed = supply.capacity[supply.may[kind]][:, :, day].sum(0)
            assert shelf.sessions(kind, day) == np.minimum(staffed, supply.rooms[:, day]).sum()
