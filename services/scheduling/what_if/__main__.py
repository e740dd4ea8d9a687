"""Simulates one question: a job as JSON on stdin, and on stdout a JSON object a line: what it will
take, how far it is, and at last the answer or why there is none.

A process of its own, and a nice one: bookings never wait for a simulation.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.geography import postcodes
from services.scheduling.holidays import public_holiday
from services.scheduling.incoming import stated
from services.scheduling.weights import Weights
from services.scheduling.what_if.answer import announcement, answer
from services.scheduling.what_if.ask import ask, plan
from services.scheduling.what_if.study import Progress, Study
from services.scheduling.what_if.transition import Pace, closing, transition
from services.scheduling.what_if.wire import Job, demand_of
from services.scheduling.what_if.world import World, build


def main() -> None:
    """Reads the job, simulates, writes."""
    os.nice(10)
    job = Job.model_validate_json(sys.stdin.buffer.read())
    try:
        _run(job)
    except InvalidInputError as error:
        _say({"refused": str(error)})


def _run(job: Job) -> None:
    asked = job.asked
    demand = demand_of(job.past, postcodes(), f"the past of provider {asked.provider}")
    lengths = Counter(one.minutes for one in job.past)
    first, days = job.first, 7 * asked.weeks
    if asked.replay:
        arrived = [one.arrived for one in demand.requests]
        first = min(arrived) - timedelta(days=min(arrived).weekday())
        days = 7 * ((max(arrived) - first).days // 7 + 1)

    def world_of(days: int) -> World:
        return build(
            [stated(week) for week in job.weeks],
            demand,
            first=first,
            days=days,
            minutes=asked.minutes or lengths.most_common(1)[0][0],
            public_holiday=public_holiday,
        )

    question = asked.question(Weights(**_whole(job.weights)))
    study = Study(world_of(days), question)
    planned = plan(study)
    _say({"announcement": announcement(study, planned), "runs": planned.full_runs})

    def watch(one: Progress) -> None:
        _say({"progress": {"done": one.done, "of": one.of, "seconds_left": one.seconds_left}})

    found = ask(study, planned, watch)
    told = answer(study, found)
    if asked.transition is not None:
        pace = Pace(weeks=asked.transition.weeks, notice=asked.transition.notice)
        keep = found.full[0].keep
        longer = Study(world_of(pace.days(len(closing(study.world, keep)))), question)
        told["transition"] = transition(longer, keep, pace)
    _say({"answer": told})


def _whole(weights: Mapping[str, float]) -> dict[str, Any]:
    """Metres are whole numbers; JSON made no difference."""
    return {
        name: value if name in ("ride", "reserve") else round(value)
        for name, value in weights.items()
    }


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
