"""CPU seconds and memory of every process of a stack, the bench's own included."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from deploy.local.stack import Stack

POSTGRES = "postgres"
BENCH = "bench"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds (user and system, since each process began) and resident bytes by process.

    Postgres is one process here, shared memory counted once; `sessions` divides its CPU by the
    role that a session belongs to, or by the server's own worker.
    """

    cpu: Mapping[str, float]
    memory: Mapping[str, int]
    sessions: Mapping[str, float]


def read(stack: Stack) -> Reading:
    """One reading. A process that does not run is absent."""
    cpu: dict[str, float] = {}
    memory: dict[str, int] = {}
    sessions: dict[str, float] = {}
    pids = {name: stack.processes.pid(name) for name in stack.names}
    for name, pid in {**pids, BENCH: os.getpid()}.items():
        if pid is None:
            continue
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            times = process.cpu_times()
            cpu[name] = times.user + times.system
            memory[name] = process.memory_info().rss
            if name == POSTGRES:
                # The server waits for its children, so that those that have ended are in here.
                sessions["ended"] = times.children_user + times.children_system
                memory[name] = _memory_of_server(process, sessions)
                cpu[name] += sum(sessions.values())
    return Reading(cpu, memory, sessions)


def _memory_of_server(server: psutil.Process, sessions: dict[str, float]) -> int:
    """Notes the CPU of the server's children; returns the memory of all."""
    memory, shared = 0, 0
    for child in [server, *server.children()]:
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            info = child.memory_info()
            memory += info.rss - info.shared
            shared = max(shared, info.shared)
            if child is server:
                continue
            times = child.cpu_times()
            who = _role(" ".join(child.cmdline()))
            sessions[who] = sessions.get(who, 0.0) + times.user + times.system
    return memory + shared


def _role(command: str) -> str:
    """The role of "postgres: referral referral 127.0.0.1(4711) idle", or the worker's name."""
    words = command.removeprefix("postgres:").split()
    if len(words) >= 3 and "(" in words[2]:
        return words[0]
    return " ".join(words[:2])


@dataclass(slots=True)
class Meter:
    """Reads once a second while it runs; `first` and `last` frame the time.

    `mark` moves `last` to now, for a time whose end is only known afterwards.
    """

    stack: Stack
    first: Reading | None = None
    last: Reading | None = None
    peaks: dict[str, int] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to read."""
        self.first = self._look()
        self._task = asyncio.create_task(self._run())

    def mark(self) -> None:
        """Takes what may be the last reading."""
        self.last = self._look()

    async def stop(self) -> None:
        """Reads no more, and takes the last reading where none was marked."""
        assert self._task is not None, "never started"
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if self.last is None:
            self.mark()

    def used(self) -> dict[str, float]:
        """CPU seconds by process between the first and the last reading."""
        first, last = self._frame()
        return {name: cpu - first.cpu.get(name, 0.0) for name, cpu in last.cpu.items()}

    def used_by_sessions(self) -> dict[str, float]:
        """Postgres' CPU seconds by role."""
        first, last = self._frame()
        found = {who: cpu - first.sessions.get(who, 0.0) for who, cpu in last.sessions.items()}
        return {who: cpu for who, cpu in found.items() if cpu >= 0.01}

    def _frame(self) -> tuple[Reading, Reading]:
        assert self.first is not None, "never started"
        assert self.last is not None, "not stopped yet"
        return self.first, self.last

    def _look(self) -> Reading:
        reading = read(self.stack)
        for name, memory in reading.memory.items():
            self.peaks[name] = max(self.peaks.get(name, 0), memory)
        return reading

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._look()
