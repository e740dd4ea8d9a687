"""What becomes of orders, example by example, through a provider in memory."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from services.scheduling.weights import Weights
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY = MONDAY + timedelta(days=1)
FRIDAY, NEXT_MONDAY = MONDAY + timedelta(days=4), MONDAY + timedelta(days=7)
NEXT_WEEK = "2026-W49"


def a_world(*statements: dict[str, Any], **other: Any) -> World:
    world = World(**other)
    world.capacity(*statements)
    return world


def one_hour(day: date) -> tuple[date, str, str]:
    return day, "09:00", "10:00"


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """What was published on training."""
    return [one["type"].removesuffix(".v1") for one in events if "status" not in one["type"]]


def test_the_nearest_location_wins_over_an_earlier_time_elsewhere() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(FRIDAY))),
        a_statement("L", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body(postcode="8900"))
    session = world.session_of("o1")
    assert session is not None
    assert (session["location"]["code"], session["start"]) == ("R", "2026-11-27T08:00:00Z")


def test_a_week_earlier_is_worth_twenty_kilometres() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(NEXT_MONDAY)), week=NEXT_WEEK),
        a_statement("L", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body(postcode="8900"))
    session = world.session_of("o1")
    assert session is not None
    assert (session["location"]["code"], session["start"]) == ("L", "2026-11-24T07:00:00Z")
    assert "0 days' wait: the least price inside the limit" in session["reason"]
    assert "Randers Sundhedscenter (0.5 km): first 2026-11-30" in session["reason"]


def test_a_ride_counts_twice_so_who_needs_one_waits_rather_than_goes_far() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(NEXT_MONDAY)), week=NEXT_WEEK),
        a_statement("L", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body(postcode="8900", transport=True))
    session = world.session_of("o1")
    assert session is not None
    assert (session["location"]["code"], session["transport"]) == ("R", True)


def test_a_conversation_by_telephone_has_no_way_and_no_ride() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(FRIDAY))),
        a_statement("L", a_therapist("T2", *all_week()), rooms=1),
    )
    body = an_order_body(postcode="8900", transport=True, room=False)
    body["steps"][0]["delivery"] = "telephone"
    world.order(body)
    session = world.session_of("o1")
    assert session is not None
    assert (session["therapist"], session["room"]) == ("T2", None)
    assert (session["distance_m"], session["transport"]) == (0, False)


def test_some_of_a_day_is_kept_for_those_whose_limit_is_near() -> None:
    hours = [(TUESDAY, "08:00", "15:00"), (FRIDAY, "08:00", "15:00")]
    world = a_world(a_statement("R", a_therapist("T1", *hours)), weights=Weights(reserve=0.1))
    world.order(*(an_order_body(f"o{number}") for number in range(8)))
    on_tuesday = [one for one in world.ahead() if one["start"].startswith("2026-11-24")]
    assert len(on_tuesday) == 6
    (other,) = [o for o in world.ahead() if o["order_id"] == "o6"]
    assert "1 earlier start refused: kept for those whose limit comes first" in other["reason"]
    world.order(an_order_body("soon", limit=TUESDAY))
    soon = world.session_of("soon")
    assert soon is not None
    assert soon["start"].startswith("2026-11-24")


def test_a_farther_location_is_taken_where_the_nearest_is_full_inside_the_limit() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(TUESDAY))),
        a_statement("A", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body("o1"), an_order_body("o2"))
    session = world.session_of("o2")
    assert session is not None
    assert session["location"]["code"] == "A"
    assert session["inside_limit"] is True
    assert "Randers Sundhedscenter (0.5 km): every therapist is booked" in session["reason"]


def test_three_times_are_offered_and_one_of_them_at_another_location() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", *all_week())),
        a_statement("L", a_therapist("T2", *all_week())),
    )
    world.order(an_order_body())
    session = world.session_of("o1")
    assert session is not None
    assert [one["location"]["code"] for one in session["alternatives"]] == ["L", "R"]
    assert len({session["start"], *(one["start"] for one in session["alternatives"])}) >= 2


def test_alternatives_are_not_held() -> None:
    world = a_world(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "11:00"))))
    world.order(an_order_body("o1"))
    first = world.session_of("o1")
    world.order(an_order_body("o2"))
    second = world.session_of("o2")
    assert first is not None
    assert second is not None
    assert first["alternatives"][0]["start"] == second["start"]


def test_a_limit_that_cannot_be_held_is_said_at_once_with_the_first_possible_date() -> None:
    world = a_world(
        a_statement(
            "R", a_therapist("T1", (NEXT_MONDAY + timedelta(2), "09:00", "10:00")), week=NEXT_WEEK
        ),
    )
    events = world.order(an_order_body(limit=NEXT_MONDAY))
    assert kinds(events) == ["order.infeasible", "session.offered"]
    assert events[0]["reason"] == "no-capacity-inside-limit"
    assert events[0]["first_possible"] == "2026-12-02"
    assert events[1]["inside_limit"] is False


def test_a_limit_that_has_passed_is_named_as_such() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    events = world.order(an_order_body(earliest=MONDAY, limit=MONDAY))
    assert events[0]["reason"] == "limit-passed"
    assert kinds(events) == ["order.infeasible", "session.offered"]


def test_a_missing_competence_is_named_as_such() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    events = world.order(an_order_body(competences=["specialiseret"]))
    assert (events[0]["reason"], kinds(events)) == ("no-competence", ["order.infeasible"])
    assert "nobody with specialiseret" in events[0]["text"]


def test_an_order_waits_for_capacity_and_is_booked_when_it_comes() -> None:
    world = a_world()
    assert kinds(world.order(an_order_body())) == ["order.infeasible"]
    events = world.capacity(a_statement("R", a_therapist("T1", *all_week())))
    assert kinds(events) == ["session.offered"]
    assert world.plan.sessions


def test_time_that_becomes_free_goes_to_who_is_late() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", one_hour(TUESDAY))),
        a_statement(
            "R", a_therapist("T1", (FRIDAY + timedelta(7), "09:00", "10:00")), week=NEXT_WEEK
        ),
    )
    world.order(an_order_body("o1"), an_order_body("o2"))
    late = world.session_of("o2")
    assert late is not None
    assert late["inside_limit"] is False
    events = world.withdraw("o1")
    assert kinds(events) == ["session.cancelled", "session.moved"]
    moved = world.session_of("o2")
    assert moved is not None
    assert moved["inside_limit"] is True
    assert moved["previous"]["start"] == late["start"]


def test_a_plan_that_was_withdrawn_frees_its_session() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    events = world.withdraw("o1")
    assert [one["reason"] for one in events if one["type"] == "session.cancelled.v1"] == [
        "order-withdrawn"
    ]
    assert world.withdraw("o1") == []


def test_a_changed_order_keeps_a_session_that_is_still_right() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    assert kinds(world.order(an_order_body(vulnerable=True))) == []


def test_a_changed_limit_is_told_even_where_the_session_stays() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    events = world.order(an_order_body(limit=NEXT_MONDAY + timedelta(1), transport=True))
    restated = events[0]
    assert kinds(events) == ["session.restated"]
    assert (restated["limit"], restated["transport"]) == ("2026-12-01", True)
    assert (restated["revision"], restated["start"]) == (2, "2026-11-24T07:00:00Z")


def test_a_limit_that_cannot_be_held_is_told_again_when_it_changes() -> None:
    friday = FRIDAY + timedelta(days=7)
    world = a_world(a_statement("R", a_therapist("T1", (friday, "09:00", "10:00")), week=NEXT_WEEK))
    world.order(an_order_body(limit=NEXT_MONDAY))
    events = world.order(an_order_body(limit=FRIDAY))
    assert kinds(events) == ["order.infeasible", "session.restated"]
    assert (events[0]["limit"], events[0]["first_possible"]) == (str(FRIDAY), str(friday))
    held = world.order(an_order_body(limit=friday))
    assert (kinds(held), held[0]["inside_limit"]) == (["session.restated"], True)


def test_a_session_before_the_new_earliest_date_is_moved() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    events = world.order(an_order_body(earliest=FRIDAY))
    assert kinds(events) == ["session.moved"]
    assert events[0]["start"].startswith("2026-11-27")


def test_another_therapist_takes_over_at_the_same_time() -> None:
    world = a_world(
        a_statement("R", a_therapist("T1", *all_week()), a_therapist("T2", *all_week()))
    )
    world.order(an_order_body())
    events = world.capacity(a_statement("R", a_therapist("T2", *all_week()), version=2))
    restated = events[0]
    assert kinds(events) == ["session.restated"]
    assert (restated["therapist"], restated["start"]) == ("T2", "2026-11-24T07:00:00Z")
    assert (
        restated["reason"] == "The time and place stay; therapist T1 by T2 because of new capacity."
    )


def test_a_session_that_lasts_longer_at_the_same_start_is_moved() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body(minutes=45))
    events = world.order(an_order_body(minutes=60))
    assert kinds(events) == ["session.moved"]
    assert events[0]["start"] == events[0]["previous"]["start"]
    assert events[0]["end"] != events[0]["previous"]["end"]


def test_a_session_today_may_change_therapist_but_not_to_a_time_without_notice() -> None:
    world = a_world(a_statement("R", a_therapist("T1", one_hour(TUESDAY))))
    world.order(an_order_body())
    world.now = at(TUESDAY, "08:30")
    world.capacity(a_statement("R", a_therapist("T2", *all_week()), version=2))
    moved = world.session_of("o1")
    assert moved is not None
    assert (moved["therapist"], moved["start"]) == ("T2", "2026-11-24T08:00:00Z")
    later = a_statement("R", a_therapist("T3", *all_week(begin="10:00")), version=3)
    assert world.capacity(later)[0]["start"] == "2026-11-25T09:00:00Z"


def test_a_session_that_nobody_can_take_over_is_cancelled_and_its_order_waits() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    events = world.capacity(a_statement("R", version=2))
    assert kinds(events) == ["session.cancelled", "order.infeasible"]
    assert events[0]["reason"] == "capacity-gone"
    again = world.capacity(a_statement("R", a_therapist("T1", *all_week()), version=3))
    assert kinds(again) == ["session.offered"]
    assert again[0]["session_id"] != events[0]["session_id"]


def test_a_therapist_who_moves_to_another_location_is_never_in_two_places() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body("o1", postcode="8870"))
    world.capacity(a_statement("R", version=2), a_statement("L", a_therapist("T1", *all_week())))
    world.order(an_order_body("o2", postcode="8870"))
    assert world.faults() == []
    assert len(world.ahead()) == 2


def test_an_older_state_of_a_week_changes_nothing() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week()), version=2))
    assert world.capacity(a_statement("R", version=1)) == []
    assert kinds(world.order(an_order_body())) == ["session.offered"]


def test_nothing_is_booked_on_a_public_holiday() -> None:
    christmas = date(2026, 12, 21)
    world = a_world(
        a_statement("R", a_therapist("T1", *all_week("2026-W52")), week="2026-W52"),
        now=at(christmas, "09:00"),
    )
    world.order(an_order_body(earliest=date(2026, 12, 25), limit=date(2026, 12, 27)))
    assert world.session_of("o1") is None


def test_the_day_before_christmas_is_an_ordinary_day() -> None:
    christmas = date(2026, 12, 21)
    world = a_world(
        a_statement("R", a_therapist("T1", *all_week("2026-W52")), week="2026-W52"),
        now=at(christmas, "09:00"),
    )
    world.order(an_order_body(earliest=date(2026, 12, 24), limit=date(2026, 12, 27)))
    session = world.session_of("o1")
    assert session is not None
    assert session["start"] == "2026-12-24T07:00:00Z"


def test_who_speaks_the_language_is_preferred_over_an_earlier_time() -> None:
    world = a_world(
        a_statement(
            "R",
            a_therapist("T1", *all_week()),
            a_therapist("T2", one_hour(FRIDAY), languages=("da", "ar")),
        )
    )
    world.order(an_order_body("o1", language="ar"), an_order_body("o2", language="so"))
    arabic, somali = world.session_of("o1"), world.session_of("o2")
    assert arabic is not None
    assert somali is not None
    assert arabic["therapist"] == "T2"
    assert somali["start"].startswith("2026-11-24")
    assert "Nobody there speaks so then." in somali["reason"]


def test_rare_competences_are_kept_for_who_needs_them() -> None:
    world = a_world(
        a_statement(
            "R",
            a_therapist("T1", *all_week(), competences=("almen", "specialiseret")),
            a_therapist("T2", *all_week()),
        )
    )
    world.order(an_order_body())
    session = world.session_of("o1")
    assert session is not None
    assert session["therapist"] == "T2"


def test_an_unknown_postcode_is_said_and_gives_no_distance() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body(postcode=""))
    session = world.session_of("o1")
    assert session is not None
    assert session["distance_m"] is None
    assert "the postcode is not known" in session["reason"]


def test_a_session_that_has_begun_is_left_alone() -> None:
    world = a_world(a_statement("R", a_therapist("T1", *all_week())))
    world.order(an_order_body())
    world.now = at(TUESDAY, "08:30")
    assert kinds(world.capacity(a_statement("R", version=2))) == []
    assert kinds(world.order(an_order_body(earliest=FRIDAY))) == []
    assert kinds(world.withdraw("o1")) == []


def test_a_week_is_reported_once_for_a_batch_with_what_is_free_and_who_lacks_a_time() -> None:
    world = a_world(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "11:00"))))
    events = world.order(*(an_order_body(f"o{number}", limit=FRIDAY) for number in range(3)))
    status = [one for one in events if one["type"] == "capacity.status.v1"]
    assert len(status) == 1
    assert status[0] == {
        "type": "capacity.status.v1",
        "provider": "730",
        "location": "R",
        "week": "2026-W48",
        "supply_minutes": 120,
        "booked_minutes": 120,
        "free_minutes": 0,
        "next_free": None,
        "backlog": 1,
        "as_of": NOW.isoformat().replace("+00:00", "Z"),
    }


def test_sessions_keep_to_danish_time_when_the_clocks_change() -> None:
    monday = date(2026, 10, 19)
    sunday = date(2026, 10, 25)
    world = a_world(
        a_statement("R", a_therapist("T1", (sunday, "08:10", "10:00")), week="2026-W43"),
        now=at(monday, "08:00"),
    )
    window = {"weekday": 7, "from": "08:30", "to": "09:45"}
    world.order(
        an_order_body(earliest=monday, limit=date(2026, 10, 26), windows=[window]),
    )
    session = world.session_of("o1")
    assert session is not None
    assert session["start"] == "2026-10-25T07:30:00Z"
    assert world.faults() == []
