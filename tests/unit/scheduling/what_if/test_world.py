"""A municipality as tables: weeks repeated, past requests brought forward, hours thinned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from services.scheduling.capacity import Location, LocationWeek, Room
from services.scheduling.engine.grid import day_number
from services.scheduling.engine.measures import seats
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.holidays import public_holiday
from services.scheduling.incoming import CapacityStated, stated
from services.scheduling.what_if.demand import Demand, Request, of_the_past
from services.scheduling.what_if.world import (
    Candidate,
    World,
    build,
    capacity_of,
    free_hours,
    with_opened,
)
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
    told = {"first": MONDAY, "days": 14, "minutes": 60, "public_holiday": public_holiday}
    return build(weeks or (a_week("R", "T1"),), demand or a_past(), **(told | more))  # type: ignore[arg-type]


def test_a_typical_week_is_repeated_and_holidays_are_closed() -> None:
    world = a_world(first=EASTER_WEEK)
    by_day = seats(world.supply).sum((0, 2))
    easter = [
        day_number(EASTER_WEEK + timedelta(days=n)) - world.supply.first_day for n in (3, 4, 7)
    ]
    ordinary = by_day[[0, 1, 2, 8, 9]]
    assert (by_day[easter] == 0).all()
    assert (ordinary > 0).all()
    assert not set(np.array(easter) + world.supply.first_day) & set(world.open_days.tolist())


def test_hours_stay_at_their_time_of_day_when_summer_time_ends() -> None:
    before, after = a_world(first=date(2026, 10, 19)), a_world(first=date(2026, 10, 26))
    assert (seats(before.supply)[:, 0] == seats(after.supply)[:, 0]).all()


def test_the_newest_week_counts_and_a_closed_location_is_none() -> None:
    older, newer = a_week("R", "T1", "T2", week="2026-W47"), a_week("R", "T1", week="2026-W48")
    moved = LocationWeek(
        **{name: getattr(older, name) for name in older.__slots__} | {"therapists": ()}
    )
    world = a_world(moved, newer)
    assert world.seats_per_week > 0
    closed = LocationWeek(**{n: getattr(newer, n) for n in newer.__slots__} | {"closed": True})
    with pytest.raises(InvalidInputError, match="no location is open"):
        a_world(closed)


def test_the_past_is_brought_forward_by_whole_weeks() -> None:
    world = a_world(demand=a_past(weeks=4))
    assert world.forecast.by_weekday == (0, 1, 0, 0, 0, 0, 0)  # a Tuesday each week
    assert (world.forecast.pattern.limit == 7).all()
    assert (world.forecast.pattern.earliest == 1).all()


def test_whoever_has_no_limit_is_never_late() -> None:
    demand = of_the_past([a_request(MONDAY, limit=None)], HOME, "the past")
    assert (a_world(demand=demand).forecast.pattern.limit > 300).all()


def test_hours_are_thinned_to_the_load_and_the_same_for_a_seed() -> None:
    demand = of_the_past(
        [a_request(date(2025, 3, 3) + timedelta(days=n % 28)) for n in range(40)], HOME, "the past"
    )
    world = a_world(a_week("R", *(f"T{n}" for n in range(8))), demand=demand, days=28 * 7)
    thin = free_hours(world, load=0.5, seed=1)
    held = seats(thin)[:, : world.days].sum() * 7 / world.days
    assert world.per_week / held == pytest.approx(0.5, rel=0.1)
    assert (free_hours(world, load=0.5, seed=1).capacity == thin.capacity).all()
    assert (free_hours(world, load=None, seed=1).capacity == world.supply.capacity).all()
    assert (thin.capacity <= world.supply.capacity).all()
    with pytest.raises(InvalidInputError, match="the load is at least"):
        free_hours(world, load=0.001, seed=1)


def test_a_location_that_could_be_opened_has_rooms_only_when_it_is() -> None:
    new = Candidate(
        location=Location(code="N", name="Ny", address="", postcode="", lat=56.4, lon=10.1), rooms=2
    )
    world = a_world(candidates=[new])
    place = world.place("N")
    assert place not in world.today
    assert world.supply.rooms[place].sum() == 0
    opened = with_opened(world, world.supply, (*world.today, place))
    assert set(np.unique(opened.rooms[place])) == {0, 2}
    with pytest.raises(InvalidInputError, match="open today"):
        a_world(candidates=[Candidate(location=a_week("R").location, rooms=1)])


def test_capacity_that_is_given_stands_on_the_same_tables() -> None:
    world = a_world(a_week("R", "T1"), a_week("L", "T2"))
    given = capacity_of(world, [a_week("R", "T1", "T2", "T3")], public_holiday)
    assert given.capacity[:, world.place("R")].sum() == 3 * (
        world.supply.capacity[:, world.place("R")].sum()
    )
    assert given.capacity[:, world.place("L")].sum() == 0
    other = replace(a_week("R", "T1"), location=replace(a_week("R").location, code="Q"))
    with pytest.raises(InvalidInputError, match="no location is called Q"):
        capacity_of(world, [other], public_holiday)


def test_rooms_stand_there_also_when_nobody_works_at_their_location() -> None:
    """Else whoever follows to a location on its free day would have no room."""
    week = a_week("R", "T1")
    rooms = (Room(code="R-1", name=""), Room(code="R-2", name=""))
    quiet = replace(week, rooms=rooms, therapists=(), location=a_week("L").location)
    world = a_world(week, quiet)
    assert world.supply.rooms[world.place("L")].max() == 2
