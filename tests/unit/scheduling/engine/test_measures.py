"""A run's figures, counted again citizen by citizen from what they mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.measures import Case, measure, never_in_time, seats
from services.scheduling.engine.price import Price
from services.scheduling.engine.quick import simulate_online
from services.scheduling.engine.single import cheapest
from tests.unit.scheduling.engine.towns import Town, a_town, towns

DAYS = 14


@settings(deadline=None, max_examples=60)
@given(town=towns, today=st.integers(0, 10**6))
def test_figures_are_what_they_say(town: Town, today: int) -> None:
    r, chance = town.requests, np.random.default_rng(today)
    size = len(r)
    case = Case(
        requests=r,
        arrivals=town.arrivals,
        district=np.arange(size) % 3,
        rides=np.arange(size) % 2 == 0,
    )
    plan = simulate_online(r, town.arrivals, town.supply, cheapest, Price()).plan
    lost = never_in_time(r, town.supply)
    before = np.where(chance.random(size) < 0.2, -1, chance.integers(0, 30_000, size))
    told = measure(
        case,
        plan,
        supply=town.supply,
        lost=lost,
        ways_today=before,
        groups=np.arange(3),
        districts=3,
        days=DAYS,
    )
    rows = range(size)
    booked = [row for row in rows if plan.day[row] >= 0]
    way = {row: int(r.metres[row, plan.place[row]]) for row in booked}
    counted = [row for row in rows if not lost[row]]
    late = [row for row in counted if row not in way or plan.day[row] > r.limit[row]]
    figures = told.figures

    def share(part: int, whole: int) -> float:
        return 100 * part / whole if whole else 0.0

    def mean(values: list[int]) -> float:
        return sum(values) / len(values) if values else 0.0

    over = [int((plan.day[row] if row in way else r.last[row]) - r.limit[row]) for row in late]
    assert figures.late == pytest.approx(share(len(late), len(counted)))
    weak = [row for row in counted if r.weight[row] > 1]
    assert figures.vulnerable_late == pytest.approx(
        share(len([row for row in late if row in weak]), len(weak))
    )
    assert figures.mean_days_late == pytest.approx(mean(over))
    assert figures.most_days_late == max(over, default=0)
    assert figures.unbooked == pytest.approx(share(size - len(booked), size))
    assert figures.km == pytest.approx(mean(list(way.values())) / 1000)
    assert figures.beyond_10_km == pytest.approx(
        share(sum(w > 10_000 for w in way.values()), len(way))
    )
    both = [row for row in booked if before[row] >= 0]
    farther = sum(way[row] - before[row] > 5_000 for row in both)
    assert figures.much_farther == pytest.approx(share(farther, len(both)))
    riding = [row for row in booked if row % 2 == 0]
    assert figures.rides == pytest.approx(2 * len(riding) * 7 / DAYS)
    assert figures.ride_km == pytest.approx(2 * sum(way[row] for row in riding) / 1000 * 7 / DAYS)
    worst = [
        mean([way[row] for row in booked if row % 3 == name]) / 1000
        for name in range(3)
        if any(row % 3 == name for row in booked)
    ]
    assert figures.worst_district_km == pytest.approx(max(worst, default=0.0))
    for place in range(town.supply.places):
        held = sum(plan.place[row] == place and plan.day[row] < DAYS for row in booked)
        there = int(seats(town.supply)[place, :DAYS].sum())
        load = told.place_load[place]
        assert math.isnan(load) if not there else load == pytest.approx(share(held, there))


def test_a_session_needs_a_therapist_and_a_room() -> None:
    supply = a_town(3).supply
    for at in np.ndindex(*supply.rooms.shape):
        staff = int(supply.capacity[(slice(None), *at)].sum())
        assert seats(supply)[at] == min(staff, int(supply.rooms[at]))
