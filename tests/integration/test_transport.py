"""The transport office reads what scheduling's own golden examples say, on its own principal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import Kafka
from examples.transport.office import SERVICE, TransportSettings, training
from shared.runtime import Runtime
from tests.conftest import Databases
from tests.delivery import deliver_twice
from tests.integration.probe.service import VAULT_KEYS
from tests.unit.shared.factories import NOW, a_message
from tests.waiting import free_port, until

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "shared/contracts"


def example(name: str, **other: Any) -> bytes:
    text = (CONTRACTS / f"session.{name}.v1.example.json").read_text(encoding="utf-8")
    return json.dumps({**json.loads(text), "session_id": "s1", **other}).encode()


OFFERED = example("offered", revision=1, transport=True)
MOVED = example("moved", revision=2, transport=True)
CANCELLED = example("cancelled", revision=3)


@pytest.fixture
async def conn(
    databases: Databases, database: Databases
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(await database("transport"))
    try:
        yield connection
    finally:
        await connection.close()


def news(name: str, value: bytes) -> Any:
    return a_message(type=f"dk.genvej.session.{name}.v1", value=value, topic="training")


async def test_a_ride_follows_its_session(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    stories = {"offered": OFFERED, "moved": MOVED, "cancelled": CANCELLED}
    starts = []
    for name, value in stories.items():
        await deliver_twice(conn, training, [news(name, value)], NOW)
        ride = await conn.fetchrow("SELECT * FROM rides")
        assert ride is not None
        starts.append((ride["state"], ride["revision"]))
    assert starts == [("ordered", 1), ("ordered", 2), ("cancelled", 3)]


async def test_other_events_are_ignored(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    message = a_message(type="dk.genvej.order.infeasible.v1", value=b"{}", topic="training")
    await deliver_twice(conn, training, [message], NOW)
    assert await conn.fetchval("SELECT count(*) FROM rides") == 0


async def test_it_runs_as_itself_on_a_closed_cluster(
    fresh_kafka: Kafka, databases: Databases, database: Databases
) -> None:
    dsn = await database("transport")
    access = fresh_kafka.access("transport")
    settings = TransportSettings.load(
        kafka=access.bootstrap,
        kafka_user=access.user,
        kafka_password=access.password,
        topics=ROOT / "deploy/topics.toml",
        dsn=dsn,
        port=free_port(),
        vault_keys=VAULT_KEYS,
    )
    runtime = Runtime(SERVICE, settings)
    running = asyncio.create_task(runtime.run())
    producer = AIOKafkaProducer(**fresh_kafka.access("scheduling").aiokafka())
    connection = await asyncpg.connect(dsn)
    await producer.start()
    try:
        for name, value in (("offered", OFFERED), ("cancelled", CANCELLED)):
            await producer.send_and_wait(
                "training",
                key=b"316",
                value=value,
                headers=[
                    ("ce_id", name.encode()),
                    ("ce_source", b"/genvej/scheduling"),
                    ("ce_type", f"dk.genvej.session.{name}.v1".encode()),
                ],
            )

        async def cancelled() -> bool:
            return bool(await connection.fetchval("SELECT state = 'cancelled' FROM rides"))

        await until(cancelled)
        assert await runtime.unready() == []
    finally:
        runtime.stop()
        await running
        await producer.stop()
        await connection.close()
