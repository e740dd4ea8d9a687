"""A question with all it is asked of, and its answer: the one way of the command and of HTTP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import factorial, inf
from typing import Any, Protocol

from services.scheduling.capacity import LocationWeek
from services.scheduling.engine.locations import Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.provider import Terms
from services.scheduling.what_if.answer import announcement, answer, spoken
from services.scheduling.what_if.ask import ask, plan
from services.scheduling.what_if.demand import Demand
from services.scheduling.what_if.question import Question
from services.scheduling.what_if.study import Keep, Progress, Study
from services.scheduling.what_if.transition import Pace, closing, transition
from services.scheduling.what_if.world import Candidate, World, build, given_weeks

MINUTES = 60  # of a first session, where nothing tells


class Listener(Protocol):
    """Hears how far an answer is."""

    def announced(self, text: str, runs: int) -> None:
        """What will be simulated, before it is."""
        ...

    def went_on(self, one: Progress) -> None:
        """How far it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """A question, and the municipality that it is asked of.

    `weeks` state today's capacity, `candidates` could be opened, `given` is the capacity after the
    change where staff is as given. `days` of arrivals are simulated from `first` on, unless the
    past is replayed. `minutes` are those of requests that tell none.
    """

    question: Question
    weeks: Sequence[LocationWeek]
    demand: Demand
    terms: Terms
    first: date
    days: int
    minutes: int = MINUTES
    candidates: Sequence[Candidate] = ()
    given: Sequence[LocationWeek] | None = None
    pace: Pace | None = None


def answered(
    posed: Posed, listener: Listener, *, workers: int = 1, most: float = inf
) -> dict[str, Any]:
    """Simulates, and tells what was found. Raises `InvalidInputError`, one clear line, also where
    it would take longer than `most` seconds."""
    question = posed.question
    if (question.staff is Staff.AS_GIVEN) != (posed.given is not None):
        raise InvalidInputError(
            "staff as given needs the hours after the change, and only that does"
        )
    first, days = _stretch(posed.demand) if question.replay else (posed.first, posed.days)
    world = _world(posed, first, days)
    given = None if posed.given is None else given_weeks(world, posed.given)
    study = Study(world, question, given=given, workers=workers)
    planned = plan(study)
    if planned.seconds > most:
        raise InvalidInputError(
            f"{planned.quick_runs + planned.full_runs} runs would take about "
            f"{spoken(planned.seconds)}, and {spoken(most)} is the most: ask of fewer sets, weeks "
            "or seeds"
        )
    listener.announced(announcement(study, planned), planned.quick_runs + planned.full_runs)
    found = ask(study, planned, listener.went_on)
    told = answer(study, found)
    if posed.pace is not None:
        each = study.seconds(question.policy) * workers / days
        told["transition"] = _way_there(posed, study, found.full[0].keep, each, listener)
    return told


def _world(posed: Posed, first: date, days: int) -> World:
    return build(
        posed.weeks,
        posed.demand,
        first=first,
        days=days,
        minutes=posed.minutes,
        terms=posed.terms,
        candidates=posed.candidates,
    )


def _way_there(
    posed: Posed, study: Study, keep: Keep, each: float, listener: Listener
) -> dict[str, Any]:
    """The way to the best choice, on a world that lasts as long as that takes; a run takes `each`
    seconds a day."""
    pace = posed.pace or Pace()
    seeds = posed.question.seeds
    closes = len(closing(study.world, keep))
    longer = study.lasting(_world(posed, study.world.first, pace.days(closes)))
    listener.announced(
        f"Transition: {factorial(closes)} orders of closing, then the best of them "
        f"through {closes + 2} months on {seeds} seeds, with and without closing. "
        f"About {spoken(2 * seeds * each * pace.days(closes))}.",
        seeds,
    )
    started = time.monotonic()

    def watch(done: int, of: int) -> None:
        left = (time.monotonic() - started) / done * (of - done)
        listener.went_on(Progress(done, of, left))

    return transition(longer, keep, pace, watch)


def _stretch(demand: Demand) -> tuple[date, int]:
    """The Monday of the first request, and the days until the week of the last is over."""
    arrived = [one.arrived for one in demand.requests]
    first = min(arrived) - timedelta(days=min(arrived).weekday())
    return first, 7 * ((max(arrived) - first).days // 7 + 1)
