"""What scheduling says, and timers, through the handlers on a real database, each twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest

from deploy.demo.documents import fhir_plan, ruddi_fhir, ruddi_ggop
from shared.handling import Applied, CancelTimer, Dead, Parked, SetTimer, Unit
from tests.conftest import Databases
from tests.delivery import deliver, events_of
from tests.integration.referral_room import Room, a_session, names, only, timers
from tests.unit.referral.factories import HOSPITAL, NOW
from tests.waiting import until

INSIDE, OUTSIDE = "2022-05-28T07:00:00Z", "2022-06-02T07:00:00Z"


async def ordered(room: Room, document: bytes = ruddi_fhir()) -> dict[str, Any]:
    return only(await room.takes(document), "order.placed")


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
async def test_ruddis_hospital_hears_of_the_assessment_and_the_clock_stops(
    room: Room, document: bytes
) -> None:
    order = await ordered(room, document)
    (outcome,) = await room.hears(room.offered(order, INSIDE))
    (event,) = events_of([outcome])
    status = only([outcome], "referral.status")
    assert (event.topic, event.key) == (f"hospital.{HOSPITAL}.status", order["referral_id"])
    assert status["state"] == "offered"
    assert status["start"] == INSIDE
    assert status["limit"] == "2022-05-31"
    assert status["code"]["code"] == "1130ad70-6553-490d-87f8-5e8941687a0c"
    assert status["performer"] == "1037801000016003"
    assert status["location"]["name"] == "Genoptræningscenteret"
    assert isinstance(outcome, Applied)
    assert {type(timer) for timer in outcome.timers} == {CancelTimer}
    assert {timer.kind for timer in outcome.timers} == {"limit.at-risk", "limit.missed"}


async def test_an_order_that_cannot_be_held_opens_free_choice(room: Room) -> None:
    order = await ordered(room)
    outcomes = await room.hears(room.infeasible(order, "no-capacity-inside-limit"))
    opened = only(outcomes, "free-choice.opened")
    assert (opened["reason"], opened["limit"]) == ("infeasible", "2022-05-31")


async def test_an_order_without_known_capacity_goes_to_the_worklist(room: Room) -> None:
    order = await ordered(room)
    outcomes = await room.hears(room.infeasible(order, "no-capacity-known"))
    assert names(outcomes) == ["worklist.opened"]
    assert await room.worklist() == ["no-capacity-known"]


async def test_news_of_one_batch_is_decided_in_order(room: Room) -> None:
    order = await ordered(room)
    outcomes = await room.hears(
        room.infeasible(order, "no-capacity-inside-limit"), room.offered(order, OUTSIDE)
    )
    assert names(outcomes) == ["free-choice.opened", "referral.status"]


async def test_a_stale_revision_is_dropped(room: Room) -> None:
    order = await ordered(room)
    moved = room.offered(order, "2022-05-30T07:00:00Z", revision=2, name="session.moved")
    await room.hears(moved)
    assert names(await room.hears(room.offered(order, INSIDE, revision=1))) == []
    assert await room.rows("SELECT revision FROM sessions") == [(2,)]


async def test_another_therapist_at_the_same_time_and_place_is_no_news_to_the_hospital(
    room: Room,
) -> None:
    order = await ordered(room)
    same = room.offered(order, INSIDE, revision=2, name="session.moved")
    later = room.offered(order, "2022-05-30T07:00:00Z", revision=3, name="session.moved")
    outcomes = await room.hears(room.offered(order, INSIDE), same, later)
    assert [len(events_of([one])) for one in outcomes] == [1, 0, 1]


async def test_a_session_that_is_lost_is_told_and_needs_a_human(room: Room) -> None:
    order = await ordered(room)
    lost = a_session(order, INSIDE, 2) | {"reason": "capacity-gone"}
    outcomes = await room.hears(
        room.offered(order, INSIDE), room.bag.training("session.cancelled.v1", orjson.dumps(lost))
    )
    told = events_of(outcomes, "referral.status")
    assert [orjson.loads(e.value or b"")["state"] for e in told] == ["offered", "cancelled"]
    assert await room.worklist() == ["offer-lost"]


async def test_news_of_a_closed_referral_is_nobodys_news(room: Room) -> None:
    order = await ordered(room, fhir_plan(document_id="plan-1"))
    await room.takes(fhir_plan(document_id="plan-2", corrects="plan-1", revoked=True))
    assert names(await room.hears(room.offered(order, INSIDE))) == []


async def test_news_of_an_unknown_referral_waits_for_it(room: Room) -> None:
    order = {"order_id": "o", "referral_id": "unknown", "citizen_id": "C", "provider": "316"}
    order |= {"limit": "2022-05-31", "steps": [{"step_id": "s"}]}  # type: ignore[dict-item]
    early = room.offered(order, INSIDE)
    (waiting,) = await room.hears(early)
    assert isinstance(waiting, Parked)
    room.moves_to(waiting.until)
    (given_up,) = await room.hears(early)
    assert isinstance(given_up, Dead)


async def test_a_plan_releases_the_news_that_waits_for_it(room: Room) -> None:
    (outcome,) = await room.takes(ruddi_fhir())
    order = only([outcome], "order.placed")
    assert isinstance(outcome, Applied)
    assert f"referral:{order['referral_id']}" in outcome.releases


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session.offered.v1", b"not json"),
        ("session.offered.v1", None),
        ("session.offered.v1", b'{"session_id": "s", "referral_id": "r", "start": "soon"}'),
        ("session.offered.v2", b"{}"),
        ("", b"{}"),
    ],
)
async def test_unreadable_news_is_a_dead_letter_that_holds_its_referral(
    room: Room, name: str, value: bytes | None
) -> None:
    order = await ordered(room)
    dead, alive = await room.hears(
        room.bag.training(name, value, subject="the-referral"), room.offered(order, INSIDE)
    )
    assert isinstance(dead, Dead)
    assert dead.holds == "the-referral"
    assert isinstance(alive, Applied)


async def test_what_others_say_to_others_is_ignored(room: Room) -> None:
    (outcome,) = await room.hears(room.bag.training("session.restated.v1", b"{}"))
    assert outcome == Applied()


async def test_the_clock_warns_then_misses_then_opens_free_choice(room: Room) -> None:
    outcomes = await room.takes(ruddi_fhir())
    set_timers = timers(outcomes)
    warning, end = set_timers["limit.at-risk"], set_timers["limit.missed"]
    assert isinstance(warning, SetTimer)

    room.moves_to(warning.due)
    warned = await room.rings(warning)
    assert names(warned) == ["limit.at-risk"]
    assert only(warned, "limit.at-risk")["limit"] == "2022-05-31"

    room.moves_to(end.due)
    passed = await room.rings(end)
    assert names(passed) == ["limit.missed", "free-choice.opened"]
    assert only(passed, "free-choice.opened")["reason"] == "limit-missed"


async def test_a_warning_and_a_miss_in_one_round_are_both_said(room: Room) -> None:
    set_timers = timers(await room.takes(ruddi_fhir()))
    room.moves_to(datetime(2022, 7, 1, tzinfo=UTC))
    outcomes = await room.rings(set_timers["limit.at-risk"], set_timers["limit.missed"])
    assert names(outcomes) == ["limit.at-risk", "limit.missed", "free-choice.opened"]


async def test_a_timer_whose_referral_was_offered_in_time_says_nothing(room: Room) -> None:
    outcomes = await room.takes(ruddi_fhir())
    await room.hears(room.offered(only(outcomes, "order.placed"), INSIDE))
    assert names(await room.rings(*timers(outcomes).values())) == []


async def test_a_correction_that_waited_for_an_offer_to_commit_sees_the_offer(
    database: Databases,
) -> None:
    dsn = await database("referral")
    first, second = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        room, other = Room(first), Room(second)
        order = await ordered(room, fhir_plan(document_id="plan-1"))
        correction = other.bag.document(
            fhir_plan(document_id="plan-2", corrects="plan-1", discharge_date="2022-05-25")
        )
        pid = second.get_server_pid()
        async with first.transaction():
            await room.clock.training(Unit(conn=first, now=NOW), [room.offered(order, INSIDE)])
            waiting = asyncio.create_task(deliver(second, other.intake, [correction], NOW))

            async def blocked() -> bool:
                return bool(await first.fetchval("SELECT cardinality(pg_blocking_pids($1))", pid))

            await until(blocked)
        outcomes = await waiting
        assert names(outcomes)[:2] == ["referral.revised", "order.changed"]
        assert timers(outcomes) == {}, "the clock has stopped"
    finally:
        await first.close()
        await second.close()
