"""The whole service on a real broker and database, between roster systems and referral."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.demo.capacity import rosters, statements
from deploy.local.kafka import Kafka
from services.scheduling import incoming
from services.scheduling.app import service
from services.scheduling.responses import DECLINED
from services.scheduling.settings import SchedulingSettings
from shared import tolerant
from shared.runtime import Runtime
from tests.conftest import Databases
from tests.integration.probe.service import VAULT_KEYS
from tests.unit.scheduling.factories import an_answer
from tests.waiting import free_port, until

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "shared" / "contracts"
CLOCK = "2022-05-23T08:00:00+02:00"


@contextlib.asynccontextmanager
async def running(kafka: Kafka, databases: Databases, dsn: str) -> AsyncIterator[Runtime]:
    """The service in this process, on the morning of the story."""
    access = kafka.access("scheduling")
    settings = SchedulingSettings.load(
        kafka=access.bootstrap,
        kafka_user=access.user,
        kafka_password=access.password,
        topics=ROOT / "deploy" / "topics.toml",
        municipalities=ROOT / "deploy" / "municipalities",
        clock=CLOCK,
        dsn=dsn,
        migration_dsn=databases.owner(dsn),
        port=free_port(),
        vault_keys=VAULT_KEYS,
        stop_seconds=5.0,
    )
    runtime = Runtime(service(settings), settings)
    task = asyncio.create_task(runtime.run())

    async def ready() -> bool:
        if task.done():
            task.result()
        return not await runtime.unready() and all(group.assigned for group in runtime.groups)

    try:
        await until(ready)
        yield runtime
    finally:
        runtime.stop()
        await task


class Topics:
    """What others write and read, each as its own user."""

    def __init__(self, kafka: Kafka) -> None:
        self.kafka = kafka

    async def write(
        self, user: str, topic: str, *values: bytes, key: str = "", kind: str = ""
    ) -> None:
        producer = AIOKafkaProducer(**self.kafka.access(user).aiokafka())
        await producer.start()
        try:
            for number, value in enumerate(values):
                headers = [
                    ("ce_specversion", b"1.0"),
                    ("ce_id", f"{kind}-{number}".encode()),
                    ("ce_source", b"/genvej/referral"),
                    ("ce_type", kind.encode()),
                ]
                await producer.send_and_wait(
                    topic,
                    value,
                    key=key.encode() or None,
                    headers=headers if kind else [],
                )
        finally:
            await producer.stop()

    async def read(
        self, user: str, topic: str, enough: str, count: int = 1, of: str = "id"
    ) -> list[Any]:
        """Reads from the beginning until `count` records of the kind `enough` are there.

        Counted is what differs in `of`: by default the event's id, else that field.
        """
        consumer = AIOKafkaConsumer(
            topic,
            **self.kafka.access(user).aiokafka(),
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        found: list[Any] = []
        try:
            async with asyncio.timeout(60):
                async for record in consumer:
                    headers = dict(record.headers)
                    kind = headers["ce_type"].decode().removeprefix("dk.genvej.")
                    data = orjson.loads(record.value)
                    found.append({"type": kind, "id": headers["ce_id"], **data})
                    if len({one[of] for one in found if one["type"] == enough}) == count:
                        break
        finally:
            await consumer.stop()
        return found


@pytest.fixture
def topics(fresh_kafka: Kafka) -> Topics:
    tolerant.install()
    return Topics(fresh_kafka)


async def test_from_a_roster_and_an_order_to_an_offer_inside_the_limit(
    topics: Topics, database: Databases
) -> None:
    holbaek = [one.value for one in statements(rosters()["316"], date(2022, 5, 23), 2)]
    order = (CONTRACTS / "order.placed.v1.example.json").read_bytes()
    async with running(topics.kafka, database, await database("scheduling")):
        await topics.write("roster-holbaek", "roster.holbaek.capacity", b"no JSON", *holbaek)
        receipts = await topics.read(
            "roster-holbaek", "roster.holbaek.receipts", "capacity.accepted.v1", len(holbaek)
        )
        await topics.write("referral", "referrals", order, key="316", kind=incoming.ORDER_PLACED)
        told = await topics.read("notifications", "training", "session.offered.v1")
        answer = orjson.dumps(an_answer(told[-1]))
        await topics.write("scheduling", "responses", answer, key="316", kind=DECLINED)
        moved = (await topics.read("notifications", "training", "session.moved.v1"))[-1]
        status = await topics.read(
            "planner", "capacity-status", "capacity.status.v1", 3, of="location"
        )
    assert [one["type"] for one in receipts] == [
        "capacity.refused.v1",
        *["capacity.accepted.v1"] * len(holbaek),
    ]
    offered = told[-1]
    assert moved["previous"]["start"] == offered["start"] != moved["start"]
    assert offered["limit"] == "2022-05-31"
    assert offered["inside_limit"] is True
    assert offered["location"]["code"] == "holbaek"
    assert {one["location"] for one in status} == {"holbaek", "toelloese", "jyderup"}
