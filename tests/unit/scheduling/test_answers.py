"""What follows when a citizen answers to an offer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.scheduling.counter import too_early
from services.scheduling.orders import Status
from services.scheduling.responses import OfferAccepted, OfferRequested
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_answer,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY, FRIDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)
NEXT_FRIDAY = FRIDAY + timedelta(days=7)
NEXT_WEEK = "2026-W49"
NINE, TEN = "2026-11-24T08:00:00Z", "2026-11-24T09:00:00Z"


def a_world(*hours: tuple[Any, str, str], **order: Any) -> tuple[World, dict[str, Any]]:
    """One therapist with these hours, and an offer to o1."""
    world = World()
    world.capacity(a_statement("R", a_therapist("T1", *hours)))
    world.order(an_order_body("o1", **order))
    session = world.session_of("o1")
    assert session is not None
    return world, session


def said(events: list[dict[str, Any]]) -> list[str]:
    kinds = [one["type"].removesuffix(".v1") for one in events]
    return [kind for kind in kinds if kind != "capacity.status"]


def wanted(session: dict[str, Any], number: int = 0) -> dict[str, Any]:
    other = session["alternatives"][number]
    return {"start": other["start"], "location": other["location"]["code"]}


def test_who_accepts_keeps_what_they_have_and_nothing_is_said() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    assert world.answer("accepted", session) == []
    assert world.session_of("o1") == session


def test_who_accepted_a_late_time_is_not_moved_when_an_earlier_one_becomes_free() -> None:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "10:00"))),
        a_statement("R", a_therapist("T1", (NEXT_FRIDAY, "09:00", "11:00")), week=NEXT_WEEK),
    )
    world.order(an_order_body("o1"), an_order_body("o2"), an_order_body("o3"))
    second = world.session_of("o2")
    assert second is not None
    assert not second["inside_limit"]
    world.answer("accepted", second)
    assert [one["order_id"] for one in world.withdraw("o1") if "previous" in one] == ["o3"]
    assert world.session_of("o2") == second


def test_a_declined_time_is_free_for_others_and_another_one_is_booked() -> None:
    world, session = a_world((TUESDAY, "09:00", "12:00"))
    events = world.answer("declined", session)
    assert said(events) == ["session.moved"]
    assert (events[0]["previous"]["start"], events[0]["start"]) == (NINE, TEN)
    world.order(an_order_body("o2"))
    other = world.session_of("o2")
    assert other is not None
    assert other["start"] == NINE


def test_a_time_that_was_declined_is_not_offered_again() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    (moved, *_) = world.answer("declined", session)
    events = world.answer("declined", moved)
    assert said(events) == ["session.cancelled", "order.infeasible"]
    assert events[0]["reason"] == "declined"
    world.capacity(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "12:00")), version=2))
    session_now = world.session_of("o1")
    assert session_now is not None
    assert session_now["start"] == "2026-11-24T10:00:00Z"


def test_the_day_from_which_it_suits_is_kept() -> None:
    world, session = a_world(*all_week())
    events = world.answer("cancelled", session, not_before=str(FRIDAY))
    assert said(events) == ["session.moved"]
    assert events[0]["start"] == "2026-11-27T07:00:00Z"
    changed = world.order(an_order_body("o1", limit=NEXT_FRIDAY))
    assert said(changed) == ["session.restated"]
    assert changed[0]["start"] == "2026-11-27T07:00:00Z"


def test_a_citizen_who_asks_for_a_time_after_the_limit_is_not_said_to_be_infeasible() -> None:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", *all_week())),
        a_statement("R", a_therapist("T1", *all_week(NEXT_WEEK)), week=NEXT_WEEK),
    )
    world.order(an_order_body("o1"))
    session = world.session_of("o1")
    assert session is not None
    events = world.answer("declined", session, not_before=str(NEXT_FRIDAY))
    assert said(events) == ["session.moved"]
    assert events[0]["inside_limit"] is False
    assert "The citizen asked for a time from 2026-12-04 on." in events[0]["reason"]


def test_who_waits_gets_no_time_until_they_ask_for_one() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    events = world.answer("cancelled", session, then="wait")
    assert said(events) == ["session.cancelled"]
    assert events[0]["reason"] == "cancelled-by-citizen"
    assert said(world.order(an_order_body("o1", vulnerable=True))) == []
    world.capacity(a_statement("R", a_therapist("T1", *all_week()), version=2))
    assert world.session_of("o1") is None
    asked = world.answer("requested", session)
    assert said(asked) == ["session.offered"]
    assert asked[0]["session_id"] != session["session_id"]


def test_who_waits_is_no_backlog() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    events = world.answer("cancelled", session, then="wait")
    status = [one for one in events if one["type"] == "capacity.status.v1"]
    assert [one["backlog"] for one in status] == [0]


def test_the_plan_of_who_waits_can_be_withdrawn() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    world.answer("cancelled", session, then="wait")
    assert said(world.withdraw("o1")) == []
    assert said(world.answer("requested", session)) == []


def test_another_of_the_offered_times_is_booked_where_it_is_still_free() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    events = world.answer("exchanged", session, wanted=wanted(session))
    assert said(events) == ["session.moved"]
    assert (events[0]["previous"]["start"], events[0]["start"]) == (NINE, TEN)
    assert events[0]["reason"] == "The citizen chose this time."


def test_a_time_at_another_location_that_was_offered_can_be_chosen() -> None:
    world = World()
    world.capacity(
        a_statement("R", a_therapist("T1", *all_week())),
        a_statement("L", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body("o1"))
    session = world.session_of("o1")
    assert session is not None
    (moved, *_) = world.answer("exchanged", session, wanted=wanted(session))
    assert (moved["location"]["code"], moved["distance_m"]) == ("L", 15353)


def test_a_time_that_is_taken_meanwhile_is_answered_by_a_new_offer() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"), (FRIDAY, "09:00", "10:00"))
    at_ten = {"start": TEN, "location": "R"}
    assert at_ten in [wanted(session, number) for number in (0, 1)]
    world.order(an_order_body("o2"))
    events = world.answer("exchanged", session, wanted=at_ten)
    assert said(events) == ["session.reoffered"]
    assert (events[0]["start"], events[0]["revision"]) == (NINE, 2)
    assert [one["start"] for one in events[0]["alternatives"]] == ["2026-11-27T08:00:00Z"]


def test_a_time_that_was_never_offered_is_answered_by_a_new_offer() -> None:
    world, session = a_world((TUESDAY, "09:00", "15:00"))
    events = world.answer(
        "exchanged", session, wanted={"start": "2026-11-24T09:20:00Z", "location": "R"}
    )
    assert said(events) == ["session.reoffered"]


def test_an_answer_to_a_time_that_has_moved_since_is_overtaken() -> None:
    world, session = a_world((TUESDAY, "09:00", "10:00"))
    world.capacity(a_statement("R", a_therapist("T1", (FRIDAY, "09:00", "10:00")), version=2))
    for kind in ("accepted", "declined", "cancelled"):
        assert world.answer(kind, session) == []


def test_an_answer_that_comes_when_the_session_has_begun_changes_nothing() -> None:
    world, session = a_world((TUESDAY, "09:00", "11:00"))
    world.now = at(TUESDAY, "09:00")
    assert world.answer("cancelled", session) == []
    assert world.answer("exchanged", session, wanted=wanted(session)) == []


def test_an_acceptance_goes_with_the_time_and_place_and_not_with_the_therapist() -> None:
    world, session = a_world((TUESDAY, "09:00", "10:00"))
    world.answer("accepted", session)
    another = a_therapist("T2", (TUESDAY, "09:00", "10:00"))
    world.capacity(a_statement("R", another, version=2))
    booking = world.desk.provider.orders["o1"].booking
    assert booking is not None
    assert booking.accepted
    elsewhen = a_therapist("T2", (FRIDAY, "09:00", "10:00"))
    world.capacity(a_statement("R", elsewhen, version=3))
    moved = world.desk.provider.orders["o1"].booking
    assert moved is not None
    assert not moved.accepted


@pytest.mark.parametrize(
    ("other", "early"),
    [({}, False), ({"revision": 2}, True), ({"session_id": "another"}, True)],
)
def test_an_answer_to_an_offer_that_is_not_made_yet_is_too_early(
    other: dict[str, Any], *, early: bool
) -> None:
    world, session = a_world((TUESDAY, "09:00", "10:00"))
    response = OfferAccepted.model_validate(an_answer({**session, **other}))
    assert too_early(world.desk.provider.orders["o1"], response) is early


def test_an_answer_about_an_order_that_is_not_known_is_too_early() -> None:
    _, session = a_world((TUESDAY, "09:00", "10:00"))
    assert too_early(None, OfferRequested.model_validate(an_answer(session)))


def test_an_answer_to_a_session_that_was_cancelled_is_overtaken_and_not_too_early() -> None:
    world, session = a_world((TUESDAY, "09:00", "10:00"))
    world.capacity(a_statement("R", version=2))
    placed = world.desk.provider.orders["o1"]
    assert placed.status is Status.WAITING
    assert not too_early(placed, OfferAccepted.model_validate(an_answer(session)))
    assert world.answer("accepted", session) == []
