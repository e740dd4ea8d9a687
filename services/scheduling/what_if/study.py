"""Runs the simulations that a question asks for, common seeds, and says how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Final

import numpy as np

from services.scheduling.engine.locations import Change, Staff, changed_supply
from services.scheduling.engine.measures import Case, Measured, seats
from services.scheduling.engine.model import Bools, Ints, Supply
from services.scheduling.engine.price import Price
from services.scheduling.engine.single import cheapest, nearest
from services.scheduling.engine.whatif import Online, Practice, Replanned, draw, simulate_change
from services.scheduling.what_if.question import Policy, Question
from services.scheduling.what_if.world import World, free_hours, with_opened

LONGEST_LATE: Final = 14  # days; a start later than that costs more than any other (Price)

Keep = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One run: which places are kept, whether plans have grown, by which policy, which seed."""

    keep: Keep
    grown: bool
    policy: Policy
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a job. `seats` are first sessions a week that can be held."""

    measured: Measured
    seats: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is; `seconds_left` is an estimate."""

    done: int
    of: int
    seconds_left: float


Watcher = Callable[[Progress], None]


class Study:
    """A question about a world. Runs are kept, so that none is made twice.

    `given` is the staff where it is as given. `workers` processes run beside each other.
    """

    def __init__(
        self, world: World, question: Question, *, given: Supply | None = None, workers: int = 1
    ) -> None:
        self.world = world
        self.question = question
        self._maker = Maker(world, question, given)
        self._workers = workers
        self._runs: dict[Job, Run] = {}

    def run(self, jobs: Sequence[Job], watch: Watcher | None = None) -> None:
        """Makes the runs that are not made yet, today's first: the others are told beside them."""
        todays = dict.fromkeys(self._today(job) for job in jobs)
        first = [job for job in todays if job not in self._runs]
        second = [job for job in dict.fromkeys(jobs) if job not in self._runs | todays]
        started, done = time.monotonic(), 0
        for part in (first, second):
            for job, run in self._make(part):
                self._runs[job] = run
                done += 1
                if watch is not None:
                    left = len(first) + len(second) - done
                    watch(Progress(done, done + left, (time.monotonic() - started) / done * left))

    def of(self, job: Job) -> Run:
        """A run that has been made."""
        return self._runs[job]

    def today(self, job: Job) -> Run:
        """Today's run on the job's seed, by the same policy."""
        return self._runs[self._today(job)]

    def seconds(self, policy: Policy) -> float:
        """About how long one run takes; makes the one of today's first seed to find out."""
        job = Job(self.world.today, False, policy, 0)
        self.run([job])
        return self._runs[job].seconds / self._workers

    def _today(self, job: Job) -> Job:
        return replace(job, keep=self.world.today, grown=False)

    def _make(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Run]]:
        if self._workers == 1 or len(jobs) < 4:
            for job in jobs:
                yield job, self._maker.make(job, self._ways_today(job))
            return
        # Spawned, not forked: a fork of a process with threads can hang.
        with ProcessPoolExecutor(
            self._workers,
            get_context("spawn"),
            initializer=_keep_here,
            initargs=(self._maker,),
        ) as pool:
            ways = [self._ways_today(job) for job in jobs]
            yield from zip(jobs, pool.map(_made_here, jobs, ways, chunksize=1), strict=True)

    def _ways_today(self, job: Job) -> Ints | None:
        today = self._today(job)
        return None if job == today else self._runs[today].measured.ways


class Maker:
    """Makes single runs: all that a process of its own needs to know."""

    def __init__(self, world: World, question: Question, given: Supply | None) -> None:
        self._world = world
        self._question = question
        self._given = given

    def make(self, job: Job, ways_today: Ints | None) -> Run:
        """Simulates a job. `ways_today` are those of today's run on the seed; None makes that."""
        started = time.perf_counter()
        world, question = self._world, self._question
        everybody, today, grown = self.case(job.seed)
        come = grown if job.grown else today
        case = everybody.take(come)
        supply = free_hours(world, load=question.load, seed=job.seed)
        given = self._given if ways_today is not None else None
        change = self.change(job.keep, given)
        source = with_opened(world, supply, job.keep)
        ways = None
        if ways_today is not None:
            ways = np.full(len(come), -1)  # who comes only with the growth has none today
            ways[today] = ways_today
            ways = ways[come]
        measured = simulate_change(
            case,
            source,
            change,
            practice(world, question, job.policy, growth=question.growth if job.grown else 1.0),
            open_days=world.open_days,
            days=world.days,
            groups=world.groups,
            districts=len(world.districts),
            given=given,
            ways_today=ways,
        )
        there = seats(changed_supply(source, change, given))[:, : world.days]
        return Run(
            measured=measured,
            seats=float(there.sum()) * 7 / world.days,
            seconds=time.perf_counter() - started,
        )

    def case(self, seed: int) -> tuple[Case, Bools, Bools]:
        """The citizens of a seed, which of them come today, and which with the growth."""
        world = self._world
        if self._question.replay:
            everybody = np.ones(len(world.past.arrivals), np.bool_)
            return world.past, everybody, everybody
        return draw(
            world.forecast,
            world.district,
            world.rides,
            days=world.days,
            first_day=world.supply.first_day,
            seed=seed,
            growth=self._question.growth,
        )

    def change(self, keep: Keep, given: Supply | None) -> Change:
        """The change that keeps these places; without the staff that is given, today's stays."""
        question = self._question
        staff = question.staff
        if staff is Staff.AS_GIVEN and given is None:
            staff = Staff.FOLLOW
        return Change(keep=keep, staff=staff, rooms=question.rooms, between=self._world.between)


def practice(world: World, question: Question, policy: Policy, *, growth: float) -> Practice:
    """How the policy books, with the municipality's forecast where it plans ahead."""
    weights = question.weights
    price = Price(late=weights.late, late_day=weights.late_day, waited_day=weights.waited_day)
    if policy is Policy.REPLAN:
        forecast = replace(
            world.forecast, by_weekday=tuple(growth * one for one in world.forecast.by_weekday)
        )
        return Replanned(
            price=replace(price, longest_late=LONGEST_LATE), forecast=forecast, tell=question.tell
        )
    return Online(rule=cheapest if policy is Policy.PRICED else nearest, price=price)


_kept: list[Maker] = []  # what a process of its own keeps between its runs


def _keep_here(maker: Maker) -> None:
    _kept.append(maker)


def _made_here(job: Job, ways_today: Ints | None) -> Run:
    return _kept[-1].make(job, ways_today)
