"""The p-median solver on OR-Library, on its family, on weighted demand, and beside its peer."""

from __future__ import annotations

import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.scheduling.engine.pmedian import Sites, solve
from services.scheduling.engine.swap import Floats
from tests.benchmarks.scheduling.orlib import DATA, OPTIMA, Problem, like_orlib, read

LIMIT_SECONDS = 120
FAMILY = ((400, 5), (400, 40), (600, 5), (600, 60), (800, 5), (900, 5), (900, 10), (900, 90))
DEMAND = ((5, 3), (15, 5), (50, 5), (200, 20), (500, 50))
POINTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One problem: seconds on the clock and of the processor, the peer's where it was asked."""

    name: str
    k: int
    answer: Sites
    seconds: float
    processor: float
    megabytes: int
    known: int | None = None
    peer: dict[str, float] | None = None


def _timed(name: str, way: Floats, k: int, weight: Floats | None = None) -> Row:
    weights = np.ones(len(way)) if weight is None else weight
    started, worked = time.perf_counter(), time.process_time()
    answer = solve(way, weights, k, seconds=LIMIT_SECONDS)
    return Row(
        name=name,
        k=k,
        answer=answer,
        seconds=time.perf_counter() - started,
        processor=time.process_time() - worked,
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        known=OPTIMA.get(name),
    )


def orlib(peers: Sequence[str]) -> list[Row]:
    """pmed1–10; those in `peers` are handed to spopt too."""
    rows = []
    for name in OPTIMA:
        problem = read(DATA / f"{name}.txt")
        row = _timed(problem.name, problem.way, problem.k)
        if name in peers and importlib.util.find_spec("spopt") is not None:
            row = replace(row, peer=_peer(problem))
        rows.append(row)
    return rows


def _peer(problem: Problem) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "way.npy"
        np.save(file, problem.way)
        command = [sys.executable, "-m", "tests.benchmarks.scheduling.peer", str(file)]
        done = subprocess.run(
            [*command, str(problem.k)], capture_output=True, text=True, check=True, timeout=600
        )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def family() -> list[Row]:
    """Random problems made as OR-Library's were, up to 900 nodes."""
    problems = (like_orlib(nodes, k, 0) for nodes, k in FAMILY)
    return [_timed(problem.name, problem.way, problem.k) for problem in problems]


def demand() -> list[Row]:
    """100,000 weighted points around the sites of a plane, 5 to 500 of them."""
    chance = np.random.Generator(np.random.PCG64(1))
    home, weight = (
        chance.normal(size=(POINTS, 2)) * 10,
        chance.integers(1, 50, POINTS).astype(np.float64),
    )
    rows = []
    for sites, k in DEMAND:
        place = chance.normal(size=(sites, 2)) * 10
        way = np.hypot(home[:, None, 0] - place[:, 0], home[:, None, 1] - place[:, 1])
        rows.append(_timed(f"{sites} sites, 100,000 points", np.rint(way * 1000), k, weight))
    return rows
