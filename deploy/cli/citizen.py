"""`genvej citizen`: a citizen's own data on request, erasure, and a merge undone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from deploy.local.state import write_private

app = typer.Typer(
    no_args_is_help=True,
    help="A citizen's rights: their own data on request, and erasure. A citizen is named by their "
    "id, or by - and then a CPR is asked for (or read from standard input): it is never an "
    "argument, because arguments end up in the shell's history.",
)
console = Console(highlight=False)
HOLDERS = ("referral", "scheduling", "notifications")

As = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
Who = Annotated[str, typer.Argument(help="The citizen's id, or - to be asked for a CPR.")]


def identified(member: str, citizen: str) -> str:
    """The citizen's id. Raises CommandError where nobody has the number."""
    if citizen != "-":
        if len(citizen) <= 11:
            raise CommandError("that is no citizen's id; give - and type the CPR when asked")
        return citizen
    asked = sys.stdin.isatty()
    number = typer.prompt("CPR", hide_input=True) if asked else sys.stdin.readline()
    answer = ask_as(member, "referral", "POST", "/citizens/find", json={"cpr": number.strip()})
    found: str = answer["citizen_id"]
    return found


@app.command()
def find(citizen: Who = "-", member: As = "730-privacy") -> None:
    """Print the id of the citizen who has a CPR."""
    print(identified(member, citizen))


@app.command()
def custody(
    citizen: Who,
    holders: Annotated[
        Path | None,
        typer.Option(help="A JSON file (default: standard input), as in the example below."),
    ] = None,
    member: Annotated[
        str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="A member of the desk.")
    ] = "730-desk",
) -> None:
    """Write down who holds custody of a child: they are told in the child's place.

    All who do, for whoever is not named does not: [{"name": "…", "phone": "…", "email": "…"}, …]
    """
    if citizen == "-":
        raise CommandError("give the citizen's id (genvej citizen find - prints it)")
    try:
        text = holders.read_text(encoding="utf-8") if holders else sys.stdin.read()
        named = json.loads(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"that is no JSON list of holders: {type(error).__name__}") from None
    path = f"/citizens/{citizen}/custody"
    said = ask_as(member, "referral", "POST", path, json={"holders": named})
    console.print(f"Written down: {len(said['holders'])} are told in the child's place.")


@app.command()
def split(
    citizen: Annotated[str, typer.Argument(help="The id of the citizen who was merged.")],
    member: Annotated[
        str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="A member of the desk.")
    ] = "730-desk",
) -> None:
    """Undo that a citizen was merged into another (worklist decide … merge) in error.

    What was theirs before is theirs again; what came since then stays with the other.
    """
    ask_as(member, "referral", "POST", f"/citizens/{citizen}/split", json={})
    console.print("They are two again.")


@app.command()
def export(
    citizen: Who = "-",
    member: As = "730-privacy",
    out: Annotated[
        Path | None, typer.Option(help="A file that only you may read (default: standard output).")
    ] = None,
) -> None:
    """Everything that the services keep about a citizen, as JSON. That you asked is logged."""
    mine = identified(member, citizen)
    found: dict[str, Any] = {"citizen_id": mine}
    for service in HOLDERS:
        found[service] = ask_as(member, service, "GET", f"/citizens/{mine}/data")
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    try:
        write_private(out.absolute(), text)
    except OSError as error:
        raise CommandError(f"{out} can't be written: {os.strerror(error.errno or 0)}") from None
    console.print(f"Written to {out}. It holds everything about a person: hand it over safely.")


@app.command()
def erase(
    citizen: Who = "-",
    member: As = "730-privacy",
    close: Annotated[
        bool, typer.Option("--close", help="Close open referrals with it; orders are withdrawn.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove who a citizen is from every service. It can't be undone.

    What stays is the course without a person, under an id that nobody can connect with anybody.
    """
    mine = identified(member, citizen)
    if not yes and not typer.confirm("Nobody will know any more who this was. Erase?"):
        raise typer.Exit(1)
    answer = ask_as(member, "referral", "POST", f"/citizens/{mine}/erasure", json={"close": close})
    console.print(f"Erased at {answer['erased_at']}; the tombstone is on its way to the others.")
