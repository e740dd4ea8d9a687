"""`genvej evaluation list|answer|report`: what programmes' forms say, without identities."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as

app = typer.Typer(
    no_args_is_help=True,
    help="Forms are asked before a course, after it and six months on. Staff write the answers "
    "down; the figures name nobody, and tell nothing of fewer than five answers.",
)
console = Console(highlight=False)

As = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]


@app.command("list")
def list_(
    referral: Annotated[str | None, typer.Option(help="All forms of this referral.")] = None,
    code: Annotated[
        str | None, typer.Option(help="All forms of the code that a citizen was sent.")
    ] = None,
    member: As = "730-desk",
    as_json: AsJson = False,
) -> None:
    """List the forms that wait for an answer, the oldest first, or all of a referral or a code."""
    params = {k: v for k, v in {"referral": referral, "code": code}.items() if v}
    found = ask_as(member, "referral", "GET", "/evaluations", params=params)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    heads = ("evaluation_id", "programme", "form", "moment", "asked_at", "score")
    _table(found, heads, "No form waits for an answer.")


@app.command()
def answer(
    evaluation: Annotated[
        str, typer.Argument(help="The code that the citizen was sent, or the evaluation's id.")
    ],
    answers: Annotated[str, typer.Argument(help="The items' answers in order: 2,3,1,0 …")],
    form: Annotated[
        str | None, typer.Option(help="Which form, where the code stands for several.")
    ] = None,
    member: As = "730-desk",
) -> None:
    """Write down what was answered; again, where it was wrong: the newest holds."""
    try:
        numbers = [int(one) for one in answers.split(",")]
    except ValueError:
        raise CommandError("the answers are whole numbers with commas between: 2,3,1") from None
    path = f"/evaluations/{evaluation}/answer"
    content = {"answers": numbers, **({"form": form} if form else {})}
    said = ask_as(member, "referral", "POST", path, json=content)
    console.print(f"Written down. Score {said['score']:g}.")


@app.command()
def report(
    since: Annotated[
        str | None, typer.Option(help="Only forms asked from this instant on (ISO 8601).")
    ] = None,
    member: As = "730-desk",
    as_json: AsJson = False,
) -> None:
    """Figures per programme: courses; answers, mean score, change since before; who just came.

    Fewer than five are not told, nor what they could be computed from.
    """
    params = {"since": since} if since else {}
    forms = ask_as(member, "referral", "GET", "/evaluations/report", params=params)
    courses = ask_as(member, "referral", "GET", "/evaluations/courses")
    visits = ask_as(member, "referral", "GET", "/drop-ins")
    if as_json:
        told = {"courses": courses, "forms": forms, "drop_ins": visits}
        print(json.dumps(told, ensure_ascii=False))
        return
    stages = ("programme", "referred", "waiting", "under_way", "completed", "ended")
    _table(courses, stages, "Nobody has been referred.")
    console.print()
    heads = ("programme", "form", "moment", "answers", "mean", "pairs", "change")
    _table(forms, heads, "No form has been answered.")
    if visits:
        console.print()
        _table(visits, ("programme", "month", "days", "count"), "")


def _table(rows: list[dict[str, Any]], heads: tuple[str, ...], nothing: str) -> None:
    if not rows:
        console.print(nothing)
        return
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=head.endswith("_id"))
    for row in rows:
        table.add_row(*("-" if row[head] is None else str(row[head]) for head in heads))
    console.print(table)
