"""Where a what-if is simulated: here from a planner's files, or by scheduling from its own past."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from math import factorial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from deploy.cli.what_if_options import ROOMS, STAFF, Wishes
from deploy.planning.faults import UnusableFileError
from deploy.planning.reading import accepted, people_of, requests_of, roster_of
from deploy.planning.roster import Roster, stated
from services.scheduling.capacity import LocationWeek
from services.scheduling.engine.locations import Staff
from services.scheduling.engine.model import InvalidInputError, Supply
from services.scheduling.geography import postcodes
from services.scheduling.holidays import public_holiday
from services.scheduling.settings import Municipality, read_municipalities
from services.scheduling.what_if.answer import announcement, answer
from services.scheduling.what_if.ask import ask, plan
from services.scheduling.what_if.demand import Demand, of_places, of_the_past
from services.scheduling.what_if.question import Question
from services.scheduling.what_if.study import Progress, Study
from services.scheduling.what_if.transition import Pace, closing, transition
from services.scheduling.what_if.world import Candidate, World, build, capacity_of
from shared.settings import SettingsError

errors = Console(stderr=True, highlight=False)
MINUTES: Final = 60
_EVERY: Final = 1.0  # seconds from one look at a simulation to the next

Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a planner hands in; the municipality's own habits come from its file."""

    roster: Path | None
    people: Path | None
    requests: Path | None
    staff_roster: Path | None
    municipalities: Path


def simulated_here(
    wishes: Wishes, files: Files, first: date, *, workers: int, quiet: bool
) -> Found:
    """Simulates from files. Raises CommandError, a line for each fault of a file."""
    try:
        if files.roster is None:
            raise CommandError("say where today's locations and hours stand: --roster FILE")
        roster = roster_of(files.roster)
        habits = _habits(files.municipalities, roster.provider)
        question = wishes.question(habits)
        accepted(roster, habits.competences, [first])
        demand = _demand(files, first)
        days = 7 * wishes.weeks
        if wishes.replay:
            if files.requests is None:
                raise CommandError("--replay needs the past: --requests FILE")
            first, days = _stretch(demand)
        candidates = [
            Candidate(location=one.location, rooms=len(one.rooms))
            for one in roster.places
            if not one.open
        ]

        def world_of(days: int) -> World:
            return build(
                _weeks(roster, first),
                demand,
                first=first,
                days=days,
                minutes=MINUTES if wishes.minutes is None else wishes.minutes,
                public_holiday=public_holiday,
                candidates=candidates,
            )

        world = world_of(days)
        given = _given(world, wishes, files.staff_roster, habits, first)
        found = _run(Study(world, question, given=given, workers=workers), quiet=quiet)
        if wishes.transition is not None:
            found["transition"] = _transition(world_of, question, found, wishes.transition, workers)
    except (InvalidInputError, UnusableFileError) as error:
        raise CommandError(str(error)) from None
    return found


def asked_of_scheduling(wishes: Wishes, provider: str, member: str) -> Found:
    """Asks scheduling, of the provider's own past, and waits. Raises CommandError."""
    if wishes.staff is Staff.AS_GIVEN or wishes.open:
        raise CommandError(
            "scheduling knows no hours but today's: a new location or given staff needs --roster"
        )
    body = {
        **asdict(wishes),
        "provider": provider,
        "staff": next(word for word, one in STAFF.items() if one is wishes.staff),
        "rooms": next(word for word, one in ROOMS.items() if one is wishes.rooms),
        "rents": dict(wishes.rents),
    }
    del body["open"]
    body["transition"] = None if wishes.transition is None else asdict(wishes.transition)
    started = ask_as(member, "scheduling", "POST", "/what-if", json=body)
    errors.print(f"Scheduling simulates, from {started['requests']} past requests.")
    announced = False
    with _bar() as show:
        while True:
            told = ask_as(member, "scheduling", "GET", f"/what-if/{started['id']}")
            if not announced and "announcement" in told:
                errors.print(told["announcement"])
                announced = True
            if told["state"] == "answered":
                found: Found = told["answer"]
                return found
            if told["state"] != "running":
                why = told.get("refused", "the simulation failed; see scheduling's log")
                raise CommandError(str(why))
            if "progress" in told:
                show(Progress(**told["progress"]))
            time.sleep(_EVERY)


def _run(study: Study, *, quiet: bool) -> Found:
    planned = plan(study)
    errors.print(announcement(study, planned))
    if quiet and not sys.stderr.isatty():
        return answer(study, ask(study, planned))
    with _bar() as show:
        return answer(study, ask(study, planned, show))


def _transition(
    world_of: Callable[[int], World], question: Question, found: Found, pace: Pace, workers: int
) -> Found:
    """The way to the best choice, on a world that lasts as long as that takes."""
    codes = found["options"][0]["keep"]
    keep = tuple(row for row, site in enumerate(found["sites"]) if site["code"] in codes)
    closes = len(closing(world_of(7), keep))
    world = world_of(pace.days(closes))
    errors.print(
        f"Transition: {factorial(closes)} orders of closing, then the best of them "
        f"through {closes + 2} months on {question.seeds} seeds."
    )
    with _bar() as show:
        return transition(
            Study(world, question, workers=workers),
            keep,
            pace,
            lambda done, of: show(Progress(done, of, 0.0)),
        )


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    with Bar(
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=errors,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, left="")

        def show(one: Progress) -> None:
            left = f"about {one.seconds_left:.0f} s left"
            bar.update(task, total=one.of, completed=one.done, left=left)

        yield show


def _habits(folder: Path, provider: str) -> Municipality:
    try:
        return read_municipalities(folder, Municipality()).get(provider, Municipality())
    except SettingsError as error:
        raise CommandError(str(error)) from None


def _weeks(roster: Roster, first: date) -> list[LocationWeek]:
    return [one.week for one in stated(roster, first)]


def _demand(files: Files, first: date) -> Demand:
    if (files.people is None) == (files.requests is None):
        raise CommandError("say who comes: either --requests FILE or --places FILE")
    if files.requests is not None:
        return of_the_past(requests_of(files.requests), postcodes(), str(files.requests))
    assert files.people is not None, "one of the two is given"
    found = people_of(files.people)
    return of_places(
        found.places,
        found.needs,
        per_week=found.per_week,
        first=first,
        source=str(files.people),
        rides=found.rides,
    )


def _stretch(demand: Demand) -> tuple[date, int]:
    """The Monday of the first request, and the days until the week of the last is over."""
    arrived = [one.arrived for one in demand.requests]
    first = min(arrived) - timedelta(days=min(arrived).weekday())
    return first, 7 * ((max(arrived) - first).days // 7 + 1)


def _given(
    world: World, wishes: Wishes, path: Path | None, habits: Municipality, first: date
) -> Supply | None:
    if wishes.staff is not Staff.AS_GIVEN:
        if path is not None:
            raise CommandError("--staff-roster goes with --staff given")
        return None
    if path is None:
        raise CommandError("--staff given needs the hours after the change: --staff-roster FILE")
    after = accepted(roster_of(path), habits.competences, [first])
    return capacity_of(world, _weeks(after, first), public_holiday)
