"""Orders and capacity through the handlers on a real database; every batch is delivered twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.scheduling.app import public_holiday
from services.scheduling.geography import postcodes
from services.scheduling.handlers import Scheduling
from services.scheduling.provider import Terms
from shared.envelope import Message
from shared.handling import Applied, Handler, Unit
from tests.conftest import Databases
from tests.unit.scheduling.factories import (
    NOW,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    capacity_stated,
    orders_placed,
)


class Bench:
    """A service on a database of its own: applies batches and remembers what was published."""

    def __init__(self, conn: asyncpg.Connection[asyncpg.Record]) -> None:
        self.conn = conn
        self.service = self.a_process()
        self.now = NOW

    def a_process(self) -> Scheduling:
        return Scheduling(lambda code: Terms(public_holiday), postcodes())

    async def apply(self, handler: Handler, messages: list[Message]) -> list[dict[str, Any]]:
        """What a batch publishes, as type and data."""
        unit = Unit(conn=self.conn, now=self.now)
        try:
            async with self.conn.transaction():
                outcomes = await handler(unit, messages)
        except BaseException:
            for undo in unit.on_rollback:
                undo()
            raise
        for done in unit.on_commit:
            done()
        return published(outcomes)


def published(outcomes: Any) -> list[dict[str, Any]]:
    return [
        {"type": event.type.removeprefix("dk.genvej."), **json.loads(event.value or b"null")}
        for outcome in outcomes
        if isinstance(outcome, Applied)
        for event in outcome.events
    ]


@pytest.fixture
async def bench(database: Databases) -> AsyncIterator[Bench]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Bench(conn)
    await conn.close()


async def test_an_order_is_booked_at_the_nearest_location_and_offered(bench: Bench) -> None:
    await bench.apply(
        bench.service.capacity,
        capacity_stated(
            a_statement("R", a_therapist("T1", *all_week())),
            a_statement("L", a_therapist("T2", *all_week())),
        ),
    )
    events = await bench.apply(bench.service.referrals, orders_placed([an_order_body()]))
    offered = events[0]
    assert offered["type"] == "session.offered.v1"
    assert offered["location"]["code"] == "R"
    assert offered["inside_limit"] is True
    assert offered["start"] == "2026-11-24T07:00:00Z"
    assert {one["location"]["code"] for one in offered["alternatives"]} == {"R", "L"}
    assert await bench.conn.fetchval("SELECT count(*) FROM session") == 1
