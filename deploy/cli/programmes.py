"""`genvej programmes list|show|check|simulate`: what is offered, and what would be ordered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.cli.errors import CommandError
from deploy.cli.programmes_told import answer, limit, proposed, summary, told, whole
from services.referral.limit import local_day, local_instant
from services.referral.plan import PlanType
from services.referral.programme import Programme
from services.referral.programme_files import PROGRAMMES, ProgrammeFileError, load
from services.referral.programme_files import check as problems_of
from services.referral.programme_policy import Asker, Portfolio, laws_on
from services.referral.programme_proposal import Question, propose
from services.referral.programme_terms import Basis, Level, Referrer

app = typer.Typer(
    no_args_is_help=True,
    help="The programmes that are offered: one TOML file each. Look at them, check a file or a "
    "folder, and see what a citizen would be ordered, and why.",
)
console = Console(highlight=False)

FIRST: Final = date(1900, 1, 1)
LAST: Final = date(2200, 12, 31)

Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        envvar="GENVEJ_REFERRAL_PROGRAMMES",
        help="The folder of programmes.",
        show_default="those of the service",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Day = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The law of this day (default: today)."),
]


@app.command("list")
def list_(on: Day = None, folder: Folder = PROGRAMMES, as_json: AsJson = False) -> None:
    """List the programmes: on what grounds, under which law, how long and how far they are."""
    day = _day(on)
    programmes = _load(folder).programmes.values()
    if as_json:
        print(json.dumps([summary(one, day) for one in programmes], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for head in ("programme", "name", "law", "limit"):
        table.add_column(head, overflow="fold", no_wrap=head == "programme")
    for one in programmes:
        laws = laws_on(one, day)
        table.add_row(
            one.id,
            escape(one.name.da),
            escape(" / ".join(law.legal_basis for law in laws)),
            " / ".join(dict.fromkeys(limit(law) for law in laws)),
        )
    console.print(table)
    console.print("`genvej programmes show PROGRAMME` tells one whole.")


@app.command()
def show(
    programme: Annotated[str, typer.Argument(help="The programme's id.")],
    folder: Folder = PROGRAMMES,
    as_json: AsJson = False,
) -> None:
    """Show one programme whole: admission, law by date, steps, evaluation."""
    one = _one(_load(folder), programme)
    if as_json:
        print(json.dumps(whole(one), ensure_ascii=False, indent=2))
        return
    _print(told(one))


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders (default: the service's own).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check files or folders; one line for each fault: file, line, key, reason.

    A folder is checked as the service would at its start: each type of plan must have its
    programme. A file is checked among its neighbours. Exit status 1 where something is wrong.
    """
    found = [problem for path in paths or [PROGRAMMES] for problem in problems_of(path)]
    if as_json:
        print(json.dumps([asdict(problem) for problem in found], ensure_ascii=False))
    else:
        for problem in found:
            print(problem)
        if not found:
            console.print("Nothing is wrong.")
    raise typer.Exit(1 if found else 0)


@app.command()
def simulate(
    basis: Annotated[Basis, typer.Option(help="On what ground the citizen comes.")],
    type_: Annotated[
        PlanType | None, typer.Option("--type", help="The type of a hospital's plan.")
    ] = None,
    level: Annotated[
        Level, typer.Option(help="The level that the municipality has set.")
    ] = Level.UNDECIDED,
    age: Annotated[int | None, typer.Option(min=0, max=130, help="Whole years.")] = None,
    on: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            formats=["%Y-%m-%d"],
            help="Day of discharge, or of the referral (default: today).",
        ),
    ] = None,
    received: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of receipt (default: the date)."),
    ] = None,
    later_start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The later start that a plan sets."),
    ] = None,
    referred_by: Annotated[Referrer | None, typer.Option(help="Who refers.")] = None,
    programme: Annotated[
        str | None, typer.Option(help="The programme that is asked for, by its id.")
    ] = None,
    for_region: Annotated[
        bool,
        typer.Option("--for-region", help="The municipality runs it where the region answers."),
    ] = False,
    folder: Folder = PROGRAMMES,
    as_json: AsJson = False,
) -> None:
    """Show the order that a citizen would get, and why. Nothing is ordered.

    Exit status 0: something is ordered. 3: nothing is; the reasons say why.
    """
    portfolio = _load(folder)
    if programme is not None:
        _one(portfolio, programme)
    asker = Asker(basis=basis, referred_by=referred_by, plan_type=type_, level=level, age=age)
    agreed = frozenset(portfolio.programmes if for_region else ())
    question = replace(_question(asker, on, received, later_start), runs_for_region=agreed)
    proposal = propose(portfolio, question, programme)
    if as_json:
        print(json.dumps(answer(proposal), ensure_ascii=False, indent=2))
    else:
        _print(proposed(proposal))
    raise typer.Exit(0 if proposal.steps else 3)


def _load(folder: Path) -> Portfolio:
    try:
        return load(folder)
    except ProgrammeFileError as error:
        raise CommandError(str(error)) from None


def _one(portfolio: Portfolio, id_: str) -> Programme:
    found = portfolio.programmes.get(id_)
    if found is None:
        raise CommandError(f"there is no programme {id_}: genvej programmes list")
    return found


def _day(given: datetime | None, option: str = "--on") -> date:
    day = given.date() if given is not None else local_day(datetime.now(UTC))
    if not FIRST <= day <= LAST:  # the calendar's ends would overflow
        raise CommandError(f"{option}: {day} lies outside {FIRST} to {LAST}")
    return day


def _question(
    asker: Asker, on: datetime | None, received: datetime | None, later_start: datetime | None
) -> Question:
    hospital = asker.basis is Basis.HOSPITAL
    if not hospital and (asker.plan_type is not None or later_start is not None):
        raise CommandError("--type and --later-start are a hospital's: --basis hospital")
    if asker.level is not Level.UNDECIDED and asker.plan_type is not PlanType.ALMEN:
        raise CommandError("--level: only plans of type almen have a level: --type almen")
    day = _day(on, "--date")
    known = _day(received, "--received") if received is not None else day
    return Question(
        asker=asker,
        day=day,
        received_at=local_instant(known, time(12)),
        later_start=_day(later_start, "--later-start") if later_start is not None else None,
    )


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        console.print(escape(line), soft_wrap=True)
