"""Which sets of locations a question allows, whatever is mixed; and who is named best, by what."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.what_if.ask import ask, plan, rank
from services.scheduling.what_if.question import Objective, Policy, Question, choices, how_many
from services.scheduling.what_if.study import Study
from services.scheduling.what_if.world import World
from tests.unit.scheduling.what_if.test_world import a_week, a_world

CODES = ("L", "R", "S", "F", "A")


@pytest.fixture(scope="module")
def world() -> World:
    weeks = []
    for number, code in enumerate(CODES):
        place = replace(a_week("R").location, code=code, name=code, lat=56.3 + 0.05 * number)
        weeks.append(replace(a_week("R", f"T{code}"), location=place))
    return a_world(*weeks)


def asked(**more: object) -> Question:
    told = {"staff": Staff.FOLLOW, "rooms": Rooms.MOVE, "policy": Policy.NEAREST}
    return Question(**(told | more))  # type: ignore[arg-type]


codes = st.sets(st.sampled_from(CODES), max_size=3).map(sorted)


@settings(deadline=None, max_examples=150)
@given(sizes=st.sets(st.integers(1, 5), max_size=3).map(sorted), close=codes, stay=codes)
def test_every_allowed_set_is_tried_once_and_no_other(
    world: World, sizes: list[int], close: list[str], stay: list[str]
) -> None:
    left = set(CODES) - set(close)
    of_size = {
        size: [set(kept) for kept in combinations(CODES, size) if set(stay) <= set(kept) <= left]
        for size in sizes or [len(left)]
    }

    def tried() -> list[tuple[int, ...]]:
        question = asked(sizes=tuple(sizes), close=tuple(close), stay=tuple(stay))
        found = choices(question, world)
        assert len(found) == len(set(found)) == how_many(question, world)
        return found

    if set(close) & set(stay) or not all(of_size.values()):
        with pytest.raises(InvalidInputError, match=r"cannot|can't"):
            tried()
        return
    names = [{world.sites[place].code for place in keep} for keep in tried()]
    expected = [kept for size in of_size for kept in of_size[size]]
    assert sorted(map(sorted, names)) == sorted(map(sorted, expected))


@pytest.mark.parametrize("objective", list(Objective))
def test_the_best_is_lowest_by_the_objective_that_is_named(
    world: World, objective: Objective
) -> None:
    question = asked(sizes=(2, 3), objective=objective, seeds=2, quick_seeds=1, best=4)
    study = Study(world, question)
    found = ask(study, plan(study))
    values = [one.told.figures[question.figure] for one in found.full]
    assert len(values) == 4
    assert values == sorted(values)
    quick = sorted(one.told.figures[question.figure] for one in found.quick)
    tried = {one.keep for one in found.full}
    chosen = [one.told.figures[question.figure] for one in found.quick if one.keep in tried]
    assert max(chosen) <= quick[3] + 1e-9


def test_the_p_median_ranks_by_travel_alone(world: World) -> None:
    ranked = rank(Study(world, asked(sizes=(2,), stay=("A",))))
    assert ranked.proven
    assert list(ranked.km) == sorted(ranked.km)
    assert all(world.place("A") in keep for keep in ranked.keeps)
    assert len(ranked.keeps) == 4


def test_progress_counts_to_the_announced_number_of_runs(world: World) -> None:
    study = Study(world, asked(sizes=(4,), seeds=2, quick_seeds=2, best=2))
    planned = plan(study)
    seen: list[tuple[int, int]] = []
    ask(study, planned, lambda one: seen.append((one.done, one.of)))
    assert {of for _, of in seen} == {planned.quick_runs + planned.full_runs}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] <= planned.quick_runs + planned.full_runs
