"""The whole service as a process, on real Kafka and Postgres: killed, started again, stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.kafka import Kafka
from shared.envelope import Message
from tests.conftest import Databases
from tests.integration.notifications_world import ROOT, TOKEN, Servers
from tests.unit.notifications.factories import CITIZENS_KEYS, VAULT_KEYS, a_citizen, an_offer
from tests.waiting import free_port, until

COUNT = 60


class Process:
    """`python -m services.notifications` with everything that it needs."""

    def __init__(self, kafka: Kafka, dsn: str, servers: Servers, log: Path) -> None:
        self.port = free_port()
        self.log = log
        self.running: subprocess.Popen[bytes] | None = None
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "GENVEJ_KAFKA": kafka.bootstrap,
            "GENVEJ_TOPICS": str(ROOT / "deploy" / "topics.toml"),
            "GENVEJ_MUNICIPALITIES": str(ROOT / "deploy" / "municipalities"),
            "GENVEJ_CLOCK": "2026-11-24T10:00:00+01:00",
            "GENVEJ_CITIZENS_KEYS": CITIZENS_KEYS,
            "GENVEJ_NOTIFICATIONS_DSN": dsn,
            "GENVEJ_NOTIFICATIONS_KAFKA_USER": "notifications",
            "GENVEJ_NOTIFICATIONS_KAFKA_PASSWORD": kafka.password("notifications"),
            "GENVEJ_NOTIFICATIONS_PORT": str(self.port),
            "GENVEJ_NOTIFICATIONS_VAULT_KEYS": VAULT_KEYS,
            "GENVEJ_NOTIFICATIONS_SMTP": servers.smtp_url,
            "GENVEJ_NOTIFICATIONS_MAIL_FROM": "genvej@randers.example",
            "GENVEJ_NOTIFICATIONS_SMS_URL": servers.sms_url,
            "GENVEJ_NOTIFICATIONS_SMS_TOKEN": TOKEN,
            "GENVEJ_NOTIFICATIONS_CALL_SECONDS": "2",
        }

    def start(self, failpoint: str = "") -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "services.notifications"],
                cwd=ROOT,
                env={**self._environment, "GENVEJ_FAILPOINT": failpoint},
                stderr=log,
            )

    async def ended(self) -> int:
        assert self.running is not None
        return await asyncio.to_thread(self.running.wait, 60)

    def end(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.kill()
            self.running.wait()

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path)
    try:
        await servers.start()
        yield servers
    finally:
        await servers.stop()


async def publish(kafka: Kafka, user: str, messages: Sequence[Message]) -> None:
    producer = AIOKafkaProducer(**kafka.access(user).aiokafka())
    await producer.start()
    try:
        for message in messages:
            headers: Mapping[str, str] = {
                "ce_id": message.id,
                "ce_source": message.source,
                "ce_type": message.type,
                "ce_subject": message.subject,
            }
            await producer.send(
                message.topic,
                message.value,
                key=message.key,
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
    finally:
        await producer.stop()


async def told(kafka: Kafka, count: int) -> list[dict[str, str]]:
    """The first `count` different events on the topic `notifications`, in order."""
    consumer = AIOKafkaConsumer(
        "notifications",
        **kafka.access("referral").aiokafka(),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    found: dict[str, dict[str, str]] = {}
    try:
        async with asyncio.timeout(60):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        headers = dict(record.headers)
                        data = json.loads(record.value)
                        kind = headers["ce_type"].decode().split(".")[3]
                        found[headers["ce_id"].decode()] = {**data, "kind": kind}
    finally:
        await consumer.stop()
    return list(found.values())


async def test_a_service_that_is_killed_while_sending_tells_everybody_once(
    fresh_kafka: Kafka, database: Databases, servers: Servers, tmp_path: Path
) -> None:
    dsn = await database("notifications")
    process = Process(fresh_kafka, dsn, servers, tmp_path / "service.log")
    offers = [an_offer(citizen=f"c{n}", session=f"s{n}", referral=f"r{n}") for n in range(COUNT)]
    contacts = [a_citizen(f"c{n}", email=None) for n in range(COUNT)]
    try:
        process.start("after-call:20")
        # The offers come first and wait for their contacts.
        await publish(fresh_kafka, "scheduling", offers)
        await publish(fresh_kafka, "referral", contacts)
        assert await process.ended() == -signal.SIGKILL
        process.start()
        await until(lambda: _count(servers, COUNT))
        texts = await servers.texts()
        assert len({text["reference"] for text in texts}) == len(texts) == COUNT
        async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
            query = "SELECT count(*) = $1 FROM message WHERE status = 'sent'"
            await until(lambda: pool.fetchval(query, COUNT))
            waiting = "SELECT count(*) FROM message WHERE status = 'uncertain'"
            assert await pool.fetchval(waiting) == 0
        assert "genvej_notifications_outcomes_total" in await process.metrics()
        events = await told(fresh_kafka, COUNT)
        sent = {event["notification_id"] for event in events if event["kind"] == "sent"}
        assert sent <= {text["reference"] for text in texts}
        assert process.running is not None
        process.running.terminate()
        assert await process.ended() == 0
        assert "Ruddi" not in process.log.read_text(encoding="utf-8")
    finally:
        process.end()


async def _count(servers: Servers, count: int) -> bool:
    return len(await servers.texts()) >= count
