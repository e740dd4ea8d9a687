"""Whoever is killed, stopped or replaced, at whatever point: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from tests.conftest import Databases
from tests.integration.probe.service import Probe
from tests.integration.probe.world import World, world
from tests.waiting import until

COUNT = 3_000


@pytest.fixture
async def here(kafka: Kafka, database: Databases) -> AsyncIterator[World]:
    async with world(kafka, database, await database("probe")) as made:
        yield made


async def everything_is_there_once(here: World, values: Sequence[str]) -> None:
    """Each message applied once; each event published, in order; doubled only under one id."""
    assert sorted(await here.has_seen(*values)) == sorted(values)
    await here.outbox_is_empty()
    by_id: dict[bytes, str] = {}
    by_key: dict[bytes, list[str]] = {}
    for record in await here.received():
        event_id, value = dict(record.headers)["ce_id"], json.loads(record.value)["value"]
        if event_id not in by_id:
            by_key.setdefault(record.key, []).append(value)
        by_id[event_id] = value
    assert sorted(by_id.values()) == sorted(values)
    assert all(found == sorted(found) for found in by_key.values())


async def some(here: World, count: int) -> None:
    """Waits until so many messages have been applied."""

    async def enough() -> bool:
        try:
            return await here.count("public.seen") >= count
        except asyncpg.UndefinedTableError:
            return False

    await until(enough)


@pytest.mark.parametrize(
    "failpoint", ["before-commit:3", "after-commit:3", "after-produce:2", "after-delete:2"]
)
async def test_a_kill_at_any_point_loses_and_doubles_nothing(here: World, failpoint: str) -> None:
    values = await here.publish_many(COUNT)
    doomed = await here.spawn(failpoint=failpoint)
    await doomed.killed()
    await here.start()
    await everything_is_there_once(here, values)


async def test_kill_after_kill_loses_and_doubles_nothing(here: World) -> None:
    values = await here.publish_many(COUNT)
    for part in range(1, 4):
        process = await here.spawn()
        await some(here, part * COUNT // 5)
        await process.kill()
    await here.start()
    await everything_is_there_once(here, values)


async def test_a_process_that_hangs_and_wakes_up_doubles_nothing(here: World) -> None:
    hanging = await here.spawn(name="hanging")
    await here.ready(hanging.port)
    values = await here.publish_many(COUNT)
    await some(here, COUNT // 10)
    hanging.send(signal.SIGSTOP)
    await here.start(Probe(here.prefix, name="taking over"))

    async def taken_over() -> bool:
        return await here.count("public.seen", "process = 'taking over'") > 0

    await until(taken_over)
    hanging.send(signal.SIGCONT)
    more = [f"more {number}" for number in range(50)]
    for value in more:
        await here.publish({"value": value}, subject=value, key=value)
    assert sorted(await here.has_seen(*values, *more)) == sorted([*values, *more])
    assert await hanging.stop() == 0


async def test_processes_come_and_go_under_load(here: World) -> None:
    first = await here.start(Probe(here.prefix, name="first"), batch_records=50)
    feeding = asyncio.create_task(here.publish_many(COUNT))
    await some(here, 100)
    second = await here.start(Probe(here.prefix, name="second"), batch_records=50)
    await here.publish({"value": "meanwhile"})
    await here.stop(first)
    await here.start(Probe(here.prefix, name="third"), batch_records=50)
    await here.stop(second)
    values = await feeding
    assert sorted(await here.has_seen(*values, "meanwhile")) == sorted([*values, "meanwhile"])
    await here.outbox_is_empty()
    assert sorted(await here.values_received()) == sorted([*values, "meanwhile"])


async def test_two_processes_share_the_partitions(here: World) -> None:
    one = await here.start(Probe(here.prefix, name="one"))
    two = await here.start(Probe(here.prefix, name="two"))

    async def shared() -> bool:
        parts = [{p for g in r.groups if g.kind == "keyed" for p in g.assigned} for r in (one, two)]
        return sorted(parts[0] | parts[1]) == sorted(
            (here.prefix + topic, number) for topic in ("in", "more") for number in range(4)
        ) and {len(part) for part in parts} == {4}

    await until(shared)
    for runtime in (one, two):
        places = {place for g in runtime.groups if g.kind == "keyed" for place in g.assigned}
        numbers = [
            {number for topic, number in places if topic == here.prefix + name}
            for name in ("in", "more")
        ]
        assert numbers[0] == numbers[1], "the same partition numbers of all keyed topics"


async def test_a_clean_stop_finishes_and_publishes_what_it_has_begun(here: World) -> None:
    values = await here.publish_many(COUNT)
    process = await here.spawn()
    await some(here, COUNT // 4)
    assert await process.stop() == 0
    applied = await here.count("public.seen")
    assert await here.count("runtime.outbox") == 0
    assert len(await here.received()) == applied
    await here.start()
    await everything_is_there_once(here, values)


async def test_a_relay_that_lost_its_session_is_replaced(here: World) -> None:
    await here.start()
    await here.publish({"value": "before"})
    await here.has_seen("before")
    await here.outbox_is_empty()
    await here.conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'probe-relay'"
    )
    await here.publish({"value": "after"})
    await here.has_seen("after")
    await here.outbox_is_empty()
    assert sorted(await here.values_received()) == ["after", "before"]


async def test_a_zombie_relays_record_is_refused(here: World) -> None:
    zombie = AIOKafkaProducer(
        **here.kafka.access().aiokafka(), transactional_id="probe-relay", acks="all"
    )
    await zombie.start()
    try:
        await zombie.begin_transaction()
        await zombie.send_and_wait(here.prefix + "out", key=b"k", value=b'{"value": "stale"}')
        await here.start()  # its relay takes over the transactional id
        await here.publish({"value": "fresh"}, key="k")
        await here.has_seen("fresh")
        await here.outbox_is_empty()
        with pytest.raises(ProducerFenced):
            await zombie.send_and_wait(here.prefix + "out", key=b"k", value=b'{"value": "late"}')
        assert await here.values_received() == ["fresh"]
    finally:
        with contextlib.suppress(ProducerFenced):
            await zombie.stop()


async def test_the_database_is_killed_and_comes_back(here: World, postgres: Postgres) -> None:
    runtime = await here.start(batch_records=100)
    feeding = asyncio.create_task(here.publish_many(COUNT))
    await some(here, COUNT // 10)
    postgres.kill()

    async def unready() -> bool:
        return bool(await runtime.unready())

    await until(unready)
    values = await feeding
    await asyncio.to_thread(postgres.start)
    here.conn = await asyncpg.connect(here.databases.superuser(here.dsn))
    await everything_is_there_once(here, values)

    async def ready() -> bool:
        return not await runtime.unready()

    await until(ready)


async def test_the_broker_is_killed_and_comes_back(here: World, kafka: Kafka) -> None:
    values = await here.publish_many(COUNT)
    await here.start(batch_records=100)
    await some(here, COUNT // 10)
    kafka.kill()
    await asyncio.to_thread(kafka.start)
    await everything_is_there_once(here, values)
