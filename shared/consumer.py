"""One consumer group of a service: a FastStream batch subscriber whose offsets are ours.

FastStream polls, joins the group and stops gracefully; acknowledgement is manual, the parser is our
own (the stock one loses records over one bad header), and where reading goes on stands in Postgres.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from zlib import crc32

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka.message import KafkaMessage

from shared import halt, ledger
from shared.draft import Entry
from shared.faults import Abandoned, Fenced, Halted, back_off, describe
from shared.kafka import is_family, pattern
from shared.ledger import Range
from shared.waiting import is_set, within
from shared.watch import Lag, Place, Watch
from shared.wire import inbox_key, read

if TYPE_CHECKING:
    import asyncpg
    from aiokafka import AIOKafkaConsumer, ConsumerRecord
    from faststream.kafka import KafkaBroker

    from shared.batch import Batches
    from shared.envelope import Message
    from shared.telemetry import Telemetry

Kind = Literal["keyed", "intake"]
_REBALANCE_MS: Final = 60_000
_WAIT_FOR_BATCH: Final = 50.0
_POLL_MS: Final = 15
_WORTH_LANES: Final = 64
_PATIENCE: Final = 60.0


def group_id(service: str, kind: Kind, topics: Iterable[str]) -> str:
    """The group's name; another set of topics is another group.

    During a rolling update a member that knows one topic more would get all of its partitions.
    """
    digest = hashlib.sha256("\n".join(sorted(topics)).encode()).hexdigest()[:8]
    return f"{service}.{kind}.{digest}"


class Group(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads one kind of topics of a service, batch after batch."""

    def __init__(
        self,
        *,
        service: str,
        kind: Kind,
        topics: Sequence[str],
        handler_name: Callable[[str], str],
        pool: asyncpg.Pool[asyncpg.Record],
        batches: Batches,
        telemetry: Telemetry,
        shift: timedelta,
        most: int,
        lanes: int,
        after_release: Callable[[asyncio.Event], Awaitable[Any]],
    ) -> None:
        self.kind = kind
        self.topics = list(topics)
        self.id = group_id(service, kind, topics)
        self._handler_name = handler_name
        self._pool = pool
        self._batches = batches
        self._telemetry = telemetry
        self._shift = shift
        self._most = most
        self._lanes = lanes
        self._after_release = after_release
        # Where the next record is expected. While a place stands here and no batch is in hand, all
        # before the consumer's position has been applied: a batch that is given up clears it.
        self._next: dict[Place, int] = {}
        self._epoch = 0  # another one: positions or what was polled may have changed
        self._backlog: dict[Place, int] = {}
        self._committed: dict[Place, int] = {}
        self._halted: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._abandon = asyncio.Event()
        self._positioning: asyncio.Task[None] | None = None
        self._subscriber: Any = None
        self._watch = Watch(patience=_PATIENCE)
        self.lag: list[Lag] = []

    def subscribe(self, broker: KafkaBroker) -> None:
        """Declares the subscriber on a broker that has not started."""
        families = any(is_family(topic) for topic in self.topics)
        names = () if families else tuple(self.topics)
        self._subscriber = broker.subscriber(
            *names,
            pattern=pattern(self.topics).replace("{", "{{").replace("}", "}}")
            if families
            else None,
            batch=True,
            group_id=self.id,
            ack_policy=AckPolicy.MANUAL,
            listener=self,
            parser=self._parse,
            decoder=_decode,
            max_records=self._most * self._lanes,
            batch_timeout_ms=_POLL_MS,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            rebalance_timeout_ms=_REBALANCE_MS,
            # Equal partition numbers of all keyed topics come to the same member; one-partition
            # topics would all come to the first one.
            partition_assignment_strategy=(
                RangePartitionAssignor if self.kind == "keyed" else RoundRobinPartitionAssignor,
            ),
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=2 * 1024 * 1024,
        )
        self._subscriber(self._handle)

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """FastStream's consumer, once it runs."""
        return self._subscriber.consumer if self._subscriber is not None else None

    @property
    def assigned(self) -> frozenset[Place]:
        """Partitions whose position has been taken from the database."""
        return frozenset(self._next)

    @property
    def busy(self) -> bool:
        """Whether a batch is in hand."""
        return not self._idle.is_set()

    # -- polling -----------------------------------------------------------------------------

    async def _parse(self, records: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
        # Nothing else has run since the poll: from here on a rebalance waits for this batch.
        self._idle.clear()
        self._epoch += 1
        assert self.consumer is not None
        return KafkaMessage(body=b"", raw_message=records, consumer=self.consumer)

    async def _handle(self, records: tuple[ConsumerRecord[Any, Any], ...]) -> None:
        try:
            await self._apply(self._following(records))
        except asyncio.CancelledError:
            self._next.clear()
            raise
        except Exception as error:  # noqa: BLE001 - FastStream would swallow it and go on
            self._telemetry.trouble(self.kind, describe(error))
            await self._reseek()
        finally:
            self._idle.set()

    def _following(
        self, records: Sequence[ConsumerRecord[Any, Any]]
    ) -> list[ConsumerRecord[Any, Any]]:
        """The records that follow on our positions; others come from before a seek."""
        found = []
        for record in records:
            expected = self._next.get((record.topic, record.partition))
            if expected is not None and record.offset >= expected:
                found.append(record)
        return found

    async def _apply(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        if not records:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        entries = [self._entry(read(record, self._shift)) for record in records]
        done = await asyncio.gather(
            *(self._lane(lane) for lane in self._lanes_of(entries)), return_exceptions=True
        )
        if await self._failed([result for result in done if isinstance(result, BaseException)]):
            return
        for record in records:
            self._next[record.topic, record.partition] = record.offset + 1
        self._telemetry.well(self.kind)
        self._telemetry.batch_seconds.labels(self.kind).observe(loop.time() - began)
        oldest = min(entry.message.timestamp for entry in entries)
        age = (self._batches.clock.now() - oldest) / timedelta(seconds=1)
        self._telemetry.end_to_end.labels(self.kind).observe(max(age, 0.0))
        if True in done:
            with contextlib.suppress(Abandoned):  # they stay parked, and are found again
                await self._after_release(self._abandon)

    def _lanes_of(self, entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
        """Parts that share no partition number, and so no key, to be applied side by side.

        While one waits for the database, Python works on the other.
        """
        if self._lanes == 1 or len(entries) < _WORTH_LANES:
            return (entries,)
        lanes: dict[int, list[Entry]] = {}
        for entry in entries:
            message = entry.message
            number = message.partition if self.kind == "keyed" else crc32(message.topic.encode())
            lanes.setdefault(number % self._lanes, []).append(entry)
        return lanes.values()

    async def _lane(self, entries: Sequence[Entry]) -> bool:
        """Applies one lane, a transaction's worth at a time; returns whether it released any."""
        released = False
        places = {(entry.message.topic, entry.message.partition) for entry in entries}
        positions = {place: self._next[place] for place in places}
        for start in range(0, len(entries), self._most):
            part = entries[start : start + self._most]
            results = await self._batches.apply(part, positions=positions, abandon=self._abandon)
            released = released or any(result.released for result in results)
        return released

    async def _failed(self, errors: Sequence[BaseException]) -> bool:
        """Deals with lanes that did not come through; what others committed counts all the same."""
        for error in errors:
            if not isinstance(error, (Fenced, Halted, Abandoned)):
                raise error
        if any(isinstance(error, Abandoned) for error in errors):
            self._next.clear()
        elif errors:
            for error in errors:
                if isinstance(error, Halted):
                    self._halted |= error.topics
                else:
                    self._telemetry.fenced.inc()
            await self._reseek()
        return bool(errors)

    def _entry(self, message: Message) -> Entry:
        name = self._handler_name(message.topic)
        place = f"{message.topic}/{message.partition}/{message.offset}"
        if self.kind == "intake" or not message.source:
            # An outsider's id proves nothing: two documents under one id are two causes.
            return Entry(message, place, name)
        return Entry(
            message,
            f"{message.source}/{message.id}",
            name,
            key=inbox_key(self._batches.service, message.source, message.id),
        )

    # -- positions ---------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Waits for the batch in hand; the next owner would get its records a second time."""
        self._abandon.set()
        if self._positioning is not None:
            self._positioning.cancel()
        await is_set(self._idle, _WAIT_FOR_BATCH)
        await self.commit()
        self._telemetry.forget_partitions((tp.topic, tp.partition) for tp in revoked)
        self._next.clear()
        self._backlog.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seeks to the positions in the database, in the background: heartbeats must go on."""
        self._abandon.clear()
        self._next.clear()
        self._backlog.clear()
        consumer = self.consumer
        if consumer is not None and assigned:
            consumer.pause(*assigned)
            self._positioning = asyncio.create_task(self._position(consumer, set(assigned)))

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
                    self._halted = {row["topic"] for row in await halt.halted(conn)}
                for tp in assigned:
                    self._seek(consumer, tp, where[tp.topic, tp.partition], begins[tp], ends[tp])
            except IllegalStateError:
                return  # revoked meanwhile; the next assignment positions anew
            except Exception as error:  # noqa: BLE001 - without a position nothing can be read
                self._telemetry.trouble("positions", describe(error))
                if self._abandon.is_set():
                    return
                await asyncio.sleep(back_off(attempt))
                attempt += 1
            else:
                self._telemetry.well("positions")
                return

    def _seek(
        self, consumer: AIOKafkaConsumer, tp: TopicPartition, next_: int, begin: int, end: int
    ) -> None:
        place = (tp.topic, tp.partition)
        trouble = f"position {tp.topic}/{tp.partition}"
        if next_ > end:
            # Another cluster, or a topic made anew: reading from anywhere would be a guess.
            self._telemetry.trouble(trouble, f"the database is at {next_}, the log ends at {end}")
            return
        self._telemetry.well(trouble)
        if 0 < next_ < begin:
            self._telemetry.missed(tp.topic, tp.partition, begin - next_)
        self._epoch += 1
        consumer.seek(tp, max(next_, begin))
        self._next[place] = max(next_, begin)
        self._backlog.setdefault(place, end)
        if tp.topic not in self._halted:
            consumer.resume(tp)

    async def _reseek(self) -> None:
        """Goes on where the database says, after a batch that did not count."""
        consumer = self.consumer
        if consumer is None:
            return
        assigned: set[TopicPartition] = consumer.assignment()
        self._next.clear()
        with contextlib.suppress(IllegalStateError):
            consumer.pause(*assigned)
            await self._position(consumer, assigned)

    async def caught_up(self) -> set[Place]:
        """Partitions whose backlog, as it was when they were assigned, has been applied."""
        consumer = self.consumer
        done = set()
        for place, end in list(self._backlog.items()):
            # The log ends in a transaction's marker: the position counts, not the last record.
            at = await self._applied(consumer, place) if consumer is not None else None
            if at is not None and at >= end:
                done.add(place)
        return done

    async def commit(self) -> None:
        """Tells Kafka our positions, for lag tools alone; a failure changes nothing."""
        consumer = self.consumer
        fresh = {p: n for p, n in self._next.items() if self._committed.get(p) != n}
        if consumer is None or not fresh:
            return
        with contextlib.suppress(KafkaError, IllegalStateError, TimeoutError):
            await within(5.0, consumer.commit({TopicPartition(*p): n for p, n in fresh.items()}))
            self._committed.update(fresh)

    async def tick(self, now: float) -> None:
        """Looks after the group once: Kafka's own offsets, lag, halted sources, being stuck."""
        consumer = self.consumer
        if consumer is None or not self._next:
            self.lag = []
            return
        await self.commit()
        await self._heed_halts(consumer)
        epoch = self._epoch
        places = list(self._next)
        ends: dict[TopicPartition, int] = await within(
            10.0, consumer.end_offsets([TopicPartition(*place) for place in places])
        )
        applied = {place: await self._applied(consumer, place) for place in places}
        await self._compare(epoch, applied)
        self.lag = self._watch.observe(
            now,
            {(tp.topic, tp.partition): e for tp, e in ends.items()},
            {place: at for place, at in applied.items() if at is not None},
        )
        for lag in self.lag:
            labels = (lag.topic, str(lag.partition))
            self._telemetry.lag.labels(*labels).set(lag.messages)
            self._telemetry.lag_seconds.labels(*labels).set(lag.seconds)

    def stuck(self, now: float) -> list[Place]:
        """Partitions that have not moved for too long although the log goes on."""
        return self._watch.stuck(now, self._halted)

    async def _applied(self, consumer: AIOKafkaConsumer, place: Place) -> int | None:
        """Where applied records end; when nothing is in hand, behind markers that follow them."""
        with contextlib.suppress(IllegalStateError, KafkaError, TimeoutError):
            position: int = await within(1.0, consumer.position(TopicPartition(*place)))
            if not self.busy and place in self._next:
                return max(position, self._next[place])
        return self._next.get(place)

    async def _compare(self, epoch: int, applied: Mapping[Place, int | None]) -> None:
        """Holds our positions against the database's, while nothing happens.

        Moves the database's past markers that follow the last record, so that a log that is read
        to its end looks so to others. A database that is behind us has lost transactions (a
        failover): then reading goes on where it is.
        """
        if epoch != self._epoch or self.busy:
            return
        known = dict(self._next)
        ranges = [
            Range(*place, known[place], known[place], at)
            for place, at in applied.items()
            if at is not None and place in known and at > known[place]
        ]
        async with self._pool.acquire() as conn:
            if ranges:
                await ledger.move(conn, ranges)
            where = await ledger.positions(conn, known)
        if epoch == self._epoch and any(where[place] < at for place, at in known.items()):
            self._telemetry.trouble(self.kind, "the database has lost positions; reading again")
            await self._reseek()

    async def _heed_halts(self, consumer: AIOKafkaConsumer) -> None:
        async with self._pool.acquire() as conn:
            halted = {row["topic"] for row in await halt.halted(conn)}
        resumed, self._halted = self._halted - halted, halted
        with contextlib.suppress(IllegalStateError):
            for topic, partition in self._next:
                if topic in halted:
                    consumer.pause(TopicPartition(topic, partition))
                elif topic in resumed:
                    consumer.resume(TopicPartition(topic, partition))

    def stop(self) -> None:
        """Ends a wait for something transient; FastStream then lets the batch in hand finish."""
        self._abandon.set()
        if self._positioning is not None:
            self._positioning.cancel()


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message
