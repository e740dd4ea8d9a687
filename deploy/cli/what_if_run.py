"""Where a what-if is simulated: here from a planner's files, or by scheduling from its own past."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from deploy.cli.what_if_options import Wishes
from deploy.planning.faults import UnusableFileError
from deploy.planning.reading import accepted, people_of, requests_of, roster_of
from deploy.planning.roster import Place, Roster, rooms_of, stated
from deploy.planning.statement import statement
from services.scheduling.capacity import LocationWeek
from services.scheduling.engine.locations import Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.geography import postcodes
from services.scheduling.settings import Municipality, read_municipalities, terms_of
from services.scheduling.what_if.demand import Demand, of_places, of_the_past
from services.scheduling.what_if.pose import MINUTES, Posed, answered
from services.scheduling.what_if.study import Progress
from services.scheduling.what_if.wire import ROOMS, STAFF
from services.scheduling.what_if.world import Candidate
from shared.settings import SettingsError

errors = Console(stderr=True, highlight=False)
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
        question = wishes.question(habits.tell)
        accepted(roster, habits.competences, [first])
        if wishes.replay and files.requests is None:
            raise CommandError("--replay needs the past: --requests FILE")
        posed = Posed(
            question=question,
            weeks=_weeks(roster, first),
            demand=_demand(files, first, wishes.minutes),
            terms=terms_of(habits),
            first=first,
            days=7 * wishes.weeks,
            minutes=MINUTES if wishes.minutes is None else wishes.minutes,
            candidates=[
                Candidate(location=one.location, rooms=rooms_of(one)) for one in _closed(roster)
            ],
            given=_given(wishes, files.staff_roster, habits, first),
            pace=wishes.transition,
        )
        with _bar(hidden=quiet and not sys.stderr.isatty()) as listener:
            return answered(posed, listener, workers=workers)
    except (InvalidInputError, UnusableFileError) as error:
        raise CommandError(str(error)) from None


def asked_of_scheduling(
    wishes: Wishes, files: Files, first: date | None, *, provider: str, member: str
) -> Found:
    """Asks scheduling, of the provider's own past, and waits; Ctrl-C ends it there too.

    A roster says which locations could be opened, a staff roster who works where after the change.
    Raises CommandError.
    """
    if files.people is not None or files.requests is not None:
        raise CommandError("scheduling knows the past itself: leave --requests and --places out")
    body = {
        **asdict(wishes),
        "provider": provider,
        "staff": next(word for word, one in STAFF.items() if one is wishes.staff),
        "rooms": next(word for word, one in ROOMS.items() if one is wishes.rooms),
        "rents": dict(wishes.rents),
        "transition": None if wishes.transition is None else asdict(wishes.transition),
        "from": None if first is None else first.isoformat(),
    }
    try:
        if files.roster is not None:
            body["candidates"] = [_candidate(one) for one in _closed(roster_of(files.roster))]
        habits = _habits(files.municipalities, provider)
        given = _given(wishes, files.staff_roster, habits, first or date(2026, 1, 5))
        if given is not None:
            body["staff_weeks"] = [statement(week) for week in given]
    except UnusableFileError as error:
        raise CommandError(str(error)) from None
    started = ask_as(member, "scheduling", "POST", "/what-if", json=body)
    errors.print(f"Scheduling simulates, from {started['requests']} past requests.")
    path = f"/what-if/{started['id']}"
    try:
        return _awaited(member, path)
    except KeyboardInterrupt:
        ask_as(member, "scheduling", "POST", f"{path}/cancel", json={})
        raise CommandError("cancelled, at scheduling too") from None


def _awaited(member: str, path: str) -> Found:
    announced = ""
    with _bar(hidden=False) as listener:
        while True:
            told = ask_as(member, "scheduling", "GET", path)
            if told.get("announcement", announced) != announced:
                announced = told["announcement"]
                listener.announced(announced, told["runs"])
            if told["state"] == "answered":
                found: Found = told["answer"]
                return found
            if told["state"] != "running":
                why = told.get("why", f"the simulation is {told['state']}; see scheduling's log")
                raise CommandError(str(told.get("refused", why)))
            if "progress" in told:
                listener.went_on(Progress(**told["progress"]))
            time.sleep(_EVERY)


class _Shown:
    """Says what will be run, and shows how far it is."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def announced(self, text: str, runs: int) -> None:
        """Prints it."""
        errors.print(text)
        self._bar.reset(self._task, total=runs)

    def went_on(self, one: Progress) -> None:
        """Moves the bar."""
        left = f"about {one.seconds_left:.0f} s left" if one.seconds_left else ""
        self._bar.update(self._task, total=one.of, completed=one.done, left=left)


@contextmanager
def _bar(*, hidden: bool) -> Iterator[_Shown]:
    with Bar(
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=errors,
        transient=True,
        disable=hidden,
    ) as bar:
        yield _Shown(bar, bar.add_task("", total=None, left=""))


def _habits(folder: Path, provider: str) -> Municipality:
    try:
        return read_municipalities(folder, Municipality()).get(provider, Municipality())
    except SettingsError as error:
        raise CommandError(str(error)) from None


def _weeks(roster: Roster, first: date) -> list[LocationWeek]:
    return [one.week for one in stated(roster, first)]


def _closed(roster: Roster) -> list[Place]:
    """The locations that could be opened."""
    return [one for one in roster.places if not one.open]


def _candidate(one: Place) -> dict[str, Any]:
    rooms = [
        {"code": room.code, "name": room.name, "equipment": sorted(room.equipment)}
        for room in rooms_of(one)
    ]
    return {"location": asdict(one.location), "rooms": rooms}


def _demand(files: Files, first: date, minutes: int | None) -> Demand:
    if (files.people is None) == (files.requests is None):
        raise CommandError("say who comes: either --requests FILE or --places FILE")
    if files.requests is not None:
        demand = of_the_past(requests_of(files.requests), postcodes(), str(files.requests))
    else:
        assert files.people is not None, "one of the two is given"
        found = people_of(files.people)
        demand = of_places(
            found.places,
            found.needs,
            per_week=found.per_week,
            first=first,
            source=str(files.people),
            rides=found.rides,
        )
    if minutes is None:
        return demand
    return replace(demand, requests=[replace(one, minutes=minutes) for one in demand.requests])


def _given(
    wishes: Wishes, path: Path | None, habits: Municipality, first: date
) -> list[LocationWeek] | None:
    """The hours after the change."""
    if wishes.staff is not Staff.AS_GIVEN:
        if path is not None:
            raise CommandError("--staff-roster goes with --staff given")
        return None
    if path is None:
        raise CommandError("--staff given needs the hours after the change: --staff-roster FILE")
    return _weeks(accepted(roster_of(path), habits.competences, [first]), first)
