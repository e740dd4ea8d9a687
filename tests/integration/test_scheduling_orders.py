"""Orders and capacity through the handlers on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.scheduling import incoming, store_orders
from services.scheduling.commands import Attend
from services.scheduling.moves import RuleBrokenError
from services.scheduling.orders import Attendance
from shared.handling import Applied, Dead, SetTimer, Unit
from tests.conftest import Databases
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    a_message,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
    capacity_stated,
    orders_placed,
)
from tests.unit.scheduling.test_gatherings import a_group
from tests.waiting import until

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def dsn(database: Databases) -> str:
    return await database("scheduling")


@pytest.fixture
async def process(dsn: str) -> AsyncIterator[Process]:
    conn = await asyncpg.connect(dsn)
    yield Process(conn)
    await conn.close()


def two_locations(version: int = 1) -> list[dict[str, object]]:
    return [
        a_statement("R", a_therapist("T1", *all_week()), version=version),
        a_statement("L", a_therapist("T2", *all_week()), version=version),
    ]


async def test_an_order_is_booked_at_the_nearest_location_and_offered(process: Process) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    offered, status = await process.orders(orders_placed([an_order_body()]))
    assert offered["type"] == "session.offered.v1"
    assert offered["location"]["code"] == "R"
    assert offered["start"] == "2026-11-24T07:00:00Z"
    assert (status["type"], status["booked_minutes"]) == ("capacity.status.v1", 60)
    assert await process.conn.fetchval("SELECT count(*) FROM session") == 1


async def test_orders_that_come_twice_change_nothing(process: Process) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    batch = orders_placed(an_order_body(f"o{number}") for number in range(20))
    first = await process.twice(process.scheduling.referrals, batch)
    assert on_training(first) == ["session.offered"] * 20


async def test_capacity_that_comes_twice_changes_nothing(process: Process) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    await process.orders(orders_placed([an_order_body()]))
    batch = capacity_stated(a_statement("R", a_therapist("T3", *all_week()), version=2))
    first = await process.twice(process.scheduling.capacity, batch)
    assert on_training(first) == ["session.restated"]


async def test_withdrawals_and_closings_that_come_twice_change_nothing(process: Process) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    await process.orders(orders_placed(an_order_body(f"o{number}") for number in range(2)))
    withdrawn = {"order_id": "o0", "referral_id": "r-o0", "citizen_id": "c", "provider": "730"}
    closed = {"referral_id": "r-o1", "citizen_id": "c", "provider": "730", "reason": "revoked"}
    batch = [
        a_message(incoming.ORDER_WITHDRAWN, withdrawn, 10),
        a_message(incoming.REFERRAL_CLOSED, closed, 11),
    ]
    first = await process.twice(process.scheduling.referrals, batch)
    assert on_training(first) == ["session.cancelled"] * 2


async def test_a_pause_and_a_resumption_that_come_twice_change_nothing_more(
    process: Process, dsn: str
) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    await process.orders(orders_placed([an_order_body("o1")]))
    about = {"referral_id": "r-o1", "citizen_id": "c", "provider": "730", "reason": "readmitted"}
    paused = [a_message(incoming.REFERRAL_PAUSED, about, 10)]
    first = await process.twice(process.scheduling.referrals, paused)
    assert on_training(first) == ["session.cancelled"]
    dates = {"earliest": str(TUESDAY + timedelta(days=1)), "limit": str(TUESDAY + timedelta(2))}
    resumed = [a_message(incoming.REFERRAL_RESUMED, {**about, **dates}, 11)]
    again = await process.twice(process.scheduling.referrals, resumed)
    assert on_training(again) == ["session.offered"]
    conn = await asyncpg.connect(dsn)
    try:
        ((_, placed),) = await store_orders.named_orders(conn, ["o1"], [])
    finally:
        await conn.close()
    assert str(placed.order.earliest) == dates["earliest"]
    assert str(placed.order.limit) == dates["limit"]


async def test_attendance_is_written_down_once_also_by_another_process(
    process: Process, dsn: str
) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    offered, _ = await process.orders(orders_placed([an_order_body()]))
    at_once = at(TUESDAY, "09:00")
    said = Attendance(True, None, "staff-1", at_once)
    command = Attend("o1", offered["session_id"], said)
    conn = await asyncpg.connect(dsn)
    other = Process(conn)
    process.now = other.now = at_once
    try:
        first = await other.at_desk("730", "o1", command)
        assert on_training(first) == ["session.attended"]
        assert await process.at_desk("730", "o1", command) == []
    finally:
        await conn.close()


async def test_who_is_held_is_told_once_by_a_timer_that_comes_twice_to_a_process_that_restarts(
    dsn: str,
) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        process = Process(conn, tell=2)
        friday = MONDAY + timedelta(days=4)
        hours = [(friday, "09:00", "10:00"), (friday + timedelta(days=3), "09:00", "10:00")]
        week = [a_statement("R", a_therapist("T1", hours[0]))]
        week += [a_statement("R", a_therapist("T1", hours[1]), week="2026-W49")]
        await process.capacity(capacity_stated(*week))
        body = an_order_body(earliest=friday, limit=friday + timedelta(days=8))
        order = orders_placed([body])
        (outcome,) = await process.outcomes(process.scheduling.referrals, order)
        assert isinstance(outcome, Applied)
        (timer,) = outcome.timers
        assert isinstance(timer, SetTimer)
        assert (timer.kind, timer.due) == ("plan", process.now + timedelta(minutes=10))
        assert await conn.fetchval("SELECT revision FROM session") == 0
        process.now = at(MONDAY + timedelta(days=1), "18:00")
        assert on_training(await process.plan()) == []
        restarted = Process(conn, now=at(MONDAY + timedelta(days=2), "18:00"), tell=2)
        told_of = [one for one in await restarted.plan(twice=True) if "session_id" in one]
        (held,) = await conn.fetch("SELECT * FROM session")
        assert on_training(told_of) == ["session.offered"]
        assert (told_of[0]["session_id"], told_of[0]["revision"]) == (str(held["session_id"]), 1)
        again = Process(conn, now=restarted.now, tell=2)
        assert on_training(await again.plan()) == []
        assert on_training(await again.orders(order)) == []
        assert await conn.fetchrow("SELECT * FROM session") == held
    finally:
        await conn.close()


async def test_the_held_make_room_in_the_same_transaction(dsn: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        process = Process(conn, tell=2)
        friday = MONDAY + timedelta(days=4)
        hours = (friday, "09:00", "12:00")
        await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", hours))))
        far = friday + timedelta(days=8)
        bodies = [an_order_body(f"o{n}", earliest=friday, limit=far) for n in range(2)]
        await process.orders(orders_placed(bodies))
        early = [{"weekday": 5, "from": "09:00", "to": "10:00"}]
        other = an_order_body("o2", earliest=friday, limit=friday, windows=early)
        assert on_training(await process.orders(orders_placed([other], 5))) == []
        rows = await conn.fetch("SELECT order_id, lower(during) AS start, revision FROM session")
        starts = {row["order_id"]: row["start"] for row in rows}
        assert starts["o2"] == at(friday, "09:00")
        assert len(set(starts.values())) == 3
        assert {row["revision"] for row in rows} == {0}
    finally:
        await conn.close()


async def test_a_group_is_shared_across_processes_and_the_database_holds_its_seats(
    process: Process, dsn: str
) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    bodies = [a_group(f"o{number}", seats=2) for number in range(3)]
    await process.twice(process.scheduling.referrals, orders_placed(bodies[:1]))
    conn = await asyncpg.connect(dsn)
    try:
        other = Process(conn)
        await other.orders(orders_placed(bodies[1:], 1))
        rows = await conn.fetch("SELECT * FROM session ORDER BY order_id")
        assert [row["seat"] for row in rows] == [1, 2, 1]
        assert rows[0]["gathering"] == rows[1]["gathering"] != rows[2]["gathering"]
        assert rows[0]["therapist"] == rows[1]["therapist"]
        with pytest.raises(asyncpg.UniqueViolationError):
            await conn.execute("UPDATE session SET seat = 1 WHERE order_id = 'o1'")
        with pytest.raises(asyncpg.CheckViolationError):
            await conn.execute("UPDATE session SET seat = 3 WHERE order_id = 'o1'")
        with pytest.raises(asyncpg.ExclusionViolationError):
            await conn.execute("UPDATE session SET gathering = NULL WHERE order_id = 'o1'")
    finally:
        await conn.close()


async def test_who_leads_beside_the_therapist_is_booked_in_the_database_too(
    process: Process,
) -> None:
    staff = a_therapist("T1", *all_week()), a_therapist("T2", *all_week())
    await process.capacity(capacity_stated(a_statement("R", *staff)))
    both = [{"role": "staff", "count": 2, "competences": ["almen"]}]
    await process.twice(
        process.scheduling.referrals, orders_placed([a_group("o0", seats=1, leaders=both)])
    )
    rows = await process.conn.fetch("SELECT * FROM session ORDER BY assists NULLS FIRST")
    assert [(row["therapist"], row["company"]) for row in rows] == [("T1", ["T2"]), ("T2", None)]
    assert rows[1]["assists"] == rows[0]["session_id"]
    with pytest.raises(asyncpg.ExclusionViolationError):
        await process.conn.execute(
            """INSERT INTO session (session_id, order_id, provider, ordinal, status, location,
                   therapist, during, revision, inside_limit, transport, alternatives, reason,
                   offered_at)
               SELECT gen_random_uuid(), 'x', provider, 0, 'offered', location, 'T2', during, 1,
                   true, false, '[]', '', offered_at FROM session WHERE assists IS NULL"""
        )
    withdrawn = {"order_id": "o0", "referral_id": "r-o0", "citizen_id": "c", "provider": "730"}
    await process.orders([a_message(incoming.ORDER_WITHDRAWN, withdrawn, 10)])
    left = await process.conn.fetchval("SELECT count(*) FROM session WHERE status = 'offered'")
    assert left == 0


async def test_one_batch_may_free_a_slot_and_book_it_again(process: Process) -> None:
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "10:00"))))
    )
    await process.orders(orders_placed([an_order_body("o1")]))
    withdrawn = {"order_id": "o1", "referral_id": "r-o1", "citizen_id": "c", "provider": "730"}
    events = await process.orders(
        [
            a_message(incoming.ORDER_WITHDRAWN, withdrawn, 10),
            *orders_placed([an_order_body("o2")], 11),
        ]
    )
    assert on_training(events) == ["session.cancelled", "session.offered"]


async def test_a_session_may_take_the_time_that_another_leaves_in_the_same_batch(
    process: Process,
) -> None:
    wednesday = TUESDAY + timedelta(days=1)
    hours = [(TUESDAY, "09:00", "11:00"), (wednesday, "09:00", "10:00")]
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", *hours))))
    await process.orders(orders_placed([an_order_body("o1"), an_order_body("o2")]))
    at_nine = [{"weekday": None, "from": None, "to": "10:00"}]
    changed = [an_order_body("o1", earliest=wednesday), an_order_body("o2", windows=at_nine)]
    events = await process.orders(
        [a_message(incoming.ORDER_CHANGED, body, 20 + n) for n, body in enumerate(changed)]
    )
    assert on_training(events) == ["session.moved", "session.moved"]
    starts = await process.conn.fetch(
        "SELECT order_id, lower(during) AS start FROM session ORDER BY order_id"
    )
    assert [row["start"] for row in starts] == [at(wednesday, "09:00"), at(TUESDAY, "09:00")]


async def test_two_plans_of_one_citizen_never_overlap_also_at_two_providers_in_one_batch(
    process: Process,
) -> None:
    hours = (TUESDAY, "09:00", "11:00")
    await process.capacity(
        capacity_stated(
            a_statement("R", a_therapist("T1", hours)),
            a_statement("R", a_therapist("T1", hours), provider="316"),
            a_statement("L", a_therapist("T2", *all_week()), provider="316"),
        )
    )
    one = an_order_body("o1", citizen_id="c-else")
    other = {**an_order_body("o2", citizen_id="c-else"), "provider": "316"}
    assert on_training(await process.orders(orders_placed([one, other]))) == ["session.offered"] * 2
    again = {**an_order_body("o3", citizen_id="c-else"), "provider": "316"}
    await process.orders(orders_placed([again], 2))
    rows = await process.conn.fetch("SELECT order_id, lower(during) AS start FROM session")
    assert {row["order_id"]: row["start"] for row in rows} == {
        "o1": at(TUESDAY, "09:00"),
        "o2": at(TUESDAY, "11:00"),
        "o3": at(TUESDAY, "12:00"),
    }


async def test_whoever_an_order_is_for_after_all_keeps_the_time_and_is_nowhere_else_meanwhile(
    process: Process,
) -> None:
    hours = (TUESDAY, "09:00", "12:00")
    await process.capacity(capacity_stated(a_statement("R", a_therapist("T1", hours))))
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T2", hours), provider="316"))
    )
    await process.orders(orders_placed([an_order_body("o1", citizen_id="c-gone")]))
    changed = a_message(incoming.ORDER_CHANGED, an_order_body("o1", citizen_id="c-kept"), 1)
    assert on_training(await process.orders([changed])) == []
    other = {**an_order_body("o2", citizen_id="c-kept"), "provider": "316"}
    await process.orders(orders_placed([other], 2))
    rows = await process.conn.fetch("SELECT citizen_id, lower(during) AS start FROM session")
    assert {(row["citizen_id"], row["start"]) for row in rows} == {
        ("c-kept", at(TUESDAY, "09:00")),
        ("c-kept", at(TUESDAY, "11:00")),
    }


async def test_a_citizen_whom_another_provider_books_at_the_same_moment_is_tried_again(
    process: Process, dsn: str
) -> None:
    hour = (TUESDAY, "09:00", "10:00")
    for provider in ("730", "316"):
        await process.capacity(
            capacity_stated(
                a_statement(
                    "R",
                    a_therapist("T1", hour, (TUESDAY, "12:00", "13:00")),
                    provider=provider,
                )
            )
        )
    conn = await asyncpg.connect(dsn)
    other = Process(conn)

    async def blocked() -> bool:
        return bool(
            await conn.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
        )

    async with conn.transaction():
        unit = Unit(conn=conn, now=other.now)
        body = {**an_order_body("o1", citizen_id="c-else"), "provider": "316"}
        await other.scheduling.referrals(unit, orders_placed([body]))
        mine = orders_placed([an_order_body("o2", citizen_id="c-else")])
        waiting = asyncio.create_task(process.again(process.scheduling.referrals, mine))
        await until(blocked)
    events = await waiting
    await conn.close()
    assert process.collisions == 1
    assert events[0]["start"] == "2026-11-24T11:00:00Z"


async def test_another_process_sees_what_the_first_has_booked(process: Process, dsn: str) -> None:
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "11:00"))))
    )
    await process.orders(orders_placed([an_order_body("o1")]))
    conn = await asyncpg.connect(dsn)
    try:
        other = Process(conn)
        second = await other.orders(orders_placed([an_order_body("o2")], 1))
        third = await process.orders(orders_placed([an_order_body("o3")], 2))
    finally:
        await conn.close()
    assert second[0]["start"] == "2026-11-24T09:00:00Z"
    assert on_training(third) == ["order.infeasible"]


async def test_a_batch_that_is_undone_leaves_nothing_in_memory(process: Process) -> None:
    await process.capacity(
        capacity_stated(a_statement("R", a_therapist("T1", (TUESDAY, "09:00", "10:00"))))
    )

    async def fails(unit: object, messages: object) -> list[object]:
        await process.scheduling.referrals(unit, messages)  # type: ignore[arg-type]
        raise RuleBrokenError("at the end")

    with pytest.raises(RuleBrokenError):
        await process.apply(fails, orders_placed([an_order_body("o1")]))  # type: ignore[arg-type]
    events = await process.orders(orders_placed([an_order_body("o2")]))
    assert on_training(events) == ["session.offered"]


async def test_an_order_nobody_can_read_is_a_dead_letter_that_holds_its_referral(
    process: Process,
) -> None:
    bad = an_order_body("o1", earliest="den 24.")
    outcomes = await process.outcomes(
        process.scheduling.referrals,
        [*orders_placed([bad, an_order_body("o2")]), a_message("dk.genvej.limit.missed.v1", {}, 3)],
    )
    dead, good, other = outcomes
    assert isinstance(dead, Dead)
    assert dead.holds == "r-o1"
    assert dead.reason.startswith("earliest: ")
    assert "24" not in dead.reason
    assert isinstance(good, Applied)
    assert other == Applied()


async def test_a_null_value_is_a_dead_letter(process: Process) -> None:
    (outcome,) = await process.outcomes(
        process.scheduling.referrals, [a_message(incoming.ORDER_PLACED, None)]
    )
    assert isinstance(outcome, Dead)


async def test_the_day_after_only_what_is_ahead_is_remembered(process: Process) -> None:
    await process.capacity(capacity_stated(*two_locations()))
    await process.orders(orders_placed([an_order_body("o1")]))
    process.now = at(MONDAY + timedelta(days=2), "09:00")
    withdrawn = {"order_id": "o1", "referral_id": "r-o1", "citizen_id": "c", "provider": "730"}
    events = await process.orders([a_message(incoming.ORDER_WITHDRAWN, withdrawn, 10)])
    assert on_training(events) == []
    assert await process.conn.fetchval("SELECT status FROM placed_order") == "closed"
    assert await process.conn.fetchval("SELECT status FROM session") == "offered"
