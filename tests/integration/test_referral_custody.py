"""Who holds custody of a child: by the document that says it, or as staff write it down."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.documents import fhir_plan
from services.referral.endpoints_custody import Custody
from services.referral.events_citizen import CitizenRecord
from services.referral.plan import Relative
from shared.endpoints import Refused
from tests.delivery import events_of
from tests.integration.referral_room import Room, contact
from tests.staff import FAR_AWAY, KAREN, a_call, asked
from tests.unit.referral.factories import a_decided, a_register

CUSTODY = Custody(decided=a_decided(), register=a_register())
MOTHER = Relative(
    name="Lonni Test Lauridsen",
    phone="+447700900102",
    relation="mor",
    custody=True,
    email="lonni@post.example",
)


async def a_child(room: Room, **plan: Any) -> CitizenRecord:
    (event,) = events_of(await room.takes(fhir_plan(**plan)), "citizen.recorded")
    return contact(event)


async def writes(room: Room, citizen: str, *holders: dict[str, str]) -> CitizenRecord:
    call = a_call(KAREN, path={"id": citizen}, body={"holders": list(holders)})
    answer = await asked(room.conn, CUSTODY.write, call, room.now)
    (event,) = answer.applied.events
    return contact(event)


async def test_what_the_hospital_says_of_custody_is_on_the_record(room: Room) -> None:
    record = await a_child(room, relatives=(MOTHER,))
    (mother,) = record.relatives
    assert mother.custody
    assert "Lonni" not in mother.custody
    assert mother.email == "lonni@post.example"


async def test_staff_write_down_who_holds_custody_and_the_next_plan_takes_it_from_nobody(
    room: Room,
) -> None:
    record = await a_child(room, document_id="p1")
    both = await writes(
        room,
        record.citizen_id,
        {"name": "Lonni Test Lauridsen", "email": "lonni@post.example"},
        {"name": "Einer Test Lauridsen", "phone": "+447700900103"},
    )
    assert [bool(one.custody) for one in both.relatives] == [True, True]
    assert both.version == record.version + 1
    later = await a_child(room, document_id="p2", phone="+447700900104")
    assert later.relatives == both.relatives
    alone = await writes(room, record.citizen_id, {"name": "Lonni Test Lauridsen"})
    assert [(one.name[:5], bool(one.custody), one.email) for one in alone.relatives] == [
        ("Lonni", True, "lonni@post.example"),
        ("Einer", False, None),
    ]
    log = await room.rows("SELECT actor FROM access_log WHERE action = 'citizen.custody'")
    assert log == [(f"staff:{KAREN.id}",)] * 2


async def test_another_municipality_writes_nothing(room: Room) -> None:
    record = await a_child(room)
    call = a_call(FAR_AWAY, path={"id": record.citizen_id}, body={"holders": []})
    with pytest.raises(Refused, match="no citizen of your municipality"):
        await asked(room.conn, CUSTODY.write, call, room.now)
