"""The probe on a real broker and database, in this process or in processes that a test may kill."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.kafka import Kafka
from shared import tolerant
from shared.runtime import Runtime
from tests.conftest import Databases
from tests.integration.probe.service import TOKEN, VAULT_KEYS, Probe, ProbeSettings
from tests.waiting import free_port, until

ROOT = Path(__file__).parents[3]
SOURCE = "/tests"
LETTERS = "probe.dead-letters"


class Process:
    """The probe as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    async def killed(self) -> None:
        """Waits until the process has died of SIGKILL."""
        assert await asyncio.wait_for(self._process.wait(), 60) == -signal.SIGKILL

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), 60)

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class World:
    """One test's topics (of a prefix of its own), database and probes."""

    def __init__(self, kafka: Kafka, databases: Databases, dsn: str) -> None:
        self.kafka = kafka
        self.databases = databases
        self.dsn = dsn
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self.conn: asyncpg.Connection[asyncpg.Record]
        self.producer: AIOKafkaProducer
        self.http = httpx.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}, timeout=30)
        self._running: list[tuple[Runtime, asyncio.Task[None]]] = []
        self._processes: list[Process] = []

    # -- life --------------------------------------------------------------------------------

    async def open(self) -> None:
        tolerant.install()
        self.conn = await asyncpg.connect(self.databases.superuser(self.dsn))
        # Uncompressed and without batching delays: a test's record is there when it was sent.
        self.producer = AIOKafkaProducer(**self.kafka.access().aiokafka(), max_request_size=10**7)
        await self.producer.start()
        await self.make_topics({"in": 4, "more": 4, "out": 4, "from.a": 1, "from.b": 1})
        await self.make_topics({LETTERS: 1})

    def name(self, topic: str) -> str:
        """A topic's full name; the one for dead letters is all tests' own."""
        return topic if topic == LETTERS else self.prefix + topic

    async def make_topics(self, topics: Mapping[str, int]) -> None:
        admin = AIOKafkaAdminClient(**self.kafka.access().aiokafka())
        await admin.start()
        try:
            await admin.create_topics(
                [NewTopic(self.name(name), count, 1) for name, count in topics.items()]
            )
        finally:
            await admin.close()

        async def there() -> bool:
            for name, count in topics.items():
                if len(await self.producer.partitions_for(self.name(name))) != count:
                    return False
            return True

        await until(there)

    async def close(self) -> None:
        for runtime, _ in self._running:
            runtime.stop()
        if self._running:
            _, late = await asyncio.wait([task for _, task in self._running], timeout=15)
            assert not late, "a probe did not stop"
        for process in self._processes:
            await process.kill()
        await self.producer.stop()
        await self.http.aclose()
        await self.conn.close()

    def settings(self, **other: Any) -> ProbeSettings:
        access = self.kafka.access()
        given = {
            "kafka": access.bootstrap,
            "kafka_user": access.user,
            "kafka_password": access.password,
            "topics": ROOT / "deploy/topics.toml",
            "dsn": self.dsn,
            "migration_dsn": self.databases.owner(self.dsn),
            "port": free_port(),
            "ops_token": TOKEN,
            "vault_keys": VAULT_KEYS,
            "stop_seconds": 5.0,
            "session_seconds": 6,
            **other,
        }
        return ProbeSettings.load(**given)

    async def start(self, probe: Probe | None = None, **settings: Any) -> Runtime:
        """Starts a probe in this process; returns when it is ready."""
        runtime = self.launch(probe, **settings)

        async def ready() -> bool:
            for _, task in self._running:
                if task.done():
                    task.result()
            return not await runtime.unready() and all(g.assigned for g in runtime.groups)

        await until(ready)
        return runtime

    def launch(self, probe: Probe | None = None, **settings: Any) -> Runtime:
        """Starts a probe in this process, and waits for nothing."""
        probe = probe or Probe(self.prefix)
        runtime = Runtime(probe.service(), self.settings(**settings))
        self._running.append((runtime, asyncio.create_task(runtime.run())))
        return runtime

    async def stop(self, runtime: Runtime) -> None:
        runtime.stop()
        for other, task in list(self._running):
            if other is runtime:
                await task
                self._running.remove((other, task))

    async def spawn(self, *, name: str = "one", failpoint: str = "", **other: Any) -> Process:
        """Starts the probe as a process of its own."""
        settings = self.settings(**other)
        port = settings.port
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GENVEJ_")},
            "PYTHONPATH": str(ROOT),
            "PROBE_NAME": name,
            "GENVEJ_FAILPOINT": failpoint,
            "GENVEJ_KAFKA": settings.kafka,
            "GENVEJ_PROBE_KAFKA_USER": settings.kafka_user,
            "GENVEJ_PROBE_KAFKA_PASSWORD": settings.kafka_password.get_secret_value(),
            "GENVEJ_TOPICS": str(settings.topics),
            "GENVEJ_PROBE_DSN": self.dsn,
            "GENVEJ_PROBE_MIGRATION_DSN": self.databases.owner(self.dsn),
            "GENVEJ_PROBE_PORT": str(port),
            "GENVEJ_PROBE_OPS_TOKEN": TOKEN,
            "GENVEJ_PROBE_VAULT_KEYS": VAULT_KEYS,
            "GENVEJ_PROBE_PREFIX": self.prefix,
            "GENVEJ_PROBE_SESSION_SECONDS": str(settings.session_seconds),
        }
        process = Process(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.probe.service", env=environment, cwd=ROOT
            ),
            port,
        )
        self._processes.append(process)
        return process

    async def ready(self, port: int) -> None:
        """Waits until a probe says that it is ready."""

        async def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.get(f"http://127.0.0.1:{port}/health/ready")
                return answer.status_code == 200
            return False

        await until(answers)

    # -- what goes in ------------------------------------------------------------------------

    async def publish(
        self,
        value: object,
        *,
        topic: str = "in",
        key: str | None = "730",
        subject: str = "",
        id: str | None = None,  # noqa: A002 - CloudEvents' name
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> str:
        """Publishes one message; bytes and None go as they are. Returns its id."""
        event_id = id or str(uuid.uuid4())
        raw = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
        attributes = [("ce_id", event_id), ("ce_source", SOURCE), ("ce_subject", subject)]
        await self.producer.send_and_wait(
            self.prefix + topic,
            key=key.encode() if key is not None else None,
            value=raw,
            headers=[*((n, t.encode()) for n, t in attributes if t), *headers],
        )
        return event_id

    async def publish_many(self, count: int, *, keys: int = 20) -> list[str]:
        """Publishes numbered messages over several keys; returns their values."""
        values = [f"{n:06d}" for n in range(count)]
        futures = [
            await self.producer.send(
                self.prefix + "in",
                key=f"k{n % keys}".encode(),
                value=json.dumps({"value": value}).encode(),
                headers=[
                    ("ce_id", value.encode()),
                    ("ce_source", SOURCE.encode()),
                    ("ce_subject", f"k{n % keys}".encode()),
                ],
            )
            for n, value in enumerate(values)
        ]
        await asyncio.gather(*futures)
        return values

    # -- what came of it ---------------------------------------------------------------------

    async def seen(self) -> list[str]:
        """The applied values in the order of their application."""
        rows = await self.conn.fetch("SELECT value FROM public.seen ORDER BY number")
        return [row["value"] for row in rows]

    async def has_seen(self, *values: str) -> list[str]:
        """Waits until these values have been applied; returns all that were."""

        async def there() -> list[str] | None:
            with contextlib.suppress(asyncpg.UndefinedTableError):
                seen = await self.seen()
                return seen if set(values) <= set(seen) else None
            return None

        found: list[str] = await until(there)
        return found

    async def count(self, table: str, where: str = "true") -> int:
        query = f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608
        number: int = await self.conn.fetchval(query)
        return number

    async def has(self, count: int, table: str, where: str = "true") -> None:
        """Waits until a table has so many rows."""

        async def enough() -> bool:
            with contextlib.suppress(asyncpg.UndefinedTableError):
                return await self.count(table, where) == count
            return False

        await until(enough)

    async def outbox_is_empty(self) -> None:
        await self.has(0, "runtime.outbox")

    async def received(self, topic: str = "out") -> list[Any]:
        """All committed records of a topic, by partition in order; waits for open transactions."""
        access = self.kafka.access().aiokafka()
        consumer = AIOKafkaConsumer(**access, isolation_level="read_committed")
        onlooker = AIOKafkaConsumer(**access)
        await asyncio.gather(consumer.start(), onlooker.start())
        try:
            name = self.name(topic)
            places = [TopicPartition(name, p) for p in await self.producer.partitions_for(name)]
            consumer.assign(places)

            async def settled() -> dict[TopicPartition, int] | None:
                ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
                return ends if ends == await onlooker.end_offsets(places) else None

            ends = await until(settled)
            records: list[Any] = []
            for place in places:
                consumer.seek(place, 0)
                while await consumer.position(place) < ends[place]:
                    for found in (await consumer.getmany(place, timeout_ms=200)).values():
                        records += found
            return records
        finally:
            await asyncio.gather(consumer.stop(), onlooker.stop())

    async def values_received(self) -> list[str]:
        """The values of the events that the probe published."""
        return [json.loads(record.value)["value"] for record in await self.received()]


@contextlib.asynccontextmanager
async def world(kafka: Kafka, databases: Databases, dsn: str) -> AsyncIterator[World]:
    """A world for one test."""
    made = World(kafka, databases, dsn)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
