"""The demo as a newcomer runs it: its exit status is its own account of every document."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import psutil
from rich.console import Console

from deploy.demo.promises import promises
from deploy.demo.run import CLOCK, Demo
from tests.conftest import Stacks


def test_a_mornings_documents_are_all_accounted_for_and_every_promise_is_held(
    stacks: Stacks,
) -> None:
    stack = stacks(clock=CLOCK)
    stack.up()
    console = Console(record=True, width=120, file=io.StringIO())
    demo = Demo(stack, console, seed=1, count=200)
    held = asyncio.run(demo.run(pace=1000, seconds=240))
    shown = console.export_text()
    assert held, shown
    assert [breaches for _, breaches in promises(demo.ledger)] == [[]] * 7
    assert len(demo.ledger.sent) == 200
    assert "Offered inside the limit" in shown


def test_the_command_ends_by_itself_and_leaves_no_process_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "GENVEJ_STATE": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "deploy.cli.main", "demo", "--documents", "100", "--wait", "240"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Promises" in ran.stdout
    left = [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in _command(p)]
    assert left == []


def _command(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or [])
