"""`genvej worklist`: what rules don't decide, and what a human decides."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from services.referral.referral_endpoints import LISTED

app = typer.Typer(
    no_args_is_help=True,
    help="What rules don't decide waits here for a human. Each entry says why, and what may be "
    "decided; a decision is carried out at once and closes its entry, with who and why.",
)
console = Console(highlight=False)
DESK = "730-desk"

As = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Id = Annotated[str, typer.Argument(help="The entry's id, or the beginning of it.")]


@app.command("list")
def list_(
    member: As = DESK,
    closed: Annotated[
        bool, typer.Option("--closed", help="Those that were settled, the newest first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits in your municipality, what has waited longest first; nobody is named."""
    found = _entries(member, closed=closed)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        console.print("Nothing is settled yet." if closed else "Nothing waits for a human.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("id", "waited", "limit", "why", "settled by" if closed else "decisions"):
        table.add_column(head, overflow="fold")
    for one in found:
        names = ", ".join(choice["name"] for choice in one["choices"])
        settled = f"{one['decision']} ({one['closed_by']})"
        table.add_row(
            one["entry_id"][:8],
            f"{one['waited_hours']:g} h",
            one["limit"] or "",
            f"{one['reason']}: {one['means']}",
            settled if closed else names,
        )
    console.print(table)
    say_if_cut(len(found))


def say_if_cut(shown: int) -> None:
    """Says that a list may have been cut where it is as long as lists get."""
    if shown == LISTED:
        console.print(f"{LISTED} are listed at once; there may be more behind these.")


@app.command()
def show(entry: Id, member: As = DESK) -> None:
    """Show an entry as JSON: whom it is about, what may be decided. That you looked is logged."""
    found = _find(member, entry)
    print(
        json.dumps(
            ask_as(member, "referral", "GET", f"/worklist/{found}"), ensure_ascii=False, indent=2
        )
    )


@app.command()
def decide(
    entry: Id,
    decision: Annotated[str, typer.Argument(help="One of the entry's decisions: keep-both, say.")],
    member: As = DESK,
    day: Annotated[
        str | None, typer.Option("--day", help="The day that the decision needs: 2022-06-07.")
    ] = None,
    referral: Annotated[
        str | None, typer.Option("--referral", help="The other referral that the decision needs.")
    ] = None,
    programme: Annotated[
        str | None, typer.Option("--programme", help="The programme that the decision needs.")
    ] = None,
    remark: Annotated[
        str | None, typer.Option("--remark", help="Kept sealed beside the entry, in no event.")
    ] = None,
) -> None:
    """Settle an entry: what you decide is carried out, and the entry closed in your name."""
    body = {
        "decision": decision,
        "day": day,
        "referral_id": referral,
        "programme": programme,
        "remark": remark,
    }
    given = {name: value for name, value in body.items() if value is not None}
    path = f"/worklist/{_find(member, entry)}/decision"
    answer = ask_as(member, "referral", "POST", path, json=given)
    console.print(f"{answer['decision']}, by {answer['by']}. Events:")
    for event in answer["follows"]:
        console.print(f"  {event}")


def _entries(member: str, *, closed: bool = False) -> list[dict[str, Any]]:
    query = "?closed=1" if closed else ""
    found: list[dict[str, Any]] = ask_as(member, "referral", "GET", f"/worklist{query}")
    return found


def _find(member: str, entry: str) -> str:
    """The whole id of the one entry whose id begins so."""
    if len(entry) == 36:
        return entry
    every = [*_entries(member), *_entries(member, closed=True)]
    ids: set[str] = {one["entry_id"] for one in every}
    found = sorted(one for one in ids if one.startswith(entry))
    if len(found) != 1:
        count = "no entry has" if not found else f"{len(found)} entries have"
        raise CommandError(f"{count} an id that begins with {entry}: genvej worklist list")
    return found[0]
