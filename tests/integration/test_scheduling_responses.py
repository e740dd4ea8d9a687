"""What citizens answer, through the handler on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.scheduling import telephone
from services.scheduling.handlers import PATIENCE
from shared.envelope import Message
from shared.handling import Applied, Dead, Parked
from tests.conftest import Databases
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_message,
    a_statement,
    a_therapist,
    an_answer,
    an_order_body,
    at,
    capacity_stated,
    orders_placed,
)

TUESDAY, FRIDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)
NINE, TEN = at(TUESDAY, "09:00"), at(TUESDAY, "10:00")


@pytest.fixture
async def dsn(database: Databases) -> str:
    return await database("scheduling")


@pytest.fixture
async def process(dsn: str) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(dsn)
    process = Process(conn)
    therapist = a_therapist("T1", (TUESDAY, "09:00", "12:00"))
    await process.capacity(capacity_stated(a_statement("R", therapist)))
    yield process
    await conn.close()


def said(kind: str, session: Mapping[str, Any], number: int = 0, /, **other: Any) -> list[Message]:
    """A citizen's answer to an offered session."""
    body = an_answer(session, **other)
    return [a_message(f"dk.genvej.offer.{kind}.v1", body, number, "responses")]


async def an_offer(process: Process, order_id: str = "o1") -> dict[str, Any]:
    events = await process.orders(orders_placed([an_order_body(order_id)]))
    return next(one for one in events if one["type"] == "session.offered.v1")


async def starts(process: Process) -> dict[str, Any]:
    rows = await process.conn.fetch(
        "SELECT order_id, lower(during) AS start FROM session WHERE status = 'offered'"
    )
    return {row["order_id"]: row["start"] for row in rows}


@pytest.mark.parametrize(
    ("kind", "other", "follows"),
    [
        ("accepted", {}, []),
        ("declined", {}, ["session.moved"]),
        ("cancelled", {"then": "wait"}, ["session.cancelled"]),
        ("exchanged", {"wanted": {"start": TEN.isoformat(), "location": "R"}}, ["session.moved"]),
        (
            "exchanged",
            {"wanted": {"start": "2026-11-24T09:20:00Z", "location": "R"}},
            ["session.reoffered"],
        ),
        ("requested", {}, []),
    ],
)
async def test_an_answer_that_comes_twice_counts_once(
    process: Process, kind: str, other: dict[str, Any], follows: list[str]
) -> None:
    offer = await an_offer(process)
    events = await process.twice(process.scheduling.responses, said(kind, offer, **other))
    assert on_training(events) == follows


async def test_what_was_answered_is_known_to_another_process(process: Process, dsn: str) -> None:
    offer = await an_offer(process)
    await process.apply(process.scheduling.responses, said("declined", offer))
    conn = await asyncpg.connect(dsn)
    try:
        other = Process(conn)
        # The therapist is off from ten on: only the hour that was declined is left.
        morning = a_therapist("T1", (TUESDAY, "09:00", "10:00"))
        events = await other.capacity(capacity_stated(a_statement("R", morning, version=2)))
    finally:
        await conn.close()
    assert on_training(events) == ["session.cancelled", "order.infeasible"]


async def test_who_waits_is_found_again_when_they_ask(process: Process, dsn: str) -> None:
    offer = await an_offer(process)
    await process.apply(process.scheduling.responses, said("cancelled", offer, then="wait"))
    conn = await asyncpg.connect(dsn)
    try:
        events = await Process(conn).apply(
            Process(conn).scheduling.responses, said("requested", offer, 1)
        )
    finally:
        await conn.close()
    assert on_training(events) == ["session.offered"]
    # What they could not come to stays declined.
    assert await starts(process) == {"o1": TEN}


async def test_what_was_accepted_is_kept(process: Process) -> None:
    offer = await an_offer(process)
    await process.apply(process.scheduling.responses, said("accepted", offer))
    assert await process.conn.fetchval("SELECT accepted FROM session") is True


async def test_an_answer_that_comes_before_its_offer_waits_for_it(process: Process) -> None:
    (order,) = orders_placed([an_order_body("o1")])
    offer = {
        "session_id": "4b42a5a8-4a5f-5e5e-8d3e-0d4a3c0a1f11",
        "order_id": "o1",
        "referral_id": "r-o1",
        "citizen_id": "c-o1",
        "provider": "730",
        "revision": 1,
        "start": NINE.isoformat(),
    }
    (parked,) = await process.outcomes(process.scheduling.responses, said("declined", offer))
    assert isinstance(parked, Parked)
    assert parked.until == NOW + PATIENCE
    (placed,) = await process.outcomes(process.scheduling.referrals, [order])
    assert isinstance(placed, Applied)
    assert parked.waits_for in placed.releases


async def test_an_answer_in_another_citizen_s_name_is_a_dead_letter(process: Process) -> None:
    offer = await an_offer(process)
    answer = said("declined", {**offer, "citizen_id": "c-somebody"})
    (dead,) = await process.outcomes(process.scheduling.responses, answer)
    assert isinstance(dead, Dead)
    assert await starts(process) == {"o1": NINE}


async def test_an_answer_that_cannot_be_read_is_a_dead_letter_that_names_the_element(
    process: Process,
) -> None:
    offer = await an_offer(process)
    (dead,) = await process.outcomes(
        process.scheduling.responses, said("cancelled", offer, then="måske")
    )
    assert isinstance(dead, Dead)
    assert dead.reason.startswith("then: ")
    assert "måske" not in dead.reason


async def test_two_who_want_the_same_time_in_one_batch_get_one_each(process: Process) -> None:
    hours = (TUESDAY, "09:00", "11:00"), (FRIDAY, "09:00", "10:00")
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *hours), version=2)))
    first, second = await an_offer(process, "o1"), await an_offer(process, "o2")
    friday = {"start": at(FRIDAY, "09:00").isoformat(), "location": "R"}
    batch = [
        *said("exchanged", second, 1, wanted=friday),
        *said("exchanged", first, 2, wanted=friday),
    ]
    events = await process.apply(process.scheduling.responses, batch)
    assert on_training(events) == ["session.moved", "session.reoffered"]
    assert await starts(process) == {"o1": NINE, "o2": at(FRIDAY, "09:00")}
    (other,) = events[1]["alternatives"]
    assert other["start"] == "2026-11-24T09:00:00Z"


async def written_down(process: Process, which: str, answer: str, **said: Any) -> Message:
    """What staff write down, as it comes back from the topic."""
    async with process.conn.transaction():
        await telephone.write_down(process.conn, which, answer, NOW, **said)
    row = await process.conn.fetchrow("DELETE FROM runtime.outbox RETURNING *")
    assert row is not None
    assert (row["topic"], row["key"]) == ("responses", "730")
    return a_message(row["type"], row["value"], 50, "responses")


async def test_what_is_said_on_the_telephone_is_an_answer_like_any_other(process: Process) -> None:
    offer = await an_offer(process)
    message = await written_down(process, offer["session_id"], "declined", by="relative")
    events = await process.apply(process.scheduling.responses, [message])
    assert on_training(events) == ["session.moved"]


async def test_who_waits_is_named_by_the_referral(process: Process) -> None:
    await an_offer(process)
    waits = await written_down(process, "r-o1", "cancelled", then="wait")
    await process.apply(process.scheduling.responses, [waits])
    asks = await written_down(process, "r-o1", "requested", not_before=None)
    events = await process.apply(process.scheduling.responses, [asks])
    assert on_training(events) == ["session.offered"]


@pytest.mark.parametrize(
    ("which", "answer", "said"),
    [
        ("nobody", "accepted", "no session, order or referral has the id nobody"),
        ("r-o1", "exchanged", "wanted is missing"),
    ],
)
async def test_what_cannot_be_written_down_says_why(
    process: Process, which: str, answer: str, said: str
) -> None:
    await an_offer(process)
    with pytest.raises(telephone.NotUnderstoodError, match=said):
        await written_down(process, which, answer)
