"""The p-median solver proves what it says, on OR-Library and against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.engine.pmedian import _Search, every_choice, solve
from tests.benchmarks.scheduling.orlib import DATA, OPTIMA, like_orlib, read


@pytest.mark.parametrize("name", OPTIMA)
def test_orlib_optima_are_proven(name: str) -> None:
    problem = read(DATA / f"{name}.txt")
    answer = solve(problem.way, np.ones(len(problem.way)), problem.k, seconds=60)
    assert answer.proven
    assert answer.cost == OPTIMA[name]
    assert len(answer.chosen) == problem.k
    assert problem.way[:, list(answer.chosen)].min(1).sum() == OPTIMA[name]


@settings(deadline=None, max_examples=60)
@given(sites=st.integers(1, 9), seed=st.integers(0, 10**6), data=st.data())
def test_the_search_finds_what_enumeration_finds(
    sites: int, seed: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, sites))
    chance = np.random.default_rng(seed)
    way = np.rint(chance.random((25, sites)) * 100)
    weight = chance.integers(0, 5, 25).astype(np.float64)
    listed = every_choice(way, weight, k)
    cost = np.ascontiguousarray((way * weight[:, None]).T)
    searched = _Search(cost, k, seconds=30, seed=0).run()
    assert searched.proven
    assert searched.cost == listed[0][0]
    assert solve(way, weight, k).cost == listed[0][0]


def test_ways_that_are_no_whole_numbers_are_proven_too() -> None:
    chance = np.random.default_rng(4)
    way, weight = chance.random((40, 20)) * 30, chance.random(40)
    answer = solve(way, weight, 4)
    cost = np.ascontiguousarray((way * weight[:, None]).T)
    assert answer.proven
    assert answer.cost == pytest.approx(cost[list(answer.chosen)].min(0).sum())


def test_out_of_time_the_gap_is_told() -> None:
    problem = like_orlib(200, 5, 3)
    answer = solve(problem.way, np.ones(200), 5, seconds=0.0)
    assert not answer.proven
    assert answer.bound <= answer.cost
    assert 0 < answer.gap <= 1


@pytest.mark.parametrize("k", [0, 6, -1])
def test_k_must_be_between_one_and_the_number_of_locations(k: int) -> None:
    with pytest.raises(InvalidInputError, match=f"cannot keep {k} of 5"):
        solve(np.ones((3, 5)), np.ones(3), k)


def test_ways_and_weights_must_be_numbers_from_zero_up() -> None:
    with pytest.raises(InvalidInputError, match="below zero"):
        solve(np.full((2, 3), -1.0), np.ones(2), 1)
    with pytest.raises(InvalidInputError, match="not a number"):
        solve(np.full((2, 3), np.nan), np.ones(2), 1)
