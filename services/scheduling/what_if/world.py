"""A municipality as tables: its locations with their hours and rooms, and who comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import comb
from typing import Final

import numpy as np

from services.scheduling.capacity import (
    DENMARK,
    Location,
    LocationWeek,
    Shift,
    local_date,
    monday_of,
    week_of,
)
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.forecast import Forecast, from_history
from services.scheduling.engine.grid import UNKNOWN_WAY, Grid, date_of, day_number, lay_out
from services.scheduling.engine.measures import Case, seats
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Supply
from services.scheduling.engine.online import Site
from services.scheduling.geography import by_car
from services.scheduling.orders import Order, Step
from services.scheduling.what_if.demand import Demand, Request

TAIL_WEEKS: Final = 8  # capacity goes on after the last arrival: late citizens get their sessions
MOST_WEEKS: Final = 104
NO_LIMIT: Final = timedelta(days=365)  # whoever has none can wait so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A location that is not open today but could be, with that many rooms."""

    location: Location
    rooms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Tables of what is open today and of who comes. Places are `sites`, in order of code.

    `supply` holds today's capacity; `rooms` are those a place has or, for a candidate, would have.
    `past` are the requests as they came, on the world's own days. `groups[kind]` is a row of
    `competences`.
    """

    sites: tuple[Location, ...]
    today: tuple[int, ...]
    rooms: Ints
    between: Ints
    supply: Supply
    open_days: Ints
    first: date
    days: int
    minutes: int
    demand: Demand
    districts: tuple[str, ...]
    ways: Ints  # district, place
    forecast: Forecast
    district: Ints
    rides: Bools
    past: Case
    groups: Ints
    competences: tuple[str, ...]

    @property
    def per_week(self) -> float:
        """Requests a week, as forecast."""
        return sum(self.forecast.by_weekday)

    @property
    def seats_per_week(self) -> float:
        """First sessions a week that can be held today, a mean over the days of arrivals."""
        return float(seats(self.supply)[:, : self.days].sum()) * 7 / self.days

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
    public_holiday: Callable[[date], bool],
    candidates: Sequence[Candidate] = (),
) -> World:
    """Lays a municipality out from the Monday of `first` on.

    Of each location the newest stated week is repeated. Requests from before `first` are brought
    forward by whole weeks: only their pattern counts then. Raises `InvalidInputError` where there
    is nothing to plan with.
    """
    first -= timedelta(days=first.weekday())
    typical = _typical(weeks)
    if not typical:
        raise InvalidInputError("no location is open: an empty municipality cannot be planned")
    if not 7 <= days <= 7 * MOST_WEEKS:
        raise InvalidInputError(f"a simulation covers 1 to {MOST_WEEKS} weeks of arrivals")
    if not 5 <= minutes <= 600:
        raise InvalidInputError("a first session takes 5 to 600 minutes")
    taken = {one.location.code for one in typical}
    twice = [one.location.code for one in candidates if one.location.code in taken]
    if twice:
        raise InvalidInputError(f"{', '.join(twice)}: open today, so it cannot be opened")
    demand = _brought(demand, first)
    sites = sorted(
        [*(one.location for one in typical), *(one.location for one in candidates)],
        key=lambda one: one.code,
    )
    rooms_of = {one.location.code: len(one.rooms) for one in typical}
    rooms_of |= {one.location.code: one.rooms for one in candidates}
    rooms = np.array([rooms_of[site.code] for site in sites], np.int64)
    grid = _grid(
        typical,
        sites,
        demand,
        first=first,
        days=days,
        minutes=minutes,
        public_holiday=public_holiday,
    )
    last = grid.supply.days
    open_days = np.array([day for day in last.tolist() if _open(day, public_holiday)], np.int64)
    not_yet = np.array([site.code not in taken for site in sites])
    supply = _with_rooms(grid.supply, np.where(not_yet, 0, rooms), open_days)
    if not seats(supply).any():
        raise InvalidInputError(
            f"no therapist has {minutes} minutes and a room at any location: nothing can be booked"
        )
    districts = tuple(demand.districts)
    row_of = {name: row for row, name in enumerate(districts)}
    district = np.array([row_of[one.district] for one in demand.requests], np.int64)
    ways = _ways(demand, districts, sites)
    requests = replace(grid.requests, metres=ways[district])
    arrivals = np.array([day_number(one.arrived) for one in demand.requests], np.int64)
    rides = np.array([one.transport for one in demand.requests], np.bool_)
    forecast = from_history(requests, arrivals)
    if demand.by_weekday is not None:
        forecast = replace(forecast, by_weekday=demand.by_weekday)
    kinds = sorted(
        {(one.competences, one.language) for one in demand.requests},
        key=lambda kind: (sorted(kind[0]), kind[1]),
    )
    names = sorted({_named(able) for able, _ in kinds})
    return World(
        sites=tuple(sites),
        today=tuple(row for row, site in enumerate(sites) if site.code in taken),
        rooms=rooms,
        between=np.array(
            [[by_car((a.lat, a.lon), (b.lat, b.lon)) for b in sites] for a in sites], np.int64
        ),
        supply=supply,
        open_days=open_days,
        first=first,
        days=days,
        minutes=minutes,
        demand=demand,
        districts=districts,
        ways=ways,
        forecast=forecast,
        district=district,
        rides=rides,
        past=Case(requests=requests, arrivals=arrivals, district=district, rides=rides),
        groups=np.array([names.index(_named(able)) for able, _ in kinds], np.int64),
        competences=tuple(names),
    )


def capacity_of(
    world: World, weeks: Sequence[LocationWeek], public_holiday: Callable[[date], bool]
) -> Supply:
    """Another capacity of the same places on the world's tables: what "as given" gives.

    Raises `InvalidInputError` where it has a location that the world has not.
    """
    typical = _typical(weeks)
    for one in typical:
        world.place(one.location.code)
    grid = _grid(
        typical,
        world.sites,
        world.demand,
        first=world.first,
        days=world.days,
        minutes=world.minutes,
        public_holiday=public_holiday,
    )
    rooms = world.rooms.copy()
    for one in typical:
        rooms[world.place(one.location.code)] = len(one.rooms)
    return _with_rooms(grid.supply, rooms, world.open_days)


def with_opened(world: World, supply: Supply, keep: Sequence[int]) -> Supply:
    """The capacity with the rooms of the candidates among `keep`."""
    new = [place for place in keep if place not in world.today]
    if not new:
        return supply
    rooms = np.where(np.isin(np.arange(len(world.sites)), new), world.rooms, 0)
    extra = _with_rooms(supply, rooms, world.open_days).rooms
    return replace(supply, rooms=supply.rooms + extra)


def free_hours(world: World, *, load: float | None, seed: int) -> Supply:
    """Today's capacity. With a `load` (0 to 1 and above), so many of the hours are taken by courses
    under way, drawn by the seed, that first sessions fill the rest to that share."""
    if load is None:
        return world.supply
    chance = np.random.Generator(np.random.PCG64([seed, 7]))
    share = _share_open(world, load)
    return replace(
        world.supply, capacity=chance.binomial(world.supply.capacity, share).astype(np.int64)
    )


def _share_open(world: World, load: float) -> float:
    """The share of therapists' hours that leaves as many sessions as the load wants, on average.

    Halved to it, since rooms make sessions fall more slowly than hours.
    """
    wanted = world.per_week / load if load > 0 else np.inf
    if wanted > world.seats_per_week:
        raise InvalidInputError(
            f"{world.seats_per_week:.0f} first sessions a week can be held and "
            f"{world.per_week:.0f} plans come: the load is at least "
            f"{world.per_week / world.seats_per_week:.2f}"
        )
    staff = world.supply.capacity.sum(0)[:, : world.days].reshape(-1)
    rooms = world.supply.rooms[:, : world.days].reshape(-1)
    pairs, counts = np.unique(np.stack([staff, rooms]), axis=1, return_counts=True)
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        held = sum(
            count * _sessions(int(n), int(r), share)
            for n, r, count in zip(*pairs, counts, strict=True)
        )
        low, high = (share, high) if held * 7 / world.days < wanted else (low, share)
    return high


def _sessions(staff: int, rooms: int, share: float) -> float:
    """Sessions at once, on average, of `staff` who are each there by the share."""
    return sum(
        comb(staff, n) * share**n * (1 - share) ** (staff - n) * min(n, rooms)
        for n in range(staff + 1)
    )


def _brought(demand: Demand, first: date) -> Demand:
    oldest = min(one.arrived for one in demand.requests)
    if oldest >= first:
        return demand
    by = first - (oldest - timedelta(days=oldest.weekday()))
    return replace(
        demand,
        requests=[
            replace(
                one,
                arrived=one.arrived + by,
                earliest=one.earliest + by,
                limit=one.limit and one.limit + by,
            )
            for one in demand.requests
        ],
    )


def _typical(weeks: Sequence[LocationWeek]) -> list[LocationWeek]:
    """The newest week of each location, if it is open then."""
    newest: dict[str, LocationWeek] = {}
    for week in sorted(weeks, key=lambda one: (one.week, one.version)):
        newest[week.location.code] = week
    return [newest[code] for code in sorted(newest) if not newest[code].closed]


def _grid(
    typical: Sequence[LocationWeek],
    sites: Sequence[Location],
    demand: Demand,
    *,
    first: date,
    days: int,
    minutes: int,
    public_holiday: Callable[[date], bool],
) -> Grid:
    calendar = Calendar(public_holiday)
    for week in typical:
        for number in range(-(-days // 7) + TAIL_WEEKS):
            calendar.state(_moved(week, first + timedelta(weeks=number)), ())
    everywhere = [Site(site.code, site.name, None) for site in sites]
    orders = [_order(number, one, minutes) for number, one in enumerate(demand.requests)]
    return lay_out(
        calendar,
        orders,
        {order.order_id: everywhere for order in orders},
        first=first,
        minutes=minutes,
    )


def _moved(week: LocationWeek, monday: date) -> LocationWeek:
    by = monday - monday_of(week.week)
    return replace(
        week,
        week=week_of(monday),
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


def _order(number: int, one: Request, minutes: int) -> Order:
    return Order(
        order_id=f"{number:09d}",
        referral_id="",
        citizen_id="",
        provider="",
        earliest=one.earliest,
        limit=one.limit or one.earliest + NO_LIMIT,
        vulnerable=one.vulnerable,
        postcode="",
        language=one.language,
        transport=one.transport,
        windows=one.windows,
        step=Step(
            step_id="",
            minutes=minutes,
            competences=one.competences,
            room=True,
            delivery="location",
        ),
    )


def _open(day: int, public_holiday: Callable[[date], bool]) -> bool:
    return day % 7 < 5 and not public_holiday(date_of(day))


def _with_rooms(supply: Supply, rooms: Ints, open_days: Ints) -> Supply:
    """Rooms stand there every open day, also when nobody works at their location today."""
    table = np.zeros_like(supply.rooms)
    covered = open_days[open_days <= supply.days[-1]]
    table[:, covered - supply.first_day] = rooms[:, None, None]
    staffed = supply.capacity.any((0, 1, 3))  # a Saturday on which somebody works
    table[:, staffed] = rooms[:, None, None]
    return replace(supply, rooms=table)


def _ways(demand: Demand, districts: Sequence[str], sites: Sequence[Location]) -> Ints:
    homes: Mapping[str, tuple[float, float] | None] = demand.districts
    ways = np.full((len(districts), len(sites)), UNKNOWN_WAY, np.int64)
    for row, name in enumerate(districts):
        home = homes[name]
        if home is not None:
            ways[row] = [by_car(home, (site.lat, site.lon)) for site in sites]
    return ways


def _named(competences: frozenset[str]) -> str:
    return " + ".join(sorted(competences)) or "anybody"
