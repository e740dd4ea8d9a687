"""Up and down, whatever was killed before; mostly without services, which other tests bring."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.blocking import run
from deploy.local import kafka_jars
from deploy.local.kafka import Kafka
from deploy.local.kafka_jars import KafkaUnavailableError
from deploy.local.lock import HeldError, holder
from deploy.local.processes import wait_until
from deploy.local.stack import ROOT, Stack
from deploy.topology.admin import Admin
from shared.topics import load
from tests.conftest import Databases, Stacks

LAUNCHER = """
import signal, sys
from pathlib import Path
from deploy.local.stack import Stack

stack = Stack(Path(sys.argv[1]), services=(), durable=False, preferred_ports=False, heap="384m")
stack.up()
print("up", flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def module_stack(stacks: Stacks) -> Stack:
    return stacks(services=())


@pytest.fixture
def stack(module_stack: Stack) -> Stack:
    """The module's stack, up; a test may leave it in any state."""
    if not module_stack.held or any(status.pid is None for status in module_stack.status()):
        module_stack.up()
    return module_stack


def pids_of(stack: Stack) -> set[int]:
    return {record.pid for record in stack.processes.records().values()}


def living(pids: set[int]) -> list[int]:
    """Those that run; who has ended and waits for its parent's attention does not."""
    running = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return [p.pid for p in running if p.status() != psutil.STATUS_ZOMBIE]


async def databases_of(stack: Stack) -> set[str]:
    connection = await asyncpg.connect(stack.postgres.dsn())
    try:
        return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


def assert_up(stack: Stack) -> None:
    assert {s.name for s in stack.status() if s.pid is None} == set()
    assert Admin(stack.kafka.access()).plan(load(stack.cluster_file)) == []
    assert "postgres" in run(databases_of(stack))
    for name in ("mail", "sms"):
        stack.wait_ready(name)


def test_a_stack_goes_down_leaving_nothing_and_comes_up_again(stack: Stack) -> None:
    assert_up(stack)
    pids, ports = pids_of(stack), {s.name: s.port for s in stack.status()}
    stack.down()
    assert living(pids) == []
    assert stack.processes.records() == {}
    said: list[str] = []
    stack.up(said.append)
    assert_up(stack)
    assert said, "a start shows progress"
    assert {s.name: s.port for s in stack.status()} == ports


def test_a_second_launcher_is_told_who_holds_the_stack(stack: Stack) -> None:
    assert holder(stack.state.folder) == os.getpid()
    with pytest.raises(HeldError, match=f"process {os.getpid()}.*genvej down"):
        Stack(stack.state.folder, services=()).up()
    assert_up(stack)


def test_what_a_killed_launcher_left_behind_is_stopped_by_the_next_start(
    stacks: Stacks, tmp_path: Path
) -> None:
    folder = tmp_path / "stack"
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    again = stacks(folder=folder, services=())
    assert launcher.stdout is not None
    with launcher.stdout:
        assert launcher.stdout.readline() == b"up\n"
        launcher.kill()
        launcher.wait()
    left = pids_of(again)
    assert sorted(living(left)) == sorted(left), "a kill of the launcher stops nothing else"
    assert holder(folder) is None
    again.up()
    assert living(left) == []
    assert_up(again)
    again.down()


def test_after_a_kill_of_everything_the_stack_comes_up_with_its_data(stack: Stack) -> None:
    stack.postgres.provide(["referral"])
    for name in stack.names:
        stack.kill(name)
    stack.up()
    assert_up(stack)
    assert "referral" in run(databases_of(stack))


def test_what_ends_by_itself_is_started_again(stack: Stack) -> None:
    stopping = threading.Event()
    said: list[str] = []
    before = stack.processes.pid("sms")
    keeper = threading.Thread(target=stack.keep, args=(said.append, stopping, 0.1))
    keeper.start()
    try:
        stack.kill("sms")
        assert wait_until(lambda: stack.processes.pid("sms") not in {None, before}, seconds=30)
    finally:
        stopping.set()
        keeper.join()
    stack.wait_ready("sms")
    assert len(said) == 1
    assert said[0].startswith("sms has ended")


def test_a_paused_server_is_stopped_all_the_same(stack: Stack) -> None:
    pids = pids_of(stack)
    stack.pause("kafka")
    stack.pause("postgres")
    stack.down()
    assert living(pids) == []
    assert holder(stack.state.folder) is None


def test_a_launcher_asked_to_stop_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    # As a shell starts a job in the background: Ctrl-C is not for it.
    deaf = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    command = [*deaf, sys.executable, "-m", "deploy.cli.main", "up"]
    environment = {**os.environ, "GENVEJ_STATE": str(tmp_path / "state")}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as up:
        try:
            assert wait_until(lambda: holder(tmp_path / "state") == up.pid, seconds=30)
        finally:
            up.send_signal(signal.SIGTERM)
        assert up.wait(120) == 130
    stack = Stack(tmp_path / "state")
    try:
        assert stack.processes.records() == {}
    finally:
        stack.destroy()


def test_without_kafkas_programs_the_error_names_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A proxy that nobody listens at: what a machine without the internet meets.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GENVEJ_CACHE", str(tmp_path / "cache"))
    with pytest.raises(KafkaUnavailableError, match="can't be reached") as raised:
        kafka_jars.ensure()
    said = str(raised.value)
    assert "\n" not in said
    assert "GENVEJ_CACHE" in said
    assert "GENVEJ_KAFKA=host:port" in said


def test_a_damaged_program_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / f"kafka-{kafka_jars.version()}"
    folder.mkdir()
    for jar in kafka_jars.ensure():
        (folder / jar.name).symlink_to(jar)
    damaged = folder / f"kafka_2.13-{kafka_jars.version()}.jar"
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-1] + b"x")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(KafkaUnavailableError, match=r"org\.apache\.kafka:kafka_2\.13"):
        kafka_jars.ensure(tmp_path)


async def test_another_cluster_and_database_are_used_where_the_environment_names_them(
    stacks: Stacks,
    kafka: Kafka,
    database: Databases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dsn = await database("transport")
    admin = kafka.access()
    for name, value in {
        "GENVEJ_KAFKA": admin.bootstrap,
        "GENVEJ_KAFKA_USER": admin.user,
        "GENVEJ_KAFKA_PASSWORD": admin.password,
        "GENVEJ_PASSWORD_TRANSPORT": kafka.password("transport"),
        "GENVEJ_TRANSPORT_DSN": dsn,
        "GENVEJ_TRANSPORT_MIGRATION_DSN": database.owner(dsn),
    }.items():
        monkeypatch.setenv(name, value)
    stack = stacks(services=("transport", "transport.2"))
    await asyncio.to_thread(stack.up)
    assert set(stack.processes.records()) == {"mail", "sms", "transport", "transport.2"}
    variables = stack.environment("transport")
    assert variables["GENVEJ_KAFKA"] == admin.bootstrap
    assert variables["GENVEJ_TRANSPORT_DSN"] == dsn
    assert "GENVEJ_KAFKA_USER" not in variables, "the administrator's password is no service's"
    stack.kill("transport")
    stack.start("transport")
    await asyncio.to_thread(stack.wait_ready, "transport")
    pids = pids_of(stack)
    await asyncio.to_thread(stack.down)
    assert living(pids) == []
