"""`genvej what-if` that is asked to stop, while processes of its own simulate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from deploy.local.processes import wait_until
from deploy.local.stack import ROOT

RANDERS = (
    *("--roster", "deploy/demo/capacity/730.toml", "--places", "deploy/demo/places/730.toml"),
    *("--keep", "3", "--staff", "follow", "--rooms", "move", "--from", "2026-11-23"),
)


def test_asked_to_stop_it_leaves_no_process_behind(tmp_path: Path) -> None:
    said = tmp_path / "said"
    command = [sys.executable, "-m", "deploy.cli.main", "what-if", *RANDERS, "--workers", "2"]
    with (
        said.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as asking,
    ):
        family = psutil.Process(asking.pid)

        def simulating() -> list[psutil.Process]:
            return [one for one in family.children() if "spawn_main" in " ".join(one.cmdline())]

        try:
            assert wait_until(lambda: len(simulating()) == 2, seconds=200), said.read_text()
            began = family.children()
        finally:
            os.kill(asking.pid, signal.SIGTERM)
        assert asking.wait(200) == 130, said.read_text()
    assert wait_until(lambda: not any(lives(one) for one in began), seconds=200), began


def lives(one: psutil.Process) -> bool:
    """Who has ended and waits for its new parent's attention does not."""
    try:
        return bool(one.is_running() and one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
