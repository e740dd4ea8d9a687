"""`genvej choice`: the citizen's free choice of who trains, and what providers answer."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from deploy.cli.errors import CommandError
from deploy.cli.services import ask_as

console = Console(highlight=False)
app = typer.Typer(
    no_args_is_help=True,
    help="Write down whom the citizen chooses to be trained by, and what that provider answers.",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON.")]
Member = Annotated[
    str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who asks.")
]
Referral = Annotated[str, typer.Argument(help="The referral's id (genvej referral list).")]


@app.command()
def show(referral: Referral, member: Member = "730-desk", as_json: AsJson = False) -> None:
    """Show whom the citizen may choose now; private suppliers only when the limit can't be held."""
    content = ask_as(member, "referral", "GET", f"/referrals/{referral}/free-choice")
    if as_json:
        print(json.dumps(content, ensure_ascii=False))
        return
    console.print(f"With {content['provider']}, limit {content['limit'] or 'none'}.")
    for one in content["may_choose"]:
        console.print(f"  {one['provider']}  {one['name']} ({one['right']})")


@app.command()
def take(
    referral: Referral,
    providers: Annotated[
        list[str] | None,
        typer.Argument(help="Provider codes, in the order of the citizen's wishes."),
    ] = None,
    member: Member = "730-desk",
    location: Annotated[
        str | None,
        typer.Option(help="Instead: the code of a location of who trains; empty: any of them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand the order to whom the citizen chose; where one declines, the next is asked.

    With --location the order stays and the session moves there, or the citizen hears why not.
    """
    if bool(providers) == (location is not None):
        raise CommandError("name providers, or a --location")
    body: dict[str, Any] = {"choice": "take"}
    body |= {"providers": providers} if providers else {"location": location}
    _over(member, f"/referrals/{referral}/free-choice", body, as_json)


@app.command()
def wait(referral: Referral, member: Member = "730-desk", as_json: AsJson = False) -> None:
    """Write down that the citizen was offered the free choice and prefers to wait."""
    _over(member, f"/referrals/{referral}/free-choice", {"choice": "wait"}, as_json)


@app.command()
def move(
    referral: Referral,
    municipality: Annotated[str, typer.Argument(help="The municipality's code, such as 316.")],
    member: Member = "730-desk",
    postcode: Annotated[
        str, typer.Option(help="Of the new home, for the way there; not where it is protected.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Hand the referral to the municipality that the citizen moves to."""
    _over(
        member,
        f"/referrals/{referral}/move",
        {"municipality": municipality, "postcode": postcode},
        as_json,
    )


@app.command()
def reopen(referral: Referral, member: Member = "730-desk", as_json: AsJson = False) -> None:
    """Open a referral again whose end was an error; its order is placed anew."""
    _over(member, f"/referrals/{referral}/reopen", {}, as_json)


@app.command()
def plan(
    order: Annotated[str, typer.Argument(help="The order's id.")],
    member: Member = "fysioterapi-randers",
) -> None:
    """Show whom an order is about and what their plan says, to whoever carries it out.

    Only while the order stands; that it was read stands in the access log.
    """
    content = ask_as(member, "referral", "GET", f"/orders/{order}/plan")
    print(json.dumps(content, ensure_ascii=False, indent=2))


@app.command()
def answer(
    order: Annotated[str, typer.Argument(help="The order's id.")],
    says: Annotated[str, typer.Argument(help="accept, decline, cancel, attended or missed.")],
    member: Member = "fysioterapi-randers",
    start: Annotated[
        str | None,
        typer.Option(help="With accept: when, such as 2026-11-30T09:00:00+01:00."),
    ] = None,
    number: Annotated[int, typer.Option(help="Which of the order's sessions, from 1.")] = 1,
    minutes: Annotated[
        int | None, typer.Option(help="With accept: how long, if not as ordered.")
    ] = None,
    place: Annotated[str | None, typer.Option(help="With accept: where, by its name.")] = None,
    address: Annotated[str, typer.Option(help="With --place: street and number.")] = "",
    postcode: Annotated[str, typer.Option(help="With --place.")] = "",
    reason: Annotated[
        str | None,
        typer.Option(
            help="With decline: no-capacity, no-competence, too-far or other; "
            "with cancel: capacity-gone or cancelled-by-citizen."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer an order as its provider, or say how one of its sessions stands.

    accept again with another --start moves the session; cancel calls it off.
    """
    if says not in _ANSWERS:
        raise CommandError(f"say {', '.join(_ANSWERS[:-1])} or {_ANSWERS[-1]}")
    if says == "accept" and start is None:
        raise CommandError("--start says when the session is")
    body: dict[str, Any] = {"answer": says}
    if says != "decline":
        body["number"] = number
    given = {"start": start, "minutes": minutes, "reason": reason}
    body |= {name: value for name, value in given.items() if value is not None}
    if place is not None:
        body["place"] = {"name": place, "address": address, "postcode": postcode}
    content = ask_as(member, "scheduling", "POST", f"/orders/{order}/response", json=body)
    print(json.dumps(content, ensure_ascii=False) if as_json else f"{order}: {says}")


_ANSWERS: Final = ("accept", "decline", "cancel", "attended", "missed")


def _over(member: str, path: str, body: dict[str, Any], as_json: bool) -> None:
    content = ask_as(member, "referral", "POST", path, json=body)
    if as_json:
        print(json.dumps(content, ensure_ascii=False))
    else:
        print(f"with {content['provider']}, order {content['order_id']}")
