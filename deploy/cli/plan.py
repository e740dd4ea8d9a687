"""`genvej plan show|add|set|consent`: the team, who does what by when, and consent."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.cli.services import ask_as

app = typer.Typer(
    no_args_is_help=True,
    help="A citizen's action plan: the team that the steps call for, across units, who does what "
    "by when, and the consents that some steps need.",
)
console = Console(highlight=False)

As = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
Referral = Annotated[str, typer.Argument(help="The referral's id.")]
MEMBER = "730-therapist"


class ItemState(StrEnum):
    """How far an action item has come."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@app.command()
def show(
    referral: Referral,
    member: As = MEMBER,
    as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """Show steps, team, action items and consents. That you looked is logged."""
    found = ask_as(member, "referral", "GET", f"/referrals/{referral}/plan")
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    lines = [f"programme {found['programme']}", "steps"]
    for step in found["steps"]:
        waits = "" if step["ordered"] else "; waits for the citizen's consent"
        lines.append(f"  {step['name']}: {step['sessions']} × {step['minutes']} min{waits}")
    lines.append("team")
    for one in found["team"]:
        able = f" ({', '.join(one['competences'])})" if one["competences"] else ""
        together = f"; meets the others in {', '.join(one['together'])}" if one["together"] else ""
        lines.append(f"  {one['count']} {one['role']}{able}: {', '.join(one['steps'])}{together}")
    lines.append("actions" if found["actions"] else "no actions")
    for item in found["actions"]:
        who = f"{item['owner']}{', ' + item['unit'] if item['unit'] else ''}"
        head = f"{item['item_id'][:8]} {item['state']}"
        lines.append(f"  {head}, due {item['due']}, {who}: {item['text']}")
    for consent in found["consents"]:
        said = "given" if consent["given"] else "not given"
        lines.append(f"consent to {consent['subject']}: {said} ({consent['said_by']})")
    for line in lines:
        console.print(escape(line), soft_wrap=True)


@app.command()
def add(
    referral: Referral,
    text: Annotated[str, typer.Argument(help="What is to be done; kept sealed.")],
    owner: Annotated[str, typer.Option(help="A member of staff's id, a role, or citizen.")],
    due: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="By which day.")],
    unit: Annotated[str, typer.Option(help="Where the owner works.")] = "",
    member: As = MEMBER,
) -> None:
    """Add an action item. Nobody did it by the day: it comes onto the worklist."""
    body = {"text": text, "owner": owner, "unit": unit, "due": str(due.date())}
    said = ask_as(member, "referral", "POST", f"/referrals/{referral}/actions", json=body)
    console.print(f"Added: {said['item_id']}.")


@app.command("set")
def set_(
    item: Annotated[str, typer.Argument(help="The action item's id.")],
    state: Annotated[ItemState | None, typer.Option(help="How far it has come.")] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Another day.")] = None,
    owner: Annotated[str | None, typer.Option(help="Somebody else.")] = None,
    member: As = MEMBER,
) -> None:
    """Say that an action item is done, dropped, due another day or somebody else's."""
    body = {"state": state, "due": str(due.date()) if due else None, "owner": owner}
    said = ask_as(member, "referral", "POST", f"/actions/{item}", json=body)
    console.print(f"It is {said['state']}.")


@app.command()
def consent(
    referral: Referral,
    given: Annotated[bool, typer.Option("--given/--withdrawn", help="What the citizen says.")],
    member: As = MEMBER,
) -> None:
    """Record whether the citizen consents that the labour market takes part.

    Steps that need the consent are ordered with it, and are taken out of the order without it.
    """
    path = f"/referrals/{referral}/consent"
    ask_as(member, "referral", "POST", path, json={"given": given})
    console.print("Recorded.")
