"""`genvej what-if`: fewer, other or fuller locations, simulated before anybody decides."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.connection import ROOT
from deploy.cli.errors import CommandError
from deploy.cli.what_if_options import (
    Wishes,
    chosen,
    growth_of,
    pace_of,
    rents_of,
    sizes_of,
)
from deploy.cli.what_if_run import Files, asked_of_scheduling, errors, simulated_here
from deploy.cli.what_if_told import told
from deploy.planning.page import page
from deploy.planning.poster import poster
from services.scheduling.what_if.question import Objective, Policy
from services.scheduling.what_if.wire import ROOMS, STAFF

console = Console(highlight=False)


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
    provider: Annotated[
        str | None, typer.Option(help="Ask scheduling itself, of this provider's own past (code).")
    ] = None,
    member: Annotated[
        str | None,
        typer.Option("--as", help="Who asks it (default: the provider's sample planner)."),
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
        int | None,
        typer.Option(
            help="Open days before the session that a citizen is told; 0: the same evening.",
            show_default="as the municipality does",
        ),
    ] = None,
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
    minutes: Annotated[
        int | None,
        typer.Option(help="Minutes of a first session.", show_default="60, or as in the past"),
    ] = None,
    budget: Annotated[float | None, typer.Option(help="DKK a year for all locations.")] = None,
    rent: Annotated[
        list[str] | None,
        typer.Option(help="What a location costs a year, CODE=DKK; closing it saves that."),
    ] = None,
    ride_cost: Annotated[float | None, typer.Option(help="DKK a ride.")] = None,
    ride_km_cost: Annotated[float | None, typer.Option(help="DKK a kilometre of a ride.")] = None,
    transition: Annotated[
        bool, typer.Option("--transition", help="Plan the way there: one closing after the other.")
    ] = False,
    every: Annotated[int, typer.Option(help="Weeks from one closing to the next.")] = 4,
    notice: Annotated[
        int, typer.Option(help="Days before a closing from which nobody is booked against it.")
    ] = 14,
    municipalities: Annotated[
        Path,
        typer.Option(
            envvar="GENVEJ_MUNICIPALITIES",
            help="The folder of municipalities: weights, competences, when citizens are told.",
            show_default="deploy/municipalities",
        ),
    ] = ROOT / "deploy" / "municipalities",
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
    for path in (picture, html):
        if path is not None and not path.parent.is_dir():
            raise CommandError(f"{path}: there is no folder {path.parent}")
    wishes = Wishes(
        staff=chosen("--staff", staff, STAFF),
        rooms=chosen("--rooms", rooms, ROOMS),
        keep=sizes_of(keep or []),
        close=tuple(close or ()),
        open=tuple(open_ or ()),
        stay=tuple(stay or ()),
        plans=growth_of(plans),
        objective=objective,
        policy=policy,
        tell=tell,
        seeds=seeds,
        quick_seeds=quick_seeds,
        best=best,
        load=load,
        weeks=weeks,
        minutes=minutes,
        replay=replay,
        budget=budget,
        rents=rents_of(rent or []),
        ride_cost=ride_cost,
        ride_km_cost=ride_km_cost,
        transition=pace_of(transition, every, notice),
    )
    files = Files(
        roster=roster,
        people=people,
        requests=requests,
        staff_roster=staff_roster,
        municipalities=municipalities,
    )
    if provider is not None:
        found = asked_of_scheduling(
            wishes,
            files,
            None if since is None else _monday(since),
            provider=provider,
            member=member or f"{provider}-planner",
        )
    else:
        found = simulated_here(wishes, files, _monday(since), workers=workers, quiet=as_json)
    if picture is not None:
        _write(picture, poster(found))
    if html is not None:
        _write(html, page(found, shlex.join(["genvej", *sys.argv[1:]])))
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for part in told(found):
        console.print(part)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    errors.print(f"{path} is written")


def _monday(since: datetime | None) -> date:
    day = since.date() if since is not None else datetime.now(UTC).astimezone().date()
    return day - timedelta(days=day.weekday())
