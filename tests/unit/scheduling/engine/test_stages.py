"""Capacity that changes on the way: nothing is booked against what is announced, nobody twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.model import InvalidInputError, Supply
from services.scheduling.engine.price import Price
from services.scheduling.engine.replan import Replan
from services.scheduling.engine.simulate import Policy, simulate
from services.scheduling.engine.single import OneByOne, cheapest
from services.scheduling.engine.stages import Stage, simulate_stages
from tests.unit.scheduling.engine.towns import Town, a_town, broken_rules, towns

ONE_BY_ONE = OneByOne(price=Price(), rule=cheapest)
REPLAN = Replan(price=Price())
DAY = 10


def without_first_place(supply: Supply) -> Supply:
    capacity, rooms = supply.capacity.copy(), supply.rooms.copy()
    capacity[:, 0] = 0
    rooms[0] = 0
    return replace(supply, capacity=capacity, rooms=rooms)


def stages(town: Town, announced: int) -> list[Stage]:
    return [
        Stage(announced=-1, first_day=0, supply=town.supply),
        Stage(announced=announced, first_day=DAY, supply=without_first_place(town.supply)),
    ]


@settings(deadline=None, max_examples=40)
@given(
    town=towns,
    announced=st.integers(0, DAY - 1),
    policy=st.sampled_from([ONE_BY_ONE, REPLAN]),
    tell=st.sampled_from([0, 2]),
)
def test_no_session_is_left_at_a_closed_location_and_all_rules_hold(
    town: Town, announced: int, policy: Policy, tell: int
) -> None:
    outcome, (moved,) = simulate_stages(
        town.requests,
        town.arrivals,
        stages(town, announced),
        policy,
        open_days=town.open_days,
        tell=tell,
    )
    plan = outcome.plan
    assert not ((plan.place == 0) & (plan.day >= DAY)).any()
    assert broken_rules(town, plan) == []
    assert (moved.day >= DAY).all()
    again = outcome.told[moved.rows]
    assert ((again < 0) | (again >= announced)).all()


@settings(deadline=None, max_examples=20)
@given(town=towns, policy=st.sampled_from([ONE_BY_ONE, REPLAN]))
def test_without_a_change_it_is_the_plain_simulation(town: Town, policy: Policy) -> None:
    plain = simulate(
        town.requests, town.arrivals, town.supply, policy, open_days=town.open_days, tell=2
    )
    staged, moved = simulate_stages(
        town.requests,
        town.arrivals,
        stages(town, 0)[:1],
        policy,
        open_days=town.open_days,
        tell=2,
    )
    assert moved == ()
    assert staged.plan.day.tolist() == plain.plan.day.tolist()
    assert staged.plan.place.tolist() == plain.plan.place.tolist()
    assert staged.told.tolist() == plain.told.tolist()


@settings(deadline=None, max_examples=20)
@given(town=towns)
def test_what_was_told_before_the_announcement_does_not_know_of_it(town: Town) -> None:
    plain = simulate(
        town.requests, town.arrivals, town.supply, ONE_BY_ONE, open_days=town.open_days
    )
    staged, (moved,) = simulate_stages(
        town.requests, town.arrivals, stages(town, 5), ONE_BY_ONE, open_days=town.open_days
    )
    early = (plain.told >= 0) & (plain.told < 5)
    early[moved.rows] = False
    assert staged.plan.day[early].tolist() == plain.plan.day[early].tolist()


def test_a_change_is_announced_before_it_holds() -> None:
    town = a_town(1)
    with pytest.raises(InvalidInputError, match="announced before"):
        simulate_stages(
            town.requests,
            town.arrivals,
            stages(town, DAY),
            ONE_BY_ONE,
            open_days=np.array(town.open_days),
        )
