"""When capacity goes away: all who lose it are planned anew together, and each is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings

from services.scheduling.weights import Weights
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
)
from tests.unit.scheduling.scenarios import NOW, Action, weeks_with_answers
from tests.unit.scheduling.test_telling import said
from tests.unit.scheduling.world import World

TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=n) for n in (1, 2, 3))
NEXT_WEEK = "2026-W49"
HOUR = (TUESDAY, "09:00", "10:00")
TWELVE_DAYS = MONDAY + timedelta(days=12)


def of_sessions(events: Sequence[dict[str, Any]]) -> list[str]:
    return [one["session_id"] for one in events if one["type"].startswith("session.")]


def test_who_can_do_most_is_left_to_those_who_need_it_so_that_nobody_moves() -> None:
    """Taken one by one, the first would take the therapist whom alone the other can have."""
    world = World()
    able = {"T1": ("almen", "ryg", "smerte"), "T2": ("almen", "hjerte")}
    both = [a_therapist(f"ill {n}", HOUR, competences=("almen", "hjerte", "ryg")) for n in (1, 2)]
    world.capacity(a_statement("R", *both, rooms=2))
    world.order(an_order_body("a"), an_order_body("b", competences=["hjerte"], limit=TWELVE_DAYS))
    assert {one["start"][:10] for one in world.standing()} == {str(TUESDAY)}
    others = [a_therapist(name, HOUR, competences=able[name]) for name in able]
    events = world.capacity(
        a_statement("R", *others, rooms=2, version=2),
        a_statement("R", a_therapist("T3", *all_week(NEXT_WEEK)), week=NEXT_WEEK),
    )
    assert said(events) == ["session.restated", "session.restated"]
    assert {one["order_id"]: one["therapist"] for one in world.standing()} == {
        "a": "T1",
        "b": "T2",
    }
    assert all("because of new capacity" in e["reason"] for e in events if "reason" in e)
    assert world.faults() == []


def test_of_two_who_lose_their_hour_to_one_only_one_is_moved() -> None:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", HOUR), a_therapist("T2", HOUR, *all_week(NEXT_WEEK)))
    )
    world.order(an_order_body("a"), an_order_body("b"))
    later = (WEDNESDAY, "09:00", "10:00")
    events = world.capacity(a_statement("R", a_therapist("T3", HOUR, later), version=2))
    assert Counter(said(events)) == {"session.restated": 1, "session.moved": 1}
    assert world.faults() == []


def test_who_cannot_be_placed_is_told_so_with_the_reason() -> None:
    world = World()
    world.capacity(a_statement("R", a_therapist("T1", HOUR, competences=("ryg",))))
    world.order(an_order_body("a", competences=["ryg"]))
    events = world.capacity(a_statement("R", a_therapist("T2", *all_week()), version=2))
    assert said(events) == ["session.cancelled", "order.infeasible"]
    (infeasible,) = [one for one in events if one["type"] == "order.infeasible.v1"]
    assert infeasible["reason"] == "no-competence"


def a_course(order_id: str = "o1") -> dict[str, Any]:
    body = an_order_body(order_id)
    body["steps"][0] |= {"count": 3, "spacing": {"min_days": 2, "max_days": 4}}
    return body


def test_a_course_whose_sessions_are_lost_is_told_of_each_once() -> None:
    world = World()
    weeks = {"2026-W48": 1, NEXT_WEEK: 1}
    world.capacity(
        *(a_statement("R", a_therapist("T1", *all_week(week)), week=week) for week in weeks)
    )
    world.order(a_course())
    before = {one["number"]: one["start"][:10] for one in world.standing()}
    assert len(before) == 3
    # The therapist is away until Thursday, and at work at other hours from then on.
    thursday_on = [day for day in all_week(begin="11:00") if day[0] >= THURSDAY]
    events = world.capacity(
        a_statement("R", a_therapist("T1", *thursday_on), version=2),
        a_statement(
            "R", a_therapist("T1", *all_week(NEXT_WEEK, "11:00")), week=NEXT_WEEK, version=2
        ),
    )
    moved = of_sessions(events)
    assert len(moved) == 3
    assert len(set(moved)) == len(moved)
    assert world.faults() == []


@given(weeks_with_answers)
@settings(max_examples=60, deadline=None)
def test_nobody_is_told_twice_of_a_session_by_one_change(actions: Sequence[Action]) -> None:
    world = World(now=NOW)
    for version, (kind, what) in enumerate(actions, 1):
        if kind == "capacity":
            told = of_sessions(world.capacity({**what, "version": version}))
            assert len(told) == len(set(told))
            assert world.faults() == []
        elif kind == "order":
            world.order(what)


NEXT_MONDAY, NEXT_TUESDAY = MONDAY + timedelta(days=7), MONDAY + timedelta(days=8)


def told_ahead(**other: Any) -> World:
    """Somebody has been told of Monday's only hour; on Tuesday there is another."""
    world = World(tell=2, **other)
    hours = (NEXT_MONDAY, "09:00", "10:00"), (NEXT_TUESDAY, "09:00", "10:00")
    world.capacity(a_statement("R", a_therapist("T1", *hours), week=NEXT_WEEK))
    told = an_order_body("told", earliest=NEXT_MONDAY, limit=TWELVE_DAYS, bedside=True)
    assert said(world.order(told)) == ["session.offered"]
    return world


def in_a_hurry(**other: Any) -> dict[str, Any]:
    return an_order_body("new", earliest=NEXT_MONDAY, limit=NEXT_MONDAY, **other)


def days(world: World) -> dict[str, str]:
    return {one["order_id"]: one["start"][:10] for one in world.standing()}


def test_who_has_been_told_moves_where_that_keeps_the_limit_of_the_vulnerable() -> None:
    world = told_ahead()
    events = world.order(in_a_hurry(vulnerable=True))
    assert said(events) == ["session.moved"]  # the other is told later
    assert days(world) == {"told": str(NEXT_TUESDAY), "new": str(NEXT_MONDAY)}
    assert world.faults() == []


def test_nobody_who_has_been_told_moves_for_less_than_a_move_costs() -> None:
    world = told_ahead()
    assert said(world.order(in_a_hurry())) == ["order.infeasible", "session.offered"]
    assert days(world) == {"told": str(NEXT_MONDAY), "new": str(NEXT_TUESDAY)}
    assert said(world.plan_anew()) == []


def test_a_municipality_may_say_that_nobody_who_has_been_told_ever_moves() -> None:
    world = told_ahead(weights=Weights(reserve=0, move=0))
    events = world.order(in_a_hurry(vulnerable=True))
    assert said(events) == ["order.infeasible", "session.offered"]


def test_who_has_said_yes_to_a_time_keeps_it() -> None:
    world = told_ahead()
    session = world.session_of("told")
    assert session is not None
    world.answer("accepted", session)
    events = world.order(in_a_hurry(vulnerable=True))
    assert said(events) == ["order.infeasible", "session.offered"]


def test_at_short_notice_nobody_who_has_been_told_moves() -> None:
    world = told_ahead()
    world.now += timedelta(days=4)
    events = world.order(in_a_hurry(vulnerable=True))
    assert said(events) == ["order.infeasible", "session.offered"]
