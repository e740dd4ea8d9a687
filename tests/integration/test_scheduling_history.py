"""Scheduling expects who is still to come from its own table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.conftest import Databases
from tests.integration.scheduling_service import Process
from tests.unit.scheduling.factories import (
    MONDAY,
    a_message,
    a_statement,
    a_therapist,
    an_order_body,
    at,
    capacity_stated,
    orders_placed,
)

THURSDAY, FRIDAY = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Process(conn)
    await conn.close()


async def came(process: Process) -> list[tuple[str, Any]]:
    rows = await process.conn.fetch("SELECT order_id, came FROM placed_order ORDER BY order_id")
    return [(row["order_id"], row["came"]) for row in rows]


async def test_the_day_on_which_an_order_came_stays_when_it_changes(process: Process) -> None:
    await process.twice(process.scheduling.referrals, orders_placed([an_order_body("o1")]))
    assert await came(process) == [("o1", MONDAY)]
    process.now += timedelta(days=1)
    changed = orders_placed([an_order_body("o1", postcode="8870")], 1)
    await process.twice(process.scheduling.referrals, changed)
    assert await came(process) == [("o1", MONDAY)]


async def test_room_is_kept_for_those_who_are_likely_to_come(process: Process) -> None:
    for week in range(8, 0, -1):
        tuesday = MONDAY - timedelta(weeks=week) + timedelta(days=1)
        process.now = at(tuesday, "10:00")
        needs = {"earliest": tuesday + timedelta(days=2), "limit": tuesday + timedelta(days=2)}
        past = [an_order_body(f"past-{week}-{n}", **needs) for n in range(3)]
        withdrawn = [a_message("dk.genvej.order.withdrawn.v1", one) for one in past]
        await process.orders([*orders_placed(past), *withdrawn])
    process.now = at(MONDAY, "09:00")
    hours = ((THURSDAY, "09:00", "10:00"), (FRIDAY, "09:00", "10:00"))
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *hours))))
    later = an_order_body("o1", earliest=THURSDAY, limit=MONDAY + timedelta(days=12))
    events = await process.twice(process.scheduling.referrals, orders_placed([later], 100))
    (offer,) = [one for one in events if one["type"] == "session.offered.v1"]
    assert offer["start"][:10] == str(FRIDAY)
    assert "kept for those whose limit comes first" in offer["reason"]
