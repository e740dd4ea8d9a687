"""`genvej demo`: the main job on a morning's documents, and the account of them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.connection import ROOT
from deploy.cli.errors import CommandError
from deploy.cli.stack import addresses, running
from deploy.local.lock import holder
from deploy.local.stack import Stack

console = Console(highlight=False)


def demo(
    documents: Annotated[int, typer.Option(min=100, max=5000, help="How many documents.")] = 200,
    seed: Annotated[int, typer.Option(help="Another morning.")] = 1,
    pace: Annotated[float, typer.Option(min=0.1, help="Documents a second.")] = 40.0,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait after the last one.")] = 90.0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the stack running afterwards, to look around.")
    ] = False,
) -> None:
    """Start a stack of its own, send a morning's documents through it, and account for each.

    The clock shows 23 May 2022. Exit status 0 only when every document is accounted for and every
    promise was held.
    """
    from deploy.demo.run import CLOCK, Demo  # noqa: PLC0415 - other commands start faster without

    folder = Path(os.environ.get("GENVEJ_STATE", ROOT / ".genvej")) / "demo"
    if holder(folder) is not None:
        raise CommandError("a demo runs already; stop it with Ctrl-C first")
    if folder.exists():  # what an earlier demo left; each demo is a first one
        Stack(folder).destroy()
    held: bool | None = None
    with running(Stack(folder, clock=CLOCK), console.print) as stack:
        held = asyncio.run(
            Demo(stack, console, seed=seed, count=documents).run(pace=pace, seconds=wait)
        )
        if keep:
            console.print(addresses(stack))
            console.print(f"Still running; use GENVEJ_STATE={folder}. Ctrl-C stops it.")
            stack.keep(console.print)
    if held is None:
        console.print("Stopped before every document was accounted for.")
        raise typer.Exit(130)
    raise typer.Exit(0 if held else 1)
