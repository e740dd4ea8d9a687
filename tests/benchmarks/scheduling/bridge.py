"""Hands a world to the engine, and a plan of the engine back as rows for the checker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.scheduling.engine.model import EVERY_WEEKDAY, Bools, Ints, Plan, Requests, Supply
from tests.benchmarks.scheduling.rules import Row
from tests.benchmarks.scheduling.world import (
    AFTERNOON,
    COMPETENCES,
    LAST_DAY,
    MORNING,
    SITES,
    SLOTS,
    TWO_WEEKDAYS,
    TYPES,
    Request,
    World,
)

WHOLE_DAY = (1 << SLOTS) - 1
WINDOW = {MORNING: 0b1111, AFTERNOON: WHOLE_DAY & ~0b1111}


def requests_of(world: World) -> Requests:
    """All requests of the world, numbered as there."""
    return table_of(world.requests)


def table_of(every: Sequence[Request]) -> Requests:
    """Requests as the engine's table, numbered from 0."""
    return Requests(
        ids=np.arange(len(every)),
        earliest=np.array([r.earliest for r in every]),
        limit=np.array([r.limit for r in every]),
        last=np.array([r.last for r in every]),
        kind=np.array([r.kind for r in every]),
        weekdays=np.array(
            [
                1 << r.weekday | 1 << (r.weekday + 2) % 5
                if r.window == TWO_WEEKDAYS
                else EVERY_WEEKDAY
                for r in every
            ]
        ),
        window=np.array([WINDOW.get(r.window, WHOLE_DAY) for r in every]),
        weight=np.array([r.weight for r in every]),
        metres=np.array([r.metres for r in every]).reshape(len(every), len(SITES)),
    )


def arrivals_of(world: World) -> Ints:
    """The day on which each request arrives."""
    return np.array([r.arrival for r in world.requests])


def supply_of(world: World) -> Supply:
    """Everything that is open in the world."""
    capacity = np.zeros((len(COMPETENCES), len(SITES), LAST_DAY, SLOTS), np.int64)
    for opening in world.openings:
        capacity[opening.competence_class, opening.site, opening.day, opening.slot] += 1
    rooms = np.broadcast_to(
        np.array(world.rooms)[:, None, None], (len(SITES), LAST_DAY, SLOTS)
    ).copy()
    may: Bools = np.array([[kind in able for able in COMPETENCES] for kind, _ in TYPES])
    return Supply(first_day=0, capacity=capacity, rooms=rooms, may=may)


def rows_of(world: World, plan: Plan, told: Ints) -> list[Row]:
    """The plan as rows, with the class's free therapists taken in order of their number."""
    free: dict[tuple[int, int, int, int], list[int]] = {}
    for opening in world.openings:
        key = (opening.competence_class, opening.site, opening.day, opening.slot)
        free.setdefault(key, []).append(opening.therapist)
    for therapists in free.values():
        therapists.sort(reverse=True)
    rows = []
    for number in np.flatnonzero(plan.booked).tolist():
        key = (
            int(plan.taker[number]),
            int(plan.place[number]),
            int(plan.day[number]),
            int(plan.slot[number]),
        )
        rows.append(
            Row(
                request=number,
                therapist=free[key].pop(),
                day=key[2],
                slot=key[3],
                told=int(told[number]),
            )
        )
    return rows
