"""`genvej what-if`: fewer, other or fuller locations, simulated before anybody decides."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from deploy.cli.errors import CommandError
from deploy.cli.what_if_options import ROOMS, STAFF, chosen, growth_of, rents_of, sizes_of
from deploy.cli.what_if_told import told
from deploy.planning.faults import UnusableFileError
from deploy.planning.page import page
from deploy.planning.poster import poster
from deploy.planning.reading import accepted, people_of, requests_of, roster_of
from deploy.planning.roster import Roster, stated
from services.scheduling.capacity import LocationWeek
from services.scheduling.engine.locations import Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.geography import postcodes
from services.scheduling.holidays import public_holiday
from services.scheduling.settings import COMPETENCES
from services.scheduling.what_if.answer import announcement, answer
from services.scheduling.what_if.ask import ask, plan
from services.scheduling.what_if.demand import Demand, of_places, of_the_past
from services.scheduling.what_if.question import Objective, Policy, Question
from services.scheduling.what_if.study import Progress, Study
from services.scheduling.what_if.world import Candidate, World, build, capacity_of

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def what_if(
    roster: Annotated[
        Path | None, typer.Option(help="Today's locations, rooms and hours (TOML).")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option("--places", help="Where people live and how many plans come (TOML)."),
    ] = None,
    requests: Annotated[
        Path | None, typer.Option(help="The municipality's own past requests (CSV).")
    ] = None,
    replay: Annotated[
        bool, typer.Option(help="Simulate those very requests once, not a forecast from them.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="How many locations to keep: 3, or 2-4; every set is tried."),
    ] = None,
    close: Annotated[list[str] | None, typer.Option(help="Close this location (code).")] = None,
    open_: Annotated[
        list[str] | None, typer.Option("--open", help="Open this one, in the roster open = false.")
    ] = None,
    stay: Annotated[list[str] | None, typer.Option(help="Keep this location in any case.")] = None,
    plans: Annotated[str, typer.Option(help="More or fewer plans, such as +30%.")] = "+0%",
    staff: Annotated[
        str | None,
        typer.Option(
            help="What becomes of the staff of a location that closes: follow (to the nearest), "
            "spread (evenly), cut, or given (in --staff-roster). Must be said.",
            show_default=False,
        ),
    ] = None,
    staff_roster: Annotated[
        Path | None, typer.Option(help="The hours after the change, for --staff given.")
    ] = None,
    rooms: Annotated[
        str | None,
        typer.Option(
            help="The rooms: stay (the kept have their own) or move (with the staff). "
            "Must be said.",
            show_default=False,
        ),
    ] = None,
    objective: Annotated[Objective, typer.Option(help="What the best is best by.")] = (
        Objective.LATE
    ),
    policy: Annotated[Policy, typer.Option(help="How bookings are made.")] = Policy.REPLAN,
    tell: Annotated[
        int, typer.Option(help="Open days before the session that a citizen is told; 0: at once.")
    ] = 2,
    seeds: Annotated[int, typer.Option(help="Seeds of the full policy.")] = 20,
    quick_seeds: Annotated[int, typer.Option(help="Seeds of the online rule.")] = 5,
    best: Annotated[int, typer.Option(help="How many sets the full policy tries.")] = 10,
    load: Annotated[
        float | None,
        typer.Option(
            help="How full first sessions make their hours today, such as 0.9; the rest of the "
            "stated hours is taken by courses. Without: all stated hours are open."
        ),
    ] = None,
    weeks: Annotated[int, typer.Option(help="Weeks of arrivals that are simulated.")] = 12,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Their first day (default: Monday)."),
    ] = None,
    minutes: Annotated[int, typer.Option(help="Minutes of a first session.")] = 60,
    budget: Annotated[float | None, typer.Option(help="DKK a year for all locations.")] = None,
    rent: Annotated[
        list[str] | None,
        typer.Option(help="What a location costs a year, CODE=DKK; closing it saves that."),
    ] = None,
    ride_cost: Annotated[float | None, typer.Option(help="DKK a ride.")] = None,
    ride_km_cost: Annotated[float | None, typer.Option(help="DKK a kilometre of a ride.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that simulate beside each other.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Write map and trade-off here as one SVG.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write one self-contained page here: map, figures, tables.")
    ] = None,
) -> None:
    """Ask what fewer, other or fuller locations would mean, before anybody decides.

    Simulates how bookings are really made, on the same citizens for every choice, and tells it
    beside today: who is late, how far they go, how full it gets. For instance, Randers from five
    locations to three:

    genvej what-if --roster deploy/demo/capacity/730.toml --places deploy/demo/places/730.toml
    --keep 3 --staff follow --rooms move --load 0.9
    """
    try:
        question = Question(
            staff=chosen("--staff", staff, STAFF),
            rooms=chosen("--rooms", rooms, ROOMS),
            sizes=sizes_of(keep or []),
            close=tuple(close or ()),
            open=tuple(open_ or ()),
            stay=tuple(stay or ()),
            growth=growth_of(plans),
            objective=objective,
            policy=policy,
            tell=tell,
            seeds=seeds,
            quick_seeds=quick_seeds,
            best=best,
            load=load,
            budget=budget,
            rents=rents_of(rent or []),
            ride_cost=ride_cost,
            ride_km_cost=ride_km_cost,
            replay=replay,
        )
        first = _monday(since)
        if roster is None:
            raise CommandError("say where today's locations and hours stand: --roster FILE")
        hours = accepted(roster_of(roster), COMPETENCES, [first])
        demand = _demand(people, requests, first)
        days = 7 * weeks
        if replay:
            if requests is None:
                raise CommandError("--replay needs the past: --requests FILE")
            first, days = _stretch(demand)
        world = build(
            _weeks(hours, first),
            demand,
            first=first,
            days=days,
            minutes=minutes,
            public_holiday=public_holiday,
            candidates=[
                Candidate(location=one.location, rooms=len(one.rooms))
                for one in hours.places
                if not one.open
            ],
        )
        given = _given(world, question, staff_roster, first)
        study = Study(world, question, given=given, workers=workers)
        found = _run(study, quiet=as_json)
    except (InvalidInputError, UnusableFileError) as error:
        raise CommandError(str(error)) from None
    if picture is not None:
        _write(picture, poster(found))
    if html is not None:
        _write(html, page(found, shlex.join(["genvej", *sys.argv[1:]])))
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for part in told(found):
        console.print(part)


def _run(study: Study, *, quiet: bool) -> dict[str, Any]:
    planned = plan(study)
    errors.print(announcement(study, planned))
    if quiet and not sys.stderr.isatty():
        return answer(study, ask(study, planned))
    with Bar(
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        console=errors,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=planned.quick_runs + planned.full_runs, left="")

        def watch(one: Progress) -> None:
            bar.update(task, completed=one.done, left=f"about {one.seconds_left:.0f} s left")

        return answer(study, ask(study, planned, watch))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    errors.print(f"{path} is written")


def _weeks(roster: Roster, first: date) -> list[LocationWeek]:
    return [one.week for one in stated(roster, first)]


def _demand(people: Path | None, requests: Path | None, first: date) -> Demand:
    if (people is None) == (requests is None):
        raise CommandError("say who comes: either --requests FILE or --places FILE")
    if requests is not None:
        return of_the_past(requests_of(requests), postcodes(), str(requests))
    assert people is not None, "one of the two is given"
    found = people_of(people)
    return of_places(
        found.places,
        found.needs,
        per_week=found.per_week,
        first=first,
        source=str(people),
        rides=found.rides,
    )


def _stretch(demand: Demand) -> tuple[date, int]:
    """The Monday of the first request, and the days until the week of the last is over."""
    arrived = [one.arrived for one in demand.requests]
    first = min(arrived) - timedelta(days=min(arrived).weekday())
    return first, 7 * ((max(arrived) - first).days // 7 + 1)


def _given(world: World, question: Question, path: Path | None, first: date) -> Any:
    if question.staff is not Staff.AS_GIVEN:
        if path is not None:
            raise CommandError("--staff-roster goes with --staff given")
        return None
    if path is None:
        raise CommandError("--staff given needs the hours after the change: --staff-roster FILE")
    return capacity_of(
        world, _weeks(accepted(roster_of(path), COMPETENCES, [first]), first), public_holiday
    )


def _monday(since: datetime | None) -> date:
    day = since.date() if since is not None else date.today()  # noqa: DTZ011 - the planner's day
    return day - timedelta(days=day.weekday())
