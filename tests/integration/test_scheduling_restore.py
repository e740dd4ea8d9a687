"""A scheduling database restored from a backup holds what was told since, and tells nothing else.

The backup here is a copy that stopped reading at some point. The copy reads `training` first, and
then all its inputs again, from that point or from the beginning, in batches of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.scheduling.handlers_echo import Echoes
from shared.envelope import Event, Message
from tests.conftest import Databases
from tests.delivery import deliver, deliver_twice, events_of
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_message,
    a_statement,
    a_therapist,
    all_week,
    an_answer,
    an_order_body,
    capacity_stated,
    orders_placed,
)
from tests.unit.scheduling.world import told

NEXT_WEEK = "2026-W49"
SESSIONS = """SELECT session_id, order_id, status, therapist, room, location, during, revision
FROM session WHERE status = 'offered' ORDER BY session_id"""


@dataclass
class Life:
    """A service's life: what it read, at which time, and what it said."""

    process: Process
    read: list[tuple[str, Message]] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)

    async def reads(self, topic: str, messages: Sequence[Message]) -> list[dict[str, Any]]:
        now = self.process.now
        mine = [replace(message, timestamp=now) for message in messages]
        self.read += [(topic, message) for message in mine]
        handler = getattr(self.process.scheduling, topic)
        events = events_of(await deliver(self.process.conn, handler, mine, now))
        self.hears(events, now)
        self.process.now += timedelta(minutes=5)
        return told(events)

    def hears(self, events: Sequence[Event], now: datetime) -> None:
        self.said += [
            replace(
                a_message(event.type, event.value, len(self.said) + n, "training"), timestamp=now
            )
            for n, event in enumerate(events)
            if event.topic == "training"
        ]

    async def sessions(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.process.conn.fetch(SESSIONS)]


@pytest.fixture
async def lives(database: Databases) -> AsyncIterator[tuple[Life, Life]]:
    """One that goes on, and one that will have been restored."""
    conns = [await asyncpg.connect(await database("scheduling")) for _ in range(2)]
    yield Life(Process(conns[0])), Life(Process(conns[1]))
    for conn in conns:
        await conn.close()


def rosters(version: int, name: str) -> list[Message]:
    return capacity_stated(
        *(
            a_statement("R", a_therapist(name, *all_week(week)), week=week, version=version)
            for week in ("2026-W48", NEXT_WEEK)
        )
    )


def a_course(order_id: str) -> dict[str, Any]:
    body = an_order_body(order_id)
    body["steps"][0] |= {"count": 2, "spacing": {"min_days": 2, "max_days": 6}}
    return body


async def a_life(life: Life) -> None:
    """A therapist falls ill, somebody declines, somebody withdraws, somebody has a course."""
    await life.reads("capacity", rosters(1, "T1"))
    await life.reads("referrals", orders_placed([an_order_body("a"), an_order_body("b")]))
    (first, _) = [one for one in life.said if one.type.endswith("session.offered.v1")][:2]
    await life.reads("referrals", orders_placed([a_course("c"), an_order_body("d")], 10))
    await life.reads("capacity", [replace(m, offset=10) for m in rosters(2, "T2")])
    offered = told(
        [
            Event(topic="", key="", type=first.type, subject="", value=first.value),
        ]
    )[0]
    moved = [m for m in life.said if m.type.endswith("session.restated.v1")]
    assert moved, "another therapist has taken over"
    answer = an_answer({**offered, "revision": 2}, then="another-time")
    events = await life.reads(
        "responses", [a_message("dk.genvej.offer.declined.v1", answer, 1, "responses")]
    )
    assert "session.moved" in on_training(events)
    withdrawn = {"order_id": "d", "referral_id": "r-d", "citizen_id": "c-d", "provider": "730"}
    await life.reads("referrals", [a_message("dk.genvej.order.withdrawn.v1", withdrawn, 20)])


async def hear(life: Life, said: Sequence[Message]) -> list[dict[str, Any]]:
    handler = Echoes(life.process.scheduling).training
    conn, now = life.process.conn, life.process.now
    return told(events_of(await deliver_twice(conn, handler, said, now)))


async def again(life: Life, read: Sequence[tuple[str, Message]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for topic, message in read:
        handler = getattr(life.process.scheduling, topic)
        found += told(
            events_of(await deliver(life.process.conn, handler, [message], life.process.now))
        )
    return found


@pytest.mark.parametrize("until", range(7))
async def test_a_restored_database_holds_what_was_told_and_says_nothing_else(
    lives: tuple[Life, Life], until: int
) -> None:
    """Whatever the backup knew, and however the roster changed meanwhile."""
    whole, restored = lives
    await a_life(whole)
    known = 0
    for topic, message in whole.read[: 2 * until]:
        restored.process.now = message.timestamp
        await restored.reads(topic, [message])
        known += 1
    restored.process.now = whole.process.now
    assert on_training(await hear(restored, whole.said)) == []
    events = await again(restored, whole.read[known:])
    assert on_training(events) == []
    assert await restored.sessions() == await whole.sessions()


async def test_a_time_that_was_told_is_taken_before_its_order_is_known_again(
    lives: tuple[Life, Life],
) -> None:
    whole, restored = lives
    hour = a_statement("R", a_therapist("T1", (MONDAY + timedelta(days=1), "09:00", "10:00")))
    for life in (whole, restored):
        await life.reads("capacity", capacity_stated(hour))
    await whole.reads("referrals", orders_placed([an_order_body("a")]))
    await hear(restored, whole.said)
    events = await restored.reads("referrals", orders_placed([an_order_body("b")], 5))
    assert on_training(events) == ["order.infeasible"]
    assert on_training(await again(restored, whole.read[-1:])) == []
    (session,) = await restored.sessions()
    assert session["order_id"] == "a"


async def test_who_was_not_told_yet_makes_way_for_what_was(lives: tuple[Life, Life]) -> None:
    """In the backup somebody is held where the service has told another since."""
    whole, restored = lives
    for life in lives:
        life.process = Process(life.process.conn, tell=2)
    thursday, friday = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)
    staff = a_therapist("T1", (thursday, "09:00", "10:00"), (friday, "09:00", "10:00"))
    held = an_order_body("a", earliest=thursday, limit=MONDAY + timedelta(days=12))
    for life in lives:
        await life.reads("capacity", capacity_stated(a_statement("R", staff)))
        await life.reads("referrals", orders_placed([held]))
    hurried = an_order_body("b", earliest=thursday, limit=thursday)
    await whole.reads("referrals", orders_placed([hurried], 5))
    assert on_training(await hear(restored, whole.said)) == []
    assert on_training(await again(restored, whole.read[-1:])) == []
    times = [{row["order_id"]: row["during"] for row in await life.sessions()} for life in lives]
    assert times[0] == times[1]


async def test_a_database_that_was_never_restored_keeps_no_echo(lives: tuple[Life, Life]) -> None:
    whole, _ = lives
    await a_life(whole)
    await hear(whole, whole.said)
    assert await whole.process.conn.fetchval("SELECT count(*) FROM echo") == 0
    assert whole.process.now > NOW


async def test_what_nobody_here_has_written_is_a_dead_letter(lives: tuple[Life, Life]) -> None:
    whole, _ = lives
    odd = a_message("dk.genvej.session.offered.v1", {"session_id": "1"}, 0, "training")
    handler = Echoes(whole.process.scheduling).training
    (outcome,) = await deliver(whole.process.conn, handler, [odd], NOW)
    assert "session_id" in getattr(outcome, "reason", "")
