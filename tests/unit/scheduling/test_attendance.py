"""Who came, and referrals that rest and go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.scheduling.orders import Status
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY = MONDAY + timedelta(days=1)
NEXT_WEEK = "2026-W49"


@pytest.fixture
def world() -> World:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", *all_week())),
        a_statement("R", a_therapist("T1", *all_week(NEXT_WEEK)), week=NEXT_WEEK),
    )
    world.order(an_order_body("o1"))
    return world


def said(events: list[dict[str, Any]]) -> list[str]:
    kinds = [one["type"].removesuffix(".v1") for one in events]
    return [kind for kind in kinds if kind != "capacity.status"]


def test_who_came_is_said_once_and_a_correction_again(world: World) -> None:
    session = world.session_of("o1")
    assert session is not None
    world.now = at(TUESDAY, "09:30")
    (came,) = world.attend(session)
    assert (came["type"], came["attended"], came["by"]) == ("session.attended.v1", True, "staff-1")
    assert came["start"] == session["start"]
    assert world.attend(session) == []
    (stayed_away,) = world.attend(session, attended=False, reason="ill")
    assert (stayed_away["attended"], stayed_away["reason"]) == (False, "ill")


def test_nobody_came_to_a_session_whose_day_has_not_come(world: World) -> None:
    session = world.session_of("o1")
    assert session is not None
    assert world.attend(session) == []


def test_a_session_that_the_order_no_longer_has_is_not_attended(world: World) -> None:
    session = world.session_of("o1")
    assert session is not None
    assert world.attend({**session, "session_id": "another"}) == []


def test_a_referral_that_rests_frees_its_time_and_is_booked_anew_when_it_goes_on(
    world: World,
) -> None:
    session = world.session_of("o1")
    assert session is not None
    paused = world.pause("r-o1")
    assert said(paused) == ["session.cancelled"]
    assert paused[0]["reason"] == "paused"
    assert world.pause("r-o1") == []
    world.order(an_order_body("o2"))
    other = world.session_of("o2")
    assert other is not None
    assert other["start"] == session["start"]
    later = MONDAY + timedelta(days=8)
    events = world.resume("r-o1", later, later + timedelta(days=7))
    assert said(events) == ["session.offered"]
    assert events[0]["start"][:10] == str(later)
    assert events[0]["limit"] == str(later + timedelta(days=7))
    assert events[0]["session_id"] != session["session_id"]
    assert world.resume("r-o1", later, later + timedelta(days=7)) == []


def test_new_time_and_a_changed_order_book_nothing_for_who_rests(world: World) -> None:
    world.pause("r-o1")
    more = a_therapist("T1", *all_week(end="17:00"))
    assert said(world.capacity(a_statement("R", more, version=2))) == []
    assert said(world.order(an_order_body("o1", postcode="8870"))) == []
    assert world.desk.provider.orders["o1"].status is Status.PAUSED
    assert said(world.resume("r-o1")) == ["session.offered"]


def test_a_session_that_has_begun_is_left_alone(world: World) -> None:
    world.now = at(TUESDAY, "09:30")
    assert world.pause("r-o1") == []


def test_a_resting_order_that_is_withdrawn_is_closed(world: World) -> None:
    world.pause("r-o1")
    assert world.withdraw("o1") == []
    assert world.desk.provider.orders["o1"].status is Status.CLOSED
