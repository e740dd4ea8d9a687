"""What is read is applied once, in order, and never lost: also what is odd."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator

import pytest
from aiokafka.record.util import calc_crc32c

from deploy.local.kafka import Kafka
from tests.conftest import Databases
from tests.integration.probe.service import Probe
from tests.integration.probe.world import World, world
from tests.waiting import until


@pytest.fixture
async def here(kafka: Kafka, database: Databases) -> AsyncIterator[World]:
    async with world(kafka, database, await database("probe")) as made:
        yield made


async def test_a_message_is_applied_and_its_event_published(here: World) -> None:
    await here.start()
    await here.publish({"value": "a"}, subject="s", key="730")
    await here.has_seen("a")
    await here.outbox_is_empty()
    (record,) = await here.received()
    headers = dict(record.headers)
    assert record.key == b"730"
    assert json.loads(record.value) == {"value": "a"}
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"dk.genvej.probe.done.v1"
    assert headers["ce_source"] == b"/genvej/probe"
    assert headers["ce_subject"] == b"s"
    assert headers["content-type"] == b"application/json"


async def test_correlation_and_trace_are_carried_on(here: World) -> None:
    await here.start()
    trace = "0af7651916cd43dd8448eb211c80319c"
    await here.publish(
        {"value": "a"},
        headers=[
            ("ce_correlationid", b"the first"),
            ("traceparent", f"00-{trace}-b7ad6b7169203331-01".encode()),
        ],
    )
    await here.has_seen("a")
    await here.outbox_is_empty()
    headers = dict((await here.received())[0].headers)
    assert headers["ce_correlationid"] == b"the first"
    version, same_trace, span, flags = headers["traceparent"].decode().split("-")
    assert (version, same_trace, flags) == ("00", trace, "01")
    assert span != "b7ad6b7169203331"


async def test_the_same_event_twice_is_applied_once(here: World) -> None:
    await here.start()
    for _ in range(3):
        await here.publish({"value": "a"}, id="the same")
    await here.publish({"value": "b"})
    assert await here.has_seen("a", "b") == ["a", "b"]


async def test_another_source_may_use_the_same_id(here: World) -> None:
    await here.start()
    await here.publish({"value": "a"}, id="1")
    await here.publish({"value": "b"}, id="1", headers=[("ce_source", b"/other")])
    assert await here.has_seen("a", "b") == ["a", "b"]


async def test_an_outsiders_id_proves_nothing(here: World) -> None:
    await here.start()
    for value in ("a", "b"):
        await here.publish({"value": value}, topic="from.a", id="the same")
    await here.has_seen("a", "b")
    await here.outbox_is_empty()
    events = await here.received()
    assert len({dict(record.headers)["ce_id"] for record in events}) == 2


async def test_order_within_a_key_is_kept(here: World) -> None:
    values = await here.publish_many(2_000)
    await here.start(batch_records=100)
    await here.has_seen(*values)
    await here.outbox_is_empty()
    by_key: dict[bytes, list[str]] = {}
    for record in await here.received():
        by_key.setdefault(record.key, []).append(json.loads(record.value)["value"])
    assert sum(map(len, by_key.values())) == len(values)
    assert all(found == sorted(found) for found in by_key.values())


POISON = {
    "null": None,
    "empty": b"",
    "not JSON": b"{",
    "not text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "unknown": json.dumps({"do": "what nobody knows"}).encode(),
}


@pytest.mark.parametrize("topic", ["in", "from.a"])
async def test_poison_becomes_a_dead_letter_and_its_neighbours_go_through(
    here: World, topic: str
) -> None:
    await here.publish({"value": "before"}, topic=topic)
    for name, poison in POISON.items():
        await here.publish(poison, topic=topic, subject=name)
    await here.publish({"value": "after"}, topic=topic)
    await here.start()
    assert await here.has_seen("before", "after") == ["before", "after"]
    rows = await here.conn.fetch("SELECT subject, reason FROM runtime.dead_letters")
    assert {row["subject"] for row in rows} == set(POISON)
    assert all("fault" not in row["reason"] for row in rows), "an exception's text may quote data"


async def test_odd_headers_harm_nobody(here: World) -> None:
    odd: list[tuple[str, bytes | None]] = [
        ("null", None),
        ("ce_time", b"yesterday"),
        ("ce_type", b"\xff\xfe"),
        ("ce_subject", b"nul\x00nul"),
        ("traceparent", b"nonsense"),
        ("content-type", b"x" * 100_000),
        ("æøå", b"\x00"),
    ]
    for topic in ("in", "from.a"):
        await here.publish({"value": topic}, topic=topic, headers=odd)
        await here.publish({"value": f"{topic} next"}, topic=topic)
    await here.start()
    assert len(await here.has_seen("in", "in next", "from.a", "from.a next")) == 4


async def test_a_header_name_that_is_no_text_harms_nobody(here: World) -> None:
    batch = here.producer.create_batch()
    for value, name in (("before", "h"), ("bad", "QQQQ"), ("after", "h")):
        order = json.dumps({"value": value}).encode()
        batch.append(timestamp=None, key=b"k", value=order, headers=[(name, b"x")])
    batch.close()
    raw = bytes(batch._build()).replace(b"QQQQ", b"\xff\xfe\xfd\xfc")
    batch._buffer = raw[:17] + struct.pack(">I", calc_crc32c(raw[21:])) + raw[21:]
    await (await here.producer.send_batch(batch, here.prefix + "from.a", partition=0))
    await here.start()
    assert await here.has_seen("after") == ["before", "bad", "after"]


async def test_bisection_finds_the_one_that_fails(here: World) -> None:
    for number in range(200):
        do = "raise" if number in {0, 77, 78, 199} else "apply"
        await here.publish({"do": do, "value": f"{number:03d}"}, subject=str(number))
    probe = Probe(here.prefix)
    await here.start(probe)
    seen = await here.has_seen("001", "198")
    assert seen == [f"{n:03d}" for n in range(200) if n not in {0, 77, 78, 199}]
    await here.has(4, "runtime.dead_letters")
    assert max(probe.batches) > 50, "the others went through in large batches"


async def test_an_event_that_is_too_large_is_the_messages_own_fault(here: World) -> None:
    await here.start()
    await here.publish({"do": "large"})
    await here.publish({"value": "next"})
    assert await here.has_seen("next") == ["next"]
    (row,) = await here.conn.fetch("SELECT reason FROM runtime.dead_letters")
    assert row["reason"].startswith("TooLarge")


async def test_a_database_restored_from_a_backup_catches_up(
    here: World, database: Databases
) -> None:
    values = await here.publish_many(300)
    runtime = await here.start()
    await here.has_seen(*values)
    await here.outbox_is_empty()
    await here.stop(runtime)
    first = {dict(record.headers)["ce_id"] for record in await here.received()}

    async with world(here.kafka, database, await database("probe")) as restored:
        restored.prefix = here.prefix
        await restored.start()
        assert sorted(await restored.has_seen(*values)) == values
        await restored.outbox_is_empty()
        second = [dict(record.headers)["ce_id"] for record in await restored.received()]
        assert len(second) == 2 * len(values)
        assert set(second) == first, "a second run makes the same events"


async def test_a_topic_made_later_is_read(here: World) -> None:
    await here.start()
    await here.make_topics({"from.c": 1})
    await here.publish({"value": "a newcomer's"}, topic="from.c")
    await here.has_seen("a newcomer's")


async def test_a_halted_source_waits_and_the_others_go_on(here: World) -> None:
    runtime = await here.start(halt_faults=5)
    for number in range(8):
        await here.publish({"do": "raise"}, topic="from.a", subject=f"bad {number}")
    await here.publish({"value": "waits"}, topic="from.a")
    await here.publish({"value": "goes on"}, topic="from.b")
    await here.has_seen("goes on")
    await here.has(1, "runtime.halts", "halted_at IS NOT NULL")
    assert await here.count("runtime.dead_letters") == 5
    await here.stop(runtime)

    runtime = await here.start(halt_faults=5)
    await here.publish({"value": "still"}, topic="from.b")
    assert await here.has_seen("still") == ["goes on", "still"], "a restart changes nothing"
    url = f"http://127.0.0.1:{runtime.settings.port}/ops/halts"
    assert [row["topic"] for row in (await here.http.get(url)).json()] == [here.prefix + "from.a"]
    answer = await here.http.post(f"{url}/{here.prefix}from.a/resume")
    assert answer.json() == {"outcome": "resumed"}
    await here.has_seen("waits")
    await here.has(8, "runtime.dead_letters")


async def test_refusals_with_receipts_halt_nobody(here: World) -> None:
    await here.start(halt_faults=2)
    for number in range(10):
        await here.publish({"do": "refuse", "value": str(number)}, topic="from.a")
    await here.publish({"value": "last"}, topic="from.a")
    await here.has_seen("last")
    assert await here.count("runtime.halts") == 0


async def test_unequal_partition_counts_are_refused(here: World) -> None:
    here.prefix += "u-"
    await here.make_topics({"in": 4, "more": 3})
    runtime = here.launch()
    _, task = here._running[-1]
    with pytest.raises(Exception, match="equal partition counts"):
        await task
    assert await runtime.unready()


async def test_a_transient_failure_is_waited_out_and_shows(here: World) -> None:
    probe = Probe(here.prefix)
    probe.down = True
    runtime = await here.start(probe)
    await here.publish({"value": "a"})

    async def troubled() -> bool:
        return any("ConnectionResetError" in reason for reason in await runtime.unready())

    await until(troubled)
    probe.down = False
    assert await here.has_seen("a") == ["a"]
    assert await here.count("runtime.dead_letters") == 0

    async def well() -> bool:
        return not await runtime.unready()

    await until(well)
