"""The change of authority in 2027 through the handler on a real database, delivered twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from deploy.demo.documents import fhir_plan
from deploy.demo.fhir_messages import hospital_notification
from deploy.demo.fhir_referral import fhir_referral
from services.referral.plan import PlanType
from services.referral.worklist_endpoints import Worklist
from shared.endpoints import Answer, Refused
from tests.conftest import Databases
from tests.delivery import events_of
from tests.integration.referral_room import Room, data, names, only, receipt_text, verdict
from tests.integration.test_referral_grounds import sent as from_gp
from tests.staff import a_call, asked
from tests.unit.referral.factories import a_decided, a_register

SPECIALISED = PlanType.REHABILITERING_SPECIALISERET


@pytest.fixture
async def room(database: Databases) -> AsyncIterator[Room]:
    connection = await asyncpg.connect(await database("referral"))
    yield Room(connection, datetime(2026, 12, 30, 8, tzinfo=UTC))
    await connection.close()


async def test_a_plan_of_the_regions_time_is_ordered_when_a_human_says_that_it_is_given_here(
    room: Room,
) -> None:
    later = date(2027, 1, 12)
    plan = fhir_plan(type=SPECIALISED, discharge_date=date(2027, 1, 1), later_start=later)
    outcomes = await room.takes(plan)
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.received",
        "worklist.opened",
        "document.acknowledged",
    ]
    assert verdict(outcomes[0]) == "ok"
    assert "regionen ansvarlig" in receipt_text(outcomes[0])
    opened = only(outcomes, "worklist.opened")
    assert opened["reason"] == "region-responsible"
    worklist = Worklist(decided=a_decided(), register=a_register())
    call = a_call(path={"id": opened["entry_id"]}, body={"decision": "run-here"})
    answer = await asked(room.conn, worklist.decide, call, room.now)
    assert [event.type for event in answer.applied.events] == [
        "dk.genvej.worklist.closed.v1",
        "dk.genvej.order.placed.v1",
    ]
    order: dict[str, Any] = data(answer.applied.events[1])
    assert (order["programme"], order["earliest"], order["limit"]) == (
        "p140-rehabilitering-specialiseret",
        "2027-01-12",
        "2027-01-19",
    )


async def test_the_desk_chooses_no_programme_that_is_the_regions_by_then(room: Room) -> None:
    hypertension = [("DI10", "Forhøjet blodtryk")]
    letter = fhir_referral(asked=date(2027, 1, 4), diagnoses=hypertension)
    (entry,) = events_of(await room.takes(from_gp(room.bag, letter)), "worklist.opened")
    worklist = Worklist(decided=a_decided(), register=a_register())

    async def decides(programme: str) -> Answer:
        body = {"decision": "order-programme", "programme": programme}
        call = a_call(path={"id": data(entry)["entry_id"]}, body=body)
        return await asked(room.conn, worklist.decide, call, room.now)

    with pytest.raises(Refused, match="the region is responsible for back-pain-package"):
        await decides("back-pain-package")
    answer = await decides("mastery")
    assert data(answer.applied.events[1])["programme"] == "mastery"


async def test_a_plan_of_the_regions_time_is_closed_when_the_region_gives_it(room: Room) -> None:
    outcomes = await room.takes(fhir_plan(type=SPECIALISED, discharge_date=date(2027, 1, 1)))
    entry = only(outcomes, "worklist.opened")["entry_id"]
    worklist = Worklist(decided=a_decided(), register=a_register())
    call = a_call(path={"id": entry}, body={"decision": "not-ours"})
    answer = await asked(room.conn, worklist.decide, call, room.now)
    closed = [data(event) for event in answer.applied.events if "referral.closed" in event.type]
    assert [one["reason"] for one in closed] == ["entered-in-error"]


async def test_a_stay_that_ends_after_the_day_is_looked_at_and_the_order_stands(
    room: Room,
) -> None:
    plan = fhir_plan(type=SPECIALISED, discharge_date=date(2026, 12, 31))
    assert only(await room.takes(plan), "order.placed")
    room.moves_to(datetime(2027, 1, 2, 18, tzinfo=UTC))
    stay: dict[str, Any] = {"stay": "stay-1", "started": "2026-12-20T10:00:00+01:00"}
    await room.takes(hospital_notification(document_id="stin-1", **stay))
    home = {
        **stay,
        "document_id": "slhj-1",
        "activity": "discharge-inpatient-home",
        "status": "finished",
        "previous": "stin-1",
        "ended": "2027-01-02T14:00:00+01:00",
    }
    outcomes = await room.takes(hospital_notification(**home))
    assert only(outcomes, "order.changed")["limit"] == "2027-01-09"
    assert only(outcomes, "worklist.opened")["about"] == "p140-rehabilitering-specialiseret"
    assert await room.worklist() == ["region-responsible"]
