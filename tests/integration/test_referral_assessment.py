"""Assessments through their endpoints and the handler, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from deploy.demo.documents import ruddi_fhir
from services.referral.assessment_endpoints import Assessments
from services.referral.handlers_training import ASSESSMENT_MISSING
from shared.endpoints import Answer, Refused
from shared.handling import DueTimer
from shared.staff import Member
from tests.delivery import deliver_twice
from tests.integration.referral_room import Room, names, only, timers
from tests.integration.test_referral_course import INSIDE, came
from tests.staff import FAR_AWAY, JENS, a_call, asked
from tests.unit.referral.factories import POLICY, a_decided, a_register

FOUND = {
    "complexity": 2,
    "resources": 2,
    "motivation": 6,
    "readiness": 2,
    "level": "basal",
    "goals": ["Jeg vil kunne gå til købmanden på Ærøgade igen"],
    "with_citizen": True,
}


@pytest.fixture
def assessments() -> Assessments:
    return Assessments(decided=a_decided(), register=a_register(), policy=POLICY)


async def started(room: Room) -> dict[str, Any]:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    await room.hears(room.offered(order, INSIDE), came(room, order))
    return order


async def recorded(
    room: Room,
    assessments: Assessments,
    order: dict[str, Any],
    staff: Member = JENS,
    **more: Any,
) -> Answer:
    call = a_call(staff, path={"id": order["referral_id"]}, body=FOUND | more)
    return await asked(room.conn, assessments.record, call, room.now)


async def test_the_citizens_words_leave_the_service_sealed_only(
    room: Room, assessments: Assessments
) -> None:
    order = await started(room)
    answer = await recorded(room, assessments, order)
    assert names([answer.applied]) == ["assessment.recorded", "order.changed"]
    event = only([answer.applied], "assessment.recorded")
    assert (event["track_proposed"], event["track"], event["goals"]) == ("group", "group", 1)
    assert event["decided_by"]["id"] == "316-therapist"
    said = b"".join(e.value or b"" for e in answer.applied.events)
    assert "købmanden" not in said.decode()
    assert "Prøve" not in said.decode()
    rows = await room.rows("SELECT sealed FROM assessments")
    assert all(b"gade" not in sealed for (sealed,) in rows)
    path = {"id": order["referral_id"]}
    shown = (await asked(room.conn, assessments.show, a_call(JENS, path=path), room.now)).content
    assert isinstance(shown, list)
    assert shown[0]["goals"] == FOUND["goals"]
    assert shown[0]["decided_by"] == "Jens Prøve"
    assert shown[0]["scores"]["readiness"]["da"].startswith("Forberedelse")
    log = await room.rows("SELECT actor, action FROM access_log ORDER BY id DESC LIMIT 2")
    assert log == [
        ("staff:316-therapist", "assessment.show"),
        ("staff:316-therapist", "assessment.record"),
    ]


async def test_without_the_citizens_key_the_words_are_gone(
    room: Room, assessments: Assessments
) -> None:
    order = await started(room)
    await recorded(room, assessments, order)
    other = assessments.register.records.seal(b"k" * 32, order["citizen_id"])
    await room.conn.execute("UPDATE citizens SET data_key = $1", other)
    path = {"id": order["referral_id"]}
    shown = (await asked(room.conn, assessments.show, a_call(JENS, path=path), room.now)).content
    assert isinstance(shown, list)
    assert shown[0]["goals"] is None
    assert shown[0]["track"] == "group"


async def test_the_order_becomes_the_course_and_says_what_suits(
    room: Room, assessments: Assessments
) -> None:
    order = await started(room)
    wishes: dict[str, Any] = {
        "vulnerable": True,
        "windows": [{"weekday": 2, "begin": "08:00", "end": "12:00"}],
    }
    answer = await recorded(room, assessments, order, **wishes)
    changed = only([answer.applied], "order.changed")
    assert changed["order_id"] == order["order_id"]
    assert changed["steps"][0]["step_id"] == order["steps"][0]["step_id"]
    assert [step["kind"] for step in changed["steps"]] == ["assessment", "training", "training"]
    assert changed["vulnerable"] is True
    assert changed["windows"] == [{"weekday": 2, "from": "08:00", "to": "12:00"}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"level": None}, "gets a level"),
        ({"track": "individual"}, "proposes group: another track says why"),
        ({"with_citizen": False}, "why_without"),
        ({"disputed": ["track"]}, "citizen_says"),
        ({"goals": []}, "goals"),
        ({"readiness": 5}, "readiness lies between 0 and 4"),
        ({"windows": [{"begin": "12:00", "end": "08:00"}]}, "ends after it has begun"),
    ],
)
async def test_what_is_missing_is_said_in_one_line(
    room: Room, assessments: Assessments, change: dict[str, Any], says: str
) -> None:
    order = await started(room)
    with pytest.raises(Refused, match=says) as refused:
        await recorded(room, assessments, order, **change)
    assert refused.value.status == 422
    assert "købmanden" not in refused.value.text


async def test_another_municipality_records_nothing(room: Room, assessments: Assessments) -> None:
    order = await started(room)
    with pytest.raises(Refused):
        await recorded(room, assessments, order, FAR_AWAY)


async def test_whoever_was_met_and_not_assessed_comes_to_a_human(
    room: Room, assessments: Assessments
) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    outcomes = await room.hears(room.offered(order, INSIDE), came(room, order))
    timer = timers(outcomes)[ASSESSMENT_MISSING]
    assert timer.due == datetime(2022, 5, 31, 6, 0, tzinfo=UTC)
    due = DueTimer(
        id="t",
        kind=timer.kind,
        key=timer.key,
        due=timer.due,
        partition_key=timer.partition_key,
        data=b"",
    )
    outcomes = await deliver_twice(room.conn, room.clock.assessment_due, [due], timer.due)
    assert names(outcomes) == ["worklist.opened"]
    await recorded(room, assessments, order)
    assert await room.worklist() == []
    assert names(await deliver_twice(room.conn, room.clock.assessment_due, [due], timer.due)) == []


async def test_a_course_half_way_asks_for_the_next_assessment_once(
    room: Room, assessments: Assessments
) -> None:
    order = await started(room)
    course = only([(await recorded(room, assessments, order)).applied], "order.changed")
    trainings = [
        came(
            room,
            order,
            session_id=f"s{number}",
            step_id=course["steps"][1]["step_id"],
            start=f"2022-06-{number:02d}T07:00:00Z",
        )
        for number in range(1, 9)
    ]
    outcomes = await room.hears(*trainings)
    assert names(outcomes) == ["worklist.opened"]
    assert await room.worklist() == ["reassessment-due"]
    better: dict[str, Any] = {"point": "midway", "complexity": 1, "readiness": 3, "motivation": 6}
    answer = await recorded(room, assessments, order, **better)
    assert await room.worklist() == []
    event = only([answer.applied], "assessment.recorded")
    assert event["difference"] == {"complexity": -1, "readiness": 1}
    assert orjson.dumps(event).count(b"midway") == 1
    again = came(room, order, session_id="s9", start="2022-06-12T07:00:00Z")
    assert names(await room.hears(again)) == []
