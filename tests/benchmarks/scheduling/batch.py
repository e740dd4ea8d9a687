"""How long one exact plan takes, and whether another solver finds the same price."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from services.scheduling.engine.courses import CoursePrice, Offer, Rhythm, Wish, plan_courses
from services.scheduling.engine.flow import assign
from services.scheduling.engine.model import Requests, Supply
from services.scheduling.engine.network import Arcs, Network
from services.scheduling.engine.price import Price
from services.scheduling.engine.single import Shelf, cheapest, citizens
from tests.benchmarks.scheduling.bridge import supply_of
from tests.benchmarks.scheduling.policies import published_rates
from tests.benchmarks.scheduling.world import KEEPS_DAYS, make_world


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One size: seconds, the price found, the peer's price and seconds where it was asked."""

    requests: int
    seconds: float
    processor: float
    cost: int
    peer_cost: float | None
    peer_seconds: float | None
    megabytes: int


def a_week(size: int, *, load: float = 0.95, seed: int = 1) -> tuple[Requests, Supply]:
    """A week's `size` requests, all waiting at once, and capacity and rooms to match."""
    drawn = published_rates(size, seed=seed).draw(0, 6)
    requests = replace(drawn, last=np.maximum(drawn.limit, drawn.earliest) + KEEPS_DAYS).in_order()
    supply = supply_of(make_world(seed, load))
    factor = max(1, round(size / 300))
    return requests, replace(supply, capacity=supply.capacity * factor, rooms=supply.rooms * factor)


def timing(size: int, *, peer: bool, repeats: int = 3) -> Timing:
    """The fastest of some runs: other work on the machine can only add."""
    requests, supply = a_week(size)
    best, processor, cost = np.inf, np.inf, 0
    for _ in range(repeats):
        started, worked = time.perf_counter(), time.process_time()
        cost = assign(requests, supply, Price()).cost
        best = min(best, time.perf_counter() - started)
        processor = min(processor, time.process_time() - worked)
    peer_cost, peer_seconds = None, None
    if peer:
        started = time.perf_counter()
        peer_cost = by_linear_program(requests, supply, Price())
        peer_seconds = time.perf_counter() - started
    return Timing(
        requests=len(requests),
        seconds=best,
        processor=processor,
        cost=cost,
        peer_cost=peer_cost,
        peer_seconds=peer_seconds,
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )


def by_linear_program(requests: Requests, supply: Supply, price: Price) -> float:
    """The same network's flow as a linear program, by HiGHS."""
    network = Network(requests, supply, price, price.of_never(requests.weight))
    parts: list[Arcs] = [
        network.travel,
        network.never,
        network.wait,
        network.look,
        network.take,
        network.work,
        network.room,
    ]
    tail = np.concatenate([part.tail for part in parts])
    head = np.concatenate([part.head for part in parts])
    used, dense = np.unique(np.concatenate([tail, head]), return_inverse=True)
    arc = np.arange(len(tail))
    balance = coo_array(
        (
            np.concatenate([np.ones(len(tail)), -np.ones(len(tail))]),
            (dense, np.concatenate([arc, arc])),
        ),
        shape=(len(used), len(tail)),
    ).tocsr()
    needs = np.zeros(len(used))
    first = np.searchsorted(used, network.citizens)
    needs[first : first + len(requests)] = 1
    needs[0] = -len(requests)
    capacity = np.minimum(np.concatenate([part.capacity for part in parts]), len(requests))
    answer = linprog(
        np.concatenate([part.cost for part in parts]),
        A_eq=balance,
        b_eq=needs,
        bounds=np.stack([np.zeros(len(tail)), capacity], axis=1),
        method="highs",
    )
    if answer.status != 0:
        raise RuntimeError(answer.message)
    return float(answer.fun)


def online_microseconds(size: int = 2000) -> tuple[float, float]:
    """Median and 99th percentile of one decision in memory, booking included."""
    requests, supply = a_week(size)
    shelf, price = Shelf(supply), Price()
    taken = []
    for citizen in citizens(requests):
        started = time.perf_counter()
        choice = cheapest(citizen, shelf, price, -1)
        if choice is not None:
            shelf.take(choice)
        taken.append(1e6 * (time.perf_counter() - started))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


MUNICIPALITIES, FIRST_SESSIONS, FOLLOW_UPS, COURSE = 98, 1_500, 4_000, 5


def national_day() -> tuple[float, float]:
    """Plans a day of the whole country, one municipality after the other; seconds on the clock and
    of the processor. Each has its share of first sessions and of follow-ups in courses of five."""
    started, worked = time.perf_counter(), time.process_time()
    spent = 0.0
    for number in range(MUNICIPALITIES):
        making = time.perf_counter(), time.process_time()
        requests, supply = a_week(FIRST_SESSIONS // MUNICIPALITIES + 1, seed=number)
        offers = _therapy_hours(number)
        wishes = [
            Wish(
                id=f"{citizen:03}",
                offers=[offers] * COURSE,
                rhythm=Rhythm(fewest=2, best=4, most=7),
                metres=(1_000 * citizen, 4_000),
                earliest=1,
            )
            for citizen in range(FOLLOW_UPS // MUNICIPALITIES // COURSE + 1)
        ]
        spent += time.perf_counter() - making[0]
        worked += time.process_time() - making[1]
        assign(requests, supply, Price())
        plan_courses(wishes, CoursePrice())
    return time.perf_counter() - started - spent, time.process_time() - worked


def _therapy_hours(seed: int) -> list[Offer]:
    chance = np.random.Generator(np.random.PCG64(seed))
    return [
        Offer(day=day, slot=slot, place=therapist % 2, people=(f"t{therapist}",))
        for therapist in range(8)
        for day in range(1, 43)
        if day % 7 < 5
        for slot in range(8)
        if chance.random() < 0.3
    ]
