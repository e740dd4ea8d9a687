"""`genvej dead-letters`: what could not be used, and what becomes of it."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Look at dead letters, replay them or discard them.")
