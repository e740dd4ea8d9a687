"""What planners ask of a simulated stretch: who was late, how far they went, how full it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.scheduling.capacity import local_date
from services.scheduling.engine.model import Bools, Ints
from services.scheduling.orders import Booking, Order
from services.scheduling.what_if.arrivals import Case
from services.scheduling.what_if.booking import Booked
from services.scheduling.what_if.hours import Hours
from services.scheduling.what_if.world import World

Floats = NDArray[np.float64]

FAR, VERY_FAR, MUCH_FARTHER = 10_000, 20_000, 5_000  # metres
NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares in percent, ways in kilometres, one way; sessions, rides (two a session) and
    their kilometres a week.

    Citizens who cannot be in time even alone in the system are in no late share. Ways are of those
    who go to a location; `much_farther` is the share of them with over 5 km more than the same
    citizen has today. `load` is minutes booked against those for which a therapist and a room are
    both there.
    """

    late: float
    vulnerable_late: float
    mean_days_late: float
    vulnerable_days_late: float
    most_days_late: float
    unbooked: float
    days_waited: float
    km: float
    km_p90: float
    beyond_10_km: float
    beyond_20_km: float
    much_farther: float
    worst_district_km: float
    vulnerable_km: float
    rides: float
    ride_km: float
    sessions: float
    load: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run's figures, and what they are by place, by group of competences and by district (nan:
    nobody). `ways` are metres by citizen, -1 for who has no session at a location."""

    figures: Figures
    place_load: Floats
    group_load: Floats
    district_km: Floats
    ways: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """What was booked, a row for each citizen: how many days after the limit (0: in time), days
    from the order to the session, minutes, the place's row and metres; -1 where there is none.

    `begun` counts days from the first one simulated.
    """

    booked: Bools
    late: Bools
    over: Ints
    waited: Ints
    begun: Ints
    minutes: Ints
    place: Ints
    metres: Ints

    @staticmethod
    def of(world: World, case: Case, booked: Booked) -> Sessions:
        """The sessions of a run. Who has none is as late as the run lasted."""
        rows = [
            _row(world, order, booking, booked)
            for order, booking in zip(case.orders, booked.bookings, strict=True)
        ]
        table = np.array(rows, np.int64).reshape(len(rows), 5)
        begun, over, minutes, place, metres = table.T
        came = np.array([(on - world.first).days for on in case.came], np.int64)
        there: Bools = begun >= 0
        return Sessions(
            booked=there,
            late=over > 0,
            over=over,
            waited=np.where(there, begun - came, -1),
            begun=begun,
            minutes=minutes,
            place=place,
            metres=metres,
        )


def _row(
    world: World, order: Order, booking: Booking | None, booked: Booked
) -> tuple[int, int, int, int, int]:
    day = booked.last if booking is None else local_date(booking.slot.start)
    over = 0 if order.limit is None else max(0, (day - order.limit).days)
    if booking is None:
        late = 0 if order.limit is None else max(1, over)
        return NOWHERE, late, 0, NOWHERE, NOWHERE
    place = world.place(booking.slot.location)
    district = world.districts.index(order.postcode)
    metres = int(world.ways[district, place]) if order.step.travels else NOWHERE
    begun = (day - world.first).days
    return begun, over, order.step.minutes, place, metres


def measure(
    world: World, case: Case, s: Sessions, *, hours: Hours, lost: Bools, ways_today: Ints | None
) -> Measured:
    """Measures one run. `hours` is what could be booked, `lost` who cannot be in time whatever is
    planned, and `ways_today` the same citizens' metres today (-1: none; None: this is today)."""
    counted = ~lost
    vulnerable = np.array([order.vulnerable for order in case.orders], np.bool_)
    goes = s.metres >= 0
    way = s.metres[goes]
    before = s.metres if ways_today is None else ways_today
    both = goes & (before >= 0)
    district = world.district[case.like]
    of_district = np.full(len(world.districts), np.nan)
    for name in np.unique(district[goes]):
        of_district[name] = way[district[goes] == name].mean() / 1000
    rides = goes & np.array([order.transport for order in case.orders], np.bool_)
    place_load, group_load, load = _loads(world, case, s, hours)
    weekly = 7 / world.days
    return Measured(
        figures=Figures(
            late=_percent(s.late[counted]),
            vulnerable_late=_percent(s.late[counted & vulnerable]),
            mean_days_late=_mean(s.over[s.late & counted]),
            vulnerable_days_late=_mean(s.over[s.late & counted & vulnerable]),
            most_days_late=float(s.over[counted].max(initial=0)),
            unbooked=_percent(~s.booked),
            days_waited=_mean(s.waited[s.booked]),
            km=_mean(way) / 1000,
            km_p90=float(np.quantile(way, 0.9)) / 1000 if len(way) else 0.0,
            beyond_10_km=_percent(way > FAR),
            beyond_20_km=_percent(way > VERY_FAR),
            much_farther=_percent(s.metres[both] - before[both] > MUCH_FARTHER),
            worst_district_km=float(np.nanmax(of_district)) if goes.any() else 0.0,
            vulnerable_km=_mean(s.metres[goes & vulnerable]) / 1000,
            rides=2 * float(rides.sum()) * weekly,
            ride_km=float(2 * s.metres[rides].sum()) / 1000 * weekly,
            sessions=float(s.booked.sum()) * weekly,
            load=load,
        ),
        place_load=place_load,
        group_load=group_load,
        district_km=of_district,
        ways=s.metres,
    )


def _loads(world: World, case: Case, s: Sessions, hours: Hours) -> tuple[Floats, Floats, float]:
    """Percent booked of the minutes there are in the days of arrivals: by place, by group, in all.

    A group's hours are those of everybody who has its competences.
    """
    within = s.booked & (s.begun < world.days)
    minutes = s.minutes[within].astype(np.float64)
    at_place = np.bincount(s.place[within], minutes, minlength=len(world.sites))
    group = world.group[case.like]
    of_group = np.bincount(group[within], minutes, minlength=len(world.competences))
    able = np.zeros(len(world.competences))
    for one, number in zip(world.like, world.group.tolist(), strict=True):
        if not able[number]:
            able[number] = hours.of(one.competences)
    return (
        _shares(at_place, hours.held.astype(np.float64)),
        _shares(of_group, able),
        100 * float(minutes.sum()) / max(1, int(hours.held.sum())),
    )


def _shares(part: Floats | Ints, whole: Floats) -> Floats:
    shares: Floats = np.where(whole > 0, 100 * part / np.maximum(whole, 1), np.nan)
    return shares


def _percent(flags: Bools) -> float:
    return 100 * float(flags.mean()) if len(flags) else 0.0


def _mean(values: Ints) -> float:
    return float(values.mean()) if len(values) else 0.0
