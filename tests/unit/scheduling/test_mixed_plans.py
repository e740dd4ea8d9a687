"""Sessions of several lengths, and with equipment that rooms share, are planned together."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.scheduling import solving
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    an_order_body,
)
from tests.unit.scheduling.test_telling import said
from tests.unit.scheduling.world import World

THURSDAY, FRIDAY = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)
TWELVE_DAYS = MONDAY + timedelta(days=12)


def an_order(order_id: str, **other: Any) -> dict[str, Any]:
    return an_order_body(order_id, **{"earliest": THURSDAY, "limit": TWELVE_DAYS, **other})


def days(world: World) -> dict[str, str]:
    return {one["order_id"]: one["start"][:10] for one in world.held()}


def crossed() -> World:
    """A long session lies where two short ones could: all together would wait less otherwise."""
    world = World(tell=2)
    thursday, friday = (THURSDAY, "09:00", "10:00"), (FRIDAY, "09:00", "10:00")
    world.capacity(a_statement("R", a_therapist("T1", thursday, friday)))
    world.order(an_order("long", minutes=60))
    world.order(an_order("short-1", minutes=30), an_order("short-2", minutes=30))
    assert days(world) == {"long": str(THURSDAY), "short-1": str(FRIDAY), "short-2": str(FRIDAY)}
    return world


def test_two_short_sessions_and_a_long_one_change_places_where_all_together_gain() -> None:
    world = crossed()
    assert said(world.plan_anew()) == []
    assert days(world) == {"long": str(FRIDAY), "short-1": str(THURSDAY), "short-2": str(THURSDAY)}
    assert world.faults() == []
    assert world.desk.gap == pytest.approx(0, abs=solving.MIXED_GAP)
    reasons = {placed.booking.reason for placed in world.desk.provider.held() if placed.booking}
    assert all("of the price" in reason for reason in reasons)


def test_without_time_for_the_program_everybody_keeps_what_they_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solving, "MIXED_SECONDS", 0.0)
    world = crossed()
    before = days(world)
    world.plan_anew()
    assert days(world) == before
    assert world.faults() == []


def equipped(location: str, *therapists: Any) -> dict[str, Any]:
    body = a_statement(location, *therapists)
    body["rooms"][0]["equipment"] = ["barre"]
    return body


def with_bars(order_id: str, **other: Any) -> dict[str, Any]:
    body = an_order(order_id, **other)
    body["steps"][0]["equipment"] = ["barre"]
    return body


def test_who_needs_what_only_one_room_has_is_planned_with_the_others() -> None:
    """Two therapists, two rooms, one with bars: one with bars at a time."""
    world = World(tell=2)
    hours = [(day, "09:00", "10:00") for day in (THURSDAY, FRIDAY)]
    world.capacity(equipped("R", *(a_therapist(name, *hours) for name in ("T1", "T2"))))
    world.order(with_bars("a"), with_bars("b"), an_order("c"), an_order("d"))
    world.plan_anew()
    assert days(world)["a"] != days(world)["b"]
    assert sorted(days(world).values()) == [str(THURSDAY)] * 2 + [str(FRIDAY)] * 2
    assert world.faults() == []


@pytest.mark.parametrize("seed", range(6))
def test_no_rule_is_broken_and_nobody_loses_their_limit(seed: int) -> None:
    random = Random(f"mixed/{seed}")
    world = World(tell=2)
    hours = [(day, "08:00", "12:00") for day in (THURSDAY, FRIDAY)]
    staff = [
        a_therapist(name, *hours, competences=["almen", *random.sample(["ryg", "smerte"], 1)])
        for name in ("T1", "T2", "T3")
    ]
    world.capacity(equipped("R", *staff), a_statement("L", a_therapist("T4", *hours)))
    bodies = []
    for number in range(10):
        make = random.choice([an_order, an_order, with_bars])
        bodies.append(
            make(
                f"o{number}",
                minutes=random.choice([30, 45, 60]),
                postcode=random.choice(["8900", "8870"]),
                limit=random.choice([FRIDAY, TWELVE_DAYS]),
                competences=random.choice([["almen"], ["ryg"]]),
            )
        )
    for body in bodies:
        world.order(body)
    before = {one["order_id"]: one["inside_limit"] for one in world.standing()}
    world.plan_anew()
    assert world.faults() == []
    after = {one["order_id"]: one["inside_limit"] for one in world.standing()}
    assert all(after[order_id] for order_id, inside in before.items() if inside)
