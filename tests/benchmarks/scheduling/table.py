"""The table of scenario R5: every policy on every row, seed by seed, in one process."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev

from tests.benchmarks.scheduling.policies import ENTRIES, clairvoyant, outcome_of, score_of
from tests.benchmarks.scheduling.rules import Score
from tests.benchmarks.scheduling.world import BUSY_WEEK, make_world

# Student's t, two-sided 95 %, for one degree of freedom and up.
T_95: tuple[float, ...] = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
T_95 += (2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)
CLAIRVOYANT, LEAST_LATE = "clairvoyant", "least late"
COLUMNS = (*(entry.name for entry in ENTRIES), CLAIRVOYANT, LEAST_LATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A row of the table."""

    name: str
    load: float
    easter: bool = False
    per_week: int = BUSY_WEEK


SETTINGS = (
    Setting(name="60 a week, 0.9", load=0.9, per_week=60),
    Setting(name="0.8", load=0.8),
    Setting(name="0.9", load=0.9),
    Setting(name="0.95", load=0.95),
    Setting(name="1.0", load=1.0),
    Setting(name="1.05", load=1.05),
    Setting(name="Easter 0.9", load=0.9, easter=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy on one world."""

    setting: str
    policy: str
    seed: int
    seconds: float
    score: Score


def run(setting: Setting, policy: str, seed: int) -> Run:
    """Makes the world, runs the policy, checks every booking and scores the plan."""
    world = make_world(seed, setting.load, easter=setting.easter, per_week=setting.per_week)
    started = time.perf_counter()
    if policy in (CLAIRVOYANT, LEAST_LATE):
        outcome = clairvoyant(world, least_late=policy == LEAST_LATE)
    else:
        outcome = outcome_of(world, next(e for e in ENTRIES if e.name == policy))
    seconds = time.perf_counter() - started
    score = score_of(world, outcome)
    return Run(setting=setting.name, policy=policy, seed=seed, seconds=seconds, score=score)


def run_all(seeds: int, store: Path, *, up_to: int | None = None) -> list[Run]:
    """Runs whatever of the table does not stand in `store` yet, adding a line for each run.

    Returns the runs of the seeds below `up_to` (or `seeds`), those that were kept included.
    """
    runs = list(_read(store))
    done = {(r.setting, r.policy, r.seed) for r in runs}
    for setting in SETTINGS:
        for policy in COLUMNS:
            missing = False
            for seed in range(seeds):
                if (setting.name, policy, seed) in done:
                    continue
                missing = True
                runs.append(run(setting, policy, seed))
                with store.open("a") as file:
                    file.write(json.dumps(asdict(runs[-1])) + "\n")
            if missing:
                print(f"{setting.name}: {policy}", flush=True)
    return [r for r in runs if r.seed < (seeds if up_to is None else up_to)]


def _read(store: Path) -> Iterable[Run]:
    if store.exists():
        for line in store.read_text().splitlines():
            fields = json.loads(line)
            yield Run(**{**fields, "score": Score(**fields["score"])})


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval (Student's t)."""
    if len(values) < 2:
        return fmean(values), math.nan
    t = T_95[len(values) - 2] if len(values) - 2 < len(T_95) else 1.96
    return fmean(values), t * stdev(values) / math.sqrt(len(values))
