"""`genvej assess`: a citizen's needs, as a professional finds them with the citizen."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as

app = typer.Typer(
    no_args_is_help=True,
    help="Record and show assessments (Esbjerg): complexity, resources, motivation, readiness, the "
    "citizen's goals, level and track. A policy proposes a track; you decide it with the citizen.",
)
console = Console(highlight=False)
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(
    r"(?P<day>mon|tue|wed|thu|fri|sat|sun|any)( (?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d))?"
)
THERAPIST: Final = "730-therapist"

As = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
Referral = Annotated[str, typer.Argument(help="The referral's id.")]


@app.command()
def scales(member: As = THERAPIST) -> None:
    """Show the scales with their anchors and sources, and the rules that propose a track."""
    policy = ask_as(member, "referral", "GET", "/assessment-scales")
    for axis, scale in policy["scales"].items():
        console.print(f"[bold]{axis}[/bold]: {scale['name']['da']}. {scale['instrument']}")
        for anchor in scale["anchors"]:
            console.print(f"  {anchor['value']:>2}  {anchor['da']}")
        console.print(f"      {scale['source']}")
    console.print(f"[bold]track[/bold], by policy {policy['version']}, the first that fits:")
    for rule in policy["rules"]:
        console.print(f"  {rule['track']}: {_bounds(rule['bounds'])}. {rule['because']}")


@app.command()
def record(
    referral: Referral,
    complexity: Annotated[int, typer.Option(help="Functional impairment: ICF, 0 to 4.")],
    resources: Annotated[int, typer.Option(help="ICF facilitators, 0 to 4.")],
    motivation: Annotated[int, typer.Option(help="Importance ruler, 0 to 10.")],
    readiness: Annotated[int, typer.Option(help="Stage of change, 0 to 4.")],
    goal: Annotated[
        list[str], typer.Option("--goal", help="A goal in the citizen's own words; once for each.")
    ],
    member: As = THERAPIST,
    level: Annotated[
        str | None, typer.Option(help="basal or avanceret, for a plan of type almen.")
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(help="self-directed, group, individual or coordinated (default: proposed)."),
    ] = None,
    why: Annotated[str | None, typer.Option(help="Why another track than proposed.")] = None,
    disputes: Annotated[
        list[str] | None,
        typer.Option("--disputes", help="level, track, goals or scores: the citizen disagrees."),
    ] = None,
    citizen_says: Annotated[
        str | None, typer.Option("--citizen-says", help="What the citizen says to that.")
    ] = None,
    without_citizen: Annotated[
        str | None, typer.Option("--without-citizen", help="Why the citizen took no part.")
    ] = None,
    point: Annotated[
        str, typer.Option(help="first, or a point of re-assessment: midway, before-end.")
    ] = "first",
    vulnerable: Annotated[
        bool | None, typer.Option(help="Whether scheduling treats the citizen as vulnerable.")
    ] = None,
    transport: Annotated[bool | None, typer.Option(help="Whether they need a ride.")] = None,
    window: Annotated[
        list[str] | None,
        typer.Option("--window", help='A time that suits: "mon 08:00-12:00", "fri", "any …".'),
    ] = None,
) -> None:
    """Record an assessment. The order follows: level, track, vulnerability, times that suit.

    Goals and all other free text are sealed under the citizen's own key.
    """
    body: dict[str, Any] = {
        "complexity": complexity,
        "resources": resources,
        "motivation": motivation,
        "readiness": readiness,
        "goals": goal,
        "with_citizen": without_citizen is None,
        "why_without": without_citizen,
        "level": level,
        "track": track,
        "why": why,
        "disputed": disputes or None,
        "citizen_says": citizen_says,
        "point": point,
        "vulnerable": vulnerable,
        "transport": transport,
        "windows": [_window(one) for one in window] if window else None,
    }
    given = {name: value for name, value in body.items() if value is not None}
    path = f"/referrals/{referral}/assessments"
    answer = ask_as(member, "referral", "POST", path, json=given)
    console.print(f"Proposed {answer['proposed']}: {answer['because']}.")
    console.print(f"Decided {answer['track']}. Events:")
    for event in answer["follows"]:
        console.print(f"  {event}")


@app.command()
def show(referral: Referral, member: As = THERAPIST) -> None:
    """Show a referral's assessments as JSON, and what changed between them. That is logged."""
    content = ask_as(member, "referral", "GET", f"/referrals/{referral}/assessments")
    print(json.dumps(content, ensure_ascii=False, indent=2))


def _window(text: str) -> dict[str, Any]:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise CommandError(f'"{text}" is no time that suits: "mon 08:00-12:00", "fri", "any …"')
    day = found["day"]
    weekday = None if day == "any" else DAYS.index(day) + 1
    return {"weekday": weekday, "begin": found["begin"], "end": found["end"]}


def _bounds(bounds: dict[str, list[int]]) -> str:
    said = []
    for axis, (least, most) in bounds.items():
        if least > -(2**15):
            said.append(f"{axis} at least {least}")
        if most < 2**15 - 1:
            said.append(f"{axis} at most {most}")
    return ", ".join(said) or "everybody"
