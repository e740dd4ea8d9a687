"""Runs a service: database, migrations, consumer groups, relay, timers, HTTP, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import asyncpg
import uvloop
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared import halt, http, logs, tolerant
from shared.batch import Batches
from shared.clock import Clock
from shared.consumer import Group
from shared.crypto import Vault
from shared.deadletters import DeadLetters, summary
from shared.faults import back_off, describe
from shared.halt import Limit
from shared.kafka import QuietLogger, client_options, is_family, partition_counts, security
from shared.migrate import MigrationError, migrate, pending
from shared.parking import Parking
from shared.relay import Relay
from shared.routes import Routes
from shared.settings import ServiceSettings, SettingsError
from shared.telemetry import Telemetry
from shared.timers import Timers
from shared.watch import Place

if TYPE_CHECKING:
    from shared.envelope import Message
    from shared.handling import Handler, Outcome
    from shared.service import Service

_WATCH: Final = 2.0
_GIVE_UP: Final = 60.0
_STATEMENT_MS: Final = "40000"
_IDLE_IN_TRANSACTION_MS: Final = "60000"


class Refused(Exception):
    """The service must not run like this; the message says why and what to do."""


class Runtime:
    """A service's machinery. Handlers never see it; tasks and routes get it.

    `commits` counts committed batches; `wait_commit` waits for the next.
    """

    def __init__(self, service: Service, settings: ServiceSettings) -> None:
        self.service = service
        self.settings = settings
        self.clock = Clock.parse(settings.clock)
        self.vault = Vault(settings.vault_keys.get_secret_value())
        self.telemetry = Telemetry(service.name)
        self.log = logs.logger(service.name)
        self.stopping = asyncio.Event()
        self.commits = 0
        self.groups: list[Group] = []
        self.exit_code = 0
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._committed = asyncio.Event()
        self._routes = Routes(service)
        self._ready_partitions: set[int] = set()
        self._batches: Batches | None = None
        self._dead_letters: DeadLetters | None = None
        self._starting = "starting"
        self._stuck_since: float | None = None

    @property
    def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """The database pool; there once the runtime has started its groups."""
        if self._pool is None:
            raise RuntimeError("the database is not connected yet")
        return self._pool

    @property
    def dead_letters(self) -> DeadLetters:
        """The service's dead letters; there once the runtime has started its groups."""
        if self._dead_letters is None:
            raise RuntimeError("the service has not started yet")
        return self._dead_letters

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

    async def execute(
        self, cause_id: str, handler: Handler, messages: Sequence[Message]
    ) -> Sequence[Outcome]:
        """Runs a handler on commands that did not come from Kafka, as effectively once.

        `cause_id` names the command: a second call with it does nothing and returns []. Events,
        timers and parking work as for records. Raises what the handler raises.
        """
        return await self._running().command(cause_id, handler, messages)

    async def unready(self) -> list[str]:
        """Why the service can't do its work just now; empty when it can."""
        if self._starting:
            return [self._starting]
        reasons = [f"{place}: {what}" for place, what in self.telemetry.troubles.items()]
        if self._stuck_since is not None:
            reasons.append("a consumer is stuck")
        try:
            async with asyncio.timeout(2):
                async with self.pool.acquire() as conn:
                    missing = await pending(conn, [self.service.migrations])
            reasons += [f"migration {name} is missing" for name in missing]
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reasons.append(f"database: {type(error).__name__}")
        return reasons

    def stop(self, exit_code: int = 0) -> None:
        """Begins the stop: batches in hand are finished, nothing new is taken."""
        self.exit_code = self.exit_code or exit_code
        self.stopping.set()
        self._committed.set()

    # -- life ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Runs until `stop`. Raises Refused."""
        server = http.server(self)
        web = asyncio.create_task(server.serve())
        try:
            await self._retry("database", self._connect)
            counts = await self._check_topics()
            await self._work(counts)
        finally:
            self.stopping.set()
            server.should_exit = True
            await web
            if self._pool is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._pool.close(), 5)

    def _running(self) -> Batches:
        if self._batches is None:
            raise RuntimeError("the service has not started yet")
        return self._batches

    async def _retry(self, place: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
        number = 0
        while not self.stopping.is_set():
            try:
                self._starting = f"{place}: connecting"
                result = await attempt()
            except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError) as error:
                self.telemetry.trouble(place, describe(error))
                self._starting = f"{place}: {type(error).__name__}"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), back_off(number, first=0.25))
                number += 1
            else:
                self.telemetry.well(place)
                return result
        return None

    async def _connect(self) -> None:
        settings = self.settings
        if settings.migration_dsn is not None:
            await migrate(
                settings.migration_dsn.get_secret_value(),
                [self.service.migrations],
                runtime_role=_user_of(settings.dsn.get_secret_value()),
            )
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                settings.dsn.get_secret_value(),
                min_size=2,
                max_size=settings.pool_size,
                timeout=10,
                server_settings={
                    "application_name": self.service.name,
                    "statement_timeout": _STATEMENT_MS,
                    "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
                    "jit": "off",
                    "timezone": "UTC",
                },
            )
        async with self._pool.acquire() as conn:
            missing = await pending(conn, [self.service.migrations])
        if missing:
            raise TimeoutError(f"migrations are missing: {', '.join(missing)}")

    async def _check_topics(self) -> dict[str, int]:
        """Waits until the keyed topics exist; refuses unequal partition counts."""
        wanted = [
            topic
            for subscription in self.service.subscriptions
            for topic in subscription.topics
            if not is_family(topic)
        ]
        if not wanted:
            return {}

        async def ask() -> dict[str, int]:
            counts = await partition_counts(client_options(self.settings), wanted)
            absent = [topic for topic, count in counts.items() if not count]
            if absent:
                raise TimeoutError(f"no such topic: {', '.join(absent)}")
            return counts

        counts: dict[str, int] = await self._retry("kafka", ask) or {}
        keyed = {t: counts.get(t, 0) for t in self._routes.topics("keyed")}
        if len(set(keyed.values())) > 1:
            listed = ", ".join(f"{topic} has {count}" for topic, count in sorted(keyed.items()))
            raise Refused(
                f"keyed topics of one service need equal partition counts, but {listed}; "
                "make a new generation of the odd one"
            )
        return keyed

    async def _work(self, counts: dict[str, int]) -> None:
        if self.stopping.is_set():
            return
        settings, service = self.settings, self.service
        stop_relay = asyncio.Event()
        relay = Relay(
            service=service.name,
            dsn=settings.dsn.get_secret_value(),
            client=client_options(settings),
            clock=self.clock,
            telemetry=self.telemetry,
            stop=stop_relay,
        )
        batches = self._batches = Batches(
            service=service.name,
            pool=self.pool,
            clock=self.clock,
            vault=self.vault,
            telemetry=self.telemetry,
            handler_of=lambda topic: self._routes.find(topic).handler,
            limit=Limit(settings.halt_faults, timedelta(seconds=settings.halt_window_seconds)),
            timer_partitions=next(iter(counts.values()), 1),
            on_events=relay.wake,
            on_commit=self._on_commit,
        )
        self._dead_letters = DeadLetters(
            service=service.name,
            pool=self.pool,
            clock=self.clock,
            vault=self.vault,
            batches=batches,
            handler_name=self._routes.name,
        )
        parking = Parking(
            pool=self.pool,
            clock=self.clock,
            vault=self.vault,
            batches=batches,
            telemetry=self.telemetry,
            handler_name=self._routes.name,
            dead_letters=self._dead_letters,
        )
        timers = Timers(
            handlers=service.timers,
            batches=batches,
            clock=self.clock,
            telemetry=self.telemetry,
            ready=lambda: self._ready_partitions,
        )
        broker = KafkaBroker(
            settings.kafka,
            security=security(settings),
            consumer_only=True,
            allow_auto_create_topics=False,
            graceful_timeout=settings.stop_seconds,
            metadata_max_age_ms=10_000,
            client_id=service.name,
            logger=QuietLogger(self.telemetry),
            apply_types=False,
        )
        for kind in ("keyed", "intake"):
            topics = self._routes.topics(kind)
            if topics:
                group = Group(
                    service=service.name,
                    kind=kind,
                    topics=topics,
                    handler_name=self._routes.name,
                    pool=self.pool,
                    batches=batches,
                    telemetry=self.telemetry,
                    shift=self.clock.shift,
                    most=settings.batch_records,
                    after_release=parking.work,
                )
                group.subscribe(broker)
                self.groups.append(group)
        relaying = asyncio.create_task(relay.run())
        running = [
            asyncio.create_task(work)
            for work in (
                parking.run(self.stopping),
                timers.run(self.stopping),
                self._keep_ready(max(counts.values(), default=1)),
                self._keep_watch(),
                *(self._task(task) for task in service.tasks),
            )
        ]
        try:
            await self._retry("kafka", broker.start)
            self._starting = ""
            gc.collect()
            gc.freeze()
            self.log.info("running", port=settings.port)
            await self.stopping.wait()
        finally:
            await self._drain(broker, running, relaying, stop_relay)

    async def _drain(
        self,
        broker: KafkaBroker,
        running: Sequence[asyncio.Task[None]],
        relaying: asyncio.Task[None],
        stop_relay: asyncio.Event,
    ) -> None:
        self._starting = "stopping"
        for group in self.groups:
            await group.stop()
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(self.settings.stop_seconds):
                await broker.stop()
        _, late = await asyncio.wait(running, timeout=1.0) if running else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        stop_relay.set()  # last, so that what the stop itself wrote is published
        relay_done, _ = await asyncio.wait([relaying], timeout=10)
        if not relay_done:
            relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        self.log.info("stopped")

    def _on_commit(self) -> None:
        self.commits += 1
        self._committed.set()
        self._committed = asyncio.Event()

    async def _task(self, task: Callable[[Runtime], Awaitable[None]]) -> None:
        number = 0
        name = getattr(task, "__name__", "task")
        while not self.stopping.is_set():
            try:
                await task(self)
            except Exception as error:
                self.telemetry.trouble(name, describe(error))
                self.log.exception("task failed", task=name, exc_info=error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), back_off(number, first=0.5))
                number += 1
            else:
                return

    async def _keep_watch(self) -> None:
        """Measures, and ends the process where a consumer is stuck: a new one reads on."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_WATCH)
            try:
                async with self.pool.acquire() as conn:
                    self.telemetry.summary(await summary(conn, self.clock.now()))
                    self.telemetry.halts(await halt.halted(conn))
                for group in self.groups:
                    await group.tick(loop.time())
                self.telemetry.well("watch")
            except (OSError, TimeoutError, KafkaError, asyncpg.PostgresError) as error:
                self.telemetry.trouble("watch", describe(error))
                continue
            stuck = [place for group in self.groups for place in group.stuck(loop.time())]
            self.telemetry.stuck.set(bool(stuck))
            if not stuck:
                self._stuck_since = None
            elif self._stuck_since is None:
                self._stuck_since = loop.time()
                self.log.error("stuck", topic=stuck[0][0], partition=stuck[0][1])
            elif loop.time() - self._stuck_since > _GIVE_UP and not self.telemetry.troubles:
                self.stop(exit_code=3)

    async def _keep_ready(self, partitions: int) -> None:
        """Works out which partitions' timers may fire: those whose backlog has been applied."""
        while True:
            done: set[Place] = set()
            open_places: set[Place] = set()
            for group in self.groups:
                caught_up = await group.caught_up()
                done |= caught_up
                open_places |= group.assigned - caught_up
            behind = {partition for _, partition in open_places}
            every = set(range(partitions))
            mine = {partition for _, partition in done} if self.groups else every
            self._ready_partitions = mine - behind
            await asyncio.sleep(0.25)


def _user_of(dsn: str) -> str:
    return unquote(urlsplit(dsn).username or "")


def run(service: Service, settings: ServiceSettings) -> None:
    """Runs a service until SIGTERM or SIGINT, then drains and returns.

    Exits with 2 where the service refuses to run like this (one line on standard error says why),
    3 where a consumer was stuck, and 1 after a failure of its own.
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
    except (Refused, MigrationError, SettingsError) as error:
        print(f"{service.name}: {error}", file=sys.stderr)
        code = 2
    if code:
        sys.exit(code)
