"""`genvej dead-letters`: what could not be used, and what becomes of it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.errors import CommandError
from deploy.cli.services import SERVICES, ask

app = typer.Typer(
    no_args_is_help=True,
    help="Look at dead letters, replay them or discard them. Each is in its service's own "
    "database, encrypted, until one of the two is done.",
)
console = Console(highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Id = Annotated[str, typer.Argument(help="The dead letter's id, or the beginning of it.")]
Service = Annotated[str | None, typer.Option(help="One service alone (default: all three).")]


@app.command("list")
def list_(
    service: Service = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Those that were replayed or discarded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the open dead letters, the newest first; never their content."""
    letters = [letter for one in _services(service) for letter in _letters(one, resolved=resolved)]
    if as_json:
        print(json.dumps(letters, ensure_ascii=False))
        return
    if not letters:
        console.print("No dead letters.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("id", "service", "recorded", "origin", "reason"):
        table.add_column(head, overflow="fold")
    for letter in letters:
        table.add_row(
            letter["id"][:8],
            letter["service"],
            letter["recorded_at"][:19],
            f"{letter['topic']}/{letter['partition']}/{letter['offset']}",
            letter["reason"],
        )
    console.print(table)


@app.command()
def show(
    letter: Id,
    service: Service = None,
    content: Annotated[
        bool,
        typer.Option("--content", help="With the original message; that you looked is logged."),
    ] = False,
) -> None:
    """Show one dead letter as JSON."""
    owner, id_ = _find(letter, service)
    path = f"/ops/dead-letters/{id_}" + ("?content=1" if content else "")
    print(json.dumps(ask(owner, "GET", path), ensure_ascii=False, indent=2))


@app.command()
def replay(letter: Id, service: Service = None) -> None:
    """Hand a message to its handler again, once what was wrong is mended.

    Nobody is told twice by it. Exit status 3 when it became a dead letter again.
    """
    owner, id_ = _find(letter, service)
    outcome = ask(owner, "POST", f"/ops/dead-letters/{id_}/replay")["outcome"]
    console.print(f"{owner}: {outcome}")
    raise typer.Exit(3 if outcome == "dead" else 0)


@app.command()
def discard(
    letter: Id,
    service: Service = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Give a message up for good; what waited behind it goes on. It can't be undone."""
    owner, id_ = _find(letter, service)
    if not yes:
        typer.confirm(f"Discard {id_} of {owner} for good?", abort=True)
    ask(owner, "POST", f"/ops/dead-letters/{id_}/discard")
    console.print(f"{owner}: discarded")


def _services(service: str | None) -> tuple[str, ...]:
    if service is None:
        return SERVICES
    if service not in SERVICES:
        raise CommandError(f"{service} is no service; one of {', '.join(SERVICES)} is meant")
    return (service,)


def _letters(service: str, *, resolved: bool = False) -> list[dict[str, Any]]:
    path = "/ops/dead-letters?limit=1000" + ("&resolved=1" if resolved else "")
    return [{"service": service, **letter} for letter in ask(service, "GET", path)]


def _find(letter: str, service: str | None) -> tuple[str, str]:
    """The service and the whole id of the one dead letter whose id begins so."""
    found = [
        (one, known["id"])
        for one in _services(service)
        for known in (*_letters(one), *_letters(one, resolved=True))
        if known["id"].startswith(letter)
    ]
    if len(found) != 1:
        count = "no dead letter has" if not found else f"{len(found)} dead letters have"
        raise CommandError(f"{count} an id that begins with {letter}: genvej dead-letters list")
    return found[0]
