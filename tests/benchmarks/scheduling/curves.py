"""Time and memory of one exact plan against requests and sites, each in a process of its own.

`python -m tests.benchmarks.scheduling.curves 3000 5` prints one measurement as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace

import numpy as np

from services.scheduling.engine.flow import assign
from services.scheduling.engine.model import Ints, Requests, Supply
from services.scheduling.engine.price import Price
from tests.benchmarks.scheduling.batch import a_week
from tests.benchmarks.scheduling.world import SITES

REQUESTS = (300, 1_000, 3_000, 10_000, 30_000)
SITE_COUNTS = (5, 15, 50, 150)
OF_SITES, ON_SITES = 3_000, len(SITES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One plan: how many wait, how many sites, seconds, those of the processor, and the process's
    megabytes at most, Python and its libraries included."""

    requests: int
    sites: int
    seconds: float
    processor: float
    megabytes: float


def spread(
    requests: Requests, supply: Supply, sites: int, *, seed: int = 1
) -> tuple[Requests, Supply]:
    """The same work over more sites: each of the five becomes as many, up to 5 km from it."""
    each = sites // supply.places
    chance = np.random.Generator(np.random.PCG64(seed))

    def apart(whole: Ints, axis: int) -> Ints:
        parts: Ints = chance.multinomial(whole, np.full(each, 1 / each))
        moved = np.moveaxis(parts, -1, axis + 1)
        shape = list(whole.shape)
        shape[axis] *= each
        return moved.reshape(shape)

    capacity = apart(supply.capacity, 1)
    rooms = np.maximum(apart(supply.rooms, 0), capacity.sum(0) > 0).astype(np.int64)
    away = chance.integers(0, 5_000, (len(requests), sites))
    metres = np.repeat(requests.metres, each, axis=1) + away
    return replace(requests, metres=metres), replace(supply, capacity=capacity, rooms=rooms)


def measure(size: int, sites: int) -> Point:
    """Plans a week's requests three times; the fastest counts."""
    requests, supply = a_week(size)
    if sites > supply.places:
        requests, supply = spread(requests, supply, sites)
    seconds, processor = np.inf, np.inf
    for _ in range(3):
        started, worked = time.perf_counter(), time.process_time()
        assign(requests, supply, Price())
        seconds = min(seconds, time.perf_counter() - started)
        processor = min(processor, time.process_time() - worked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Point(
        requests=len(requests),
        sites=sites,
        seconds=seconds,
        processor=processor,
        megabytes=peak / 1024,
    )


def curves() -> list[Point]:
    """Both curves: requests at five sites, sites at 3,000 requests."""
    pairs = [(size, ON_SITES) for size in REQUESTS]
    pairs += [(OF_SITES, sites) for sites in SITE_COUNTS if sites != ON_SITES]
    points = []
    for size, sites in pairs:
        command = [sys.executable, "-m", "tests.benchmarks.scheduling.curves"]
        done = subprocess.run(
            [*command, str(size), str(sites)], capture_output=True, text=True, check=True
        )
        points.append(Point(**json.loads(done.stdout)))
    return points


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1]), int(sys.argv[2])))))
