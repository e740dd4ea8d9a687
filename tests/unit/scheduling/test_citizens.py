"""A citizen with several plans is never in two sessions at once, and has time to travel."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.scheduling.diary import Diary, Entry
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
TUESDAY_ONLY = [{"weekday": 2, "from": None, "to": None}]


def a_plan(order_id: str, **other: Any) -> dict[str, Any]:
    """One of Else's plans."""
    return an_order_body(order_id, citizen_id="c-else", **other)


def starts(world: World) -> dict[str, str]:
    """When and where each order's session is, on Danish clocks."""
    return {one["order_id"]: f"{one['location']['code']} {one['start']}" for one in world.ahead()}


def two_therapists(**other: Any) -> World:
    world = World(**other)
    staff = a_therapist("T1", *all_week()), a_therapist("T2", *all_week())
    world.capacity(a_statement("R", *staff))
    return world


def test_two_plans_in_one_batch_give_two_times() -> None:
    world = two_therapists()
    world.order(a_plan("o1"), a_plan("o2"))
    assert starts(world) == {"o1": "R 2026-11-24T07:00:00Z", "o2": "R 2026-11-24T08:00:00Z"}


def test_a_second_plan_that_comes_later_gives_another_time() -> None:
    world = two_therapists()
    world.order(a_plan("o1"))
    world.order(a_plan("o2"))
    assert starts(world) == {"o1": "R 2026-11-24T07:00:00Z", "o2": "R 2026-11-24T08:00:00Z"}
    assert world.faults() == []


def test_two_citizens_may_train_at_the_same_time() -> None:
    world = two_therapists()
    world.order(an_order_body("o1"), an_order_body("o2"))
    assert len(set(starts(world).values())) == 1


def test_between_two_places_there_is_time_to_travel() -> None:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "10:00"))),
        a_statement("L", a_therapist("T2", (TUESDAY, "07:30", "13:00"))),
    )
    world.order(a_plan("o1"), a_plan("o2"))
    assert starts(world) == {"o1": "R 2026-11-24T08:00:00Z", "o2": "L 2026-11-24T10:00:00Z"}


@pytest.mark.parametrize(("minutes", "start"), [(0, "09:00"), (50, "10:00"), (90, "10:30")])
def test_how_long_the_way_takes_is_the_municipality_s_to_say(minutes: int, start: str) -> None:
    world = World(transfer=timedelta(minutes=minutes))
    world.capacity(
        a_statement("R", a_therapist("T1", (TUESDAY, "08:00", "09:00"))),
        a_statement("L", a_therapist("T2", (TUESDAY, "08:00", "12:00"))),
    )
    world.order(a_plan("o1"), a_plan("o2"))
    second = world.session_of("o2")
    assert second is not None
    assert second["start"] == at(TUESDAY, start).isoformat().replace("+00:00", "Z")


def test_other_times_that_are_offered_leave_room_for_the_other_session() -> None:
    world = two_therapists()
    world.order(a_plan("o1"), a_plan("o2", windows=TUESDAY_ONLY))
    second = world.session_of("o2")
    assert second is not None
    others = [one["start"] for one in second["alternatives"]]
    assert others
    assert "2026-11-24T07:00:00Z" not in others


def test_why_a_nearer_time_was_passed_over_is_said() -> None:
    world = World()
    world.capacity(
        a_statement(
            "R",
            a_therapist("T1", (TUESDAY, "09:00", "10:00")),
            a_therapist("T2", (TUESDAY, "09:00", "10:00")),
        ),
        a_statement("A", a_therapist("T3", *all_week())),
    )
    world.order(a_plan("o1"), a_plan("o2"))
    second = world.session_of("o2")
    assert second is not None
    assert second["location"]["code"] == "A"
    assert "free only when the citizen is at another session" in second["reason"]


def test_who_is_rebooked_keeps_clear_of_their_other_session() -> None:
    world = World()
    hours = (TUESDAY, "08:00", "10:00")
    world.capacity(
        a_statement("R", a_therapist("T1", hours), a_therapist("T2", (TUESDAY, "08:00", "09:00")))
    )
    world.order(a_plan("o1"), a_plan("o2"))
    later = (WEDNESDAY, "08:00", "09:00")
    moved = world.capacity(
        a_statement(
            "R",
            a_therapist("T1", (TUESDAY, "09:00", "10:00")),
            a_therapist("T3", (TUESDAY, "09:00", "10:00"), later),
            version=2,
        )
    )
    assert [one["order_id"] for one in moved if one["type"] == "session.moved.v1"] == ["o1"]
    assert starts(world)["o1"] == "R 2026-11-25T07:00:00Z"
    assert world.faults() == []


def test_the_time_is_free_again_when_the_other_plan_is_withdrawn() -> None:
    world = World()
    hour = (TUESDAY, "09:00", "10:00")
    world.capacity(a_statement("R", a_therapist("T1", hour), a_therapist("T2", hour)))
    world.order(a_plan("o1"), a_plan("o2"))
    assert world.session_of("o2") is None
    world.withdraw("o1")
    assert starts(world) == {"o2": "R 2026-11-24T08:00:00Z"}


def test_a_session_at_another_provider_counts_and_is_always_another_place() -> None:
    world = two_therapists()
    hour = at(TUESDAY, "09:00"), at(TUESDAY, "10:00")
    world.diary.know(["c-else"], [("c-else", "x1", Entry("316", "R", *hour))])
    world.order(a_plan("o1"))
    assert starts(world) == {"o1": "R 2026-11-24T10:00:00Z"}


def test_what_a_batch_has_changed_stands_against_what_is_looked_up_later() -> None:
    diary, order = Diary(), an_order("o1", citizen_id="c-else")
    diary.write(order, None)
    old = Entry("730", "R", at(date(2026, 11, 24), "09:00"), at(date(2026, 11, 24), "10:00"))
    diary.know(["c-else"], [("c-else", "o1", old)])
    assert diary.others(an_order("o2", citizen_id="c-else")) == []


def test_planning_for_somebody_who_was_not_looked_up_is_a_fault() -> None:
    with pytest.raises(KeyError):
        Diary().others(an_order("o1"))
