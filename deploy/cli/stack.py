"""`genvej up` and `genvej down`: the whole stack on this machine."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.connection import state_folder
from deploy.cli.errors import CommandError
from deploy.local.errors import StackError
from deploy.local.lock import holder
from deploy.local.stack import Stack
from deploy.topology.admin import TopologyError

console = Console(highlight=False)
WEEKS = 8  # of capacity that `up` states


def up(
    clock: Annotated[
        str | None,
        typer.Option(help="Start the services' clock here, such as 2022-05-23T08:30:00+02:00."),
    ] = None,
    rosters: Annotated[
        bool, typer.Option(help="State what Randers and Holbæk can offer in the next weeks.")
    ] = True,
) -> None:
    """Start the stack, print its addresses and keep it running; Ctrl-C stops it cleanly.

    What ends by itself is started again, with growing pauses, and said.
    """
    stack = Stack(state_folder(), clock=clock)
    with running(stack, console.print):
        if rosters:
            from deploy.demo.rosters import state_capacity  # noqa: PLC0415 - slow to import

            today = (datetime.fromisoformat(clock) if clock else datetime.now().astimezone()).date()
            for source, weeks in asyncio.run(state_capacity(stack, today, WEEKS)).items():
                console.print(f"{source}: {weeks} weeks of capacity stated")
        console.print(addresses(stack))
        console.print("Running. Ctrl-C (or `genvej down` elsewhere) stops it.")
        stack.keep(console.print)


def down() -> None:
    """Stop the stack that runs here, wherever it was started."""
    folder = state_folder()
    if not (folder / "state.json").exists():
        console.print("No stack was ever started here: nothing to stop.")
        return
    pid = holder(folder)
    if pid is None:
        Stack(folder).down(console.print)
    else:
        console.print(f"Asking the launcher (process {pid}) to stop.")
        holder(folder, stop=True)
    console.print("Stopped.")


@contextmanager
def running(stack: Stack, say: Callable[[str], None]) -> Iterator[Stack]:
    """The stack, up while the block runs and down after it, whatever happens."""
    previous = signal.getsignal(signal.SIGTERM)
    is_up = False
    try:
        try:
            stack.up(say)
            is_up = True
            yield stack
        except (StackError, TopologyError, OSError) as error:
            raise CommandError(str(error)) from error
        finally:
            # A second Ctrl-C must not leave processes behind.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if stack.held:
                say("")
                stack.down(say)
    except KeyboardInterrupt:
        if not is_up:  # there is no block to go on after
            raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, previous)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def addresses(stack: Stack) -> Table:
    """Where everything is reached."""
    table = Table(box=None, pad_edge=False)
    for head in ("what", "where", ""):
        table.add_column(head)
    for entry in stack.addresses():
        table.add_row(entry.name, entry.address, entry.about)
    table.add_row("Logs", str(_short(stack.state.logs)), "one file for each process")
    return table


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
