"""Processes that the launcher starts, finds again after its own death, and stops."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from deploy.local.state import write_private

# From this size on a start begins a new log and keeps the last one.
LOG_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system's account that a process runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A process as recorded at its start.

    The pid alone says nothing after a restart of the machine: `started` (seconds since 1970, as
    the kernel tells it) and `command` make sure that it is still the same process.
    """

    name: str
    pid: int
    started: float
    command: str

    def process(self) -> psutil.Process | None:
        """The living process, or None when it has ended, even if its pid is in use again."""
        try:
            process = psutil.Process(self.pid)
            # The kernel counts from boot; as wall time that moves when the clock is corrected.
            same_start = abs(process.create_time() - self.started) < 5
            # A process that is about to end has no command line any more.
            same_command = " ".join(process.cmdline())[:300] in {self.command, ""}
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return None
        return process if same_start and same_command else None


class Processes:
    """The processes of one state folder; their records outlive the launcher."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "processes.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        # Servers are started side by side from several threads.
        self._lock = threading.Lock()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account | None = None,
    ) -> Running:
        """Starts a process in a session of its own, so that a terminal's Ctrl-C does not reach it.

        Its output is appended to `log`. Raises OSError where the program can't be run.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = subprocess.Popen(  # noqa: S603 - the launcher's own commands
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        finally:
            os.close(descriptor)
        self._children[name] = child
        record = Running(
            name=name,
            pid=child.pid,
            started=_start_time(child.pid),
            command=" ".join(command)[:300],
        )
        with self._lock:
            self._write({**self.records(), name: record})
        return record

    def records(self) -> dict[str, Running]:
        """What was started and not yet stopped, by name, living or not."""
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
            return {row["name"]: Running(**row) for row in rows}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return {}

    def alive(self, name: str) -> bool:
        """Whether the process of that name runs (a stopped one, in SIGSTOP's sense, does)."""
        return self._living(name) is not None

    def pid(self, name: str) -> int | None:
        """The pid of the living process of that name."""
        process = self._living(name)
        return process.pid if process else None

    def exit_status(self, name: str) -> int | None:
        """How a child of this launcher ended; None while it runs, or where it isn't known."""
        child = self._children.get(name)
        return child.poll() if child else None

    def send(self, name: str, number: signal.Signals) -> bool:
        """Sends a signal; False when there is no such process any more."""
        process = self._living(name)
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            return True
        return False

    def kill(self, name: str) -> None:
        """SIGKILL, and waits until the process is gone. The record stays."""
        self.send(name, signal.SIGKILL)
        self._wait(name, 30)

    def stop(
        self, name: str, *, seconds: float = 30, number: signal.Signals = signal.SIGTERM
    ) -> bool:
        """Asks the process to end, kills it with its children after `seconds`, forgets it.

        False when it had to be killed.
        """
        process = self._living(name)
        gently = True
        if process is not None:
            family = _family(process)
            self.send(name, number)
            # A process that a test has paused would never see the signal.
            self.send(name, signal.SIGCONT)
            gently = self._wait(name, seconds)
            if not gently:
                for member in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        member.kill()
                self._wait(name, 30)
        self.forget(name)
        return gently

    def forget(self, name: str) -> None:
        """Drops the record and, where it is our child, takes its exit status."""
        child = self._children.pop(name, None)
        if child is not None:
            child.poll()
        with self._lock:
            self._write({k: v for k, v in self.records().items() if k != name})

    def _living(self, name: str) -> psutil.Process | None:
        child = self._children.get(name)
        if child is not None:
            # Our own child's pid is its own until we have taken its exit status.
            return psutil.Process(child.pid) if child.poll() is None else None
        record = self.records().get(name)
        return record.process() if record else None

    def _wait(self, name: str, seconds: float) -> bool:
        child = self._children.get(name)
        try:
            if child is not None:
                child.wait(seconds)
            elif (process := self._living(name)) is not None:
                process.wait(seconds)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            return False
        return True

    def _write(self, records: Mapping[str, Running]) -> None:
        write_private(self._file, json.dumps([asdict(r) for r in records.values()], indent=1))


def wait_until(ready: Callable[[], bool], *, seconds: float, pause: float = 0.05) -> bool:
    """Asks again and again until `ready` says so; False when `seconds` have passed."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def _start_time(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return time.time()


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]
