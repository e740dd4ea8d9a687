"""What the launcher remembers, and how it tells its own processes from others'."""

from __future__ import annotations

import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.local.processes import Processes, Running
from deploy.local.state import State, port_is_free


def test_a_secret_is_the_same_at_the_next_start_and_nobody_elses(tmp_path: Path) -> None:
    first = State(tmp_path / "one").secret("kafka.referral")
    assert State(tmp_path / "one").secret("kafka.referral") == first
    assert State(tmp_path / "two").secret("kafka.referral") != first


def test_processes_that_ask_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    names = [f"secret-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda name: State(tmp_path).secret(name), names))
        again = list(pool.map(lambda name: State(tmp_path).secret(name), names))
    assert made == again
    assert len(set(made)) == len(names)


def test_only_the_owner_may_read_the_state(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    state.secret("key")
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((state.folder / "state.json").stat().st_mode) == 0o600


def test_a_port_is_the_preferred_one_and_stays_while_it_is_free(tmp_path: Path) -> None:
    state = State(tmp_path)
    chosen = state.port("kafka")
    assert State(tmp_path).port("kafka") == chosen == state.remembered_port("kafka")
    other = state.port("postgres", preferred=chosen)
    assert other != chosen, "two servers must not be given the same port"


def test_a_port_that_somebody_took_is_given_up_for_a_free_one(tmp_path: Path) -> None:
    state = State(tmp_path)
    chosen = state.port("kafka")
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", chosen))
        somebody.listen()
        assert not port_is_free(chosen)
        assert state.port("kafka") != chosen


def test_a_damaged_state_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(OSError, match="is damaged; remove"):
        State(tmp_path).secret("key")


def this_process() -> Running:
    me = psutil.Process(os.getpid())
    return Running(
        name="me",
        pid=me.pid,
        started=me.create_time(),
        command=" ".join(me.cmdline())[:300],
    )


def test_a_recorded_process_is_known_again_by_pid_start_and_command() -> None:
    me = this_process()
    assert me.process() is not None
    assert replace(me, started=me.started - 60).process() is None
    assert replace(me, command="postgres -D elsewhere").process() is None


def test_a_process_that_only_has_the_same_pid_is_never_stopped(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    log = tmp_path / "log"
    processes.start("other", ["sleep", "60"], log=log)
    records = (tmp_path / "processes.json").read_text(encoding="utf-8")
    stranger = Processes(tmp_path / "new")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "processes.json").write_text(
        records.replace("sleep 60", "postgres -D data"), encoding="utf-8"
    )
    try:
        assert not stranger.alive("other")
        assert stranger.stop("other")
        assert processes.alive("other")
    finally:
        processes.stop("other")
    assert not processes.alive("other")


def test_a_process_that_does_not_heed_sigterm_is_killed(tmp_path: Path) -> None:
    processes = Processes(tmp_path)
    log = tmp_path / "log"
    script = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    processes.start("deaf", ["/bin/sh", "-c", script], log=log)
    while b"deaf" not in log.read_bytes():
        assert processes.alive("deaf")
    assert not processes.stop("deaf", seconds=0.2)
    assert processes.records() == {}
