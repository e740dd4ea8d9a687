"""Three ways to do the same work, each in a process of its own: python -m ... NAME.

Each prints one line of JSON when it has done its work: seconds from its first batch to its last
commit and publication, and seconds of CPU.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import SASLScram512
from pydantic import ValidationError

from shared import logs
from shared.envelope import Event, Message
from shared.handling import Applied, Dead, Outcome, Unit
from shared.runtime import Runtime
from shared.service import Service, Subscription
from shared.settings import ServiceSettings
from tests.benchmarks.mechanism.workload import Order, answer

IN, OUT = os.environ.get("BENCH_IN", ""), os.environ.get("BENCH_OUT", "")
RECORDS = int(os.environ.get("BENCH_RECORDS", "0"))
DSN = os.environ.get("BENCH_DSN", "")
GROUP = os.environ.get("BENCH_GROUP", "")


def access() -> dict[str, Any]:
    return {
        "bootstrap_servers": os.environ["GENVEJ_KAFKA"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": os.environ["GENVEJ_BENCH_KAFKA_USER"],
        "sasl_plain_password": os.environ["GENVEJ_BENCH_KAFKA_PASSWORD"],
    }


class Stopwatch:
    """From the first batch to the end, in seconds of time and of this process's CPU."""

    def __init__(self) -> None:
        self.began = self.cpu = 0.0

    def start(self) -> None:
        if not self.began:
            self.began, self.cpu = time.perf_counter(), self._used()

    def stop(self, **more: object) -> None:
        seconds, cpu = time.perf_counter() - self.began, self._used() - self.cpu
        print(json.dumps({"seconds": seconds, "cpu": cpu, **more}), flush=True)

    @staticmethod
    def _used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime


# -- the runtime ---------------------------------------------------------------------------------


class BenchSettings(ServiceSettings):
    service: ClassVar[str] = "bench"


UPSERT = """
INSERT INTO state AS s (key, version, value)
SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[])
ON CONFLICT (key) DO UPDATE SET version = s.version + excluded.version, value = excluded.value
RETURNING key, version
"""


async def runtime() -> None:
    watch = Stopwatch()

    async def orders(unit: Unit, messages: Sequence[Message]) -> Sequence[Outcome]:
        watch.start()
        found: list[Order | None] = []
        counts: dict[str, int] = {}
        newest: dict[str, bytes] = {}
        for message in messages:
            try:
                order = Order.model_validate_json(message.value or b"")
            except ValidationError:
                found.append(None)
                continue
            found.append(order)
            counts[order.key] = counts.get(order.key, 0) + 1
            newest[order.key] = message.value or b""
        keys = sorted(counts)
        rows = await unit.conn.fetch(
            UPSERT, keys, [counts[key] for key in keys], [newest[key] for key in keys]
        )
        # The version before this batch, counted up event by event.
        version = {key: number - counts[key] for key, number in rows}
        outcomes: list[Outcome] = []
        for maybe in found:
            if maybe is None:
                outcomes.append(Dead(reason="not an order"))
                continue
            key = maybe.key
            version[key] += 1
            event = Event(
                topic=OUT,
                key=key,
                type="dk.genvej.bench.done.v1",
                subject=key,
                value=answer(key, version[key]),
            )
            outcomes.append(Applied(events=(event,)))
        return outcomes

    service = Service(
        name="bench",
        migrations=Path(__file__).parent / "migrations",
        subscriptions=[Subscription(topics=[IN], handler=orders)],
    )
    logs.configure("bench", "WARNING")
    running = Runtime(service, BenchSettings.load())
    done = asyncio.create_task(running.run())
    metrics = running.telemetry

    def settled() -> bool:
        read = sum(c._value.get() for c in (metrics.applied, metrics.duplicates))
        return bool(read >= RECORDS and metrics.relayed._value.get() >= metrics.events._value.get())

    while not settled() and not done.done():  # noqa: ASYNC110 - counters say when it is over
        await asyncio.sleep(0.005)
    watch.stop(duplicates=metrics.duplicates._value.get(), malformed=metrics.dead._value.get())
    running.stop()
    await done


# -- FastStream as its tutorial has it: one message, one transaction ------------------------------


async def tutorial() -> None:
    watch = Stopwatch()
    pool = await asyncpg.create_pool(DSN, min_size=2, max_size=8)
    user, password = access()["sasl_plain_username"], access()["sasl_plain_password"]
    broker = KafkaBroker(
        os.environ["GENVEJ_KAFKA"], security=SASLScram512(user, password), logger=None
    )
    finished = asyncio.Event()
    seen = 0

    async def count(_message: KafkaMessage) -> None:
        nonlocal seen
        watch.start()
        seen += 1
        if seen >= RECORDS:
            finished.set()

    @broker.subscriber(IN, group_id=GROUP, auto_offset_reset="earliest", ack_policy=AckPolicy.ACK)
    async def handle(order: Order, message: KafkaMessage) -> None:
        await count(message)
        async with pool.acquire() as conn, conn.transaction():
            fresh = await conn.fetchval(
                "INSERT INTO inbox VALUES ($1) ON CONFLICT DO NOTHING RETURNING true",
                message.headers["ce_id"],
            )
            if not fresh:
                return
            version = await conn.fetchval(
                """INSERT INTO state AS s VALUES ($1, 1, $2) ON CONFLICT (key)
                   DO UPDATE SET version = s.version + 1, value = excluded.value
                   RETURNING version""",
                order.key,
                message.body,
            )
        await broker.publish(answer(order.key, version), OUT, key=order.key.encode())

    async with broker:
        await broker.start()
        await finished.wait()
        watch.stop()
    await pool.close()


# -- the bare floor: what the client libraries do when nothing is promised ------------------------

FLOOR_UPSERT = """
INSERT INTO state AS s SELECT key, count(*), max(value) FROM staging GROUP BY key
ON CONFLICT (key) DO UPDATE SET version = s.version + excluded.version, value = excluded.value
"""


async def floor() -> None:
    watch = Stopwatch()
    conn = await asyncpg.connect(DSN)
    await conn.execute("CREATE TEMP TABLE staging (key text, value bytea) ON COMMIT DELETE ROWS")
    consumer = AIOKafkaConsumer(
        IN,
        **access(),
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    producer = AIOKafkaProducer(**access(), acks="all", max_batch_size=256 * 1024, linger_ms=2)
    await consumer.start()
    await producer.start()
    seen = 0
    gc.freeze()
    while seen < RECORDS:
        batches = await consumer.getmany(max_records=500, timeout_ms=1000)
        if not batches:
            continue
        watch.start()
        records = [record for batch in batches.values() for record in batch]
        seen += len(records)
        good = [
            (record.key.decode(), record.value)
            for record in records
            if record.value and record.value[:1] == b"{" and record.value[-1:] == b"}"
        ]
        async with conn.transaction():
            await conn.copy_records_to_table("staging", records=good)
            await conn.execute(FLOOR_UPSERT)
        futures = [
            await producer.send(OUT, key=key.encode(), value=answer(key, 1)) for key, _ in good
        ]
        await asyncio.gather(*futures)
        await consumer.commit()
    watch.stop()
    await producer.stop()
    await consumer.stop()
    await conn.close()


CONTESTANTS: Mapping[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "runtime": runtime,
    "tutorial": tutorial,
    "floor": floor,
}

GUARANTEES: Mapping[str, str] = {
    "runtime": "nothing lost, nothing doubled, order per key, malformed kept as dead letters",
    "tutorial": "duplicates dropped; a kill or an error loses events; malformed lost",
    "floor": "duplicates counted twice, a kill doubles; malformed skipped; no validation",
}

if __name__ == "__main__":
    profile = cProfile.Profile() if "PROFILE" in os.environ else contextlib.nullcontext()
    with profile:
        uvloop.run(CONTESTANTS[sys.argv[1]]())
    if isinstance(profile, cProfile.Profile):
        profile.dump_stats(f"{os.environ['PROFILE']}.{sys.argv[1]}")
