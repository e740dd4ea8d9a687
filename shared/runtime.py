"""Runs a service: database, migrations, consumer groups, relay, timers, HTTP, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import asyncpg
import uvloop
from aiokafka.errors import KafkaError

from shared import http, logs, tolerant
from shared.clock import Clock
from shared.crypto import Vault
from shared.engine import Engine
from shared.faults import back_off, describe
from shared.migrate import MigrationError, pending
from shared.routes import Routes
from shared.staff import Staff
from shared.startup import NotYet, Refused, connect, keyed_partitions
from shared.telemetry import Telemetry
from shared.waiting import is_set, within

if TYPE_CHECKING:
    from shared.batch import Batches
    from shared.consumer import Group
    from shared.deadletters import DeadLetters
    from shared.envelope import Message
    from shared.handling import Handler, Outcome
    from shared.service import Service
    from shared.settings import ServiceSettings

__all__ = ["Refused", "Runtime", "run"]

T = TypeVar("T")


class Runtime:
    """A service's machinery. Handlers never see it; tasks and routes get it.

    `commits` counts committed transactions; `wait_commit` waits for the next. `stopping` is set
    when the service is asked to stop: a task returns then.
    """

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self.service = service
        self.settings = settings
        self.clock = Clock.parse(settings.clock)
        self.vault = Vault(settings.vault_keys.get_secret_value())
        self.staff = Staff(settings.staff)
        self.telemetry = Telemetry(service.name)
        self.log = logs.logger(service.name)
        self.stopping = asyncio.Event()
        self.commits = 0
        self.exit_code = 0
        self._routes = Routes(service)
        self._engine: Engine | None = None
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._committed = asyncio.Event()
        self._waiting_for = "starting"

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """The database pool. Raises NotYet until the service has connected."""
        if self._pool is None:
            raise NotYet("the database is not connected yet")
        return self._pool

    @property
    def dead_letters(self) -> DeadLetters:
        """The service's dead letters. Raises NotYet until the service has started."""
        return self._started().dead_letters

    @property
    def batches(self) -> Batches:
        """What transactions are made with. Raises NotYet until the service has started."""
        return self._started().batches

    @property
    def groups(self) -> Sequence[Group]:
        """The consumer groups; none until the service has started."""
        return self._engine.groups if self._engine is not None else ()

    def authorised(self, header: str) -> bool:
        """Whether an Authorization header carries the ops token; without a token nobody does."""
        token = self.settings.ops_token.get_secret_value()
        return bool(token) and hmac.compare_digest(header.encode(), f"Bearer {token}".encode())

    async def wait_commit(self, seen: int, seconds: float) -> int:
        """Waits until `commits` differs from `seen`, for `seconds` or until stop.

        Read `commits`, look for work, then wait with what was read: no commit is missed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.commits == seen and not self.stopping.is_set():
                    await self._committed.wait()
        return self.commits

    async def pause(self, seconds: float) -> None:
        """Sleeps, and wakes at once when the service is asked to stop."""
        await is_set(self.stopping, seconds)

    async def execute(
        self, cause_id: str, handler: Handler, messages: Sequence[Message]
    ) -> Sequence[Outcome]:
        """Runs a handler on commands that did not come from Kafka, as effectively once.

        `cause_id` names the command: a second call with it does nothing and returns []. Events,
        timers and parking work as for records. Raises what the handler raises, and NotYet.
        """
        return await self._started().batches.command(cause_id, handler, messages)

    async def unready(self) -> list[str]:
        """Why the service can't do its work just now; empty when it can."""
        if self._waiting_for:
            return [self._waiting_for]
        reasons = [f"{place}: {what}" for place, what in self.telemetry.troubles.items()]
        if self._started().stuck_since is not None:
            reasons.append("a consumer is stuck")
        try:
            async with asyncio.timeout(2), self.pool.acquire() as conn:
                missing = await pending(conn, [self.service.migrations])
            reasons += [f"migration {name} is missing" for name in missing]
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reasons.append(f"database: {type(error).__name__}")
        return reasons

    def committed(self) -> None:
        """A transaction was committed: wakes who waits for that."""
        self.commits += 1
        self._committed.set()
        self._committed = asyncio.Event()

    def stop(self, exit_code: int = 0) -> None:
        """Begins the stop: batches in hand are finished, nothing new is taken."""
        self.exit_code = self.exit_code or exit_code
        self.stopping.set()
        self._committed.set()

    async def run(self) -> None:
        """Runs until `stop`. Raises Refused, or MigrationError."""
        server = http.server(self)
        web = asyncio.create_task(server.serve())
        try:
            self._pool = await self.retry("database", lambda: connect(self.service, self.settings))
            counts = await self.retry(
                "kafka", lambda: keyed_partitions(self.service, self.settings, self._routes)
            )
            if self._pool is not None and counts is not None:
                self._engine = Engine(self, self._routes, counts)
                await self._engine.run(self._on_started)
        finally:
            self._waiting_for = "stopping"
            self.stopping.set()
            server.should_exit = True
            await web
            if self._pool is not None:
                with contextlib.suppress(TimeoutError):
                    await within(5, self._pool.close())
            self.log.info("stopped")

    async def retry(self, place: str, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """Tries until it works, visibly; None where the stop came first."""
        number = 0
        while not self.stopping.is_set():
            try:
                result = await attempt()
            except NotYet as error:
                self._waiting_for = f"{place}: {error}"
            except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError) as error:
                self._waiting_for = f"{place}: {type(error).__name__}"
                self.telemetry.trouble(place, describe(error))
            else:
                self.telemetry.well(place)
                return result
            await self.pause(back_off(number, first=0.25, most=5.0))
            number += 1
        return None

    def _on_started(self) -> None:
        self._waiting_for = "stopping" if self.stopping.is_set() else ""
        self.log.info("running", port=self.settings.port)

    def _started(self) -> Engine:
        if self._engine is None:
            raise NotYet("the service has not started yet")
        return self._engine


def run(service: Service, settings: ServiceSettings) -> None:
    """Runs a service until SIGTERM or SIGINT, then drains and returns.

    Exits with 2 where the service refuses to run like this (one line on standard error says why)
    and 3 where a consumer was stuck.
    """
    logs.configure(service.name, settings.log_level)
    tolerant.install()

    async def main() -> int:
        runtime = Runtime(service, settings)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, runtime.stop)
        await runtime.run()
        return runtime.exit_code

    try:
        code = uvloop.run(main())
    except (Refused, MigrationError) as error:
        print(f"{service.name}: {error}", file=sys.stderr)
        code = 2
    if code:
        sys.exit(code)
