"""`genvej report`: KL's § 140 delivery report of a citizen, from what Genvej's topics say."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli import kafka
from deploy.cli.connection import ROOT, access_for
from deploy.cli.errors import CommandError
from deploy.topology.admin import Access
from services.referral.configuration import ConfigurationError, directory
from services.referral.limit import COPENHAGEN
from services.referral.plan import is_cpr, is_replacement_cpr
from services.referral.report import Contradiction, deliver
from services.referral.report.check import faults
from services.referral.report.stated import NotReported, Received, Stated, read
from services.referral.report.wire import RECEIVED, Person, Unit, facts_of

TOPICS: Final = ("referrals", "training")
UNFIT: Final = 3


def report(
    referral: Annotated[str, typer.Option("--referral", "-r", help="The referral's id.")],
    since: Annotated[
        str | None,
        typer.Option(help="When the last report was made: tell what has changed since then."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Report as of this instant (default: now).")
    ] = None,
    cpr_from_stdin: Annotated[
        bool, typer.Option("--cpr-from-stdin", help="Read the citizen's CPR, one line.")
    ] = False,
    deceased: Annotated[
        bool | None,
        typer.Option("--deceased/--alive", help="Whether the citizen is dead; no event says it."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Address of the server that keeps the resources (default: UUIDs)."),
    ] = None,
    municipalities: Annotated[
        Path,
        typer.Option(
            envvar="GENVEJ_MUNICIPALITIES",
            help="The folder of municipalities.",
            show_default="deploy/municipalities",
        ),
    ] = ROOT / "deploy" / "municipalities",
) -> None:
    """Print KL's § 140 delivery report: a FHIR R4 Bundle. The referral that it replaces is in it.

    Times are ISO 8601, Danish time where they name no zone. What is withheld, and why, is told on
    stderr. Exit status 3: printed, but KL's profiles would refuse it.
    """
    made, delivered = _instant("--at", at) or datetime.now(UTC), _instant("--since", since)
    if delivered is not None and delivered > made:
        raise CommandError("--since is later than the report")
    person = Person(cpr=_cpr() if cpr_from_stdin else None, deceased=deceased)
    units = units_of(municipalities)
    events = asyncio.run(events_of(access_for("ops"), referral))
    # Without --at all counts, whatever clock the services were given.
    known = [event for event in events if at is None or event.at <= made]
    try:
        history = facts_of(known, units, person, delivered=delivered)
        bundle = deliver(history, at=made, base=base)
    except NotReported as error:
        raise CommandError(f"{referral}: {error}") from None
    except Contradiction as error:
        raise CommandError(f"{referral}: the events contradict each other: {error}") from None
    if bundle.is_empty:
        print(f"genvej: nothing has changed since {since}", file=sys.stderr)
        return
    print(json.dumps(bundle.resource, ensure_ascii=False, indent=2))
    for one in bundle.withheld:
        print(f"genvej: withheld: {one.element}: {one.reason}", file=sys.stderr)
    found = faults(bundle.resource)
    for fault in found:
        print(f"genvej: unfit: {fault.element} {fault.text}", file=sys.stderr)
    raise typer.Exit(UNFIT if found else 0)


async def events_of(access: Access, referral_id: str) -> list[Stated]:
    """All events of a referral and of those that it replaces, one after the other.

    Reads the topics once more for each that is replaced. Raises CommandError.
    """
    wanted = {referral_id}
    while True:
        events = await _events(access, wanted)
        received = [event for event in events if event.type == RECEIVED]
        try:
            replaced = {read(Received, event).replaces for event in received} - {None}
        except NotReported as error:
            raise CommandError(f"{referral_id}: {error}") from None
        if replaced <= wanted:
            return events
        wanted |= {one for one in replaced if one is not None}


async def _events(access: Access, referrals: set[str]) -> list[Stated]:
    events: list[Stated] = []
    async with kafka.reader(access, TOPICS) as consumer, kafka.explained(access, ", ".join(TOPICS)):
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if record.value is None or kafka.header(record, "ce_subject") not in referrals:
                        continue
                    events.append(
                        Stated(
                            type=kafka.header(record, "ce_type"),
                            at=_said(kafka.header(record, "ce_time"), record.timestamp),
                            data=record.value,
                        )
                    )
    return events


def units_of(folder: Path) -> Mapping[str, Unit]:
    """Who keeps the record and who trains, by provider code. Raises CommandError."""
    try:
        known = directory(folder)
    except ConfigurationError as error:
        raise CommandError(str(error)) from None
    return {
        one.provider: Unit(keeper_sor=one.sor, performer_sor=known.performers[one.provider])
        for one in known.by_code.values()
    }


def _said(time: str, appended: int) -> datetime:
    """When an event was said: by its own word, else when it was appended (milliseconds)."""
    try:
        said = datetime.fromisoformat(time)
    except ValueError:
        return datetime.fromtimestamp(appended / 1000, UTC)
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _instant(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option}: {text} is no ISO 8601 time") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=COPENHAGEN)


def _cpr() -> str:
    """The CPR from stdin, never repeated. Raises CommandError."""
    line = typer.prompt("CPR", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    cpr = str(line).strip().replace("-", "").upper()
    if not (is_cpr(cpr) or is_replacement_cpr(cpr)):
        raise CommandError("stdin holds no CPR: ten digits, or a replacement CPR, are meant")
    return cpr
