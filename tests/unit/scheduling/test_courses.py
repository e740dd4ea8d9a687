"""Orders of several sessions: rhythm, continuity, changes, and rosters that end too soon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.provider import AT_ONCE, SAME_EVENING
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.scenarios import NOW, Action, orders, weeks_of_work
from tests.unit.scheduling.world import World

TUESDAY = MONDAY + timedelta(days=1)
WEEKS = ("2026-W48", "2026-W49", "2026-W50")


def a_course(count: int = 3, order_id: str = "o1", **other: Any) -> dict[str, Any]:
    """An assessment, and training every two to five days from a day after it."""
    body = an_order_body(order_id, **other)
    training = {
        "step_id": "s2",
        "kind": "training",
        "count": count,
        "minutes": 45,
        "delivery": "location",
        "competences": ["almen"],
        "room": True,
        "spacing": {"min_days": 2, "max_days": 5},
        "after": {"min_days": 1, "max_days": 14},
    }
    return {**body, "steps": [*body["steps"], training]}


def rosters(*weeks: str, version: int = 1, names: Sequence[str] = ("T1", "T2")) -> list[Any]:
    return [
        a_statement(
            "R", *(a_therapist(n, *all_week(week)) for n in names), week=week, version=version
        )
        for week in weeks
    ]


@pytest.fixture
def world() -> World:
    world = World()
    world.capacity(*rosters(*WEEKS))
    return world


def said(events: list[dict[str, Any]]) -> list[str]:
    kinds = [one["type"].removesuffix(".v1") for one in events]
    return [kind for kind in kinds if kind != "capacity.status"]


def days(world: World) -> list[date]:
    return [date.fromisoformat(one["start"][:10]) for one in world.course_of("o1")]


def test_all_sessions_of_an_order_are_booked_in_their_rhythm_with_one_therapist(
    world: World,
) -> None:
    events = world.order(a_course())
    assert said(events) == ["session.offered"] * 4
    course = world.course_of("o1")
    assert [one["number"] for one in course] == [1, 2, 3, 4]
    assert [one["step_id"] for one in course] == ["s1", "s2", "s2", "s2"]
    assert len({one["session_id"] for one in course}) == 4
    assert len({one["therapist"] for one in course}) == 1
    gaps = [(b - a).days for a, b in zip(days(world), days(world)[1:], strict=False)]
    assert gaps[0] >= 1
    assert all(2 <= gap <= 5 for gap in gaps[1:])
    assert world.faults() == []
    assert "Session 3 of the course" in course[2]["reason"]


def test_the_course_stays_with_who_held_the_first_session() -> None:
    world = World()
    wednesdays = [one for one in all_week() if one[0] > TUESDAY]
    world.capacity(
        a_statement("R", a_therapist("T1", *wednesdays), a_therapist("T2", *all_week())),
        *rosters("2026-W49", "2026-W50"),
    )
    world.order(a_course())
    assert [one["therapist"] for one in world.course_of("o1")] == ["T2"] * 4


def test_the_same_order_again_says_nothing(world: World) -> None:
    world.order(a_course())
    assert said(world.order(a_course())) == []


def test_what_rosters_do_not_reach_waits_silently_and_is_booked_when_they_come() -> None:
    world = World()
    world.capacity(*rosters("2026-W48"))
    first = said(world.order(a_course(8)))
    assert set(first) == {"session.offered"}
    assert len(first) < 9
    assert set(said(world.capacity(*rosters("2026-W49", "2026-W50")))) == {"session.offered"}
    assert [one["number"] for one in world.course_of("o1")][: len(first) + 1]
    assert len(world.course_of("o1")) > len(first)
    assert world.faults() == []


def test_a_withdrawn_order_gives_all_its_sessions_up(world: World) -> None:
    world.order(a_course())
    assert said(world.withdraw("o1")) == ["session.cancelled"] * 4
    assert world.course_of("o1") == []


def test_a_shorter_order_gives_the_rest_up_and_a_longer_one_adds(world: World) -> None:
    world.order(a_course(3))
    assert said(world.order(a_course(2))) == ["session.cancelled"]
    assert [one["number"] for one in world.course_of("o1")] == [1, 2, 3]
    assert said(world.order(a_course(4))) == ["session.offered"] * 2
    assert world.faults() == []


def test_an_assessment_that_has_been_is_followed_by_what_it_led_to(world: World) -> None:
    world.order(an_order_body("o1"))
    world.now = at(TUESDAY, "12:00")
    assert said(world.order(a_course())) == ["session.offered"] * 3
    assert min(one["start"] for one in world.ahead()) > "2026-11-25"


def test_illness_for_a_day_moves_that_day_alone(world: World) -> None:
    world.order(a_course())
    third = world.course_of("o1")[2]
    day = date.fromisoformat(third["start"][:10])
    week = "{}-W{:02d}".format(*day.isocalendar()[:2])
    shifts = [one for one in all_week(week) if one[0] != day]
    ill = [a_therapist(name, *shifts) for name in ("T1", "T2")]
    events = world.capacity(a_statement("R", *ill, week=week, version=2))
    assert set(said(events)) == {"session.moved"}
    assert third["session_id"] in {one.get("session_id") for one in events}
    assert world.faults() == []


def test_when_the_first_moves_later_the_others_follow(world: World) -> None:
    world.order(a_course())
    first = world.session_of("o1")
    assert first is not None
    last = date.fromisoformat(world.course_of("o1")[-1]["start"][:10])
    events = world.answer("declined", first, not_before=str(last))
    assert said(events)[0] == "session.moved"
    assert world.faults() == []
    assert len(world.course_of("o1")) == 4


def test_a_course_rests_and_goes_on_as_a_whole(world: World) -> None:
    world.order(a_course())
    assert said(world.pause("r-o1")) == ["session.cancelled"] * 4
    later = MONDAY + timedelta(days=9)
    assert said(world.resume("r-o1", later, later + timedelta(days=7))) == ["session.offered"] * 4
    assert days(world)[0] >= later
    assert world.faults() == []


def test_a_later_session_is_attended_and_declined_by_itself(world: World) -> None:
    world.order(a_course())
    second = world.course_of("o1")[1]
    assert said(world.answer("declined", second)) == ["session.moved"]
    second = world.course_of("o1")[1]
    world.now = at(date.fromisoformat(second["start"][:10]), "23:00")
    (came,) = world.attend_number("o1", 2)
    assert (came["number"], came["order_id"], came["step_id"]) == (2, "o1", "s2")


@st.composite
def courses(draw: st.DrawFn) -> Action:
    """An order of several sessions."""
    _, body = draw(orders())
    training = {
        **body["steps"][0],
        "step_id": "s2",
        "count": draw(st.integers(1, 4)),
        "minutes": draw(st.sampled_from([30, 45])),
        "spacing": {"min_days": draw(st.integers(1, 3)), "max_days": draw(st.integers(3, 7))},
        "after": {"min_days": draw(st.integers(0, 2)), "max_days": 10},
    }
    return "order", {**body, "citizen_id": body["order_id"], "steps": [*body["steps"], training]}


@given(
    st.lists(st.one_of(weeks_of_work.map(lambda a: a[:1]), courses().map(lambda c: [c]))),
    st.sampled_from([AT_ONCE, 2, SAME_EVENING]),
)
@settings(max_examples=60, deadline=None)
def test_no_rule_is_ever_broken_in_courses(parts: list[list[Action]], tell: int) -> None:
    world = World(now=NOW, tell=tell)
    for version, (kind, what) in enumerate((one for part in parts for one in part), 1):
        match kind:
            case "capacity":
                world.capacity({**what, "version": version})
            case "order":
                world.order(what)
            case "withdraw":
                world.withdraw(what)
            case "wait":
                world.now += what
                world.plan_anew()
        assert world.faults() == []
