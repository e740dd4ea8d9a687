"""`genvej portfolio state|list|report`: who offers what, and how far it has come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka import ConsumerRecord
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.cli import kafka
from deploy.cli.connection import access_for
from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from services.referral.limit import COPENHAGEN
from services.referral.portfolio.files import read_files
from services.referral.portfolio.register import Kind, State, Statement, figures
from services.referral.portfolio.wire import TOPIC, OfferState, PortfolioStated, statement_of
from services.referral.programme_files import PROGRAMMES, ProgrammeFileError, load

app = typer.Typer(
    no_args_is_help=True,
    help="The portfolio: which provider has which offer, and how far it has come. A programme that "
    "isn't established at a provider is not ordered from it.",
)
console = Console(highlight=False)
AT_ONCE: Final = 50

From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="Read portfolio files instead of the topic portfolio: a file, or a folder such as "
        "deploy/portfolio. Needs no stack.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
As = Annotated[
    str, typer.Option("--as", help="The member of staff who states it (genvej credentials).")
]
Survey = Annotated[str | None, typer.Option(help="Only what answers this survey.")]


@app.command()
def state(
    file: Annotated[
        Path | None, typer.Argument(help="A portfolio file, or a folder of them: states all of it.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="The provider's code.")] = None,
    offer: Annotated[
        str | None, typer.Option(help="A programme's id, or that of another offer.")
    ] = None,
    state_: Annotated[
        State | None, typer.Option("--state", help="How far the offer has come.")
    ] = None,
    instead: Annotated[
        list[str] | None,
        typer.Option(help="A provider that takes its orders by agreement; may be repeated."),
    ] = None,
    provider_name: Annotated[
        str | None, typer.Option(help="Where the register doesn't know it (default: the code).")
    ] = None,
    kind: Annotated[Kind, typer.Option(help="What the provider is.")] = Kind.MUNICIPALITY,
    what: Annotated[str | None, typer.Option(help="What a referrer may expect.")] = None,
    opened: Annotated[str | None, typer.Option(help="When it is open.")] = None,
    to_whom: Annotated[str | None, typer.Option(help="For whom it is.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Who says it (default: the provider itself).")
    ] = None,
    member: As = "coordinator",
) -> None:
    """State how far offers have come: those of a file, or one that the options name.

    Each statement becomes an event on the topic portfolio and replaces what stood there.
    """
    if file is not None:
        if provider or offer or state_:
            raise CommandError("name a file, or --provider, --offer and --state; not both")
        stated = _of_files(file)
    elif provider and offer and state_:
        known = load(PROGRAMMES).programmes.get(offer)
        name = provider_name or provider
        stated = [
            Statement(
                provider=provider,
                provider_name=name,
                kind=kind,
                offer=offer,
                offer_name=known.name.da if known is not None else offer,
                state=state_,
                day=datetime.now(COPENHAGEN).date(),
                source=source or name,
                what=what,
                opened=opened,
                to_whom=to_whom,
                instead=tuple(instead or ()),
            )
        ]
    else:
        raise CommandError("name a portfolio file, or --provider, --offer and --state")
    for first in range(0, len(stated), AT_ONCE):
        body = {"statements": [_as_object(one) for one in stated[first : first + AT_ONCE]]}
        ask_as(member, "referral", "POST", "/portfolio", json=body)
    console.print(f"Stated: {len(stated)}.")


@app.command("list")
def list_(
    offer: Annotated[str | None, typer.Option(help="Only this offer.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    survey: Survey = None,
    source: From = None,
    as_json: AsJson = False,
) -> None:
    """List the offers: who has them, how far they have come, what, when and to whom."""
    found = [
        one
        for one in _statements(source)
        if offer in {None, one.offer}
        and provider in {None, one.provider}
        and survey in {None, one.survey}
    ]
    if as_json:
        print(json.dumps([_as_object(one) for one in found], ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for head in ("provider", "offer", "state", "instead", "as of"):
        table.add_column(head, no_wrap=True)
    table.add_column("what, when, to whom", overflow="fold")
    for one in found:
        told = [text for text in (one.what, one.opened, one.to_whom) if text]
        table.add_row(
            one.provider,
            one.offer,
            str(one.state),
            ", ".join(one.instead),
            str(one.day or ""),
            escape("; ".join(told)),
        )
    console.print(table)


@app.command()
def report(
    offer: Annotated[
        list[str] | None, typer.Option(help="An offer to count; may be repeated (default: all).")
    ] = None,
    survey: Survey = None,
    source: From = None,
    as_json: AsJson = False,
) -> None:
    """Count the providers by state for each offer.

    The survey of 19 municipalities: genvej portfolio report --survey back-pain-19
    --from deploy/portfolio
    """
    found = figures(
        one
        for one in _statements(source)
        if survey in {None, one.survey} and (not offer or one.offer in offer)
    )
    if as_json:
        rows = [
            {"offer": one.offer, "name": one.name}
            | {str(each): one.counts[each] for each in State}
            | {"asked": one.total, "sources": list(one.sources)}
            for one in found
        ]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for head in ("offer", *State, "asked"):
        words = str(head).replace("-", " ")
        first = head == "offer"
        table.add_column(words, justify="left" if first else "right", no_wrap=first)
    for one in found:
        counts = (str(one.counts[each]) for each in State)
        table.add_row(one.offer, *counts, str(one.total))
    console.print(table)
    for line in dict.fromkeys(text for one in found for text in one.sources):
        console.print(escape(f"Source: {line}"))


def _statements(path: Path | None) -> list[Statement]:
    return _of_files(path) if path is not None else _of_topic()


def _of_files(path: Path) -> list[Statement]:
    try:
        programmes = load(PROGRAMMES)
    except ProgrammeFileError as error:
        raise CommandError(str(error)) from None
    if not path.exists():
        raise CommandError(f"there is no {path}")
    found, problems = read_files(path, programmes)
    if problems:
        more = len(problems) - 1
        raise CommandError(f"{problems[0]}{f' (and {more} more)' if more else ''}")
    return list(found)


def _of_topic() -> list[Statement]:
    return newest(asyncio.run(_records()))


async def _records() -> list[ConsumerRecord[Any, Any]]:
    access = access_for("ops")
    found: list[ConsumerRecord[Any, Any]] = []
    async with kafka.reader(access, [TOPIC]) as consumer, kafka.explained(access, TOPIC):
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    return found


def newest(records: Iterable[ConsumerRecord[Any, Any]]) -> list[Statement]:
    """What holds after all records of the topic, in the order of provider and offer."""
    held: dict[bytes, Statement] = {}
    for record in records:
        key = record.key or b""
        if record.value is None:
            held.pop(key, None)
            continue
        try:
            held[key] = statement_of(PortfolioStated.model_validate_json(record.value))
        except ValidationError:
            where = f"{TOPIC}/{record.partition}/{record.offset}"
            raise CommandError(f"{where} is no portfolio.stated.v1") from None
    return sorted(held.values(), key=lambda one: (one.offer, one.provider))


def _as_object(one: Statement) -> dict[str, Any]:
    said = {name: getattr(one, name) for name in OfferState.model_fields}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in said.items()
        if value is not None
    }
