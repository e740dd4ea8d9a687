"""`genvej access-log`: who has looked at whose data, in all services."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.citizen import As, identified
from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as

console = Console(highlight=False)
LOGS = ("referral", "notifications")


def access_log(
    citizen: Annotated[
        str | None, typer.Option(help="Whose data: the citizen's id, or - to be asked for a CPR.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Who looked: 730-desk, service:referral.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="First day: 2022-05-23.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day.")] = None,
    member: As = "730-privacy",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Show who has looked at a citizen's data, or whom a user has looked at; the newest first.

    Every look is logged, this one too. A CPR is asked for and never given as an argument, because
    arguments end up in the shell's history.
    """
    if (citizen is None) == (user is None):
        raise CommandError("ask for one of --citizen and --user")
    wanted = {"user": user} if citizen is None else {"citizen": identified(member, citizen)}
    query = {**wanted, "since": since, "until": until}
    address = "/access-log?" + urlencode({k: v for k, v in query.items() if v is not None})
    found: list[dict[str, Any]] = []
    for service in LOGS:
        found += ask_as(member, service, "GET", address)
    found.sort(key=lambda entry: entry["at"], reverse=True)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        console.print("Nobody has looked.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("when", "service", "who", "did", "whose", "because of"):
        table.add_column(head, overflow="fold")
    for one in found:
        table.add_row(
            one["at"][:19].replace("T", " "),
            one["service"],
            one["actor"],
            one["action"],
            one["citizen_id"],
            one["cause"],
        )
    console.print(table)
