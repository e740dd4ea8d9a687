"""One consumer group of a service: a FastStream batch subscriber whose offsets are ours.

FastStream polls, joins the group and stops gracefully; acknowledgement is manual, the parser is our
own (the stock one loses records over one bad header), and where reading goes on stands in Postgres.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal
from zlib import crc32

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faststream import AckPolicy
from faststream.kafka.message import KafkaMessage

from shared.draft import Entry
from shared.faults import Abandoned, Fenced, Halted, describe
from shared.kafka import is_family, pattern
from shared.positions import Positions
from shared.waiting import is_set
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
        first: frozenset[str],
        handler_name: Callable[[str], str],
        pool: asyncpg.Pool[asyncpg.Record],
        batches: Batches,
        telemetry: Telemetry,
        shift: timedelta,
        most: int,
        lanes: int,
        session_seconds: int,
        after_release: Callable[[asyncio.Event], Awaitable[Any]],
    ) -> None:
        self.kind = kind
        self.topics = list(topics)
        self.id = group_id(service, kind, topics)
        self._handler_name = handler_name
        self._batches = batches
        self._telemetry = telemetry
        self._shift = shift
        self._most = most
        self._lanes = lanes
        self._session_ms = session_seconds * 1000
        self._after_release = after_release
        self._idle = asyncio.Event()
        self._idle.set()
        self._abandon = asyncio.Event()
        self._subscriber: Any = None
        self.positions = Positions(
            name=kind, pool=pool, telemetry=telemetry, busy=lambda: self.busy, first=first
        )
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
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
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
        return frozenset(self.positions.next)

    @property
    def busy(self) -> bool:
        """Whether a batch is in hand."""
        return not self._idle.is_set()

    # -- polling -----------------------------------------------------------------------------

    async def _parse(self, records: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
        # Nothing else has run since the poll: from here on a rebalance waits for this batch.
        self._idle.clear()
        self.positions.touch()
        assert self.consumer is not None
        return KafkaMessage(body=b"", raw_message=records, consumer=self.consumer)

    async def _handle(self, records: tuple[ConsumerRecord[Any, Any], ...]) -> None:
        try:
            await self._apply(self._following(records))
        except asyncio.CancelledError:
            self.positions.drop()
            raise
        except Exception as error:  # noqa: BLE001 - FastStream would swallow it and go on
            self._telemetry.trouble(self.kind, describe(error))
            await self.positions.reseek()
        finally:
            self._idle.set()

    def _following(
        self, records: Sequence[ConsumerRecord[Any, Any]]
    ) -> list[ConsumerRecord[Any, Any]]:
        """The records that follow on our positions; others come from before a seek."""
        found = []
        for record in records:
            expected = self.positions.next.get((record.topic, record.partition))
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
            self.positions.next[record.topic, record.partition] = record.offset + 1
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
        positions = {place: self.positions.next[place] for place in places}
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
            self.positions.drop()
        elif errors:
            for error in errors:
                if isinstance(error, Halted):
                    self.positions.halted |= error.topics
                else:
                    self._telemetry.fenced.inc()
            await self.positions.reseek()
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

    # -- the group ---------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Waits for the batch in hand; the next owner would get its records a second time."""
        self._abandon.set()
        await is_set(self._idle, _WAIT_FOR_BATCH)
        await self.positions.release()
        self._telemetry.forget_partitions((tp.topic, tp.partition) for tp in revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Seeks to the positions in the database, in the background: heartbeats must go on."""
        self._abandon.clear()
        if self.consumer is not None:
            self.positions.take(self.consumer, assigned)

    async def caught_up(self) -> set[Place]:
        """Partitions whose backlog, as it was when they were assigned, has been applied."""
        return await self.positions.caught_up()

    async def tick(self, now: float) -> None:
        """Looks after the group once: Kafka's own offsets, lag, halted sources, being stuck."""
        ends, applied = await self.positions.tick()
        self.lag = self._watch.observe(now, ends, applied)
        for lag in self.lag:
            labels = (lag.topic, str(lag.partition))
            self._telemetry.lag.labels(*labels).set(lag.messages)
            self._telemetry.lag_seconds.labels(*labels).set(lag.seconds)

    def stuck(self, now: float) -> list[Place]:
        """Partitions that have not moved for too long although the log goes on."""
        return self._watch.stuck(now, self.positions.halted)

    def stop(self) -> None:
        """Ends a wait for something transient; FastStream then lets the batch in hand finish."""
        self._abandon.set()
        self.positions.cancel()


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message
