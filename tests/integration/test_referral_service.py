"""The whole service on a real broker and a real database, between its hospitals and scheduling."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.demo.documents import fhir_plan, ruddi_fhir, ruddi_ggop
from deploy.local.kafka import Kafka
from services.referral.app import service
from services.referral.settings import ReferralSettings
from shared import tolerant
from shared.envelope import TYPE_PREFIX
from shared.runtime import Runtime
from tests.conftest import Databases
from tests.integration.referral_room import a_session
from tests.integration.referral_twin import TOKENS, staff_file
from tests.staff import KAREN
from tests.unit.referral.factories import HOSPITAL, ROOT, a_key
from tests.waiting import until

CLOCK = "2022-05-23T08:00:00+02:00"
INSIDE = "2022-05-28T07:00:00Z"


class Service:
    """The service in this process, with those who write to it and read of it."""

    def __init__(
        self, kafka: Kafka, databases: Databases, dsn: str, staff: Path | None = None
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        access = kafka.access("referral")
        self.kafka = kafka
        self.settings = ReferralSettings.load(
            kafka=access.bootstrap,
            kafka_user=access.user,
            kafka_password=access.password,
            topics=ROOT / "deploy/topics.toml",
            municipalities=ROOT / "deploy/municipalities",
            clock=CLOCK,
            dsn=dsn,
            migration_dsn=databases.owner(dsn),
            port=self.port,
            vault_keys=f"k1:{a_key('referral')}",
            citizens_keys=f"k1:{a_key('citizens')}",
            id_key=a_key("id"),
            cpr_key=a_key("cpr"),
            stop_seconds=5.0,
            staff=staff,
        )
        self.runtime = Runtime(service(self.settings), self.settings)
        self.hospital = AIOKafkaProducer(**kafka.access(f"hospital-{HOSPITAL}").aiokafka())
        self.scheduling = AIOKafkaProducer(**kafka.access("scheduling").aiokafka())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Service]:
        await asyncio.gather(self.hospital.start(), self.scheduling.start())
        task = asyncio.create_task(self.runtime.run())
        try:

            async def ready() -> bool:
                if task.done():
                    task.result()
                assigned = all(group.assigned for group in self.runtime.groups)
                return assigned and not await self.runtime.unready()

            await until(ready)
            yield self
        finally:
            self.runtime.stop()
            await asyncio.gather(task, self.hospital.stop(), self.scheduling.stop())

    async def sends(
        self, value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()
    ) -> None:
        """The hospital writes a document on its own topic."""
        topic = f"hospital.{HOSPITAL}.referrals"
        await self.hospital.send_and_wait(topic, value, key=b"any", headers=list(headers))

    async def books(self, order: dict[str, Any]) -> None:
        """Scheduling offers a session."""
        await self.scheduling.send_and_wait(
            "training",
            orjson.dumps(a_session(order, INSIDE)),
            key=order["provider"].encode(),
            headers=[
                ("ce_specversion", b"1.0"),
                ("ce_id", order["order_id"].encode()),
                ("ce_source", b"/genvej/scheduling"),
                ("ce_type", f"{TYPE_PREFIX}session.offered.v1".encode()),
                ("ce_subject", order["referral_id"].encode()),
            ],
        )

    async def reads(self, topic: str, user: str, count: int) -> list[Any]:
        """The first records of a topic, as its reader may read them."""
        consumer = AIOKafkaConsumer(
            topic,
            **self.kafka.access(user).aiokafka(),
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            found: list[Any] = []
            async with asyncio.timeout(60):
                while len(found) < count:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found += records
            assert len(found) == count
            return found
        finally:
            await consumer.stop()

    async def receipts(self, count: int) -> list[Any]:
        user = f"hospital-{HOSPITAL}"
        return await self.reads(f"hospital.{HOSPITAL}.receipts", user, count)

    async def events(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """What scheduling reads on `referrals`, as name and data."""
        records = await self.reads("referrals", "scheduling", count)
        named = [(dict(record.headers)["ce_type"].decode(), record) for record in records]
        return [
            (name.removeprefix(TYPE_PREFIX), orjson.loads(record.value)) for name, record in named
        ]

    async def decides(self, decision: str) -> None:
        """Karen settles the first entry of the worklist."""
        headers = {"authorization": f"Bearer {TOKENS[KAREN.id]}"}
        url = f"http://127.0.0.1:{self.port}/worklist"
        async with httpx.AsyncClient(headers=headers) as http:

            async def entry() -> str | None:
                listed = (await http.get(url)).json()
                return listed[0]["entry_id"] if listed else None

            path = f"{url}/{await until(entry)}/decision"

            async def done() -> bool:
                return (await http.post(path, json={"decision": decision})).is_success

            await until(done)

    async def row(self, query: str) -> tuple[Any, ...]:
        """The first row of a query, once there is one."""
        conn = await asyncpg.connect(self.settings.dsn.get_secret_value())
        try:
            return tuple(await until(lambda: conn.fetchrow(query)))
        finally:
            await conn.close()


@pytest.fixture
async def here(
    fresh_kafka: Kafka, databases: Databases, database: Databases
) -> AsyncIterator[Service]:
    tolerant.install()
    made = Service(fresh_kafka, databases, await database("referral"))
    async with made.running():
        yield made


def codes(records: Sequence[Any]) -> list[str]:
    """What FHIR receipts say."""
    bundles = [orjson.loads(record.value) for record in records]
    return [bundle["entry"][0]["resource"]["response"]["code"] for bundle in bundles]


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
async def test_ruddis_plan_goes_in_and_the_time_of_his_assessment_comes_out(
    here: Service, document: bytes
) -> None:
    await here.sends(document)
    (receipt,) = await here.receipts(1)
    assert b"fatal" not in receipt.value
    assert b"XCTL02" not in receipt.value
    events = await here.events(2)
    assert [name for name, _ in events] == ["referral.received.v1", "order.placed.v1"]
    assert events[0][1]["limit"] == "2022-05-31"
    assert events[0][1]["received_at"].startswith("2022-05-23T06:")

    await here.books(events[1][1])
    (status,) = await here.reads(f"hospital.{HOSPITAL}.status", f"hospital-{HOSPITAL}", 1)
    assert orjson.loads(status.value)["start"] == INSIDE
    assert status.key.decode() == events[0][1]["referral_id"]


async def test_odd_records_are_answered_and_good_ones_go_through(here: Service) -> None:
    await here.sends(None)
    await here.sends(b"")
    await here.sends(b"nonsense", [("ce_type", None), ("odd", b"\xff"), ("ce_id", b"\xfe\xff")])
    await here.sends(ruddi_fhir())
    receipts = await here.receipts(4)
    assert codes(receipts) == ["fatal-error", "fatal-error", "fatal-error", "ok"]


async def test_a_correction_that_came_first_is_taken_up_when_its_original_comes(
    here: Service,
) -> None:
    await here.sends(
        fhir_plan(document_id="plan-2", corrects="plan-1", discharge_date="2022-05-27")
    )
    assert codes(await here.receipts(1)) == ["transient-error"]
    await here.sends(fhir_plan(document_id="plan-1"))
    assert codes(await here.receipts(3)) == ["transient-error", "ok", "ok"]
    events = await here.events(4)
    assert [name for name, _ in events] == [
        "referral.received.v1",
        "order.placed.v1",
        "referral.revised.v1",
        "order.changed.v1",
    ]
    ids = [dict(record.headers)["ce_id"] for record in await here.receipts(3)]
    assert len(set(ids)) == 3


async def test_the_clocks_timers_are_set_and_removed(here: Service) -> None:
    conn = await asyncpg.connect(here.settings.dsn.get_secret_value())
    try:
        await here.sends(ruddi_fhir())
        events = await here.events(2)
        kinds = await conn.fetch("SELECT kind FROM runtime.timers ORDER BY kind")
        assert [row["kind"] for row in kinds] == ["limit.at-risk", "limit.missed"]
        await here.books(events[1][1])

        async def gone() -> bool:
            return not await conn.fetchval("SELECT count(*) FROM runtime.timers")

        await until(gone)
    finally:
        await conn.close()


async def test_the_metrics_count_documents_by_outcome(here: Service) -> None:
    await here.sends(ruddi_fhir())
    await here.sends(b"nonsense")
    await here.receipts(2)

    async def shown() -> bool:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{here.port}/metrics")
        return {
            'genvej_referral_documents_total{outcome="accepted"} 1.0',
            'genvej_referral_documents_total{outcome="unreadable"} 1.0',
        } <= set(answer.text.splitlines())

    await until(shown)


async def test_a_restored_database_knows_what_staff_decided_since(
    fresh_kafka: Kafka, databases: Databases, database: Databases, tmp_path: Path
) -> None:
    tolerant.install()
    staff = staff_file(tmp_path)
    settled = "SELECT entry_id, decision, closed_by, closed_at FROM worklist WHERE decision <> ''"
    closed = "SELECT referral_id, closed FROM referrals WHERE closed <> ''"
    lived = Service(fresh_kafka, databases, await database("referral"), staff)
    async with lived.running():
        await lived.sends(fhir_plan(document_id="plan-1"))
        await lived.sends(fhir_plan(document_id="plan-2"))
        await lived.decides("keep-newer")
        was = (await lived.row(settled), await lived.row(closed))
        said = await lived.reads("referrals", "scheduling", 8)

    restored = Service(fresh_kafka, databases, await database("referral"), staff)
    async with restored.running():
        assert (await restored.row(settled), await restored.row(closed)) == was
        again = await restored.reads("referrals", "scheduling", 16)
    ids = [[dict(record.headers)["ce_id"] for record in one] for one in (said, again)]
    assert set(ids[1]) == set(ids[0]), "what is said again has the ids that it had"
