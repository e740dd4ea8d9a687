"""Puts a service's parts together, runs them side by side, and stops them in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared import halt, ledger
from shared.batch import Batches
from shared.consumer import Group
from shared.deadletters import DeadLetters, summary
from shared.faults import back_off, describe
from shared.halt import Limit
from shared.kafka import QuietLogger, client_options, security
from shared.parking import Parking
from shared.readiness import Readiness
from shared.relay import Relay
from shared.repeating import repeat
from shared.timers import Timers

if TYPE_CHECKING:
    from shared.routes import Routes
    from shared.runtime import Runtime

_WATCH: Final = 2.0
_READY: Final = 0.25
_TIDY: Final = 3600.0
_GIVE_UP: Final = 60.0


class Engine:
    """The parts of one running service."""

    def __init__(self, runtime: Runtime, routes: Routes, counts: Mapping[str, int]) -> None:
        self._runtime = runtime
        self._telemetry = runtime.telemetry
        settings, service = runtime.settings, runtime.service
        self._stop_relay = asyncio.Event()
        self._relay = Relay(
            service=service.name,
            dsn=settings.dsn.get_secret_value(),
            client=client_options(settings),
            clock=runtime.clock,
            telemetry=runtime.telemetry,
            stop=self._stop_relay,
            every=service.publish_every,
        )
        self.batches = Batches(
            service=service.name,
            pool=runtime.pool,
            clock=runtime.clock,
            vault=runtime.vault,
            telemetry=runtime.telemetry,
            handler_of=lambda topic: routes.find(topic).handler,
            limit=Limit(settings.halt_faults, timedelta(seconds=settings.halt_window_seconds)),
            timer_partitions=next(iter(counts.values()), 1),
            on_events=self._relay.wake,
            on_commit=runtime.committed,
        )
        self.dead_letters = DeadLetters(
            service=service.name,
            pool=runtime.pool,
            clock=runtime.clock,
            vault=runtime.vault,
            batches=self.batches,
            handler_name=routes.name,
        )
        self._parking = Parking(
            pool=runtime.pool,
            clock=runtime.clock,
            vault=runtime.vault,
            batches=self.batches,
            telemetry=runtime.telemetry,
            handler_name=routes.name,
            dead_letters=self.dead_letters,
        )
        self._broker = KafkaBroker(
            settings.kafka,
            security=security(settings),
            consumer_only=True,
            allow_auto_create_topics=False,
            graceful_timeout=settings.stop_seconds,
            metadata_max_age_ms=10_000,
            client_id=service.name,
            logger=QuietLogger(runtime.telemetry),
            apply_types=False,
        )
        self.groups = self._groups(routes)
        self._readiness = Readiness(
            pool=runtime.pool,
            clock=runtime.clock,
            groups=self.groups,
            partitions=self.batches.timer_partitions,
        )
        self._timers = Timers(
            handlers=service.timers,
            batches=self.batches,
            clock=runtime.clock,
            telemetry=runtime.telemetry,
            ready=lambda: self._readiness.partitions,
        )
        self.stuck_since: float | None = None

    async def run(self, started: Callable[[], None]) -> None:
        """Runs until the runtime is asked to stop; then drains."""
        runtime = self._runtime
        relay = asyncio.create_task(self._relay.run())
        work = [
            asyncio.create_task(coroutine)
            for coroutine in (
                self._parking.run(runtime.stopping),
                self._timers.run(runtime.stopping),
                *(self._task(task) for task in runtime.service.tasks),
            )
        ]
        watch = [
            asyncio.create_task(coroutine)
            for coroutine in (
                repeat("watch", _WATCH, self._watch, runtime.stopping, self._telemetry),
                repeat("timers", _READY, self._ready, runtime.stopping, self._telemetry),
                repeat("tidying", _TIDY, self._tidy, runtime.stopping, self._telemetry),
            )
        ]
        try:
            await runtime.retry("kafka", self._broker.start)
            # What is there by now stays, and a batch's thousands of objects die young together:
            # looking for cycles among them again and again cost a tenth of the time.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            started()
            await runtime.stopping.wait()
        finally:
            for task in watch:
                task.cancel()
            await self._drain(work, relay)
            await asyncio.gather(*watch, return_exceptions=True)

    def _groups(self, routes: Routes) -> list[Group]:
        runtime = self._runtime
        groups = []
        kinds: tuple[Literal["keyed", "intake"], ...] = ("keyed", "intake")
        for kind in kinds:
            topics = routes.topics(kind)
            if topics:
                group = Group(
                    service=runtime.service.name,
                    kind=kind,
                    topics=topics,
                    first=routes.first(kind),
                    handler_name=routes.name,
                    pool=runtime.pool,
                    batches=self.batches,
                    telemetry=runtime.telemetry,
                    shift=runtime.clock.shift,
                    most=runtime.settings.batch_records,
                    lanes=runtime.settings.lanes,
                    session_seconds=runtime.settings.session_seconds,
                    after_release=self._parking.work,
                )
                group.subscribe(self._broker)
                groups.append(group)
        return groups

    async def _drain(self, work: list[asyncio.Task[None]], relay: asyncio.Task[None]) -> None:
        """Reading stops first; the relay last, so that what the stop still wrote is published."""
        seconds = self._runtime.settings.stop_seconds
        for group in self.groups:
            group.stop()
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(seconds):
                await self._broker.stop()
        _, late = await asyncio.wait(work, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        self._stop_relay.set()
        self._relay.wake()
        _, late = await asyncio.wait([relay], timeout=10)
        for task in late:
            task.cancel()
        await asyncio.gather(relay, return_exceptions=True)

    async def _task(self, task: Callable[[Runtime], Awaitable[None]]) -> None:
        """Runs a service's task; one that fails is started again, visibly."""
        runtime = self._runtime
        name = getattr(task, "__name__", type(task).__name__)
        number = 0
        while not runtime.stopping.is_set():
            try:
                await task(runtime)
            except Exception as error:  # noqa: BLE001 - see above
                self._telemetry.trouble(name, describe(error))
                await runtime.pause(back_off(number, first=0.5))
                number += 1
            else:
                return

    async def _tidy(self) -> None:
        """Deletes what is older than any redelivery could be."""
        runtime = self._runtime
        before = runtime.clock.now() - timedelta(days=runtime.settings.inbox_days)
        async with runtime.pool.acquire() as conn:
            while await ledger.prune_inbox(conn, before):
                pass  # a part at a time, so that nobody waits long for a lock
            await ledger.prune_letters(conn, before)
            await ledger.prune_answers(conn, before)

    async def _ready(self) -> None:
        await self._readiness.own()

    async def _watch(self) -> None:
        """Measures, and ends the process where a consumer is stuck: a new one reads on."""
        runtime, now = self._runtime, asyncio.get_running_loop().time()
        async with runtime.pool.acquire() as conn:
            self._telemetry.summary(await summary(conn, runtime.clock.now()))
            self._telemetry.halts(await halt.halted(conn))
        for group in self.groups:
            await group.tick(now)
        await self._readiness.adopt(now)
        stuck = [place for group in self.groups for place in group.stuck(now)]
        self._telemetry.stuck.set(bool(stuck))
        if not stuck:
            self.stuck_since = None
        elif self.stuck_since is None:
            self.stuck_since = now
            runtime.log.error("stuck", topic=stuck[0][0], partition=stuck[0][1])
        elif now - self.stuck_since > _GIVE_UP and not self._telemetry.troubles:
            runtime.stop(exit_code=3)
