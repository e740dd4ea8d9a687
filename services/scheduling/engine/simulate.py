"""Runs a policy through a stretch of days as a municipality would: evening by evening.

What is told stays told. A policy sees on an evening only those who have come, and what is free
after those told before: so cutting off the future changes nothing that was told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from services.scheduling.engine.model import Ints, Plan, Requests, Supply
from services.scheduling.engine.replan import SAME_EVENING, to_tell


class Policy(Protocol):
    """Plans all who wait on an evening; rows are in ascending order of id."""

    def __call__(self, evening: int, waiting: Requests, supply: Supply) -> Plan:
        """Plans rows from what is free on later days; may leave rows without a session."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What everybody was told at last, and on which evening (-1: never)."""

    plan: Plan
    told: Ints


def simulate(
    requests: Requests,
    arrivals: Ints,
    supply: Supply,
    policy: Policy,
    *,
    open_days: Ints,
    tell: int = SAME_EVENING,
) -> Outcome:
    """Lets the policy plan each evening, from the first arrival until the supply ends."""
    plan = Plan.empty(len(requests))
    told = np.full(len(requests), -1)
    left = replace(supply, capacity=supply.capacity.copy(), rooms=supply.rooms.copy())
    first = int(arrivals.min(initial=int(supply.days[0])))
    for evening in range(first, int(supply.days[-1])):
        waiting = np.flatnonzero((arrivals <= evening) & (told < 0) & (requests.last > evening))
        if len(waiting) == 0:
            continue
        proposed = policy(evening, requests.take(waiting), left)
        now = to_tell(proposed, evening, open_days, tell)
        rows, settled = waiting[now], proposed.take(now)
        for column in ("taker", "place", "day", "slot"):
            getattr(plan, column)[rows] = getattr(settled, column)
        told[rows] = evening
        day = settled.day - left.first_day
        np.subtract.at(left.capacity, (settled.taker, settled.place, day, settled.slot), 1)
        np.subtract.at(left.rooms, (settled.place, day, settled.slot), 1)
    return Outcome(plan=plan, told=told)
