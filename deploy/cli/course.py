"""`genvej respond`, `attend` and `referral`: until people have pages, a course walked by hand."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as
from deploy.cli.times import local
from deploy.cli.worklist import say_if_cut

console = Console(highlight=False)
app = typer.Typer(
    no_args_is_help=True, help="See which referrals there are, and how far each has come."
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Desk = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]


class Reply(StrEnum):
    """What a citizen can answer to an offer."""

    ACCEPT = "accept"
    DECLINE = "decline"
    CANCEL = "cancel"
    EXCHANGE = "exchange"
    REQUEST = "request"


class By(StrEnum):
    """Who gave the answer."""

    CITIZEN = "citizen"
    RELATIVE = "relative"
    PLANNER = "planner"
    THERAPIST = "therapist"


def respond(
    session: Annotated[
        str, typer.Argument(help="The session's id, or that of its order or its referral.")
    ],
    answer: Annotated[Reply, typer.Argument(help="What the citizen answers.")],
    member: Desk = "730-planner",
    by: Annotated[By, typer.Option(help="Who gave the answer.")] = By.CITIZEN,
    wait: Annotated[
        bool, typer.Option("--wait", help="With decline and cancel: no new time until they ask.")
    ] = False,
    not_before: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The first day that suits."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="With exchange: the start of the time they want, as it was offered."),
    ] = None,
    location: Annotated[
        str | None, typer.Option(help="With exchange: the code of its location.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write down what a citizen answers to an offered session.

    What follows from it (another time, say) is told to the citizen like any other change.
    """
    body: dict[str, Any] = {"answer": answer.value, "by": by.value}
    if wait:
        body["then"] = "wait"
    if not_before is not None:
        body["not_before"] = not_before.date().isoformat()
    if start is not None or location is not None:
        if start is None or location is None:
            raise CommandError("--start and --location go together")
        body["wanted"] = {"start": start, "location": location}
    content = ask_as(member, "scheduling", "POST", f"/sessions/{session}/response", json=body)
    print(json.dumps(content, ensure_ascii=False) if as_json else f"{session}: {answer.value}")


def attend(
    session: Annotated[str, typer.Argument(help="The session's id (genvej referral show).")],
    member: Desk = "730-therapist",
    missed: Annotated[
        str | None,
        typer.Option(
            "--missed",
            help="The citizen did not come, and why in a word, such as ill; empty: unknown.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write down that the citizen came to a session, or did not; once more corrects it.

    The first session attended is the start that the hospital and the GP hear of, the last one of
    the last step the end.
    """
    body: dict[str, Any] = {"attended": missed is None}
    if missed:
        body["reason"] = missed
    content = ask_as(member, "scheduling", "POST", f"/sessions/{session}/attendance", json=body)
    if as_json:
        print(json.dumps(content, ensure_ascii=False))
        return
    came = "came" if missed is None else "did not come"
    console.print(f"{session}: {came}" + ("" if content["changed"] else " (known already)"))


@app.command("list")
def list_(
    member: Desk = "730-desk",
    closed: Annotated[bool, typer.Option("--closed", help="Those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List your open referrals, the nearest limit first; nobody is named."""
    query = "?closed=1" if closed else ""
    found: list[dict[str, Any]] = ask_as(member, "referral", "GET", f"/referrals{query}")
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    if not found:
        none = "No referral has ended" if closed else "No open referrals"
        console.print(f"{none} where {member} works; --as asks as somebody else.")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("id", "state", "type", "limit", "next session", "worklist"):
        table.add_column(head, overflow="fold", no_wrap=head == "id")
    for one in found:
        table.add_row(
            one["referral_id"],
            one["state"],
            one["type"],
            one["limit"] or "",
            local(one["next_session"]),
            str(one["open_work"] or ""),
        )
    console.print(table)
    say_if_cut(len(found))


@app.command()
def show(
    referral: Annotated[str, typer.Argument(help="The referral's id.")],
    member: Desk = "730-desk",
) -> None:
    """Show a referral as JSON: order, sessions, who came, open work. That you looked is logged."""
    content = ask_as(member, "referral", "GET", f"/referrals/{referral}")
    print(json.dumps(content, ensure_ascii=False, indent=2))
