"""A municipality as it is simulated: its locations with their hours and rooms, and who comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from services.scheduling.capacity import (
    DENMARK,
    Location,
    LocationWeek,
    Room,
    Shift,
    local_date,
    monday_of,
    week_of,
)
from services.scheduling.engine.model import Ints, InvalidInputError
from services.scheduling.geography import Point, by_car
from services.scheduling.provider import Terms
from services.scheduling.what_if.demand import Demand, Request
from services.scheduling.what_if.hours import Hours, hours_of

TAIL_WEEKS: Final = 8  # capacity goes on after the last arrival: late citizens get their sessions
MOST_WEEKS: Final = 104
UNKNOWN_WAY: Final = 30_000  # metres, where a distance is not known

Weeks = tuple[tuple[LocationWeek, ...], ...]
"""Each calendar week of every location, in order of time and code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A location that is not open today but could be, with its rooms."""

    location: Location
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is open today, who comes, and the municipality's own terms. Places are `sites`, in
    order of code.

    `weeks` are those of arrivals and `TAIL_WEEKS` more; a candidate has rooms there and no staff.
    `like[n]` is the demand's n-th request with its `minutes`; `district[n]` is where it lives,
    `group[n]` a row of `competences`. `by_weekday` are mean arrivals a day, Monday first.
    """

    sites: tuple[Location, ...]
    today: tuple[int, ...]
    between: Mapping[tuple[str, str], int]
    weeks: Weeks
    hours: Hours
    first: date
    days: int
    minutes: int
    terms: Terms
    demand: Demand
    like: tuple[Request, ...]
    districts: tuple[str, ...]
    ways: Ints  # district, place
    district: Ints
    by_weekday: tuple[float, ...]
    group: Ints
    competences: tuple[str, ...]

    @property
    def homes(self) -> Mapping[str, Point]:
        """Where each district is, as far as that is known."""
        return {name: at for name, at in self.demand.districts.items() if at is not None}

    @property
    def per_week(self) -> float:
        """Requests a week, as forecast."""
        return sum(self.by_weekday)

    @property
    def mean_minutes(self) -> float:
        """How long a first session takes, on average."""
        return sum(one.minutes for one in self.like) / len(self.like)

    @property
    def seats_per_week(self) -> float:
        """First sessions of mean length that can be held a week, over the days of arrivals."""
        return self.seats(self.hours)

    def seats(self, hours: Hours) -> float:
        """The same of other hours."""
        return float(hours.held.sum()) / self.mean_minutes * 7 / self.days

    def codes(self, places: Sequence[int]) -> tuple[str, ...]:
        """The codes of places."""
        return tuple(self.sites[place].code for place in places)

    def place(self, code: str) -> int:
        """The row of a location; raises `InvalidInputError`, naming those that are known."""
        for row, site in enumerate(self.sites):
            if code in (site.code, site.name):
                return row
        known = ", ".join(site.code for site in self.sites)
        raise InvalidInputError(f"no location is called {code}; known are {known}")


def build(
    weeks: Sequence[LocationWeek],
    demand: Demand,
    *,
    first: date,
    days: int,
    minutes: int,
    terms: Terms,
    candidates: Sequence[Candidate] = (),
) -> World:
    """Lays a municipality out from the Monday of `first` on.

    Of each location the newest stated week is repeated. Requests from before `first` are brought
    forward by whole weeks: only their pattern counts then. `minutes` are those of a request that
    tells none. Raises `InvalidInputError` where there is nothing to plan with.
    """
    first -= timedelta(days=first.weekday())
    typical = _typical(weeks)
    if not typical:
        raise InvalidInputError("no location is open: an empty municipality cannot be planned")
    if not 7 <= days <= 7 * MOST_WEEKS:
        raise InvalidInputError(f"a simulation covers 1 to {MOST_WEEKS} weeks of arrivals")
    if not 5 <= minutes <= 600:
        raise InvalidInputError("a first session takes 5 to 600 minutes")
    today = {one.location.code for one in typical}
    if twice := [one.location.code for one in candidates if one.location.code in today]:
        raise InvalidInputError(f"{', '.join(twice)}: open today, so it cannot be opened")
    demand = _brought(demand, first)
    like = tuple(replace(one, minutes=one.minutes or minutes) for one in demand.requests)
    every = [*typical, *(_unstaffed(one, typical[0]) for one in candidates)]
    repeated = repeat(every, first, days)
    sites = tuple(week.location for week in repeated[0])
    hours = hours_of(repeated, sites, first=first, days=days, closed=terms.public_holiday)
    if not hours.held.any():
        raise InvalidInputError(
            "no therapist has an hour and a room at any location: nothing can be booked"
        )
    districts = tuple(demand.districts)
    named = [_named(one.competences) for one in like]
    names = sorted(set(named))
    return World(
        sites=sites,
        today=tuple(row for row, site in enumerate(sites) if site.code in today),
        between={
            (a.code, b.code): by_car((a.lat, a.lon), (b.lat, b.lon)) for a in sites for b in sites
        },
        weeks=repeated,
        hours=hours,
        first=first,
        days=days,
        minutes=Counter(one.minutes for one in like).most_common(1)[0][0],
        terms=terms,
        demand=demand,
        like=like,
        districts=districts,
        ways=_ways(demand, districts, sites),
        district=np.array([districts.index(one.district) for one in like], np.int64),
        by_weekday=demand.by_weekday or _rates(like),
        group=np.array([names.index(one) for one in named], np.int64),
        competences=tuple(names),
    )


def given_weeks(world: World, weeks: Sequence[LocationWeek]) -> Weeks:
    """Another capacity of the same places, repeated as the world's is: what "as given" gives.

    Raises `InvalidInputError` where it has a location that the world has not.
    """
    typical = _typical(weeks)
    if not typical:
        raise InvalidInputError("the staff that is given is at no open location")
    for one in typical:
        world.place(one.location.code)
    return repeat(typical, world.first, world.days)


def repeat(typical: Sequence[LocationWeek], first: date, days: int) -> Weeks:
    """The weeks from the Monday `first` on, each like the typical one."""
    in_order = sorted(typical, key=lambda one: one.location.code)
    return tuple(
        tuple(_moved(week, first + timedelta(weeks=number)) for week in in_order)
        for number in range(-(-days // 7) + TAIL_WEEKS)
    )


def _unstaffed(one: Candidate, like: LocationWeek) -> LocationWeek:
    return replace(like, location=one.location, rooms=one.rooms, therapists=())


def _rates(requests: Sequence[Request]) -> tuple[float, ...]:
    """Mean arrivals a day, Monday first, over the weeks that the requests span."""
    days = [one.arrived for one in requests]
    weeks = ((max(days) - min(days)).days + 7) // 7
    counts = Counter(day.weekday() for day in days)
    return tuple(counts[day] / weeks for day in range(7))


def _brought(demand: Demand, first: date) -> Demand:
    oldest = min(one.arrived for one in demand.requests)
    if oldest >= first:
        return demand
    by = first - (oldest - timedelta(days=oldest.weekday()))
    return replace(demand, requests=[later(one, by) for one in demand.requests])


def later(one: Request, by: timedelta) -> Request:
    """The same request so much later."""
    return replace(
        one,
        arrived=one.arrived + by,
        earliest=one.earliest + by,
        limit=None if one.limit is None else one.limit + by,
    )


def _typical(weeks: Sequence[LocationWeek]) -> list[LocationWeek]:
    """The newest week of each location, if it is open then."""
    newest: dict[str, LocationWeek] = {}
    for week in sorted(weeks, key=lambda one: (one.week, one.version)):
        newest[week.location.code] = week
    return [newest[code] for code in sorted(newest) if not newest[code].closed]


def _moved(week: LocationWeek, monday: date) -> LocationWeek:
    by = monday - monday_of(week.week)
    return replace(
        week,
        week=week_of(monday),
        version=1,
        therapists=tuple(
            replace(
                one,
                shifts=tuple(Shift(_later(s.start, by), _later(s.end, by)) for s in one.shifts),
            )
            for one in week.therapists
        ),
    )


def _later(instant: datetime, by: timedelta) -> datetime:
    """The same Danish time of day, other days on."""
    local = instant.astimezone(DENMARK)
    return datetime.combine(local_date(instant) + by, local.time(), DENMARK)


def _ways(demand: Demand, districts: Sequence[str], sites: Sequence[Location]) -> Ints:
    ways = np.full((len(districts), len(sites)), UNKNOWN_WAY, np.int64)
    for row, name in enumerate(districts):
        home = demand.districts[name]
        if home is not None:
            ways[row] = [by_car(home, (site.lat, site.lon)) for site in sites]
    return ways


def _named(competences: frozenset[str]) -> str:
    return " + ".join(sorted(competences)) or "anybody"
