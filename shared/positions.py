"""Where a consumer group reads on: rows in Postgres, and what the consumer is told of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared import halt, ledger
from shared.faults import back_off, describe
from shared.ledger import Range
from shared.waiting import within
from shared.watch import Place

if TYPE_CHECKING:
    import asyncpg
    from aiokafka import AIOKafkaConsumer

    from shared.telemetry import Telemetry


class Positions:
    """The positions of a group's partitions in this process.

    `next` is where the database is, as far as we know. While a place stands in it and no batch is
    in hand, all before the consumer's own position has been applied: a batch that is given up
    must `drop` or `reseek`.
    """

    def __init__(
        self,
        *,
        name: str,
        pool: asyncpg.Pool[asyncpg.Record],
        telemetry: Telemetry,
        busy: Callable[[], bool],
        first: frozenset[str] = frozenset(),
    ) -> None:
        self._name = name
        self._pool = pool
        self._telemetry = telemetry
        self._busy = busy
        self._first = first
        self._let_on = not first
        self.next: dict[Place, int] = {}
        self.halted: set[str] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0
        self._backlog: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}
        self._task: asyncio.Task[None] | None = None

    def touch(self) -> None:
        """Something was polled: what was measured before is worth nothing now."""
        self._epoch += 1

    def drop(self) -> None:
        """What was polled is given up, and positions are unknown until they are taken anew."""
        self._epoch += 1
        self.next.clear()

    def cancel(self) -> None:
        """Ends an attempt to take positions."""
        if self._task is not None:
            self._task.cancel()

    async def release(self) -> None:
        """The partitions go to others."""
        self.cancel()
        await self._commit()
        self.drop()
        for topic, partition in self._backlog:
            self._telemetry.well(f"position {topic}/{partition}")
        self._backlog.clear()
        self._committed.clear()

    def take(self, consumer: AIOKafkaConsumer, assigned: set[TopicPartition]) -> None:
        """Partitions came: seeks to the database's positions, in a task of its own."""
        self.cancel()
        self.drop()
        self._backlog.clear()
        self._let_on = not self._first
        self._consumer = consumer
        if assigned:
            consumer.pause(*assigned)
            self._task = asyncio.create_task(self._position(consumer, set(assigned)))

    async def reseek(self) -> None:
        """Goes on where the database says, after a batch that did not count."""
        self.drop()
        if self._consumer is not None:
            assigned: set[TopicPartition] = self._consumer.assignment()
            with contextlib.suppress(IllegalStateError):
                self._consumer.pause(*assigned)
                await self._position(self._consumer, assigned)

    async def caught_up(self) -> set[Place]:
        """Partitions whose backlog, as it was when they were assigned, has been applied."""
        done = set()
        for place, end in list(self._backlog.items()):
            # The log ends in a transaction's marker: the position counts, not the last record.
            at = await self._applied(place)
            if at is not None and at >= end:
                done.add(place)
        return done

    async def tick(self) -> tuple[dict[Place, int], dict[Place, int]]:
        """Looks after the positions once; returns ends of the log, and where applied records end.

        Raises KafkaError, TimeoutError and the database's errors.
        """
        consumer = self._consumer
        if consumer is None or not self.next:
            return {}, {}
        await self._commit()
        await self._heed_halts(consumer)
        await self._heed_first(consumer)
        epoch, places = self._epoch, list(self.next)
        found: dict[TopicPartition, int] = await within(
            10.0, consumer.end_offsets([TopicPartition(*place) for place in places])
        )
        measured = {place: await self._applied(place) for place in places}
        applied = {place: at for place, at in measured.items() if at is not None}
        await self._compare(epoch, applied)
        return {(tp.topic, tp.partition): end for tp, end in found.items()}, applied

    async def _position(self, consumer: AIOKafkaConsumer, assigned: set[TopicPartition]) -> None:
        attempt = 0
        while True:
            try:
                begins: dict[TopicPartition, int] = await consumer.beginning_offsets(list(assigned))
                ends: dict[TopicPartition, int] = await consumer.end_offsets(list(assigned))
                async with self._pool.acquire() as conn:
                    where = await ledger.positions(
                        conn, [(tp.topic, tp.partition) for tp in assigned]
                    )
                    self.halted = {row["topic"] for row in await halt.halted(conn)}
                for tp in assigned:
                    self._seek(consumer, tp, where[tp.topic, tp.partition], begins[tp], ends[tp])
            except IllegalStateError:
                return  # revoked meanwhile; the next assignment positions anew
            except Exception as error:  # noqa: BLE001 - without a position nothing can be read
                self._telemetry.trouble(f"{self._name} positions", describe(error))
                await asyncio.sleep(back_off(attempt))
                if consumer.assignment() != assigned:
                    return
                attempt += 1
            else:
                self._telemetry.well(f"{self._name} positions")
                return

    def _seek(
        self, consumer: AIOKafkaConsumer, tp: TopicPartition, at: int, begin: int, end: int
    ) -> None:
        place = (tp.topic, tp.partition)
        trouble = f"position {tp.topic}/{tp.partition}"
        if at > end:
            # Another cluster, or a topic made anew: reading from anywhere would be a guess.
            self._telemetry.trouble(trouble, f"the database is at {at}, the log ends at {end}")
            self._backlog[place] = at
            return
        self._telemetry.well(trouble)
        if 0 < at < begin:
            self._telemetry.missed(tp.topic, tp.partition, begin - at)
        self._epoch += 1
        consumer.seek(tp, max(at, begin))
        self.next[place] = at
        self._backlog.setdefault(place, end)
        if tp.topic not in self.halted and self._is_open(tp.topic):
            consumer.resume(tp)

    async def _commit(self) -> None:
        """Tells Kafka our positions, for lag tools alone; a failure changes nothing."""
        fresh = {p: n for p, n in self.next.items() if self._committed.get(p) != n}
        if self._consumer is None or not fresh:
            return
        offsets = {TopicPartition(*place): at for place, at in fresh.items()}
        with contextlib.suppress(KafkaError, IllegalStateError, TimeoutError):
            await within(5.0, self._consumer.commit(offsets))
            self._committed.update(fresh)

    async def _applied(self, place: Place) -> int | None:
        """Where applied records end; when nothing is in hand, behind markers that follow them."""
        if self._consumer is None:
            return None
        with contextlib.suppress(IllegalStateError, KafkaError, TimeoutError):
            at: int = await within(1.0, self._consumer.position(TopicPartition(*place)))
            if not self._busy() and place in self.next:
                return max(at, self.next[place])
        return self.next.get(place)

    async def _compare(self, epoch: int, applied: Mapping[Place, int]) -> None:
        """Holds our positions against the database's, while nothing happens.

        Moves the database's past markers that follow the last record, so that a log that is read
        to its end looks so to others. A database that is behind us has lost transactions (a
        failover): then reading goes on where it is.
        """
        if epoch != self._epoch or self._busy():
            return
        known = dict(self.next)
        ranges = [
            Range(*place, known[place], known[place], at)
            for place, at in applied.items()
            if at > known[place]
        ]
        async with self._pool.acquire() as conn:
            if ranges:
                await ledger.move(conn, ranges)
            where = await ledger.positions(conn, known)
        if epoch != self._epoch:
            return
        if any(where[place] < at for place, at in known.items()):
            self._telemetry.trouble(self._name, "the database has lost positions; reading again")
            await self.reseek()
        else:
            self.next.update({place: where[place] for place in known})

    def _is_open(self, topic: str) -> bool:
        """Whether a topic may be read: others wait until the backlog of the first is applied."""
        return self._let_on or topic in self._first

    async def _heed_first(self, consumer: AIOKafkaConsumer) -> None:
        if self._let_on:
            return
        done = await self.caught_up()
        if not {place for place in self.next if place[0] in self._first} <= done:
            return
        self._let_on = True
        with contextlib.suppress(IllegalStateError):
            for topic, partition in self.next:
                if topic not in self.halted:
                    consumer.resume(TopicPartition(topic, partition))

    async def _heed_halts(self, consumer: AIOKafkaConsumer) -> None:
        async with self._pool.acquire() as conn:
            halted = {row["topic"] for row in await halt.halted(conn)}
        resumed, self.halted = self.halted - halted, halted
        with contextlib.suppress(IllegalStateError):
            for topic, partition in self.next:
                if topic in halted:
                    consumer.pause(TopicPartition(topic, partition))
                elif topic in resumed and self._is_open(topic):
                    consumer.resume(TopicPartition(topic, partition))
