"""What staff do over HTTP, through the handlers on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from services.scheduling.endpoints import Counter
from shared.endpoints import Answer, Call, Refused
from shared.handling import Unit
from shared.staff import Member
from tests.conftest import Databases
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
    capacity_stated,
    orders_placed,
)
from tests.unit.scheduling.world import told

TUESDAY = MONDAY + timedelta(days=1)
THERAPIST = Member(id="730-therapist", name="T", role="therapist", unit="U", provider="730")
ELSEWHERE = Member(id="316-therapist", name="T", role="therapist", unit="U", provider="316")


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    process = Process(conn)
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *all_week()))))
    yield process
    await conn.close()


async def offered(process: Process) -> dict[str, Any]:
    session, *_ = await process.orders(orders_placed([an_order_body()]))
    return session


async def ask(
    process: Process, what: str, which: str, body: dict[str, Any], staff: Member = THERAPIST
) -> tuple[Any, list[dict[str, Any]]]:
    """What is answered, and what is published."""
    counter = Counter(process.scheduling)
    handler = counter.attendance if what == "attendance" else counter.response
    unit = Unit(conn=process.conn, now=process.now)
    async with process.conn.transaction():
        answer = await handler(unit, Call(staff=staff, id="1", path={"id": which}, body=body))
    for done in unit.on_commit:
        done()
    assert isinstance(answer, Answer)
    return orjson.loads(orjson.dumps(answer.content)), told(answer.applied.events)


async def test_attendance_is_said_once_and_may_be_corrected(process: Process) -> None:
    session = await offered(process)
    process.now = at(TUESDAY, "10:00")
    which = session["session_id"]
    content, events = await ask(process, "attendance", which, {"attended": True})
    assert (content["attended"], content["changed"]) == (True, True)
    assert on_training(events) == ["session.attended"]
    assert events[0]["by"] == "730-therapist"
    content, events = await ask(process, "attendance", which, {"attended": True})
    assert (content["changed"], events) == (False, [])
    _, events = await ask(process, "attendance", which, {"attended": False, "reason": "ill"})
    assert (events[0]["attended"], events[0]["reason"]) == (False, "ill")


@pytest.mark.parametrize(
    ("body", "status"),
    [({"attended": "perhaps"}, 422), ({}, 422), ({"attended": True, "reason": "ill"}, 422)],
)
async def test_what_is_no_attendance_is_refused(
    process: Process, body: dict[str, Any], status: int
) -> None:
    session = await offered(process)
    with pytest.raises(Refused) as refused:
        await ask(process, "attendance", session["session_id"], body)
    assert refused.value.status == status


async def test_attendance_is_refused_before_its_day_by_strangers_and_of_what_is_not_there(
    process: Process,
) -> None:
    session = await offered(process)
    for which, staff, status in [
        (session["session_id"], THERAPIST, 409),
        (session["session_id"], ELSEWHERE, 403),
        ("nothing", THERAPIST, 404),
    ]:
        with pytest.raises(Refused) as refused:
            await ask(process, "attendance", which, {"attended": True}, staff)
        assert refused.value.status == status


async def test_an_answer_to_an_offer_goes_to_the_topic_of_answers(process: Process) -> None:
    session = await offered(process)
    body = {"answer": "decline", "then": "wait", "by": "relative"}
    content, (event,) = await ask(process, "response", session["order_id"], body)
    assert event["type"] == "offer.declined.v1"
    assert (event["session_id"], event["then"], event["by"]) == (
        session["session_id"],
        "wait",
        "relative",
    )
    assert "citizen_id" not in content


async def test_an_answer_that_is_none_or_to_nothing_is_refused(process: Process) -> None:
    session = await offered(process)
    for which, body, staff, status in [
        (session["session_id"], {"answer": "perhaps"}, THERAPIST, 422),
        (session["session_id"], {"answer": "exchange"}, THERAPIST, 422),
        (session["session_id"], {"answer": "accept"}, ELSEWHERE, 403),
        ("nothing", {"answer": "accept"}, THERAPIST, 404),
    ]:
        with pytest.raises(Refused) as refused:
            await ask(process, "response", which, body, staff)
        assert refused.value.status == status
