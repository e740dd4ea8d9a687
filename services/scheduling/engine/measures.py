"""What planners ask of a simulated stretch: who was late, how far they went, how full it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.scheduling.engine.model import Bools, Ints, Plan, Requests, Supply

Floats = NDArray[np.float64]

FAR, VERY_FAR, MUCH_FARTHER = 10_000, 20_000, 5_000  # metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One drawn stretch of days: who comes when, from which district, and who needs a ride."""

    requests: Requests
    arrivals: Ints
    district: Ints
    rides: Bools

    def take(self, rows: Bools) -> Case:
        """The chosen citizens."""
        return Case(
            requests=self.requests.take(rows),
            arrivals=self.arrivals[rows],
            district=self.district[rows],
            rides=self.rides[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares in percent, ways in kilometres, one way; sessions, rides (two a session) and
    their kilometres a week.

    Citizens who cannot be in time even alone in the system are in no late share. `much_farther` is
    the share of citizens with over 5 km more than the same citizen has today. `load` is sessions
    against the hours that a therapist and a room are both there for.
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
    """A run's figures, and what they are by place, by group of kinds and by district (nan: nobody).

    `ways` are metres by citizen, -1 without a session.
    """

    figures: Figures
    place_load: Floats
    group_load: Floats
    district_km: Floats
    ways: Ints


def measure(
    case: Case,
    plan: Plan,
    *,
    supply: Supply,
    lost: Bools,
    ways_today: Ints,
    groups: Ints,
    districts: int,
    days: int,
) -> Measured:
    """Measures one run of `days` days of arrivals; `groups[kind]` is what a kind is counted as.

    `supply` is what could be booked, `lost` who cannot be in time whatever is planned, and
    `ways_today` the same citizens' metres today (-1: no session).
    """
    r, booked = case.requests, plan.booked
    counted = ~lost
    late = ~booked | (plan.day > r.limit)
    over = np.where(booked, plan.day - r.limit, r.last - r.limit)
    vulnerable = r.weight > 1
    ways = np.where(booked, r.metres[np.arange(len(r)), np.maximum(plan.place, 0)], -1)
    way = ways[booked]
    both = booked & (ways_today >= 0)
    of_district = np.full(districts, np.nan)
    for name in np.unique(case.district[booked]):
        of_district[name] = way[case.district[booked] == name].mean() / 1000
    rides = booked & case.rides
    place_load, group_load, load = _loads(r, plan, supply, groups, days)
    return Measured(
        figures=Figures(
            late=_percent(late[counted]),
            vulnerable_late=_percent(late[counted & vulnerable]),
            mean_days_late=_mean(over[late & counted]),
            vulnerable_days_late=_mean(over[late & counted & vulnerable]),
            most_days_late=float(over[late & counted].max(initial=0)),
            unbooked=_percent(~booked),
            days_waited=_mean((plan.day - case.arrivals)[booked]),
            km=_mean(way) / 1000,
            km_p90=float(np.quantile(way, 0.9)) / 1000 if len(way) else 0.0,
            beyond_10_km=_percent(way > FAR),
            beyond_20_km=_percent(way > VERY_FAR),
            much_farther=_percent(ways[both] - ways_today[both] > MUCH_FARTHER),
            worst_district_km=float(np.nanmax(of_district)) if booked.any() else 0.0,
            vulnerable_km=_mean(way[vulnerable[booked]]) / 1000,
            rides=2 * float(rides.sum()) * 7 / days,
            ride_km=float(2 * ways[rides].sum()) / 1000 * 7 / days,
            sessions=float(booked.sum()) * 7 / days,
            load=load,
        ),
        place_load=place_load,
        group_load=group_load,
        district_km=of_district,
        ways=ways,
    )


def seats(supply: Supply) -> Ints:
    """First sessions that can be held, by place, day and slot: a therapist and a room for each."""
    held: Ints = np.minimum(supply.capacity.sum(0), supply.rooms)
    return held


def never_in_time(requests: Requests, supply: Supply) -> Bools:
    """Who would be late even alone in the system, whatever the place."""
    bits = np.int64(1) << np.arange(supply.slots)
    usable = np.minimum(supply.capacity, supply.rooms[None]).sum(1) > 0  # class, day, slot
    offered = np.einsum("kc,cdt->kdt", supply.may.astype(np.int64), usable.astype(np.int64)) > 0
    mask = (offered * bits).sum(2)  # kind, day
    days = supply.days
    lost = np.ones(len(requests), np.bool_)
    for row in range(len(requests)):
        wanted = (days >= requests.earliest[row]) & (days <= requests.limit[row])
        wanted &= (requests.weekdays[row] >> days % 7) & 1 == 1
        lost[row] = not bool((mask[requests.kind[row], wanted] & requests.window[row]).any())
    return lost


def _loads(
    r: Requests, plan: Plan, supply: Supply, groups: Ints, days: int
) -> tuple[Floats, Floats, float]:
    """Percent booked of what is there in the first `days` days: by place, by group, in all.

    A group's hours are those of everybody who can take one of its kinds.
    """
    within = plan.booked & (plan.day < supply.first_day + days)
    there = seats(supply)[:, :days]
    booked = np.bincount(plan.place[within], minlength=supply.places)
    hours = supply.capacity[:, :, :days].sum((1, 2, 3))  # by class
    of_group = np.bincount(groups[r.kind[within]], minlength=int(groups.max()) + 1)
    able = np.array([supply.may[groups == one].any(0) @ hours for one in range(len(of_group))])
    return (
        _shares(booked, there.sum((1, 2))),
        _shares(of_group, able),
        100 * float(within.sum()) / max(1, int(there.sum())),
    )


def _shares(part: Ints, whole: Ints) -> Floats:
    shares: Floats = np.where(whole > 0, 100 * part / np.maximum(whole, 1), np.nan)
    return shares


def _percent(flags: Bools) -> float:
    return 100 * float(flags.mean()) if len(flags) else 0.0


def _mean(values: Ints) -> float:
    return float(values.mean()) if len(values) else 0.0
