"""What can't be applied yet waits: for a fact, behind a dead letter, for its hour."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.kafka import Kafka
from shared import readiness
from shared.envelope import Message
from shared.handling import Applied
from shared.runtime import Runtime
from shared.timers import Timers
from tests.conftest import Databases
from tests.integration.probe.service import Probe
from tests.integration.probe.world import World, world
from tests.waiting import until


@pytest.fixture
async def here(kafka: Kafka, database: Databases) -> AsyncIterator[World]:
    async with world(kafka, database, await database("probe")) as made:
        yield made


def ops(runtime: Runtime, path: str) -> str:
    return f"http://127.0.0.1:{runtime.settings.port}/ops/{path}"


async def letters(here: World, runtime: Runtime) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await here.http.get(ops(runtime, "dead-letters"))).json()
    return found


# -- parking -------------------------------------------------------------------------------------


async def test_a_parked_message_is_applied_when_what_it_waits_for_comes(here: World) -> None:
    await here.start()
    await here.publish({"do": "need", "value": "x"}, key="a")
    await here.has(1, "runtime.parked")
    await here.publish({"do": "learn", "value": "x"}, key="b", topic="more")
    await here.has(0, "runtime.parked")
    assert await here.seen() == ["x", "x"]


async def test_parked_messages_keep_their_order(here: World) -> None:
    await here.start()
    for subject in "abc":
        await here.publish({"do": "need", "value": "x"}, subject=subject)
    await here.has(3, "runtime.parked")
    await here.publish({"do": "learn", "value": "x"}, subject="fact", topic="more")
    await here.has(0, "runtime.parked")
    rows = await here.conn.fetch("SELECT subject FROM public.seen ORDER BY number")
    assert [row["subject"] for row in rows] == ["fact", "a", "b", "c"]


async def test_parked_messages_survive_a_restart(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "need", "value": "x"})
    await here.has(1, "runtime.parked")
    await here.stop(runtime)
    await here.publish({"do": "learn", "value": "x"})
    await here.start()
    await here.has(0, "runtime.parked")
    assert await here.seen() == ["x", "x"]


async def test_a_release_that_nobody_announced_is_found_all_the_same(here: World) -> None:
    await here.start()
    await here.publish({"do": "need", "value": "x"})
    await here.has(1, "runtime.parked")
    await here.conn.execute("INSERT INTO public.facts VALUES ('x')")
    assert await here.has_seen("x") == ["x"]


async def test_a_duplicate_of_a_parked_message_is_dropped(here: World) -> None:
    await here.start()
    for _ in range(2):
        await here.publish({"do": "need", "value": "x"}, id="one")
    await here.publish({"do": "learn", "value": "x"}, topic="more")
    await here.has_seen("x")
    await here.has(0, "runtime.parked")
    assert await here.seen() == ["x", "x"], "learned once and applied once"


async def test_the_events_of_a_wait_and_of_its_end_are_two(here: World) -> None:
    await here.start()
    await here.publish({"do": "need", "value": "x"})
    await here.has(1, "runtime.parked")
    await here.publish({"do": "learn", "value": "x"}, topic="more")
    await here.has(0, "runtime.parked")
    await here.outbox_is_empty()
    ids = [dict(record.headers)["ce_id"] for record in await here.received()]
    assert len(ids) == len(set(ids)) >= 2


async def test_what_waited_too_long_becomes_a_dead_letter(here: World) -> None:
    probe = Probe(here.prefix)
    probe.patience = timedelta(seconds=1)
    await here.start(probe)
    await here.publish({"do": "need", "value": "x"})
    await here.has(1, "runtime.parked")
    probe.patience = timedelta(0)
    await here.has(1, "runtime.dead_letters")
    await here.has(0, "runtime.parked")


async def test_kept_bytes_are_encrypted(here: World) -> None:
    await here.start()
    await here.publish({"do": "need", "value": "x"}, headers=[("note", b"1502779995")])
    await here.publish({"do": "raise", "value": "1502779995"}, subject="s")
    await here.has(1, "runtime.parked")
    await here.has(1, "runtime.dead_letters")
    for table in ("parked", "dead_letters"):
        row = await here.conn.fetchval(f"SELECT t::text FROM runtime.{table} t")  # noqa: S608
        assert "1502779995" not in row
        assert b"1502779995".hex() not in row


# -- dead letters --------------------------------------------------------------------------------


async def test_a_dead_letter_is_announced_without_its_content(here: World) -> None:
    await here.start()
    await here.publish({"do": "raise", "value": "secret"}, subject="s")
    await here.has(1, "runtime.dead_letters")
    await here.outbox_is_empty()
    topic = here.prefix + "in"
    records = [r for r in await here.received("probe.dead-letters") if topic in r.key.decode()]
    assert len(records) == 1
    assert b"secret" not in records[0].value
    told = json.loads(records[0].value)
    assert told["origin"]["topic"] == topic
    assert told["aggregate"] == "s"
    assert told["reason"].startswith("ValueError in _one")


async def test_later_messages_of_a_dead_subject_wait_and_others_do_not(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "bury"}, subject="s")
    await here.publish({"value": "later"}, subject="s")
    await here.has(1, "runtime.dead_letters")  # between topics there is no order
    await here.publish({"value": "later, elsewhere"}, subject="s", topic="more")
    await here.publish({"value": "other"}, subject="other")
    await here.has_seen("other")
    await here.has(2, "runtime.parked", "held")
    assert await here.seen() == ["other"]
    (letter,) = await letters(here, runtime)
    assert letter["waiting"] == 2


async def test_those_behind_it_in_the_same_batch_wait_too(here: World) -> None:
    for do, value in (("apply", "1"), ("bury", "2"), ("apply", "3"), ("bury", "4"), ("apply", "5")):
        await here.publish({"do": do, "value": value}, subject="s")
    await here.publish({"value": "other"}, subject="other")
    await here.start()
    assert await here.has_seen("other") == ["1", "other"]
    await here.has(3, "runtime.parked", "held")
    assert await here.count("runtime.dead_letters") == 1


async def test_discarding_lets_the_held_messages_through_in_order(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "bury"}, subject="s")
    for number in range(5):
        await here.publish({"value": str(number)}, subject="s")
    await here.has(5, "runtime.parked", "held")
    (letter,) = await letters(here, runtime)
    answer = await here.http.post(ops(runtime, f"dead-letters/{letter['id']}/discard"))
    assert answer.json() == {"outcome": "discarded"}
    assert await here.seen() == [str(n) for n in range(5)]
    assert await here.count("runtime.holds") == 0
    await here.publish({"value": "next"}, subject="s")
    await here.has_seen("next")
    sealed = await here.conn.fetchval("SELECT sealed FROM runtime.dead_letters")
    assert sealed is None, "a discarded message's bytes are gone"


async def test_a_replay_applies_the_message_and_what_it_held(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "need", "value": "never"}, subject="s")
    await here.conn.execute("UPDATE runtime.parked SET retry_at = retry_at + interval '1 hour'")
    await here.publish({"do": "raise", "value": "mended"}, subject="t")
    await here.publish({"value": "held"}, subject="t")
    await here.has(1, "runtime.parked", "held")
    (letter,) = await letters(here, runtime)

    still_bad = await here.http.post(ops(runtime, f"dead-letters/{letter['id']}/replay"))
    assert still_bad.json() == {"outcome": "dead"}
    assert await here.seen() == []
    (again,) = await letters(here, runtime)
    assert again["attempt"] == 2
    assert again["waiting"] == 1

    handler = Probe.handle

    async def mended(self: Probe, unit: Any, messages: Any) -> Any:
        for message in messages:
            await self._see(unit, message.subject, json.loads(message.value)["value"])
        return [Applied() for _ in messages]

    Probe.handle = mended  # type: ignore[method-assign]
    try:
        await here.stop(runtime)
        runtime = await here.start()
        answer = await here.http.post(ops(runtime, f"dead-letters/{again['id']}/replay"))
        assert answer.json() == {"outcome": "applied"}
    finally:
        Probe.handle = handler  # type: ignore[method-assign]
    assert await here.seen() == ["mended", "held"]
    assert await letters(here, runtime) == []
    gone = await here.http.post(ops(runtime, f"dead-letters/{again['id']}/replay"))
    assert gone.status_code == 404


async def test_the_content_is_for_those_with_the_token(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "raise", "value": "secret"}, subject="s", headers=[("h", b"\xff")])
    await here.has(1, "runtime.dead_letters")
    (letter,) = await letters(here, runtime)
    assert "secret" not in str(letter)
    url = ops(runtime, f"dead-letters/{letter['id']}")
    content = (await here.http.get(url, params={"content": "1"})).json()["content"]
    assert "secret" in content["value"]["text"]
    assert content["headers"] == {"h": {"base64": "/w=="}}
    for header in ({"authorization": ""}, {"authorization": "Bearer guess"}):
        assert (await here.http.get(url, headers=header)).status_code == 401


async def test_status_counts_everything_that_waits(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "bury"}, subject="s")
    await here.publish({"value": "held"}, subject="s")
    await here.publish({"do": "need", "value": "x"}, subject="t")
    await here.has(2, "runtime.parked")
    status = (await here.http.get(ops(runtime, "status"))).json()
    assert (status["dead_letters"], status["parked"], status["held"]) == (1, 1, 1)
    assert status["ready"] is True

    async def measured() -> bool:
        metrics = (await here.http.get(ops(runtime, "").replace("ops/", "metrics"))).text
        return 'genvej_parked_rows{why="held"} 1.0' in metrics

    await until(measured)


async def fires_nothing_and_waits(_timers: Timers, stop: asyncio.Event) -> None:
    await stop.wait()


# -- timers --------------------------------------------------------------------------------------


def due(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


async def test_a_timer_fires_once_when_it_is_due(here: World) -> None:
    await here.start()
    await here.publish({"do": "remind", "value": "now", "due": due(seconds=-1)})
    await here.publish({"do": "remind", "value": "tomorrow", "due": due(days=-1)})
    assert await here.has_seen("now") == ["now"]
    assert await here.count("runtime.timers") == 1


async def test_a_timer_survives_a_restart(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "remind", "value": "soon", "due": due(seconds=-3)})
    await here.has(1, "runtime.timers")
    await here.stop(runtime)
    await here.start()
    assert await here.has_seen("soon") == ["soon"]


async def test_a_timer_that_fails_is_a_dead_letter_and_the_others_fire(here: World) -> None:
    runtime = await here.start()
    for value in ("a", "raise", "b"):
        await here.publish({"do": "remind", "value": value, "due": due(seconds=1)})
    assert set(await here.has_seen("a", "b")) == {"a", "b"}
    await here.has(1, "runtime.dead_letters", "handler = 'timer:reminder'")
    (letter,) = await letters(here, runtime)
    answer = await here.http.post(ops(runtime, f"dead-letters/{letter['id']}/replay"))
    assert answer.json() == {"outcome": "dead"}, "it is handed to the timer's handler again"


async def test_after_an_outage_timers_wait_for_the_backlog(here: World) -> None:
    runtime = await here.start()
    await here.publish({"do": "remind", "value": "alarm", "due": due(seconds=-2)}, key="730")
    await here.has(1, "runtime.timers")
    await here.stop(runtime)
    for number in range(300):  # what happened during the outage, on the timer's partition
        await here.publish({"value": f"{number:03d}"}, key="730")
    await here.start(batch_records=1)
    seen = await here.has_seen("alarm", "299")
    assert seen[-1] == "alarm"


async def test_a_timer_whose_owner_does_not_fire_is_taken_by_another(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "OVERDUE", timedelta(seconds=1))

    with monkeypatch.context() as hanging:
        hanging.setattr(Timers, "run", fires_nothing_and_waits)
        await here.start(Probe(here.prefix, name="hanging"))
    await here.start(Probe(here.prefix, name="firing"))
    values = [f"k{number}" for number in range(12)]
    for value in values:
        await here.publish({"do": "remind", "value": value, "due": due()}, key=value)
    await here.has_seen(*values)
    assert await here.count("public.seen", "process = 'firing'") == len(values)
    assert await here.count("public.seen", "process = 'hanging'") == 0


# -- commands ------------------------------------------------------------------------------------


async def test_a_command_is_executed_once(here: World) -> None:
    probe = Probe(here.prefix)
    runtime = await here.start(probe)
    message = Message(
        topic="command",
        partition=0,
        offset=0,
        key=b"730",
        value=json.dumps({"value": "by hand"}).encode(),
        timestamp=datetime.now(UTC),
        id="c1",
        source="",
    )
    commits = runtime.commits
    assert len(await runtime.execute("c1", probe.handle, [message])) == 1
    assert await runtime.wait_commit(commits, seconds=0) > commits
    assert await runtime.execute("c1", probe.handle, [message]) == []
    assert await here.seen() == ["by hand"]
    await here.outbox_is_empty()
    assert await here.values_received() == ["by hand"]
