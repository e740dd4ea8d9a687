"""What a roster's statement may not say, and which element is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.scheduling.capacity import Problem, Shift, elsewhere, monday_of, problems, week_of
from services.scheduling.incoming import CapacityStated, stated
from services.scheduling.settings import COMPETENCES
from tests.unit.scheduling.factories import MONDAY, a_statement, a_therapist, a_week, all_week, at

TUESDAY = MONDAY + timedelta(days=1)


def found(statement: dict[str, Any]) -> list[Problem]:
    return problems(stated(CapacityStated.model_validate(statement)), COMPETENCES)


def elements(statement: dict[str, Any]) -> list[str]:
    return [problem.element for problem in found(statement)]


def test_a_usual_week_is_accepted() -> None:
    assert found(a_statement("R", a_therapist("T1", *all_week()))) == []


def test_a_closed_location_needs_neither_rooms_nor_therapists() -> None:
    assert found(a_statement("R", rooms=0, closed=True)) == []


def test_a_location_without_rooms_is_named() -> None:
    assert elements(a_statement("R", rooms=0)) == ["rooms"]


def test_overlapping_shifts_are_named_with_both() -> None:
    therapist = a_therapist("T1", (MONDAY, "08:00", "12:00"), (MONDAY, "11:00", "13:00"))
    assert found(a_statement("R", therapist)) == [
        Problem("therapists[0].shifts[1]", "overlaps therapists[0].shifts[0]")
    ]


def test_shifts_that_touch_are_two_shifts() -> None:
    therapist = a_therapist("T1", (MONDAY, "08:00", "12:00"), (MONDAY, "12:00", "13:00"))
    assert found(a_statement("R", therapist)) == []


def test_negative_hours_are_named() -> None:
    therapist = a_therapist("T1", (MONDAY, "12:00", "08:00"))
    assert elements(a_statement("R", therapist)) == ["therapists[0].shifts[0].end"]


def test_a_shift_outside_the_week_is_named() -> None:
    therapist = a_therapist("T1", (MONDAY - timedelta(days=1), "08:00", "12:00"))
    assert elements(a_statement("R", therapist)) == ["therapists[0].shifts[0].start"]


def test_a_shift_over_midnight_is_named() -> None:
    therapist = a_therapist("T1")
    therapist["shifts"] = [
        {"start": at(MONDAY, "20:00").isoformat(), "end": at(TUESDAY, "02:00").isoformat()}
    ]
    assert elements(a_statement("R", therapist)) == ["therapists[0].shifts[0].end"]


def test_a_shift_may_end_at_midnight() -> None:
    therapist = a_therapist("T1")
    therapist["shifts"] = [
        {"start": at(MONDAY, "20:00").isoformat(), "end": at(TUESDAY, "00:00").isoformat()}
    ]
    assert found(a_statement("R", therapist)) == []


def test_an_unknown_competence_is_named() -> None:
    assert found(a_statement("R", a_therapist("T1", competences=("almen", "alment")))) == [
        Problem("therapists[0].competences", "'alment' is no competence that is known here")
    ]


def test_a_therapist_who_stands_twice_is_named() -> None:
    statement = a_statement("R", a_therapist("T1"), a_therapist("T2"), a_therapist("T1"))
    assert found(statement) == [Problem("therapists[2].id", "T1 stands at therapists[0] too")]


def test_a_room_that_stands_twice_is_named() -> None:
    statement = a_statement("R")
    statement["rooms"][1]["code"] = "R1"
    assert elements(statement) == ["rooms[1].code"]


@pytest.mark.parametrize(("lat", "lon"), [(52.5, 13.4), (56.4, 18.0), (60.0, 10.0), (0.0, 0.0)])
def test_a_place_outside_denmark_is_named(lat: float, lon: float) -> None:
    statement = a_statement("R")
    statement["location"] |= {"lat": lat, "lon": lon}
    assert set(elements(statement)) <= {"location.lat", "location.lon"}
    assert elements(statement)


@pytest.mark.parametrize("week", ["2026-48", "2026-W54", "2026-W00", "uge 48"])
def test_a_week_that_is_none_is_named(week: str) -> None:
    assert elements(a_statement("R", week=week)) == ["week"]


def test_everything_wrong_is_told_at_once() -> None:
    statement = a_statement(
        "R", a_therapist("T1", (MONDAY, "12:00", "08:00"), competences=("yoga",)), rooms=0
    )
    assert elements(statement) == [
        "rooms",
        "therapists[0].competences",
        "therapists[0].shifts[0].end",
    ]


def test_a_therapist_who_is_elsewhere_at_the_same_time_is_named() -> None:
    week = a_week("R", a_therapist("T1", (MONDAY, "08:00", "12:00")))
    other = [("T1", Shift(at(MONDAY, "11:00"), at(MONDAY, "13:00")))]
    assert [one.element for one in elsewhere(week, {"L": other})] == ["therapists[0].shifts[0]"]
    after = [("T1", Shift(at(MONDAY, "12:00"), at(MONDAY, "13:00")))]
    assert list(elsewhere(week, {"L": after})) == []


def test_a_week_is_named_after_its_monday() -> None:
    assert monday_of(week_of(MONDAY + timedelta(days=6))) == MONDAY
    assert week_of(MONDAY) == "2026-W48"
