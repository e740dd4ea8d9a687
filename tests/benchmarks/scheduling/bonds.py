"""Plans that a flow cannot make, by the mixed-integer program: seconds and gap by size."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from services.scheduling.engine.mixed import NO_LIMIT, Extras, plan
from services.scheduling.engine.model import Requests, Supply
from services.scheduling.engine.price import Price
from tests.benchmarks.scheduling.bridge import supply_of
from tests.benchmarks.scheduling.policies import published_rates
from tests.benchmarks.scheduling.world import (
    CLASS_OF,
    COMPETENCES,
    LAST_DAY,
    SITES,
    SLOTS,
    STAFF,
    TYPES,
    make_world,
)

SIZES = (60, 300, 600)
GAP = 1e-4
BOOKED_DAYS = 14  # after the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One size: seconds, those of the processor, the price found and its gap."""

    requests: int
    seconds: float
    processor: float
    cost: int
    gap: float


def instance(size: int, *, seed: int = 1, load: float = 0.95) -> tuple[Requests, Supply, Extras]:
    """A week's requests, forty therapists one by one: a fifth of the sessions take two slots, 15 %
    need the one set of bars of their place, a third of the therapists have four fifths of their
    hours, and every tenth works at A or B, as the plan chooses."""
    world = make_world(seed, load, per_week=size)
    drawn = published_rates(size, seed=seed).draw(0, 6)
    last = np.maximum(drawn.limit, drawn.earliest) + BOOKED_DAYS
    requests = replace(drawn, last=last).in_order()
    therapists = np.arange(sum(STAFF))
    capacity = np.zeros((len(therapists), len(SITES), LAST_DAY, SLOTS), np.int64)
    for one in world.openings:
        capacity[one.therapist, one.site, one.day, one.slot] = 1
    floating = therapists % 10 == 9
    for therapist in np.flatnonzero(floating).tolist():
        hours = capacity[therapist].max(0)
        capacity[therapist] = 0
        capacity[therapist, :2] = hours
    chance = np.random.Generator(np.random.PCG64(seed))
    first_week = capacity.max(1)[:, :7].sum((1, 2))
    hours = np.maximum(1, first_week * 4 // 5)
    may = np.array(
        [[kind in COMPETENCES[CLASS_OF[t % 10]] for t in therapists] for kind, _ in TYPES]
    )
    extras = Extras(
        slots=np.where(chance.random(len(requests)) < 0.2, 2, 1),
        uses=chance.random((len(requests), 1)) < 0.15,
        equipment=np.ones((1, len(SITES)), np.int64),
        week_slots=np.where(therapists % 3 == 0, hours, NO_LIMIT),
        floating=floating,
    )
    supply = Supply(first_day=0, capacity=capacity, rooms=supply_of(world).rooms, may=may)
    return requests, supply, extras


def timings() -> list[Timing]:
    """Every size once."""
    found = []
    for size in SIZES:
        requests, supply, extras = instance(size)
        started, worked = time.perf_counter(), time.process_time()
        solution = plan(requests, supply, Price(), extras, gap=GAP, seconds=120)
        found.append(
            Timing(
                requests=len(requests),
                seconds=time.perf_counter() - started,
                processor=time.process_time() - worked,
                cost=solution.cost,
                gap=solution.gap,
            )
        )
    return found
