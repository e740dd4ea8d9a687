"""Runs the simulations that a question asks for, common seeds, and says how far they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from services.scheduling.desk import Desk
from services.scheduling.diary import Diary
from services.scheduling.engine.locations import Change, Staff, changed_week
from services.scheduling.engine.model import Bools, Ints, InvalidInputError
from services.scheduling.what_if.arrivals import Case, draw, past
from services.scheduling.what_if.booking import Stage, book, forenoon
from services.scheduling.what_if.hours import hours_of, share_open, thinned
from services.scheduling.what_if.measures import Measured, Sessions, measure
from services.scheduling.what_if.question import Policy, Question
from services.scheduling.what_if.world import Weeks, World

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

    `given` are the weeks where staff is as given. `workers` processes run beside each other.
    """

    def __init__(
        self, world: World, question: Question, *, given: Weeks | None = None, workers: int = 1
    ) -> None:
        self.world = world
        self.question = question
        self._maker = Maker(world, question, given)
        self._workers = workers
        self._runs: dict[Job, Run] = {}

    def lasting(self, world: World) -> Study:
        """The same question about a world that lasts longer."""
        return Study(world, self.question, workers=self._workers)

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

    def __init__(self, world: World, question: Question, given: Weeks | None) -> None:
        self._world = world
        self._question = question
        self._given = given
        self._share = _share(world, question.load)
        self._lost: dict[int, Bools] = {}

    def make(self, job: Job, ways_today: Ints | None) -> Run:
        """Simulates a job. `ways_today` are those of today's run on the seed; None makes that."""
        started = time.perf_counter()
        world = self._world
        everybody, today, grown = self.case(job.seed)
        come = grown if job.grown else today
        case = everybody.take(come)
        weeks = self.after(self.weeks(job.seed), job.keep, with_given=ways_today is not None)
        ways = None
        if ways_today is not None:
            ways = np.full(len(come), -1)  # who comes only with the growth has none today
            ways[today] = ways_today
            ways = ways[come]
        stage = Stage(announced=world.first, first_week=0, weeks=weeks)
        found = book(world, case, [stage], self._question.tell, job.policy)
        hours = hours_of(
            weeks,
            world.sites,
            first=world.first,
            days=world.days,
            closed=world.terms.public_holiday,
        )
        measured = measure(
            world,
            case,
            Sessions.of(world, case, found),
            hours=hours,
            lost=self.lost(job.seed)[come],
            ways_today=ways,
        )
        return Run(
            measured=measured, seats=world.seats(hours), seconds=time.perf_counter() - started
        )

    def case(self, seed: int) -> tuple[Case, Bools, Bools]:
        """The citizens of a seed, which of them come today, and which with the growth."""
        world = self._world
        if self._question.replay:
            case = past(world)
            everybody = np.ones(len(case), np.bool_)
            return case, everybody, everybody
        return draw(
            world, first=world.first, days=world.days, seed=seed, growth=self._question.growth
        )

    def weeks(self, seed: int) -> Weeks:
        """Today's weeks, less what courses under way have taken of them on a seed."""
        if self._share == 1.0:
            return self._world.weeks
        return thinned(self._world.weeks, self._share, self._world.minutes, seed)

    def after(self, weeks: Weeks, keep: Keep, *, with_given: bool = False) -> Weeks:
        """The weeks when these places are kept; without the staff that is given, today's stays."""
        question, world = self._question, self._world
        given = self._given if with_given else None
        staff = question.staff
        if staff is Staff.AS_GIVEN and given is None:
            staff = Staff.FOLLOW
        change = Change(
            keep=world.codes(keep), staff=staff, rooms=question.rooms, between=world.between
        )
        return tuple(
            tuple(changed_week(week, change, None if given is None else given[number]))
            for number, week in enumerate(weeks)
        )

    def lost(self, seed: int) -> Bools:
        """Which citizens of a seed would be late even alone in the system, with all of today's
        locations."""
        if seed not in self._lost:
            self._lost[seed] = self._late_alone(seed)
        return self._lost[seed]

    def _late_alone(self, seed: int) -> Bools:
        world = self._world
        case, _, _ = self.case(seed)
        desk = Desk("", world.terms, world.homes)
        for week in self.after(self.weeks(seed), world.today):
            for one in week:
                desk.load_week(one)
        diary = Diary()
        diary.know(order.citizen_id for order in case.orders)
        desk.begin(diary)
        return np.array(
            [
                desk.asks.ask(order, forenoon(on)).shortfall is not None
                for order, on in zip(case.orders, case.came, strict=True)
            ],
            np.bool_,
        )


def _share(world: World, load: float | None) -> float:
    """The share of therapists' hours that courses leave, so that first sessions fill it to the
    load. Raises `InvalidInputError` where there is not so much."""
    if load is None:
        return 1.0
    if world.per_week > load * world.seats_per_week:
        raise InvalidInputError(
            f"{world.seats_per_week:.0f} first sessions a week can be held and "
            f"{world.per_week:.0f} plans come: the load is at least "
            f"{world.per_week / world.seats_per_week:.2f}"
        )
    wanted = world.per_week * world.mean_minutes / load
    return share_open(world.hours, wanted * world.days / 7)


_kept: list[Maker] = []  # what a process of its own keeps between its runs


def _keep_here(maker: Maker) -> None:
    _kept.append(maker)


def _made_here(job: Job, ways_today: Ints | None) -> Run:
    return _kept[-1].make(job, ways_today)
