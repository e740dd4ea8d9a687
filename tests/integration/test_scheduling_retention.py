"""What is past is deleted after the days that are stated, at night, and nothing else is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from services.scheduling import retention
from services.scheduling.app import public_holiday
from services.scheduling.geography import postcodes
from services.scheduling.handlers import Scheduling
from services.scheduling.provider import Terms
from services.scheduling.retention import KIND, Retention
from shared.handling import Applied, Dead, DueTimer, Outcome, SetTimer, Unit
from tests.conftest import Databases
from tests.delivery import deliver, deliver_twice
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_message,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
    capacity_stated,
    orders_placed,
)

KEPT = timedelta(days=100)
NEXT_NIGHT = at(MONDAY + timedelta(days=1), "03:00")


@pytest.fixture
async def process(database: Databases) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Process(conn)
    await conn.close()


def a_night(due: datetime) -> DueTimer:
    return DueTimer(id="t1", kind=KIND, key=str(due), due=due, partition_key="", data=b"")


async def delete(process: Process, now: datetime) -> list[SetTimer]:
    """Lets the night come, twice; returns the timers that were set."""
    outcomes = await deliver_twice(process.conn, Retention(KEPT).due, [a_night(now)], now)
    return timers(outcomes)


def timers(outcomes: Sequence[Outcome]) -> list[SetTimer]:
    every = [timer for one in outcomes if isinstance(one, Applied) for timer in one.timers]
    return [timer for timer in every if isinstance(timer, SetTimer)]


async def rows(process: Process, table: str) -> list[str]:
    key = {"session": "order_id", "placed_order": "order_id"}.get(table, "week")
    found = await process.conn.fetch(f"SELECT {key} AS key FROM {table} ORDER BY 1")  # noqa: S608
    return [row["key"] for row in found]


async def a_past(process: Process) -> None:
    """Two weeks of a location; an order in each, and one that was withdrawn."""
    weeks = [
        a_statement("R", a_therapist("T1", *all_week(week)), week=week)
        for week in ("2026-W48", "2026-W49", "2026-W50")
    ]
    await process.intake(
        [a_message("", one, n, "roster.randers.capacity") for n, one in enumerate(weeks)]
    )
    await process.capacity(capacity_stated(*weeks))
    later = MONDAY + timedelta(days=8)
    bodies = [
        an_order_body("o1"),
        an_order_body("o2", earliest=later, limit=later + timedelta(days=7)),
        an_order_body("o3"),
    ]
    await process.orders(orders_placed(bodies))
    withdrawn = {"order_id": "o3", "referral_id": "r-o3", "citizen_id": "c", "provider": "730"}
    await process.orders([a_message("dk.genvej.order.withdrawn.v1", withdrawn, 10)])


async def test_sessions_orders_and_weeks_go_when_their_time_is_over(process: Process) -> None:
    await a_past(process)
    await delete(process, at(MONDAY + timedelta(days=7), "03:00") + KEPT)
    assert await rows(process, "session") == ["o2"]
    assert await rows(process, "placed_order") == ["o2"]
    assert await rows(process, "location_week") == ["2026-W49", "2026-W50"]
    assert await rows(process, "accepted_capacity") == ["2026-W49", "2026-W50"]


async def test_what_is_not_that_old_stays(process: Process) -> None:
    await a_past(process)
    await delete(process, NOW + KEPT)
    assert await rows(process, "session") == ["o1", "o2", "o3"]
    assert await rows(process, "location_week") == ["2026-W48", "2026-W49", "2026-W50"]


async def test_what_is_known_of_a_location_last_stays_however_old_it_is(process: Process) -> None:
    await a_past(process)
    await delete(process, NOW + timedelta(days=1000))
    assert await rows(process, "location_week") == ["2026-W50"]
    for table in ("session", "placed_order", "accepted_capacity"):
        assert await rows(process, table) == []


async def test_an_order_whose_session_is_not_that_old_stays_with_it(process: Process) -> None:
    friday = MONDAY + timedelta(days=4)
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T1", (friday, "09:00", "10:00"))))
    )
    await process.orders(orders_placed([an_order_body("o1")]))
    await delete(process, at(friday, "03:00") + KEPT)
    assert await rows(process, "placed_order") == ["o1"]


async def test_what_is_left_after_many_rows_goes_at_once(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_past(process)
    monkeypatch.setattr(retention, "MOST", 1)
    night = NOW + timedelta(days=1000)
    outcomes = await deliver(process.conn, Retention(KEPT).due, [a_night(night)], night)
    assert [timer.due for timer in timers(outcomes)] == [night]
    assert len(await rows(process, "session")) == 2


async def test_each_night_calls_for_the_next(process: Process) -> None:
    (timer,) = await delete(process, NEXT_NIGHT)
    assert (timer.kind, timer.due) == (KIND, NEXT_NIGHT + timedelta(days=1))


async def test_the_first_message_of_a_day_calls_for_the_night_and_later_ones_do_not(
    process: Process,
) -> None:
    handler = Retention(KEPT).beside(process.scheduling.referrals)
    bad, good = orders_placed([an_order_body("o1", earliest="i morgen"), an_order_body("o2")])
    first = await deliver(process.conn, handler, [bad, good], NOW)
    assert isinstance(first[0], Dead)
    assert [(one.key, one.due) for one in timers(first)] == [("2026-11-24", NEXT_NIGHT)]
    again = await deliver(process.conn, handler, orders_placed([an_order_body("o3")], 2), NOW)
    assert timers(again) == []
    tomorrow = NOW + timedelta(days=1)
    third = await deliver(process.conn, handler, orders_placed([an_order_body("o4")], 3), tomorrow)
    assert [one.due for one in timers(third)] == [NEXT_NIGHT + timedelta(days=1)]


def test_a_dead_letter_still_names_the_handler_that_it_died_in() -> None:
    handler = Scheduling(lambda code: Terms(public_holiday), postcodes()).referrals
    assert getattr(Retention(KEPT).beside(handler), "__qualname__", "") == handler.__qualname__


async def test_a_batch_that_is_undone_calls_again(process: Process) -> None:
    held = Retention(KEPT)
    handler = held.beside(process.scheduling.referrals)
    unit = Unit(conn=process.conn, now=NOW)
    transaction = process.conn.transaction()
    await transaction.start()
    assert timers(await handler(unit, orders_placed([an_order_body("o1")])))
    await transaction.rollback()
    assert timers(await deliver(process.conn, handler, orders_placed([an_order_body("o1")]), NOW))


@pytest.mark.parametrize(
    ("now", "night"),
    [
        (datetime(2026, 11, 23, 1, 59, tzinfo=UTC), datetime(2026, 11, 23, 2, tzinfo=UTC)),
        (datetime(2026, 11, 23, 2, 0, tzinfo=UTC), datetime(2026, 11, 24, 2, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_the_night_is_three_o_clock_in_denmark(now: datetime, night: datetime) -> None:
    assert retention.next_night(now) == night


async def test_an_order_that_is_history_is_not_booked_anew(process: Process) -> None:
    await a_past(process)
    night = at(date(2027, 12, 1), "03:00")
    week = "2027-W49"
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T1", *all_week(week)), week=week))
    )
    await delete(process, night)
    process.now = night + timedelta(hours=5)
    changed = a_message("dk.genvej.order.changed.v1", an_order_body("o1"), 20)
    events = await process.twice(process.scheduling.referrals, [changed])
    assert on_training(events) == ["order.infeasible"]
    assert events[0]["reason"] == "limit-passed"
    assert "is not planned any more" in events[0]["text"]
    assert await rows(process, "session") == []
