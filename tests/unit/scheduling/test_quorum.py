"""A group is held from its fewest citizens on; a smaller one is given up, and each hears why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.scheduling.factories import MONDAY, a_statement, a_therapist, at
from tests.unit.scheduling.test_gatherings import a_group, a_world, where
from tests.unit.scheduling.test_telling import said
from tests.unit.scheduling.world import World

FRIDAY, NEXT_MONDAY = MONDAY + timedelta(days=4), MONDAY + timedelta(days=7)
DECISION = at(MONDAY + timedelta(days=2), "18:00")
"""Two open days before Friday, in the evening."""
LIMIT = MONDAY + timedelta(days=12)


def of_three(order_id: str, **other: Any) -> dict[str, Any]:
    body = a_group(order_id, **{"earliest": FRIDAY, "limit": LIMIT, **other})
    body["steps"][0]["seats_min"] = 3
    return body


def with_members(many: int) -> World:
    world = a_world("T1")
    world.order(*(of_three(f"o{n}") for n in range(many)))
    assert {time[0][:10] for time in where(world).values()} == {str(FRIDAY)}
    world.now = DECISION
    return world


def test_a_group_with_enough_citizens_is_held() -> None:
    world = with_members(3)
    assert said(world.plan_anew()) == []


def test_a_group_that_is_too_small_waits_for_others_until_it_is_decided() -> None:
    world = with_members(2)
    world.now -= timedelta(hours=1)
    assert said(world.plan_anew()) == []
    world.order(of_three("o2"))
    world.now += timedelta(hours=1)
    assert said(world.plan_anew()) == []
    assert len({time[0] for time in where(world).values()}) == 1


def test_the_citizens_of_a_group_that_is_too_small_get_another_time_and_hear_why() -> None:
    world = with_members(2)
    events = world.plan_anew()
    assert said(events) == ["session.moved", "session.moved"]
    assert all("has 2 of at least 3 citizens and is not held" in e["reason"] for e in events[:2])
    times = where(world)
    assert times["o0"] == times["o1"]
    assert times["o0"][0][:10] == str(NEXT_MONDAY)
    assert said(world.plan_anew()) == []  # the new one is decided on its own day


def test_where_there_is_no_other_time_the_session_is_cancelled_with_its_reason() -> None:
    world = World()
    world.capacity(a_statement("R", a_therapist("T1", (FRIDAY, "09:00", "10:00"))))
    world.order(of_three("o0"))
    world.now = DECISION
    events = world.plan_anew()
    assert said(events) == ["session.cancelled", "order.infeasible"]
    assert [one["reason"] for one in events[:2]] == [
        "group-too-small",
        "no-capacity-inside-limit",
    ]
    assert "has 1 of at least 3" in events[1]["text"]
    assert said(world.plan_anew()) == []
    assert world.standing() == []


def test_no_new_group_opens_on_a_day_that_is_decided() -> None:
    world = a_world("T1")
    world.now = DECISION
    world.order(of_three("o0"))
    assert {time[0][:10] for time in where(world).values()} == {str(NEXT_MONDAY)}


def test_an_open_group_takes_more_until_it_begins() -> None:
    world = with_members(3)
    four = of_three("o3")
    four["steps"][0]["seats"] = 3
    world.plan_anew()
    world.withdraw("o0")
    world.order(of_three("o4"))
    assert {time[0][:10] for time in where(world).values()} == {str(FRIDAY)}
    assert said(world.plan_anew()) == []


def test_a_timer_is_set_as_long_as_a_group_is_undecided() -> None:
    world = with_members(2)
    assert world.desk.next_plan(world.now, timedelta(minutes=10)) is not None
    world = with_members(3)
    assert world.desk.next_plan(world.now, timedelta(minutes=10)) is None
