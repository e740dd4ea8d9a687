"""Publishes the outbox: one relay a service at a time, in order per aggregate, never a zombie's.

The relay holds a session advisory lock on its own connection and a producer with the service's
transactional id. A relay that lost its lock without noticing (a stopped process, a cut line) is
fenced by the next one's producer, so a stale record never lands after a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared import failpoint
from shared.faults import back_off, describe
from shared.startup import session
from shared.waiting import is_set
from shared.wire import headers, partition_of, source_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.clock import Clock
    from shared.telemetry import Telemetry

_LOCK: Final = 0x72656C6179  # "relay"
_ROWS: Final = 1000
_POLL: Final = 0.5
_SWEEP: Final = 30.0
_SWEEP_ABSENT: Final = 5.0
_LOOK_UP: Final = 5.0
_SEND_TIMEOUT: Final = 15.0  # below the time that a session may idle in its transaction
_BATCH_BYTES: Final = 256 * 1024

# One statement reads, deletes, and says by its own snapshot which ids may still be committed.
# The deletion is committed when Kafka has taken the rows; until then anything undoes it.
_TAKE: Final = """
WITH snapshot AS MATERIALIZED (
  SELECT pg_snapshot_xmin(s)::text::bigint AS xmin, pg_snapshot_xmax(s)::text::bigint AS xmax
  FROM pg_current_snapshot() AS s
), taken AS (
  DELETE FROM runtime.outbox WHERE ctid = ANY (ARRAY (
    SELECT ctid FROM runtime.outbox WHERE id > $1 AND topic <> ALL ($3::text[])
    ORDER BY id LIMIT $2))
  RETURNING *
)
SELECT taken.*, snapshot.* FROM snapshot LEFT JOIN taken ON true ORDER BY id
"""

# A process that hangs keeps its session, and with it the lock, for ever. A relay at work asks for
# rows twice a second; one that has asked for nothing in a minute loses the lock, and when it wakes
# up its producer is fenced.
_OUST: Final = """
SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = $1
  AND a.state_change < clock_timestamp() - interval '60 seconds'
"""


class LowWater:
    """From which id on the outbox must be read.

    Ids are given before their transactions commit, so a smaller one may show after a larger one.
    The mark moves to the largest id of an earlier reading once every transaction that ran then
    has ended: nothing at or below it can appear any more.
    """

    def __init__(self) -> None:
        self.id = 0
        self._candidate: tuple[int, int] | None = None

    @property
    def candidate(self) -> int:
        """The id that the mark may move to; a reading that ends below it proves nothing."""
        return self._candidate[0] if self._candidate is not None else 0

    def saw(self, largest: int, xmin: int, xmax: int) -> None:
        """Takes one reading whose rows are all sent and deleted: its largest id, its snapshot.

        `largest` is where the reading stopped at its limit, or the largest id there was.
        """
        if self._candidate is not None and xmin >= self._candidate[1]:
            self.id = max(self.id, self._candidate[0])
            self._candidate = None
        if self._candidate is None and largest > self.id:
            self._candidate = (largest, xmax)

    def sweep(self) -> None:
        """Reads from the beginning again."""
        self.id = 0
        self._candidate = None


class Relay:
    """Takes a service's outbox to Kafka until stopped."""

    def __init__(
        self,
        *,
        service: str,
        dsn: str,
        client: Mapping[str, Any],
        clock: Clock,
        telemetry: Telemetry,
        stop: asyncio.Event,
        every: float = 0.0,
        connect: Callable[..., Any] = asyncpg.connect,
    ) -> None:
        self._service = service
        self._source = source_of(service).encode()
        self._dsn = dsn
        self._client = client
        self._clock = clock
        self._telemetry = telemetry
        self._stop = stop
        self._every = every
        self._connect = connect
        self._awake = asyncio.Event()
        self._counts: dict[str, int] = {}

    def wake(self) -> None:
        """Something was written to the outbox."""
        self._awake.set()

    async def run(self) -> None:
        """Runs until `stop` is set and what was in the outbox then is published."""
        attempt = 0
        while not self._stop.is_set():
            try:
                await self._lead()
                attempt = 0
            except Exception as error:  # noqa: BLE001 - a relay that ended would be silent for ever
                # Nothing was deleted that was not confirmed; a fresh producer sends it again,
                # because one that failed may be out of sequence.
                self._telemetry.trouble("relay", describe(error))
                await is_set(self._stop, back_off(attempt, first=0.2))
                attempt += 1

    async def _lead(self) -> None:
        conn = await self._connect(
            self._dsn,
            timeout=10,
            command_timeout=30,  # a server that was killed may never answer, and never hang up
            server_settings=session(f"{self._service}-relay"),
        )
        try:
            while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._telemetry.well("relay")
                if await is_set(self._stop, 1.0):
                    return
                await conn.execute(_OUST, _LOCK)
            await conn.add_listener("outbox", lambda *_: self._awake.set())
            await self._publish(conn)
        finally:
            conn.terminate()  # at once: a line that is cut must not delay the next attempt

    async def _publish(self, conn: asyncpg.Connection[asyncpg.Record]) -> None:
        self._counts.clear()
        producer = AIOKafkaProducer(
            **self._client,
            client_id=f"{self._service}-relay",
            transactional_id=f"{self._service}-relay",
            transaction_timeout_ms=10_000,
            acks="all",
            max_batch_size=_BATCH_BYTES,
            max_request_size=1024 * 1024,
            metadata_max_age_ms=10_000,
        )
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                await producer.start()
            await self._drain(conn, producer)
        finally:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(5):
                    await producer.stop()

    async def _drain(
        self, conn: asyncpg.Connection[asyncpg.Record], producer: AIOKafkaProducer
    ) -> None:
        mark = LowWater()
        absent: set[str] = set()
        loop = asyncio.get_running_loop()
        sweep_at = loop.time() + _SWEEP
        while True:
            stopping = self._stop.is_set()
            self._awake.clear()
            if loop.time() >= sweep_at:
                mark.sweep()
                absent.clear()
                sweep_at = loop.time() + _SWEEP
            sent = await self._round(conn, producer, mark, absent)
            if absent:
                sweep_at = min(sweep_at, loop.time() + _SWEEP_ABSENT)
            elif sent is not None:
                self._telemetry.well("relay")
            if sent == 0:
                if stopping:
                    return
                await is_set(self._awake, _POLL)
            elif self._every and sent is not None and sent < _ROWS:
                await is_set(self._stop, self._every)

    async def _round(
        self,
        conn: asyncpg.Connection[asyncpg.Record],
        producer: AIOKafkaProducer,
        mark: LowWater,
        absent: set[str],
    ) -> int | None:
        """Publishes what one reading gives; returns how many, None where a topic is missing.

        What is for a topic that is not there waits, and holds up nothing else.
        """
        transaction = conn.transaction()
        await transaction.start()
        rows = await conn.fetch(_TAKE, mark.id, _ROWS, list(absent))
        xmin, xmax = rows[0]["xmin"], rows[0]["xmax"]
        if rows[0]["id"] is None:
            await transaction.rollback()
            if not absent:
                mark.saw(0, xmin, xmax)
            return 0
        missing = await self._missing(producer, {row["topic"] for row in rows})
        if missing:
            await transaction.rollback()
            absent |= missing
            self._telemetry.trouble("relay", f"no such topic: {', '.join(sorted(missing))}")
            return None
        async with asyncio.timeout(_SEND_TIMEOUT):
            await self._send(producer, rows)
        failpoint.reach("after-produce")
        await transaction.commit()
        failpoint.reach("after-delete")
        if not absent and (len(rows) < _ROWS or rows[-1]["id"] > mark.candidate):
            mark.saw(rows[-1]["id"], xmin, xmax)
        self._telemetry.published(len(rows), self._age(rows[0]["time"]))
        return len(rows)

    async def _missing(self, producer: AIOKafkaProducer, topics: set[str]) -> set[str]:
        """Looks up partition counts; returns the topics that are not there, or not for us."""
        missing = set()
        for topic in topics - self._counts.keys():
            try:
                async with asyncio.timeout(_LOOK_UP):
                    self._counts[topic] = len(await producer.partitions_for(topic))
            except (KafkaError, TimeoutError):
                missing.add(topic)
        return missing

    def _age(self, time: datetime) -> float:
        return max((self._clock.now() - time) / timedelta(seconds=1), 0.0)

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]) -> None:
        by_place: dict[tuple[str, int], list[asyncpg.Record]] = {}
        for row in rows:
            place = (row["topic"], partition_of(row["key"], self._counts[row["topic"]]))
            by_place.setdefault(place, []).append(row)
        await producer.begin_transaction()
        try:
            sent = await asyncio.gather(
                *(self._submit(producer, *place, batch) for place, batch in by_place.items())
            )
            await asyncio.gather(*(future for futures in sent for future in futures))
            await producer.commit_transaction()
        except BaseException:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(5):
                    await producer.abort_transaction()
            raise

    async def _submit(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        partition: int,
        rows: Sequence[asyncpg.Record],
    ) -> list[asyncio.Future[Any]]:
        futures = []
        builder = producer.create_batch()
        for row in rows:
            record = {
                "timestamp": None,
                "key": row["key"].encode(),
                "value": row["value"],
                "headers": headers(row, self._source),
            }
            if builder.append(**record) is None:
                futures.append(await producer.send_batch(builder, topic, partition=partition))
                builder = producer.create_batch()
                builder.append(**record)
        futures.append(await producer.send_batch(builder, topic, partition=partition))
        return futures
