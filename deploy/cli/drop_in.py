"""`genvej drop-in count`: how many just came to an open offer; nobody is named."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.services import ask_as
from services.referral.limit import COPENHAGEN

app = typer.Typer(
    no_args_is_help=True,
    help="Open offers that one just comes to: count how many came. Nobody is named.",
)
console = Console(highlight=False)


@app.callback()
def group() -> None:
    """Keeps `count` a command of its own beside those to come."""


@app.command()
def count(
    programme: Annotated[str, typer.Argument(help="The open offer: back-counselling, say.")],
    number: Annotated[int, typer.Argument(min=0, help="How many came on the day, at the place.")],
    provider: Annotated[str, typer.Option(help="Whose offer it is.")] = "730",
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day (default: today).")
    ] = None,
    place: Annotated[str | None, typer.Option(help="Which place, where there are several.")] = None,
    member: Annotated[
        str, typer.Option("--as", envvar="GENVEJ_STAFF_AS", help="The member of staff who counts.")
    ] = "730-desk",
) -> None:
    """Say how many came; said again, the newest number of that day and place holds."""
    on = (day or datetime.now(COPENHAGEN)).date()
    body = {"provider": provider, "programme": programme, "day": str(on), "count": number}
    ask_as(member, "referral", "POST", "/drop-ins", json=body | ({"place": place} if place else {}))
    console.print(f"Counted: {number} on {on}.")
