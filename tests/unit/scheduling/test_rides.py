"""Who needs a ride has sessions while rides run, and nobody else is bound by that."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from services.scheduling.orders import Window
from tests.unit.scheduling.checker import DENMARK
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

RIDES = Window(None, time(10), time(14))
TUESDAY = MONDAY + timedelta(days=1)


def a_world(**other: Any) -> World:
    world = World(rides=RIDES, **other)
    world.capacity(a_statement("R", a_therapist("T1", *all_week())))
    return world


def hours(world: World) -> dict[str, time]:
    return {
        one["order_id"]: datetime.fromisoformat(one["start"]).astimezone(DENMARK).time()
        for one in world.standing()
    }


def test_a_session_with_a_ride_begins_and_ends_while_rides_run() -> None:
    world = a_world()
    world.order(an_order_body("a", transport=True), an_order_body("b"))
    assert hours(world) == {"a": time(10), "b": time(8)}
    session = world.session_of("a")
    assert session is not None
    assert all("09:00" <= one["start"][11:16] <= "12:00" for one in session["alternatives"])
    assert world.faults() == []


def test_a_session_on_a_screen_needs_no_ride() -> None:
    world = a_world()
    body = an_order_body("a", transport=True, room=False)
    body["steps"][0]["delivery"] = "screen"
    world.order(body)
    assert hours(world) == {"a": time(8)}


def test_the_plan_over_all_keeps_to_the_hours_of_rides_too() -> None:
    world = a_world(tell=2)
    friday = MONDAY + timedelta(days=4)
    twelve = MONDAY + timedelta(days=12)
    for name in ("a", "b"):
        world.order(an_order_body(name, transport=True, earliest=friday, limit=twelve))
    for _ in range(2):
        world.desk.planned = False
        world.plan_anew()
    assert {time(10) <= hour <= time(13) for hour in hours(world).values()} == {True}
    assert world.faults() == []


def test_a_time_without_a_ride_breaks_a_rule() -> None:
    world = a_world()
    world.order(an_order_body("a", transport=True))
    session = world.session_of("a")
    assert session is not None
    early = {"start": at(TUESDAY, "08:00").isoformat(), "location": "R"}
    events = world.answer("exchanged", session, wanted=early)
    assert [one["type"] for one in events][:1] == ["session.reoffered.v1"]
