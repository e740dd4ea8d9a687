"""A stretch of days in which the capacity changes on the way: locations that close one by one.

A change is known from the evening it is announced. From then on nobody is booked against it, and
those told of a session that it leaves without therapist or room are planned anew with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.scheduling.engine.model import Ints, InvalidInputError, Plan, Requests, Supply
from services.scheduling.engine.replan import SAME_EVENING, to_tell
from services.scheduling.engine.simulate import Outcome, Policy

_COLUMNS = ("taker", "place", "day", "slot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The capacity from a day on, known from an evening on. `supply` covers all days."""

    announced: int
    first_day: int
    supply: Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Whose told sessions a stage took, and on which day they were."""

    rows: Ints
    day: Ints


def simulate_stages(
    requests: Requests,
    arrivals: Ints,
    stages: Sequence[Stage],
    policy: Policy,
    *,
    open_days: Ints,
    tell: int = SAME_EVENING,
) -> tuple[Outcome, tuple[Moved, ...]]:
    """Lets the policy plan each evening; the first stage holds from the beginning.

    Returns what everybody was told at last, and for each later stage whose sessions it moved.
    """
    first, *later = stages
    if any(stage.announced >= stage.first_day for stage in later):
        raise InvalidInputError("a change must be announced before the day from which it holds")
    plan, told = Plan.empty(len(requests)), np.full(len(requests), -1)
    known = [first]
    left = _copy(first.supply)
    moved: dict[int, Moved] = {}
    begin = int(arrivals.min(initial=int(first.supply.days[0])))
    for evening in range(begin, int(first.supply.days[-1])):
        for number, stage in enumerate(later):
            if stage.announced == evening or (stage.announced < evening == begin):
                known.append(stage)
                left, moved[number] = _announced(known, plan, evening)
                told[moved[number].rows] = -1
        waiting = np.flatnonzero((arrivals <= evening) & (told < 0) & (requests.last > evening))
        if len(waiting) == 0:
            continue
        proposed = policy(evening, requests.take(waiting), left)
        now = to_tell(proposed, evening, open_days, tell)
        rows, settled = waiting[now], proposed.take(now)
        for column in _COLUMNS:
            getattr(plan, column)[rows] = getattr(settled, column)
        told[rows] = evening
        day = settled.day - left.first_day
        np.subtract.at(left.capacity, (settled.taker, settled.place, day, settled.slot), 1)
        np.subtract.at(left.rooms, (settled.place, day, settled.slot), 1)
    none = Moved(rows=np.zeros(0, np.int64), day=np.zeros(0, np.int64))
    return (
        Outcome(plan=plan, told=told),
        tuple(moved.get(number, none) for number in range(len(later))),
    )


def _announced(known: Sequence[Stage], plan: Plan, evening: int) -> tuple[Supply, Moved]:
    """What is free under all that is known now; sessions ahead that it has no place for are
    taken out of the plan, the last rows first."""
    supply = _copy(known[0].supply)
    for stage in sorted(known[1:], key=lambda one: one.first_day):
        start = max(0, stage.first_day - supply.first_day)
        supply.capacity[:, :, start:] = stage.supply.capacity[:, :, start:]
        supply.rooms[:, start:] = stage.supply.rooms[:, start:]
    rows, days = [], []
    for row in np.flatnonzero(plan.booked).tolist():
        taker, place, slot = int(plan.taker[row]), int(plan.place[row]), int(plan.slot[row])
        day = int(plan.day[row]) - supply.first_day
        free = supply.capacity[taker, place, day, slot] > 0 and supply.rooms[place, day, slot] > 0
        if free or plan.day[row] <= evening:
            supply.capacity[taker, place, day, slot] -= 1
            supply.rooms[place, day, slot] -= 1
        else:
            rows.append(row)
            days.append(int(plan.day[row]))
            for column in _COLUMNS:
                getattr(plan, column)[row] = -1
    return supply, Moved(rows=np.array(rows, np.int64), day=np.array(days, np.int64))


def _copy(supply: Supply) -> Supply:
    return replace(supply, capacity=supply.capacity.copy(), rooms=supply.rooms.copy())
