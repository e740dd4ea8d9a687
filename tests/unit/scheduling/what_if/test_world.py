"""A municipality as it is simulated: weeks repeated, requests brought forward, hours thinned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from services.scheduling.capacity import Location, LocationWeek, Room
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.holidays import public_holiday
from services.scheduling.incoming import CapacityStated, stated
from services.scheduling.settings import Municipality, terms_of
from services.scheduling.what_if.demand import Demand, Request, of_the_past
from services.scheduling.what_if.hours import hours_of, share_open, thinned
from services.scheduling.what_if.world import Candidate, Weeks, World, build, given_weeks
from tests.unit.scheduling.factories import MONDAY, a_statement, a_therapist, all_week

EASTER_WEEK = date(2027, 3, 22)  # Thursday to Monday are holidays
HOME = {"8900": (56.46, 10.04), "8981": (56.54, 10.04)}


def a_week(code: str, *therapists: str, week: str | None = None) -> LocationWeek:
    people = [a_therapist(name, *all_week()) for name in therapists]
    statement = a_statement(code, *people)
    if week is not None:
        statement["week"] = week
    return stated(CapacityStated.model_validate(statement))


def a_request(arrived: date, **more: object) -> Request:
    told = {
        "arrived": arrived,
        "earliest": arrived + timedelta(days=1),
        "limit": arrived + timedelta(days=7),
        "district": "8900",
        "competences": frozenset({"almen"}),
    }
    return Request(**(told | more))  # type: ignore[arg-type]


def a_past(weeks: int = 4, first: date = date(2025, 3, 4)) -> Demand:
    return of_the_past(
        [a_request(first + timedelta(weeks=n)) for n in range(weeks)], HOME, "the past"
    )


def a_world(*weeks: LocationWeek, demand: Demand | None = None, **more: object) -> World:
    terms = terms_of(Municipality())
    told = {"first": MONDAY, "days": 14, "minutes": 60, "terms": terms}
    return build(weeks or (a_week("R", "T1"),), demand or a_past(), **(told | more))  # type: ignore[arg-type]


def held_by_day(world: World, weeks: Weeks) -> list[int]:
    """Minutes with a therapist and a room, day by day."""
    return [
        int(
            hours_of(
                weeks,
                world.sites,
                first=world.first + timedelta(days=day),
                days=1,
                closed=world.terms.public_holiday,
            ).held.sum()
        )
        for day in range(7)
    ]


def test_a_typical_week_is_repeated_and_holidays_are_closed() -> None:
    ordinary, easter = a_world(), a_world(first=EASTER_WEEK, days=7)
    assert held_by_day(easter, easter.weeks[:1]) == [
        *held_by_day(ordinary, ordinary.weeks[:1])[:3],
        *[0] * 4,
    ]
    assert held_by_day(ordinary, ordinary.weeks[:1])[0] > 0


def test_hours_stay_at_their_time_of_day_when_summer_time_ends() -> None:
    before, after = a_world(first=date(2026, 10, 19)), a_world(first=date(2026, 10, 26))
    assert (before.hours.staffed[:, :5] == after.hours.staffed[:, :5]).all()


def test_the_newest_week_counts_and_a_closed_location_is_none() -> None:
    older, newer = a_week("R", "T1", "T2", week="2026-W47"), a_week("R", "T1", week="2026-W48")
    world = a_world(replace(older, therapists=()), newer)
    assert world.seats_per_week > 0
    with pytest.raises(InvalidInputError, match="no location is open"):
        a_world(replace(newer, closed=True))


def test_the_past_is_brought_forward_by_whole_weeks() -> None:
    world = a_world(demand=a_past(weeks=4))
    assert world.by_weekday == (0, 1, 0, 0, 0, 0, 0)  # a Tuesday each week
    assert {(one.limit or MONDAY) - one.arrived for one in world.like} == {timedelta(days=7)}
    assert min(one.arrived for one in world.like) == MONDAY + timedelta(days=1)


def test_who_tells_no_length_has_the_usual_one_and_the_commonest_is_the_worlds() -> None:
    demand = of_the_past(
        [a_request(MONDAY), *(a_request(MONDAY, minutes=30) for _ in range(2))], HOME, "the past"
    )
    world = a_world(demand=demand)
    assert [one.minutes for one in world.like] == [60, 30, 30]
    assert (world.minutes, world.mean_minutes) == (30, 40)


def test_hours_are_thinned_to_the_load_and_the_same_for_a_seed() -> None:
    world = a_world(a_week("R", *(f"T{n}" for n in range(8))), days=28 * 7)
    wanted = 0.5 * float(world.hours.held.sum())
    share = share_open(world.hours, wanted)
    thin = thinned(world.weeks, share, 60, seed=1)
    left = hours_of(thin, world.sites, first=world.first, days=28 * 7, closed=public_holiday)
    assert left.held.sum() == pytest.approx(wanted, rel=0.05)
    assert thinned(world.weeks, share, 60, seed=1) == thin
    assert thinned(world.weeks, share, 60, seed=2) != thin
    assert (left.staffed <= world.hours.staffed.max()).all()


def test_a_location_that_could_be_opened_has_rooms_and_nobody() -> None:
    place = Location(code="N", name="Ny", address="", postcode="", lat=56.4, lon=10.1)
    rooms = (Room(code="N-1", name=""), Room(code="N-2", name=""))
    world = a_world(candidates=[Candidate(location=place, rooms=rooms)])
    row = world.place("N")
    assert row not in world.today
    assert len(world.weeks[0][row].rooms) == 2
    assert not world.weeks[0][row].therapists
    with pytest.raises(InvalidInputError, match="open today"):
        a_world(candidates=[Candidate(location=a_week("R").location, rooms=rooms)])


def test_capacity_that_is_given_is_repeated_for_known_places() -> None:
    world = a_world(a_week("R", "T1"), a_week("L", "T2"))
    given = given_weeks(world, [a_week("R", "T1", "T2", "T3")])
    assert len(given) == len(world.weeks)
    assert {len(week[0].therapists) for week in given} == {3}
    other = replace(a_week("R", "T1"), location=replace(a_week("R").location, code="Q"))
    with pytest.raises(InvalidInputError, match="no location is called Q"):
        given_weeks(world, [other])
    with pytest.raises(InvalidInputError, match="at no open location"):
        given_weeks(world, [])


def test_a_session_needs_a_therapist_and_a_room() -> None:
    crowded = a_week("R", *(f"T{n}" for n in range(5)))
    world = a_world(crowded)
    rooms = len(crowded.rooms)
    assert world.hours.held.sum() * 5 == rooms * sum(world.hours.by_skills.values())
    assert (np.minimum(world.hours.staffed, world.hours.rooms) <= rooms).all()
