"""A run's figures, counted again citizen by citizen from what they mean; differences paired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.what_if.arrivals import past
from services.scheduling.what_if.beside import beside
from services.scheduling.what_if.demand import of_the_past
from services.scheduling.what_if.measures import Figures, Sessions, measure
from services.scheduling.what_if.world import World
from tests.unit.scheduling.factories import MONDAY
from tests.unit.scheduling.what_if.test_world import HOME, a_request, a_week, a_world

SIZE = 24


def a_crowd() -> World:
    """Two places and two districts, half of whom need a ride and a third of whom are vulnerable."""
    asked = [
        a_request(
            MONDAY + timedelta(days=n % 10),
            district=("8900", "8981")[n % 2],
            transport=n % 4 < 2,
            vulnerable=n % 3 == 0,
            minutes=(30, 60)[n % 2],
        )
        for n in range(SIZE)
    ]
    weeks = (a_week("R", "T1"), a_week("L", "T2"))
    return a_world(*weeks, demand=of_the_past(asked, HOME, "the past"))


WORLD = a_crowd()
rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 20), st.integers(0, 30_000)),
    min_size=SIZE,
    max_size=SIZE,
)


@settings(deadline=None, max_examples=60)
@given(rows=rows, lost=st.lists(st.booleans(), min_size=SIZE, max_size=SIZE))
def test_figures_are_what_they_say(rows: list[Any], lost: list[bool]) -> None:
    case = past(WORLD)
    booked = np.array([row[0] for row in rows])
    over = np.array([row[1] for row in rows])
    begun = np.where(booked, [row[2] for row in rows], -1)
    metres = np.where(booked, [row[3] for row in rows], -1)
    minutes = np.array([order.step.minutes for order in case.orders])
    before = np.array([row[3] - 3_000 for row in rows])
    told = measure(
        WORLD,
        case,
        Sessions(
            booked=booked,
            late=over > 0,
            over=over,
            waited=begun,
            begun=begun,
            minutes=np.where(booked, minutes, 0),
            place=np.where(booked, 1, -1),
            metres=metres,
        ),
        hours=WORLD.hours,
        lost=np.array(lost),
        ways_today=before,
    )
    figures = told.figures

    def share(part: int, whole: int) -> float:
        return 100 * part / whole if whole else 0.0

    counted = [n for n in range(SIZE) if not lost[n]]
    late = [n for n in counted if over[n]]
    weak = [n for n in counted if case.orders[n].vulnerable]
    assert figures.late == pytest.approx(share(len(late), len(counted)))
    assert figures.vulnerable_late == pytest.approx(
        share(len([n for n in late if n in weak]), len(weak))
    )
    assert figures.mean_days_late == pytest.approx(
        sum(over[n] for n in late) / len(late) if late else 0.0
    )
    assert figures.most_days_late == max((over[n] for n in counted), default=0)
    goes = [n for n in range(SIZE) if booked[n]]
    assert figures.unbooked == pytest.approx(share(SIZE - len(goes), SIZE))
    assert figures.km == pytest.approx(
        sum(metres[n] for n in goes) / 1000 / len(goes) if goes else 0.0
    )
    assert figures.beyond_10_km == pytest.approx(
        share(sum(metres[n] > 10_000 for n in goes), len(goes))
    )
    both = [n for n in goes if before[n] >= 0]
    assert figures.much_farther == pytest.approx(
        share(sum(metres[n] - before[n] > 5_000 for n in both), len(both))
    )
    riding = [n for n in goes if case.orders[n].transport]
    assert figures.rides == pytest.approx(2 * len(riding) * 7 / WORLD.days)
    assert figures.ride_km == pytest.approx(
        2 * sum(metres[n] for n in riding) / 1000 * 7 / WORLD.days
    )
    within = sum(int(minutes[n]) for n in goes if begun[n] < WORLD.days)
    assert figures.load == pytest.approx(100 * within / WORLD.hours.held.sum())
    assert told.place_load[1] == pytest.approx(100 * within / WORLD.hours.held[1])


def figures_with(late: float) -> Figures:
    names = Figures.__slots__
    return Figures(**{name: late if name == "late" else 0.0 for name in names})


def test_differences_are_paired_seed_by_seed() -> None:
    today, other = [figures_with(x) for x in (1, 5, 9)], [figures_with(x) for x in (2, 6, 10)]
    compared = beside(today, other)
    assert compared.difference["late"] == (1.0, 0.0)
    assert compared.figures["late"] - compared.today["late"] == pytest.approx(1)
    with pytest.raises(InvalidInputError, match="same seeds"):
        beside(today, other[:2])
