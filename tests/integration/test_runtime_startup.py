"""What a service checks before it works, and what it says of itself."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.kafka import Kafka
from shared.migrate import RUNTIME_MIGRATIONS, MigrationError, migrate, pending
from tests.conftest import Databases
from tests.integration.probe.service import MIGRATIONS
from tests.integration.probe.world import World, world
from tests.waiting import free_port, until


@pytest.fixture
async def here(kafka: Kafka, database: Databases) -> AsyncIterator[World]:
    async with world(kafka, database, await database("probe")) as made:
        yield made


async def test_several_processes_may_migrate_at_once(database: Databases) -> None:
    dsn = await database("probe")
    owner = database.owner(dsn)
    done = await asyncio.gather(
        *(migrate(owner, [MIGRATIONS], runtime_role="probe") for _ in range(5))
    )
    assert sorted(name for names in done for name in names) == ["0001_seen"]
    conn = await asyncpg.connect(dsn)
    try:
        assert await pending(conn, [MIGRATIONS]) == []
        await conn.execute("INSERT INTO seen (subject, value, process) VALUES ('', '', '')")
    finally:
        await conn.close()


async def test_an_applied_migration_must_not_change(database: Databases, tmp_path: Path) -> None:
    owner = database.owner(await database("probe"))
    shutil.copytree(MIGRATIONS, tmp_path / "m")
    await migrate(owner, [tmp_path / "m"])
    file = tmp_path / "m" / "0001_seen.sql"
    file.write_text(file.read_text(encoding="utf-8") + "\n-- more\n", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"0001_seen\.sql was changed"):
        await migrate(owner, [tmp_path / "m"])


async def test_a_migration_that_fails_names_itself_and_leaves_nothing(
    database: Databases, tmp_path: Path
) -> None:
    owner = database.owner(await database("probe"))
    (tmp_path / "0001_bad.sql").write_text(
        "-- Bad\n-- depends:\n\n-- migrate: apply\n\nCREATE TABLE half ();\nSELECT 1/0;\n\n"
        "-- migrate: rollback\n",
        encoding="utf-8",
    )
    with pytest.raises(MigrationError, match="0001_bad"):
        await migrate(owner, [tmp_path])
    conn = await asyncpg.connect(owner)
    try:
        assert await conn.fetchval("SELECT to_regclass('public.half')") is None
        assert await pending(conn, [tmp_path]) == ["0001_bad"]
    finally:
        await conn.close()


async def test_the_runtimes_own_migrations_are_not_forgotten(database: Databases) -> None:
    conn = await asyncpg.connect(await database("probe"))
    try:
        assert await pending(conn, []) == []
        await conn.execute("SET ROLE NONE")
        assert [path.stem for path in sorted(RUNTIME_MIGRATIONS.glob("*.sql"))]
    finally:
        await conn.close()


async def test_without_migrations_a_service_waits_and_says_so(here: World) -> None:
    runtime = here.launch(migration_dsn=None)

    async def waits() -> bool:
        return any("migrations are missing" in reason for reason in await runtime.unready())

    await until(waits)
    await migrate(here.databases.owner(here.dsn), [MIGRATIONS], runtime_role="probe")

    async def ready() -> bool:
        return not await runtime.unready()

    await until(ready)


async def test_without_its_topics_a_service_waits_and_says_so(here: World) -> None:
    here.prefix += "late-"
    runtime = here.launch()

    async def waits() -> bool:
        return any("no such topic" in reason for reason in await runtime.unready())

    await until(waits)
    await here.make_topics({"in": 2, "more": 2, "out": 2})

    async def ready() -> bool:
        return not await runtime.unready()

    await until(ready)


async def test_it_is_live_before_it_is_ready(here: World) -> None:
    port = free_port()
    here.launch(migration_dsn=None, port=port)

    async def live() -> bool:
        try:
            answer = await here.http.get(f"http://127.0.0.1:{port}/health/live")
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    await until(live)
    answer = await here.http.get(f"http://127.0.0.1:{port}/health/ready")
    assert answer.status_code == 503
    assert answer.json()["reasons"]
    status = await here.http.get(f"http://127.0.0.1:{port}/ops/dead-letters")
    assert status.status_code == 503, "an operator hears why, and no traceback"


async def test_records_that_retention_took_are_counted_and_reading_goes_on(here: World) -> None:
    runtime = await here.start()
    await here.publish({"value": "first"})
    await here.has_seen("first")
    await here.stop(runtime)
    for value in ("lost", "lost too", "kept"):
        await here.publish({"value": value})
    (place,) = [
        TopicPartition(row["topic"], row["partition"])
        for row in await here.conn.fetch(
            "SELECT * FROM runtime.offsets WHERE topic = $1 AND next_offset > 0", here.name("in")
        )
    ]
    admin = AIOKafkaAdminClient(**here.kafka.access().aiokafka())
    await admin.start()
    await admin.delete_records({place: RecordsToDelete(before_offset=3)})
    await admin.close()
    runtime = await here.start()
    assert await here.has_seen("kept") == ["first", "kept"]
    metrics = (await here.http.get(f"http://127.0.0.1:{runtime.settings.port}/metrics")).text
    assert f'genvej_records_missed_total{{topic="{place.topic}"}} 2.0' in metrics


async def test_a_database_that_is_ahead_of_the_log_reads_nothing_and_says_so(here: World) -> None:
    runtime = await here.start()
    await here.publish({"value": "first"})
    await here.has_seen("first")
    await here.stop(runtime)
    await here.conn.execute(
        "UPDATE runtime.offsets SET next_offset = 1000 WHERE topic = $1", here.name("in")
    )
    runtime = here.launch()

    async def says_so() -> bool:
        reasons = await runtime.unready()
        return any("the database is at 1000, the log ends at" in reason for reason in reasons)

    await until(says_so)
    await here.publish({"value": "elsewhere"}, topic="more")
    assert await here.has_seen("elsewhere") == ["first", "elsewhere"]


async def test_a_database_that_lost_transactions_has_them_read_again(here: World) -> None:
    await here.start()
    for value in ("kept", "lost"):
        await here.publish({"value": value}, id=value)
    await here.has_seen("kept", "lost")
    async with here.conn.transaction():  # as a standby that was behind, promoted
        await here.conn.execute("DELETE FROM public.seen WHERE value = 'lost'")
        await here.conn.execute(
            "UPDATE runtime.offsets SET next_offset = 1 WHERE topic = $1 AND next_offset > 1",
            here.name("in"),
        )
        await here.conn.execute("DELETE FROM runtime.inbox")
    seen = await here.has_seen("kept", "lost")
    assert seen == ["kept", "lost"]


async def test_what_no_redelivery_can_reach_is_deleted(here: World) -> None:
    runtime = await here.start()
    await here.stop(runtime)
    await here.conn.execute(
        """INSERT INTO runtime.inbox SELECT gen_random_uuid(), now() - age * interval '1 day'
           FROM generate_series(1, 60) AS age"""
    )
    await here.start(inbox_days=40)
    await here.has(39, "runtime.inbox")


async def test_metrics_carry_no_identifiers_and_base_units(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "raise", "value": "x"}, subject="1502779995", key="1502779995")
    await here.has(1, "runtime.dead_letters")
    url = f"http://127.0.0.1:{runtime.settings.port}/metrics"

    async def lag() -> str:
        text = (await here.http.get(url)).text
        return text if "genvej_consumer_lag_seconds{" in text else ""

    metrics = await until(lag)
    assert "1502779995" not in metrics
    for name in (
        "genvej_consumer_lag_messages{",
        "genvej_outbox_rows ",
        "genvej_outbox_oldest_seconds ",
        "genvej_parked_oldest_seconds ",
        "genvej_timers_overdue_seconds ",
        "genvej_dead_letters_open ",
        "genvej_duplicates_dropped_total ",
        "genvej_batch_duration_seconds_bucket{",
        "genvej_end_to_end_seconds_bucket{",
        "genvej_last_success_timestamp_seconds ",
        "genvej_build_info{",
    ):
        assert name in metrics, name


async def test_the_catalogue_is_served(here: World) -> None:
    runtime = await here.start()
    url = f"http://127.0.0.1:{runtime.settings.port}/asyncapi.json"
    assert (await here.http.get(url)).json()["asyncapi"] == "3.0.0"
