"""The whole stack on this machine: database, broker, stand-ins and the services."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx

from deploy.local.connections import (
    MAIL,
    MAIL_PAGES,
    SMS,
    Address,
    Connections,
    inherited,
    package,
)
from deploy.local.errors import StackError
from deploy.local.kafka import NAME as KAFKA
from deploy.local.kafka import Kafka
from deploy.local.lock import HeldError, Hold, holder
from deploy.local.postgres import NAME as POSTGRES
from deploy.local.postgres import Postgres
from deploy.local.processes import Processes, wait_until
from deploy.local.staff import write_staff_file
from deploy.local.state import State
from deploy.topology.admin import Admin
from shared.topics import load

__all__ = ["ROOT", "SERVICES", "Address", "HeldError", "Stack", "StackError", "Status", "holder"]

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("referral", "scheduling", "notifications", "gateway")
# Where things are where nothing else is there: so a person finds them again.
PREFERRED: Final = {
    KAFKA: 19092,
    POSTGRES: 15432,
    "referral": 18081,
    "scheduling": 18082,
    "notifications": 18083,
    "gateway": 18084,
    MAIL: 18025,
    MAIL_PAGES: 18026,
    SMS: 18027,
}
# Longer than the services take to drain (GENVEJ_<SERVICE>_STOP_SECONDS, 30 by default).
DRAIN_SECONDS: Final = 40.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One process of the stack; `pid` is None where it doesn't run."""

    name: str
    pid: int | None
    port: int | None
    log: Path


class Stack:
    """One stack, with everything that it keeps in a state folder.

    `clock` (ISO-8601 with offset) is what the services' clocks show at the first start on this
    folder; from there they tick on, also through later starts with the same `clock`.
    `services` are packages of services/ or examples/; "referral.2" is a second process of
    "referral". `extra` adds environment variables for the services. `durable=False` turns the
    database's fsync off (tests). Without `preferred_ports` all ports are any free ones.

    A broker or database named by GENVEJ_KAFKA or GENVEJ_<SERVICE>_DSN is used instead of an own
    one. Constructing a Stack starts nothing: it can also look at one that another process runs.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: str | None = None,
        cluster_file: Path = ROOT / "deploy" / "topics.toml",
        municipalities: Path = ROOT / "deploy" / "municipalities",
        services: Sequence[str] = SERVICES,
        durable: bool = True,
        preferred_ports: bool = True,
        heap: str = "512m",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.state = State(folder)
        self.processes = Processes(self.state.folder)
        self.services = tuple(services)
        self._preferred = PREFERRED if preferred_ports else {}
        wish = self._preferred.get
        self.postgres = Postgres(
            self.state, self.processes, durable=durable, preferred_port=wish(POSTGRES)
        )
        self.kafka = Kafka(self.state, self.processes, heap=heap, preferred_port=wish(KAFKA))
        self.connections = Connections(self.state, self.postgres, self.kafka, self.services)
        self.cluster_file = cluster_file
        self.municipalities = municipalities
        self._clock = clock
        self._extra = dict(extra or {})
        self._hold = Hold(self.state.folder)

    @property
    def held(self) -> bool:
        """Whether this process holds the stack, and so must stop it."""
        return self._hold.mine

    @property
    def names(self) -> tuple[str, ...]:
        """All processes, in the order in which they are started."""
        own = [POSTGRES] if self.connections.own_postgres else []
        own += [KAFKA] if self.connections.own_kafka else []
        return (*own, MAIL, SMS, *self.services)

    def up(self, progress: Say = lambda text: None) -> None:
        """Starts everything and returns when every service is ready.

        What an earlier launcher left behind is stopped first. Raises StackError, or
        TopologyError where the broker does not take the cluster file.
        """
        self._hold.take()
        self._stop_leftovers(progress)
        if self.connections.own_kafka:
            progress("Apache Kafka: starting")
            self.kafka.launch(progress)
        # The broker takes the longest, so the rest is started beside it.
        for name in (MAIL, SMS):
            self.start(name)
        if self.connections.own_postgres:
            progress("PostgreSQL: starting")
            self.postgres.start()
            self.postgres.provide(sorted({package(name) for name in self.services}))
        if self.connections.own_kafka:
            self.kafka.wait()
        self._apply_topology(progress)
        progress(f"Services: starting {', '.join(self.services)}")
        for name in self.services:
            self.start(name)
        for name in (MAIL, SMS, *self.services):
            self.wait_ready(name)
            progress(f"{name}: ready")

    def down(self, progress: Say = lambda text: None) -> None:
        """Stops everything: the services first, so that they can drain."""
        progress("Services: draining and stopping")
        known = self.processes.records()
        services = [name for name in known if name not in {POSTGRES, KAFKA, MAIL, SMS}]
        self._stop_together(services, DRAIN_SECONDS, progress)
        self._stop_together([MAIL, SMS], 10, progress)
        progress("Apache Kafka and PostgreSQL: stopping")
        self.processes.send(KAFKA, signal.SIGTERM)
        self.postgres.stop()
        self.kafka.stop()
        self._hold.let_go()

    def destroy(self, progress: Say = lambda text: None) -> None:
        """Stops everything and removes all that the stack keeps."""
        self.down(progress)
        self.postgres.destroy()
        shutil.rmtree(self.state.folder, ignore_errors=True)

    def start(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Starts one process, as a fault test does after it killed it; nothing where it runs.

        `env` adds variables for this start alone. Services are not waited for: see `wait_ready`.
        """
        if self.processes.alive(name):
            return
        if name == POSTGRES:
            self.postgres.start()
        elif name == KAFKA:
            self.kafka.start()
        else:
            self.processes.forget(name)
            port = self._new_port(name)
            command = self._stand_in(name, port) if name in {MAIL, SMS} else [_module(name)]
            variables = inherited() if name in {MAIL, SMS} else self.environment(name, env)
            self.processes.start(
                name,
                [sys.executable, "-m", *command],
                log=self.log(name),
                env=variables,
                cwd=ROOT,
            )

    def stop(self, name: str, seconds: float = DRAIN_SECONDS) -> bool:
        """Stops one process gently; False when it had to be killed."""
        if name == POSTGRES:
            self.postgres.stop()
            return True
        return self.processes.stop(name, seconds=seconds)

    def kill(self, name: str) -> None:
        """SIGKILL for one process."""
        self.processes.kill(name)

    def pause(self, name: str) -> None:
        """SIGSTOP for one process: it keeps what it holds and does nothing."""
        self.processes.send(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT for one process."""
        self.processes.send(name, signal.SIGCONT)

    def wait_ready(self, name: str, seconds: float = 60) -> None:
        """Returns when a service or stand-in says that it is ready. Raises StackError."""
        pages = {MAIL: MAIL_PAGES, SMS: SMS}
        path = "/" if name in pages else "/health/ready"
        url = self.connections.url(pages.get(name, name)) + path
        reasons = "nothing answers"

        def ready() -> bool:
            nonlocal reasons
            if not self.processes.alive(name):
                log = self.log(name)
                raise StackError(f"{name} ended at once: {_last_line(log)} (see {log})")
            try:
                answer = httpx.get(url, timeout=5)
            except httpx.TransportError:
                return False
            reasons = answer.text
            return answer.status_code == httpx.codes.OK

        if not wait_until(ready, seconds=seconds, pause=0.1):
            raise StackError(
                f"{name} is not ready after {seconds:g} s: {reasons} (see {self.log(name)})"
            )

    def keep(self, say: Say, stopping: threading.Event | None = None, pause: float = 1.0) -> None:
        """Starts again what ends by itself, with growing pauses, until `stopping` is set.

        Looks every `pause` seconds. Without `stopping`, KeyboardInterrupt ends it.
        """
        again: dict[str, tuple[float, float]] = {}
        stopping = stopping or threading.Event()
        while not stopping.wait(pause):
            for name in self.names:
                if self.processes.alive(name):
                    continue
                due, wait = again.get(name, (0.0, 1.0))
                if time.monotonic() < due:
                    continue
                again[name] = (time.monotonic() + wait, min(wait * 2, 60.0))
                say(f"{name} has ended ({_last_line(self.log(name))}); it is started again")
                self.start(name)

    def log(self, name: str) -> Path:
        """The log of a process."""
        return self.state.logs / f"{name}.log"

    def environment(self, name: str, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that a service's process runs with."""
        clock = self._shown_clock()
        shared = {
            "GENVEJ_TOPICS": str(self.cluster_file),
            "GENVEJ_MUNICIPALITIES": str(self.municipalities),
            "GENVEJ_STAFF": str(write_staff_file(self.state)),
            **({"GENVEJ_CLOCK": clock} if clock else {}),
        }
        return self.connections.environment(name, shared, {**self._extra, **(env or {})})

    def addresses(self) -> list[Address]:
        """Where everything is reached, for people."""
        return self.connections.addresses()

    def status(self) -> list[Status]:
        """All processes, running or not."""
        return [
            Status(
                name=name,
                pid=self.processes.pid(name),
                port=self.state.remembered_port(name),
                log=self.log(name),
            )
            for name in self.names
        ]

    def _apply_topology(self, progress: Say) -> None:
        administrator = self.connections.administrator()
        if administrator is None:
            progress("Topics: left as they are, because GENVEJ_KAFKA_USER names no administrator")
            return
        progress(f"Topics, principals and rights: applying {self.cluster_file.name}")
        Admin(administrator).apply(load(self.cluster_file), self.connections.password)

    def _shown_clock(self) -> str | None:
        if not self._clock or "@" in self._clock:
            return self._clock
        # Remembered, because what the services keep would else come to lie in their future.
        began = self.state.secret(f"clock {self._clock}", lambda: datetime.now(UTC).isoformat())
        return f"{self._clock}@{began}"

    def _stand_in(self, name: str, port: int) -> list[str]:
        module = "deploy.local.mail_catcher" if name == MAIL else "deploy.local.sms_gateway"
        other = (
            ["--http-port", str(self._new_port(MAIL_PAGES))]
            if name == MAIL
            else [f"--token={self.state.secret('sms-token')}"]  # it may begin with a dash
        )
        return [module, "--port", str(port), *other, "--state", str(self.state.room(name))]

    def _new_port(self, name: str) -> int:
        return self.state.port(name, self._preferred.get(name))

    def _stop_leftovers(self, progress: Say) -> None:
        """Processes that outlived a killed launcher would run with yesterday's settings."""
        left = [name for name in self.processes.records() if self.processes.alive(name)]
        if left:
            progress(f"Stopping what an earlier launcher left behind: {', '.join(left)}")
        servers = [name for name in (KAFKA, POSTGRES) if name in left]
        self._stop_together([name for name in left if name not in servers], DRAIN_SECONDS, progress)
        if KAFKA in servers:
            self.kafka.stop()
        if POSTGRES in servers:
            self.postgres.stop()

    def _stop_together(self, names: Sequence[str], seconds: float, progress: Say) -> None:
        for name in names:
            self.processes.send(name, signal.SIGTERM)
        end = time.monotonic() + seconds
        for name in names:
            if not self.processes.stop(name, seconds=max(0.0, end - time.monotonic())):
                progress(f"{name} had to be killed: it did not stop within {seconds:g} s")


def _module(name: str) -> str:
    service = package(name)
    room = "services" if (ROOT / "services" / service).is_dir() else "examples"
    return f"{room}.{service}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except FileNotFoundError:
        return "it wrote no log"
    return lines[-1] if lines else "its log is empty"
