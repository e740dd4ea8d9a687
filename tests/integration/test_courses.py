"""Courses on a real database: who came is heard, the hospital is told; delivered twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from deploy.demo.documents import fhir_plan
from services.referral.course.course import continued
from services.referral.course.handlers import Courses
from services.referral.handlers_sessions import Training
from services.referral.identity import step_id
from services.referral.store_orders import newest_orders, save_orders
from shared.envelope import Message
from shared.handling import Dead, Outcome, Parked
from tests.conftest import Databases
from tests.delivery import deliver_twice
from tests.integration.referral_room import Room, names, only
from tests.unit.referral.factories import PORTFOLIO, a_clock, an_office


@pytest.fixture
async def room(database: Databases) -> AsyncIterator[Room]:
    connection = await asyncpg.connect(await database("referral"))
    yield Room(connection)
    await connection.close()


def training() -> Training:
    courses = Courses(directory=an_office().directory, portfolio=PORTFOLIO)
    return Training(clock=a_clock(), courses=courses)


def attended(room: Room, order: dict[str, Any], step: int, number: int, **other: Any) -> Message:
    start = room.now + timedelta(days=number)
    body = {key: order[key] for key in ("order_id", "referral_id", "citizen_id", "provider")}
    body |= {
        "session_id": f"{step}-{number}",
        "step_id": order["steps"][step - 1]["step_id"],
        "start": start.isoformat(),
        "attended": True,
        "reason": None,
        "by": "316-therapist",
        "at": (start + timedelta(hours=1)).isoformat(),
    }
    value = orjson.dumps(body | other)
    return room.bag.training("session.attended.v1", value, subject=order["referral_id"])


async def hears(room: Room, *messages: Message) -> Sequence[Outcome]:
    return await deliver_twice(room.conn, training(), messages, room.now)


async def test_the_hospital_hears_that_the_course_has_started_once(room: Room) -> None:
    order = only(await room.takes(fhir_plan()), "order.placed")
    outcomes = await hears(room, attended(room, order, 1, 3))
    assert names(outcomes) == ["course.started", "referral.status"]
    assert only(outcomes, "referral.status")["state"] == "started"
    assert names(await hears(room, attended(room, order, 1, 4))) == []


async def test_a_whole_course_ends_with_its_last_session(room: Room) -> None:
    placed = only(await room.takes(fhir_plan()), "order.placed")
    me = placed["referral_id"]
    row = (await newest_orders(room.conn, [me]))[me]
    whole = continued(row.order, PORTFOLIO.programmes["p140-basal"])
    await save_orders(room.conn, [replace(row, order=whole)], room.now)
    ids = [{"step_id": step_id(placed["order_id"], n)} for n in range(1, 4)]
    order = placed | {"steps": ids}
    messages = [
        attended(room, order, step, 30 * step + number)
        for step, one in enumerate(whole.steps, start=1)
        for number in range(one.count)
    ]
    outcomes = await hears(room, *messages)
    assert names(outcomes) == [
        "course.started",
        "referral.status",
        "course.ended",
        "referral.status",
    ]
    ended = only(outcomes, "course.ended")
    assert (ended["programme"], ended["sessions"], ended["attended"]) == ("p140-basal", 13, 13)


async def test_a_start_entered_in_error_is_taken_back_and_the_hospital_told(room: Room) -> None:
    order = only(await room.takes(fhir_plan()), "order.placed")
    later = (room.now + timedelta(days=9)).isoformat()
    wrong = attended(room, order, 1, 3, attended=False, at=later)
    await hears(room, attended(room, order, 1, 3))
    outcomes = await hears(room, wrong)
    assert only(outcomes, "course.reopened")["started"] is False
    assert only(outcomes, "referral.status")["state"] == "cancelled"


async def test_sessions_of_later_steps_are_no_offers_of_a_first_session(room: Room) -> None:
    order = only(await room.takes(fhir_plan()), "order.placed")
    first = room.offered(order, "2022-05-27T07:00:00Z")
    later = room.offered(order | {"steps": [{"step_id": "another"}]}, "2022-06-20T07:00:00Z")
    body = orjson.loads(later.value or b"") | {"session_id": "a-later-one"}
    later = replace(later, value=orjson.dumps(body))
    outcomes = await hears(room, first, later)
    assert names(outcomes) == ["referral.status"]
    days = await room.rows("SELECT day::text FROM offered_days")
    assert days == [("2022-05-27",)]


async def test_who_came_to_an_unknown_referral_waits_and_nonsense_is_a_dead_letter(
    room: Room,
) -> None:
    order = only(await room.takes(fhir_plan()), "order.placed")
    parked, dead = await hears(
        room,
        attended(room, order, 1, 3, referral_id="unknown"),
        attended(room, order, 1, 3, at="yesterday"),
    )
    assert isinstance(parked, Parked)
    assert isinstance(dead, Dead)
    assert dead.reason == "at: datetime_from_date_parsing"
