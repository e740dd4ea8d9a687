"""The citizen's choice among a provider's own locations; every batch comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from services.scheduling.capacity import week_of
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

TUESDAY, THURSDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
NEXT = MONDAY + timedelta(days=9)


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    process = Process(conn)
    near = a_therapist("T1", (TUESDAY, "09:00", "15:00"))
    await process.capacity(capacity_stated(a_statement("R", near)))
    yield process
    await conn.close()


async def opens(process: Process, location: str, *shifts: Any, on: date = MONDAY) -> None:
    therapist = a_therapist("T2", *shifts)
    await process.capacity(capacity_stated(a_statement(location, therapist, week=week_of(on))))


async def chooses(process: Process, location: str) -> list[dict[str, Any]]:
    body = an_order_body("o1", location=location)
    message = a_message("dk.genvej.order.changed.v1", body, 1)
    events = await process.twice(process.scheduling.referrals, [message])
    return [one for one in events if one["type"] != "capacity.status.v1"]


async def is_offered(process: Process, **other: Any) -> dict[str, Any]:
    events = await process.orders(orders_placed([an_order_body("o1", **other)]))
    return next(one for one in events if one["type"] == "session.offered.v1")


async def test_who_chooses_a_location_gets_a_session_there(process: Process) -> None:
    assert (await is_offered(process))["location"]["code"] == "R"
    await opens(process, "L", (THURSDAY, "09:00", "12:00"))
    (moved,) = await chooses(process, "L")
    assert (moved["type"], moved["location"]["code"]) == ("session.moved.v1", "L")
    assert moved["inside_limit"]


async def test_a_first_session_is_at_the_location_that_the_order_names(process: Process) -> None:
    await opens(process, "L", (THURSDAY, "09:00", "12:00"))
    assert (await is_offered(process, location="L"))["location"]["code"] == "L"


async def test_a_location_without_a_time_leaves_the_session_and_says_why(process: Process) -> None:
    offered = await is_offered(process)
    await opens(process, "L")
    (again,) = await chooses(process, "L")
    assert again["type"] == "session.reoffered.v1"
    assert (again["start"], again["location"]["code"]) == (offered["start"], "R")
    assert "chose L" in again["reason"]


async def test_a_location_that_is_none_is_said_to_be_none(process: Process) -> None:
    await is_offered(process)
    (again,) = await chooses(process, "X")
    assert "no location here" in again["reason"]


async def test_a_time_after_the_limit_is_the_citizens_choice_and_no_lack_of_capacity(
    process: Process,
) -> None:
    await is_offered(process)
    await opens(process, "L", (NEXT, "09:00", "12:00"), on=NEXT)
    (moved,) = await chooses(process, "L")
    assert (moved["type"], moved["start"]) == (
        "session.moved.v1",
        at(NEXT, "09:00").isoformat().replace("+00:00", "Z"),
    )
    assert not moved["inside_limit"]


async def test_what_was_chosen_holds_when_capacity_changes(process: Process) -> None:
    await is_offered(process)
    await opens(process, "L", (THURSDAY, "09:00", "12:00"))
    await chooses(process, "L")
    fallen_ill = a_therapist("T2", (THURSDAY, "11:00", "12:00"))
    events = await process.capacity(capacity_stated(a_statement("L", fallen_ill, version=2)))
    (moved,) = (one for one in events if one["type"] == "session.moved.v1")
    assert moved["location"]["code"] == "L"
