"""`genvej capacity import|export|check`: what locations can offer, from and to planners' files."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from deploy.cli import kafka
from deploy.cli.connection import CLUSTER_FILE, ROOT, access_for
from deploy.cli.errors import CommandError
from deploy.planning import statement
from deploy.planning.faults import Fault, UnusableFileError
from deploy.planning.reading import accepted, broken, roster_of
from deploy.planning.roster import Roster, Stated, stated
from services.scheduling.capacity import LocationWeek, monday_of
from services.scheduling.incoming import CapacityStated
from services.scheduling.incoming import stated as week_stated
from services.scheduling.settings import Municipality, read_municipalities
from shared.settings import SettingsError
from shared.topics import load

app = typer.Typer(
    no_args_is_help=True,
    help="What locations can offer: rooms and therapists' hours, from and to TOML and CSV files.",
)
console = Console(highlight=False)

TYPE = "dk.genvej.capacity.stated.v1"
STATED_ON = "capacity"


class Format(StrEnum):
    """What an export is written as."""

    TOML = "toml"
    CSV = "csv"
    LOCATIONS = "locations"


File = Annotated[Path, typer.Argument(help="The roster: TOML, or CSV with its hours.")]
Locations = Annotated[
    Path | None, typer.Option(help="The CSV of locations that goes with a CSV of hours.")
]
Duties = Annotated[
    Path | None, typer.Option(help="A CSV of duties (therapist, unit, share), for a CSV of hours.")
]
Provider = Annotated[str, typer.Option(help="The provider's code, where the file names none.")]
Since = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="A day of the first week (default: today)."),
]
Municipalities = Annotated[
    Path,
    typer.Option(
        envvar="GENVEJ_MUNICIPALITIES",
        help="The folder of municipalities: competences and staffing rules.",
        show_default="deploy/municipalities",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
FOLDER = ROOT / "deploy" / "municipalities"


@app.command()
def check(
    file: File,
    locations: Locations = None,
    duties: Duties = None,
    provider: Provider = "",
    since: Since = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How many weeks.")] = 1,
    municipalities: Municipalities = FOLDER,
    as_json: AsJson = False,
) -> None:
    """Check a roster as scheduling will: each fault with its file and line, and staffing rules.

    Exit status 1 where something is wrong. A staffing rule that is broken is told with a proposal
    and refuses nothing.
    """
    mondays = _mondays(since, weeks)
    try:
        roster = _read(file, locations, duties, provider)
        rules = _municipality(municipalities, roster.provider)
        accepted(roster, rules.competences, [*mondays, *roster.dated()])
        faults: Sequence[Fault] = ()
    except UnusableFileError as error:
        faults = error.faults
        if as_json:
            print(_json(faults, []))
        else:
            for fault in faults:
                print(fault)
        raise typer.Exit(1) from None
    told = list(broken(roster, rules.staffing, mondays[0]))
    if as_json:
        print(_json(faults, [_breach(roster, breach, line) for breach, line in told]))
        return
    hours = sum(
        (shift.end - shift.start).total_seconds() / 3600
        for one in stated(roster, mondays[0])
        for shift in one.week.shifts()
    )
    open_places = [place for place in roster.places if place.open]
    console.print(
        f"{file} can be used: {len(open_places)} locations, "
        f"{len({one.therapist for one in roster.hours})} therapists, {hours:g} hours in the week "
        f"of {mondays[0]}."
    )
    _print_breaches(roster, told)


@app.command("import")
def import_(
    file: File,
    locations: Locations = None,
    duties: Duties = None,
    provider: Provider = "",
    source: Annotated[
        str, typer.Option(help="The roster system to speak as, where the file names none.")
    ] = "",
    since: Since = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="How many weeks to state.")] = 8,
    version: Annotated[
        int | None, typer.Option(min=1, help="The statements' version (default: the time now).")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the receipts.")] = 60.0,
    municipalities: Municipalities = FOLDER,
    as_json: AsJson = False,
) -> None:
    """Check a roster and publish it as its roster system does; show what scheduling answers.

    Exit status 1: nothing was published, or an answer is missing. 3: a statement was refused.
    """
    try:
        roster = _read(file, locations, duties, provider, source)
        mondays = _mondays(since, weeks)
        accepted(roster, _municipality(municipalities, roster.provider).competences, mondays)
    except UnusableFileError as error:
        raise CommandError(str(error)) from None
    number = version if version is not None else int(datetime.now(UTC).timestamp())
    statements = [one for monday in mondays for one in stated(roster, monday, number)]
    answers = asyncio.run(_publish(roster, statements, wait))
    _report(roster, statements, answers, as_json=as_json)


@app.command()
def export(
    provider: Annotated[str, typer.Option(help="The provider's code, such as 730.")],
    week: Annotated[
        str | None, typer.Option(help="An ISO week, such as 2026-W48 (default: the newest).")
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="toml: a week that repeats; csv: the hours by date of every "
            "week from --week on; locations: the CSV that goes with it.",
        ),
    ] = Format.TOML,
) -> None:
    """Print what scheduling has accepted, as a file that `import` reads."""
    if week is not None:
        try:
            monday_of(week)
        except ValueError as error:
            raise CommandError(f"--week: {error}") from None
    every = [one for one in asyncio.run(_accepted()) if one.provider == provider]
    weeks = statement.newest(every)
    if not weeks:
        raise CommandError(f"nothing is stated for provider {provider}")
    if format_ is Format.TOML:
        chosen = week or max(one.week for one in weeks)
        of_week = [one for one in weeks if one.week == chosen]
        if not of_week:
            known = ", ".join(sorted({one.week for one in weeks}))
            raise CommandError(f"nothing is stated for {provider} in {chosen}; stated are {known}")
        print(statement.toml(_source_of(provider), of_week), end="")
        return
    later = [one for one in weeks if week is None or one.week >= week]
    if not later:
        raise CommandError(f"nothing is stated for {provider} from {week} on")
    write = statement.hours_csv if format_ is Format.CSV else statement.locations_csv
    print(write(later), end="")


def _read(
    file: Path,
    locations: Path | None,
    duties: Path | None,
    provider: str,
    source: str = "",
) -> Roster:
    if file.suffix.lower() == ".csv" and not provider:
        raise CommandError("a CSV names no provider: say --provider CODE")
    speaks = source or (_source_of(provider) if provider else "")
    return roster_of(file, locations=locations, duties=duties, provider=provider, source=speaks)


def _source_of(provider: str) -> str:
    for party in load(CLUSTER_FILE).of_kind("source"):
        if provider in party.attributes.get("providers", []):
            return party.code
    raise CommandError(f"no roster system in {CLUSTER_FILE.name} may speak for provider {provider}")


def _municipality(folder: Path, provider: str) -> Municipality:
    try:
        known = read_municipalities(folder, Municipality())
    except SettingsError as error:
        raise CommandError(str(error)) from None
    return known.get(provider, Municipality())


def _mondays(since: datetime | None, weeks: int) -> list[date]:
    day = since.date() if since is not None else datetime.now(UTC).astimezone().date()
    first = day - timedelta(days=day.weekday())
    return [first + timedelta(weeks=number) for number in range(weeks)]


async def _publish(
    roster: Roster, statements: Sequence[Stated], wait: float
) -> dict[str, dict[str, Any]]:
    """Publishes the statements and collects scheduling's answers by event id."""
    access = access_for(f"roster-{roster.source}")
    intake, receipts = f"roster.{roster.source}.capacity", f"roster.{roster.source}.receipts"
    ids = {_id(one) for one in statements}
    answers: dict[str, dict[str, Any]] = {}
    async with kafka.reader(access, [receipts]) as consumer, kafka.writer(access) as producer:
        await consumer.seek_to_end()
        await asyncio.gather(*[consumer.position(p) for p in consumer.assignment()])
        async with kafka.explained(access, intake):
            sent = [
                await producer.send(
                    intake,
                    statement.body(one),
                    key=one.week.location.code.encode(),
                    headers=_headers(roster.source, one),
                )
                for one in statements
            ]
            await asyncio.gather(*sent)
        end = time.monotonic() + wait
        while len(answers) < len(ids) and time.monotonic() < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    answer = json.loads(record.value or b"{}")
                    if answer.get("event_id") in ids:
                        answers[answer["event_id"]] = answer
    return answers


def _report(
    roster: Roster,
    statements: Sequence[Stated],
    answers: dict[str, dict[str, Any]],
    *,
    as_json: bool,
) -> None:
    refused, missing = 0, 0
    broken_in: dict[tuple[str, str], list[str]] = {}
    for one in statements:
        answer = answers.get(_id(one))
        about = f"{one.week.location.code} {one.week.week}"
        if as_json and answer is not None:
            print(json.dumps(answer, ensure_ascii=False))
        if answer is None:
            missing += 1
        elif answer["reason"] is not None:
            refused += 1
            for problem in answer.get("problems") or [answer]:
                fault = Fault(
                    roster.file,
                    one.line(str(problem["element"])),
                    f"{about}: {problem['element']} {problem['reason']}",
                )
                print(fault, file=sys.stderr)
        for breach in (answer or {}).get("staffing", ()):
            broken_in.setdefault((breach["problem"], breach["proposal"]), []).append(one.week.week)
    if not as_json:
        for (problem, proposal), weeks in broken_in.items():
            told = ", ".join(dict.fromkeys(weeks))
            console.print(f"Staffing rule broken in {told}: {problem}. Proposal: {proposal}.")
    if not as_json:
        console.print(
            f"{len(statements)} statements published as roster-{roster.source}: "
            f"{len(answers) - refused} accepted, {refused} refused, {missing} not answered."
        )
    if missing:
        raise CommandError(
            f"{missing} of {len(statements)} statements have no answer yet; they are safe in "
            "Kafka, and scheduling answers them when it is up (genvej status)"
        )
    if refused:
        raise typer.Exit(3)


async def _accepted() -> list[LocationWeek]:
    """Everything that the capacity topic holds."""
    access = access_for("ops")
    found = []
    async with (
        kafka.reader(access, [STATED_ON]) as consumer,
        kafka.explained(access, STATED_ON),
    ):
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    try:
                        model = CapacityStated.model_validate_json(record.value or b"")
                    except ValidationError:
                        continue  # a tombstone
                    found.append(week_stated(model))
    return found


def _id(one: Stated) -> str:
    return f"{one.week.location.code}/{one.week.week}/{one.week.version}"


def _headers(source: str, one: Stated) -> list[tuple[str, bytes]]:
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": _id(one),
        "ce_source": f"roster/{source}",
        "ce_type": TYPE,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def _json(faults: Sequence[Fault], breaches: Sequence[dict[str, Any]]) -> str:
    told = [{"file": one.file, "line": one.line, "text": one.text} for one in faults]
    return json.dumps({"faults": told, "staffing": list(breaches)}, ensure_ascii=False, indent=1)


def _breach(roster: Roster, breach: Any, line: int) -> dict[str, Any]:
    return {
        "rule": breach.rule,
        "about": breach.about,
        "problem": breach.problem,
        "proposal": breach.proposal,
        "file": roster.duties_file or roster.file,
        "line": line,
    }


def _print_breaches(roster: Roster, told: Sequence[tuple[Any, int]]) -> None:
    if not told:
        return
    console.print("Staffing rules that are broken:")
    for breach, line in told:
        where = f"{roster.duties_file or roster.file}:{line}"
        console.print(f"  {where}: {breach.problem}. Proposal: {breach.proposal}.", markup=False)
