"""Asks a study a question: which sets of locations, how many runs, and what came of them.

Up to ten sites every set of the asked sizes is simulated with the online rule, and the best of them
with the full policy. Above ten the p-median ranks the sets by travel, and the first are simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.engine.pmedian import MOST_ENUMERATED, every_choice, solve
from services.scheduling.what_if.beside import Beside, beside
from services.scheduling.what_if.measures import Floats
from services.scheduling.what_if.question import (
    MOST_SIMULATED_SITES,
    Policy,
    choices,
    forced,
    how_many,
)
from services.scheduling.what_if.study import Job, Keep, Progress, Study, Watcher

RANKED: Final = 20  # sets that the p-median hands on
MOST_CHOICES: Final = 2000
FAR_AWAY: Final = 10.0**9  # metres: nobody goes there, so that a place which must stay is chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Sets of places by weighted travel, and whether the first is proven the least of all."""

    keeps: tuple[Keep, ...]
    km: tuple[float, ...]
    proven: bool
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be run, before it is: sets of places, runs of each stage, and about how long."""

    keeps: tuple[Keep, ...]
    ranked: Ranked | None
    quick_policy: Policy
    quick_runs: int
    full_runs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What came of one set of places. `keep` is the set; `full` tells which stage it is from.

    Loads and ways are means over the seeds, by place, by group of competences and by district;
    nan where nobody was.
    """

    keep: Keep
    grown: bool
    full: bool
    policy: Policy
    told: Beside
    place_load: Floats
    group_load: Floats
    district_km: Floats
    seats: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All options. `today` comes from the full policy; `quick` are all sets, `full` the best."""

    plan: Plan
    today: Option
    today_quick: Option | None
    today_grown: Option | None
    quick: tuple[Option, ...]
    full: tuple[Option, ...]


def plan(study: Study) -> Plan:
    """What the question takes; runs today once by each policy to find out how long that is."""
    question, world = study.question, study.world
    ranked = None
    many = len(world.sites) > MOST_SIMULATED_SITES and question.sizes
    if many:
        ranked = rank(study)
        keeps = ranked.keeps
    else:
        if (number := how_many(question, world)) > MOST_CHOICES:
            raise InvalidInputError(f"{number} sets of locations are too many to simulate")
        keeps = tuple(choices(question, world))
    quick_policy = Policy.NEAREST if question.policy is Policy.NEAREST else Policy.PRICED
    seeds = 1 if question.replay else question.seeds
    quick_seeds = 1 if question.replay else question.quick_seeds
    quick = 0 if many or len(keeps) == 1 else (len(keeps) + 1) * quick_seeds
    taken = len(keeps) if many else min(len(keeps), question.best)
    full = (taken + 1 + _with_growth(study)) * seeds
    seconds = (quick * study.seconds(quick_policy) if quick else 0.0) + full * study.seconds(
        question.policy
    )
    return Plan(
        keeps=keeps,
        ranked=ranked,
        quick_policy=quick_policy,
        quick_runs=quick,
        full_runs=full,
        seconds=seconds,
    )


def ask(study: Study, planned: Plan, watch: Watcher | None = None) -> Found:
    """Runs what was planned; `watch` hears of both stages together."""
    question, world = study.question, study.world
    total = planned.quick_runs + planned.full_runs
    seeds = range(1 if question.replay else question.seeds)
    quick: list[Option] = []
    today_quick = None
    chosen = list(planned.keeps)
    if planned.quick_runs:
        few = range(1 if question.replay else question.quick_seeds)
        jobs = [
            Job(keep, True, planned.quick_policy, seed) for keep in planned.keeps for seed in few
        ]
        rest = planned.seconds * planned.full_runs / max(1, total)
        study.run(jobs, _shifted(watch, 0, total, rest))
        today_quick = _option(study, world.today, planned.quick_policy, few, grown=False)
        quick = [_option(study, keep, planned.quick_policy, few) for keep in planned.keeps]
        if planned.ranked is None:
            chosen = [one.keep for one in sorted(quick, key=_by(study))][: question.best]
    jobs = [Job(keep, True, question.policy, seed) for keep in chosen for seed in seeds]
    if _with_growth(study):
        jobs += [Job(world.today, True, question.policy, seed) for seed in seeds]
    study.run(jobs, _shifted(watch, planned.quick_runs, total, 0.0))
    full = sorted(
        (_option(study, keep, question.policy, seeds, full=True) for keep in chosen),
        key=_by(study),
    )
    return Found(
        plan=planned,
        today=_option(study, world.today, question.policy, seeds, grown=False, full=True),
        today_quick=today_quick,
        today_grown=_option(study, world.today, question.policy, seeds, full=True)
        if _with_growth(study)
        else None,
        quick=tuple(quick),
        full=tuple(full),
    )


def rank(study: Study) -> Ranked:
    """The sets of least weighted travel of each asked size; for many sites the least of all and
    those that differ from it by one exchange. Raises `InvalidInputError`."""
    world, question = study.world, study.question
    must, may = forced(question, world)
    sites = np.array(sorted({*must, *may}))
    weight = np.array([world.demand.weight[name] for name in world.districts])
    way = world.ways[:, sites].astype(float)
    rows = [np.where(sites == place, 0.0, FAR_AWAY) for place in must]
    heavy = np.ones(len(must)) * weight.sum()
    all_ways = np.vstack([way, *rows]) if rows else way
    weights = np.concatenate([weight, heavy])
    found: dict[Keep, float] = {}
    proven, gap = True, 0.0
    for size in sorted(set(question.sizes)):
        if len(sites) <= MOST_ENUMERATED:
            sets = [chosen for _, chosen in every_choice(all_ways, weights, size)[:RANKED]]
        else:
            best = solve(all_ways, weights, size)
            proven, gap = proven and best.proven, max(gap, best.gap)
            sets = [best.chosen, *_exchanged(best.chosen, len(sites))]
        for chosen in sets:
            keep = tuple(sorted(int(sites[one]) for one in chosen))
            if set(must) <= set(keep):
                found[keep] = float(
                    (way[:, list(chosen)].min(1) * weight).sum() / weight.sum() / 1000
                )
    order = sorted(found, key=lambda keep: (found[keep], keep))[:RANKED]
    return Ranked(
        keeps=tuple(order), km=tuple(found[keep] for keep in order), proven=proven, gap=gap
    )


def _exchanged(chosen: Sequence[int], sites: int) -> list[tuple[int, ...]]:
    others = [site for site in range(sites) if site not in chosen]
    return [
        tuple(sorted({*chosen, new} - {old}))
        for (old,) in combinations(chosen, 1)
        for new in others
    ]


def _with_growth(study: Study) -> bool:
    return study.question.growth != 1.0


def _option(
    study: Study,
    keep: Keep,
    policy: Policy,
    seeds: Sequence[int],
    *,
    grown: bool = True,
    full: bool = False,
) -> Option:
    jobs = [Job(keep, grown, policy, seed) for seed in seeds]
    runs = [study.today(job) if not grown else study.of(job) for job in jobs]
    todays = [study.today(job) for job in jobs]
    return Option(
        keep=keep,
        grown=grown and _with_growth(study),
        full=full,
        policy=policy,
        told=beside(
            [run.measured.figures for run in todays], [run.measured.figures for run in runs]
        ),
        place_load=_mean([run.measured.place_load for run in runs]),
        group_load=_mean([run.measured.group_load for run in runs]),
        district_km=_mean([run.measured.district_km for run in runs]),
        seats=float(np.mean([run.seats for run in runs])),
    )


def _mean(rows: Sequence[Floats]) -> Floats:
    """The mean without what is nan; nan where all are."""
    table = np.array(rows)
    there = ~np.isnan(table)
    counts = there.sum(0)
    sums = np.where(there, table, 0.0).sum(0)
    means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _by(study: Study) -> Callable[[Option], tuple[float, float, Keep]]:
    figure = study.question.figure
    return lambda one: (
        round(one.told.figures[figure], 9),
        one.told.figures["km"],
        one.keep,
    )


def _shifted(watch: Watcher | None, before: int, total: int, rest: float) -> Watcher | None:
    """A watcher of one stage that speaks of both; `rest` seconds come after it."""
    if watch is None:
        return None
    return lambda one: watch(
        Progress(min(total, before + one.done), total, one.seconds_left + rest)
    )
