"""Random small towns, and the rules of a plan written from the rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from services.scheduling.engine.model import Ints, Plan, Requests, Supply
from services.scheduling.engine.price import Price


@dataclass(frozen=True, kw_only=True)
class Town:
    """Who comes when, what is open, and the days that are."""

    requests: Requests
    arrivals: Ints
    supply: Supply
    open_days: Ints


def a_town(
    seed: int, *, citizens: int = 30, days: int = 21, places: int = 3, slots: int = 4
) -> Town:
    """A town of a seed: few therapists, odd windows, places that some cannot reach."""
    chance = np.random.default_rng(seed)
    kinds, classes = 3, 4
    may = chance.random((kinds, classes)) < 0.5
    may[np.arange(kinds), np.arange(kinds)] = True
    closed = chance.random(days) < 0.1
    open_days = np.array([d for d in range(days) if d % 7 < 5 and not closed[d]])
    capacity = chance.poisson(0.35, (classes, places, days, slots))
    capacity[:, :, np.setdiff1d(np.arange(days), open_days)] = 0
    rooms = chance.integers(0, 3, (places, days, slots))
    arrivals = np.sort(chance.integers(0, max(1, days - 8), citizens))
    earliest = arrivals + chance.integers(1, 4, citizens)
    limit = earliest + chance.integers(-2, 7, citizens)
    windows = np.array([0b1111, 0b0011, 0b1100, 0b0101])
    weekdays = np.array([0b1111111, 0b0010101, 0b0000010])
    metres = chance.integers(0, 30_000, (citizens, places))
    metres[chance.random((citizens, places)) < 0.15] = -1
    requests = Requests(
        ids=np.arange(citizens) * 3 + 1,
        earliest=earliest,
        limit=limit,
        last=np.maximum(limit, earliest) + 10,
        kind=chance.integers(0, kinds, citizens),
        weekdays=weekdays[chance.integers(0, 3, citizens)],
        window=windows[chance.integers(0, 4, citizens)],
        weight=np.where(chance.random(citizens) < 0.2, 3, 1),
        metres=metres,
    )
    supply = Supply(first_day=0, capacity=capacity, rooms=rooms, may=may)
    return Town(requests=requests, arrivals=arrivals, supply=supply, open_days=open_days)


towns = st.builds(a_town, st.integers(0, 10**6), citizens=st.integers(1, 45))


def broken_rules(town: Town, plan: Plan) -> list[str]:
    """Every rule the plan breaks, row by row; empty where it keeps to all of them."""
    r, supply = town.requests, town.supply
    therapists: Counter[tuple[int, int, int, int]] = Counter()
    rooms: Counter[tuple[int, int, int]] = Counter()
    broken = []
    for row in range(len(r)):
        taker, place = int(plan.taker[row]), int(plan.place[row])
        day, slot = int(plan.day[row]), int(plan.slot[row])
        if day < 0:
            continue
        therapists[taker, place, day, slot] += 1
        rooms[place, day, slot] += 1
        if not supply.may[r.kind[row], taker]:
            broken.append(f"{row}: without the competence")
        if not r.earliest[row] <= day <= r.last[row]:
            broken.append(f"{row}: on day {day}")
        if not r.weekdays[row] >> day % 7 & 1 or not r.window[row] >> slot & 1:
            broken.append(f"{row}: outside the window")
        if r.metres[row, place] < 0:
            broken.append(f"{row}: at a place that is no choice")
        if day not in town.open_days:
            broken.append(f"{row}: on a closed day")
    broken += [f"therapists {at}" for at, n in therapists.items() if n > supply.capacity[at]]
    broken += [f"rooms {at}" for at, n in rooms.items() if n > supply.rooms[at]]
    return broken


def price_of(town: Town, plan: Plan, price: Price) -> int:
    """What a plan costs, added up citizen by citizen from the description of the price."""
    total = 0
    r = town.requests
    for row in range(len(r)):
        weight, day = int(r.weight[row]), int(plan.day[row])
        if day < 0:
            total += weight * price.never
            continue
        over = max(0, day - int(r.limit[row]))
        if over:
            total += weight * (price.late + price.late_day * over)
        if price.longest_late is not None and over > price.longest_late:
            total += weight * price.too_late
        total += price.waited_day * (day - int(r.earliest[row]))
        total += int(r.metres[row, plan.place[row]])
    return total
