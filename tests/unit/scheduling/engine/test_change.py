"""Capacity that is gone: fewest moves, every rule kept, and a cause for whoever has no session."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.change import FEWEST_MOVES, Cause, Change, replan, without
from services.scheduling.engine.flow import assign
from services.scheduling.engine.model import InvalidInputError, Plan, Supply
from services.scheduling.engine.price import Price
from tests.unit.scheduling.engine.towns import Town, a_town, broken_rules, towns

SLOW = settings(deadline=None, max_examples=40)
COLUMNS = ("taker", "place", "day", "slot")


def told_plan(town: Town) -> Plan:
    return assign(town.requests, town.supply, Price()).plan


def changed(town: Town, left: Supply) -> Change:
    return replan(town.requests, left, told_plan(town), Price())


@SLOW
@given(town=towns, place=st.integers(0, 2), first=st.integers(0, 15), days=st.integers(0, 9))
def test_a_closed_place_moves_those_who_were_there_and_nobody_else_without_need(
    town: Town, place: int, first: int, days: int
) -> None:
    left = without(town.supply, place=place, first=first, last=first + days)
    told = told_plan(town)
    change = changed(town, left)
    assert broken_rules(replace(town, supply=left), change.plan) == []
    closed = (told.place == place) & (told.day >= first) & (told.day <= first + days)
    assert (change.moved | ~change.plan.booked)[closed].all()
    # Others are moved only to make room for somebody who would have no session else.
    alone = replan(
        town.requests.take(~closed), left, told.take(~closed), Price()
    )  # nobody of those need move
    assert not alone.moved.any()
    assert not alone.restaffed.any()


@SLOW
@given(town=towns)
def test_without_any_change_nobody_is_moved(town: Town) -> None:
    change = changed(town, town.supply)
    assert not change.moved.any()
    assert not change.restaffed.any()
    told = told_plan(town)
    for column in COLUMNS:
        assert getattr(change.plan, column).tolist() == getattr(told, column).tolist()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_as_many_as_can_be_have_a_session_and_then_as_few_as_can_be_are_moved(seed: int) -> None:
    town = a_town(seed, citizens=3, days=9, places=2, slots=2)
    told = told_plan(town)
    chance = np.random.default_rng(seed)
    gone = chance.random(town.supply.capacity.shape) < 0.5
    left = replace(town.supply, capacity=np.where(gone, 0, town.supply.capacity))
    change = changed(town, left)
    after = replace(town, supply=left)
    best = min(
        score(town, told, made) for made in every_plan(after) if broken_rules(after, made) == []
    )
    assert score(town, told, change.plan) == best


def score(town: Town, told: Plan, made: Plan) -> tuple[int, int]:
    """How many have no session; then what moves, told sessions lost, and who has none weigh."""
    same = (made.place == told.place) & (made.day == told.day) & (made.slot == told.slot)
    displaced = int((told.booked & ~(made.booked & same)).sum())
    without_one = int(town.requests.weight[~made.booked].sum())
    weighed = FEWEST_MOVES * displaced + Price().never * without_one
    return int((~made.booked).sum()), weighed


def every_plan(town: Town) -> list[Plan]:
    free = [tuple(at) for at in np.argwhere(town.supply.capacity > 0).tolist()]
    choices = []
    for row in range(len(town.requests)):
        alone = replace(town, requests=town.requests.take(np.array([row])))
        fits = [at for at in free if not broken_rules(alone, one(at))]
        choices.append([(-1, -1, -1, -1), *fits])
    return [
        Plan(**{c: np.array([at[n] for at in chosen]) for n, c in enumerate(COLUMNS)})
        for chosen in product(*choices)
    ]


def one(at: tuple[int, ...]) -> Plan:
    return Plan(**{c: np.array([at[n]]) for n, c in enumerate(COLUMNS)})


def test_at_the_same_time_a_colleague_takes_over_and_the_citizen_is_not_moved() -> None:
    town = a_town(11, citizens=1, days=9, places=1, slots=1)
    capacity = np.zeros_like(town.supply.capacity)
    capacity[:2, 0, 2, 0] = 1
    requests = replace(
        town.requests,
        ids=np.array([1]),
        weight=np.array([1]),
        earliest=np.array([1]),
        limit=np.array([8]),
        last=np.array([8]),
        kind=np.array([0]),
        weekdays=np.array([127]),
        window=np.array([1]),
        metres=np.array([[500]]),
    )
    may = np.ones_like(town.supply.may)
    supply = replace(town.supply, capacity=capacity, rooms=np.ones_like(town.supply.rooms), may=may)
    told = Plan(taker=np.array([0]), place=np.array([0]), day=np.array([2]), slot=np.array([0]))
    change = replan(requests, without(supply, taker=0), told, Price())
    assert change.restaffed.tolist() == [True]
    assert change.moved.tolist() == [False]
    nobody = replan(requests, without(supply), told, Price())
    assert nobody.unplaced == {0: Cause.NO_COMPETENCE}
    early = replan(replace(requests, window=np.array([0])), supply, Plan.empty(1), Price())
    assert early.unplaced == {0: Cause.NOT_WHEN_WANTED}
    twice = replace(requests.take(np.array([0, 0])), ids=np.array([1, 2]))
    one_left = replan(twice, without(supply, taker=0), Plan.empty(2), Price())
    assert list(one_left.unplaced.values()) == [Cause.TAKEN]


def test_what_is_gone_is_gone_for_those_days_and_there_only() -> None:
    supply = a_town(4).supply
    supply = replace(supply, capacity=supply.capacity + 2, rooms=supply.rooms + 2)
    ill = without(supply, taker=1, place=0, first=3, last=5, therapists=1)
    assert (supply.capacity - ill.capacity).sum() == (supply.capacity[1, 0, 3:6] > 0).sum()
    assert (supply.capacity - ill.capacity)[1, 0, 3:6].max() == 1
    fewer = without(supply, place=2, rooms=1)
    assert ((supply.rooms - fewer.rooms).sum((1, 2)) > 0).tolist() == [False, False, True]
    assert (fewer.capacity == supply.capacity).all()
    shut = without(supply, place=1, first=7)
    assert shut.capacity[:, 1, 7:].sum() == 0
    assert (shut.capacity[:, 1, :7] == supply.capacity[:, 1, :7]).all()
    for wrong in ({"taker": 9}, {"place": -1}, {"rooms": -1}, {"rooms": 1, "taker": 0}):
        with pytest.raises(InvalidInputError):
            without(supply, **wrong)
