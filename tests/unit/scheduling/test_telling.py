"""When citizens are told, and what may happen to their session until then."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.scheduling.provider import SAME_EVENING
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + timedelta(days=n) for n in (1, 2, 3, 4))
NEXT_MONDAY = MONDAY + timedelta(days=7)
NEXT_WEEK = "2026-W49"


def a_world(*hours: tuple[date, str, str], tell: int = 2, **other: Any) -> World:
    world = World(tell=tell, **other)
    hours = hours or tuple(all_week())
    world.capacity(
        a_statement("R", a_therapist("T1", *hours)),
        a_statement("R", a_therapist("T1", *all_week(NEXT_WEEK)), week=NEXT_WEEK),
    )
    return world


def said(events: list[dict[str, Any]]) -> list[str]:
    kinds = [one["type"].removesuffix(".v1") for one in events]
    return [kind for kind in kinds if kind != "capacity.status"]


def an_order(order_id: str = "o1", **other: Any) -> dict[str, Any]:
    """One with so distant a limit that only the session's day decides when to tell."""
    return an_order_body(order_id, **{"limit": MONDAY + timedelta(days=12), **other})


def told_on(world: World, until: date) -> list[tuple[str, str]]:
    """(date and hour, what was said) from now on, hour by hour."""
    found = []
    while world.now < at(until, "23:59"):
        found += [(f"{world.now:%d %H}", kind) for kind in said(world.plan_anew())]
        world.now += timedelta(hours=1)
    return found


def test_a_session_far_ahead_is_held_and_told_two_open_days_before_in_the_evening() -> None:
    world = a_world()
    assert said(world.order(an_order(earliest=FRIDAY))) == []
    assert [one["start"][:10] for one in world.held()] == [str(FRIDAY)]
    assert told_on(world, FRIDAY) == [("25 17", "session.offered")]  # 18:00 in Denmark
    session = world.session_of("o1")
    assert session is not None
    assert (session["revision"], len(session["alternatives"])) == (1, 2)


def test_days_that_are_not_open_do_not_count() -> None:
    world = a_world()
    world.order(an_order(earliest=NEXT_MONDAY))
    assert told_on(world, NEXT_MONDAY) == [("26 17", "session.offered")]  # Thursday evening


def test_a_session_near_enough_is_told_at_once() -> None:
    world = a_world()
    assert said(world.order(an_order(earliest=TUESDAY))) == ["session.offered"]


def test_told_the_same_evening() -> None:
    world = a_world(tell=SAME_EVENING)
    assert said(world.order(an_order(earliest=TUESDAY))) == []
    assert told_on(world, TUESDAY) == [("23 17", "session.offered")]
    assert said(world.order(an_order("o2", earliest=NEXT_MONDAY))) == []


def test_a_plan_that_came_before_discharge_is_told_at_once() -> None:
    world = a_world()
    events = world.order(an_order(earliest=NEXT_MONDAY, bedside=True))
    assert said(events) == ["session.offered"]


def test_nobody_is_called_at_risk_who_has_a_time() -> None:
    world = a_world((THURSDAY, "09:00", "10:00"), tell=1)
    world.order(an_order_body(earliest=THURSDAY, limit=FRIDAY + timedelta(1)))
    # The limit is Saturday: the clock warns on Wednesday, three days before.
    assert told_on(world, FRIDAY)[0] == ("24 17", "session.offered")


def test_a_time_after_the_limit_is_told_at_once() -> None:
    world = a_world((TUESDAY, "09:00", "10:00"))
    world.order(an_order_body("o1", limit=WEDNESDAY))
    events = world.order(an_order_body("o2", limit=WEDNESDAY))
    assert said(events) == ["order.infeasible", "session.offered"]


def test_who_is_held_makes_room_for_a_nearer_limit_without_a_word() -> None:
    world = a_world((THURSDAY, "09:00", "10:00"), (FRIDAY, "09:00", "10:00"))
    assert said(world.order(an_order("o1", earliest=THURSDAY))) == []
    assert world.held()[0]["start"][:10] == str(THURSDAY)
    events = world.order(an_order_body("o2", earliest=THURSDAY, limit=THURSDAY))
    assert said(events) == ["session.offered"]
    assert (events[0]["order_id"], events[0]["inside_limit"]) == ("o2", True)
    assert [(one["order_id"], one["start"][:10]) for one in world.held()] == [("o1", str(FRIDAY))]
    assert world.faults() == []


def test_who_has_been_told_does_not_make_room() -> None:
    world = a_world((THURSDAY, "09:00", "10:00"), (FRIDAY, "09:00", "10:00"))
    world.order(an_order("o1", earliest=THURSDAY, bedside=True))
    events = world.order(an_order_body("o2", earliest=THURSDAY, limit=THURSDAY))
    assert said(events) == ["order.infeasible", "session.offered"]


def test_the_plan_shortens_ways_and_waits_for_all_together() -> None:
    world = World(tell=2)
    hour = (FRIDAY, "09:00", "10:00")
    world.capacity(
        a_statement("R", a_therapist("T1", hour)), a_statement("L", a_therapist("T2", hour))
    )
    world.order(an_order("o1", earliest=FRIDAY, postcode="8870", windows=[]))
    world.order(an_order("o2", earliest=FRIDAY, postcode="8870"))
    world.order(an_order("o3", earliest=NEXT_MONDAY))
    at_langaa = [one["order_id"] for one in world.held() if one["location"]["code"] == "L"]
    assert at_langaa == ["o1"]
    world.withdraw("o2")
    world.order(an_order("o4", earliest=FRIDAY, postcode="8900"))
    assert world.faults() == []


def test_a_plan_moves_the_held_to_where_all_pay_least() -> None:
    world = World(tell=2)
    hour = (FRIDAY, "09:00", "10:00")
    world.capacity(a_statement("R", a_therapist("T1", hour)))
    world.order(an_order("o1", earliest=FRIDAY, postcode="8870"))
    assert [one["location"]["code"] for one in world.held()] == ["R"]
    world.capacity(a_statement("L", a_therapist("T2", hour)))
    assert said(world.plan_anew()) == []
    assert [one["location"]["code"] for one in world.held()] == ["L"]


def test_a_plan_that_is_as_good_moves_nobody() -> None:
    world = World(tell=2)
    staff = (a_therapist(name, *all_week()) for name in ("T1", "T2", "T3"))
    world.capacity(a_statement("R", *staff, rooms=3))
    world.order(*(an_order(f"o{n}", earliest=FRIDAY) for n in (2, 0, 1)))
    held = world.held()
    for _ in range(3):
        assert said(world.plan_anew()) == []
        assert world.held() == held
        world.desk.planned = False


@pytest.mark.parametrize("change", [{"postcode": "8870"}, {"earliest": NEXT_MONDAY}])
def test_what_changes_before_it_is_told_is_not_said(change: dict[str, Any]) -> None:
    world = a_world()
    world.order(an_order(earliest=FRIDAY))
    assert said(world.order(an_order(**{"earliest": FRIDAY, **change}))) == []
    assert said(world.capacity(a_statement("R", version=2))) == []
    assert said(world.withdraw("o1")) == []
    assert world.held() == []


def test_a_held_session_whose_time_is_gone_is_moved_without_a_word() -> None:
    world = a_world()
    world.order(an_order(earliest=THURSDAY))
    less = a_therapist("T1", (FRIDAY, "08:00", "15:00"))
    assert said(world.capacity(a_statement("R", less, version=2))) == []
    assert [one["start"][:10] for one in world.held()] == [str(FRIDAY)]


def test_an_order_that_cannot_be_held_any_more_is_said_to_be_so() -> None:
    world = World(tell=2)
    world.capacity(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order(earliest=THURSDAY))
    events = world.capacity(a_statement("R", version=2))
    assert said(events) == ["order.infeasible"]


def test_who_calls_and_asks_is_told_of_the_time_that_is_held() -> None:
    world = a_world()
    world.order(an_order(earliest=FRIDAY))
    (held,) = world.held()
    about = {**held, "referral_id": "r-o1", "provider": "730", "revision": 1}
    assert said(world.answer("requested", about)) == ["session.offered"]


def test_who_was_not_told_in_time_gets_another_time() -> None:
    world = a_world(tell=1)
    world.order(an_order(earliest=WEDNESDAY))
    world.now = at(WEDNESDAY, "07:00")  # nobody was there in the evenings before
    events = world.plan_anew()
    assert said(events) == []
    assert [one["start"][:10] for one in world.held()] == [str(THURSDAY)]
    world.now = at(WEDNESDAY, "18:00")
    assert said(world.plan_anew()) == ["session.offered"]


def test_only_one_gives_way_where_one_is_enough() -> None:
    world = World(tell=2)
    hours = [(THURSDAY, "09:00", "11:00"), (FRIDAY, "09:00", "11:00")]
    world.capacity(a_statement("R", a_therapist("T1", *hours)))
    world.order(*(an_order(f"o{n}", earliest=THURSDAY) for n in (1, 2)))
    before = {one["order_id"]: one["start"] for one in world.held()}
    events = world.order(an_order_body("o3", earliest=THURSDAY, limit=THURSDAY))
    assert [one["inside_limit"] for one in events if "inside_limit" in one] == [True]
    after = {one["order_id"]: one["start"] for one in world.held()}
    assert len(before.items() & after.items()) == 1
    assert world.faults() == []
