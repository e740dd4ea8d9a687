"""Who came, through the handler on a real database, each twice."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan, ruddi_fhir
from services.referral.plan import GeneralPractitioner
from services.referral.referral_endpoints import Referrals
from shared.endpoints import Refused
from shared.envelope import Message
from tests.delivery import events_of
from tests.integration.referral_room import Room, data, names, only
from tests.staff import FAR_AWAY, JENS, a_call, asked
from tests.unit.referral.factories import a_decided

INSIDE = "2022-05-28T07:00:00Z"
GP = GeneralPractitioner(name="Lægerne Testgade", ean="5790000123456")


def came(room: Room, order: dict[str, Any], *, attended: bool = True, **more: Any) -> Message:
    body = {key: order[key] for key in ("order_id", "referral_id", "citizen_id", "provider")} | {
        "session_id": f"session-of-{order['order_id']}",
        "step_id": order["steps"][0]["step_id"],
        "start": INSIDE,
        "attended": attended,
        "reason": None,
        "by": "316-therapist",
        "at": "2022-05-28T08:00:00Z",
    }
    return room.bag.training("session.attended.v1", orjson.dumps(body | more))


async def test_the_hospital_hears_of_the_start(room: Room) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    await room.hears(room.offered(order, INSIDE))
    outcomes = await room.hears(came(room, order))
    status = only(outcomes, "referral.status")
    assert (status["state"], status["start"]) == ("started", INSIDE)
    assert status["performer"] == "1037801000016003"
    assert await room.rows("SELECT started_on::text FROM referrals") == [("2022-05-28",)]


async def test_a_correction_takes_the_start_back_once(room: Room) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    await room.hears(came(room, order))
    wrong = came(room, order, attended=False, at="2022-05-28T09:00:00Z")
    outcomes = await room.hears(wrong, came(room, order))
    assert only(outcomes, "referral.status")["state"] == "not-started"
    assert await room.rows("SELECT started_on FROM referrals") == [(None,)]


async def test_a_gp_who_got_a_copy_hears_what_the_hospital_hears(room: Room) -> None:
    order = only(await room.takes(fhir_plan(gp=GP)), "order.placed")
    outcomes = await room.hears(room.offered(order, INSIDE), came(room, order))
    assert names(outcomes) == ["referral.status", "gp.status", "referral.status", "gp.status"]
    hospital, gp = events_of(outcomes)[2:]
    assert (gp.topic, gp.key) == ("gp.status", GP.ean)
    more = data(gp)
    assert {more.pop("gp"), more.pop("hospital")} == {GP.ean, hospital.topic.split(".")[1]}
    assert more == data(hospital)


async def test_sessions_of_a_course_under_way_are_counted_and_not_told(room: Room) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    await room.hears(room.offered(order, INSIDE), came(room, order))
    missed = [
        came(room, order, attended=False, session_id=f"s{n}", start=f"2022-06-0{n}T07:00:00Z")
        for n in (1, 2)
    ]
    outcomes = await room.hears(*missed)
    assert names(outcomes) == ["worklist.opened"]
    assert await room.worklist() == ["stays-away"]
    assert await room.rows("SELECT count(*) FROM attendances") == [(3,)]


async def test_a_member_sees_how_far_their_referrals_have_come(room: Room) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    await room.hears(room.offered(order, INSIDE), came(room, order))
    decided = a_decided()
    referrals = Referrals(decided=decided)
    listed = await asked(room.conn, referrals.list, a_call(), room.now)
    assert isinstance(listed.content, list)
    assert [(one["referral_id"], one["state"]) for one in listed.content] == [
        (order["referral_id"], "started")
    ]
    call = a_call(JENS, path={"id": order["referral_id"]})
    shown = (await asked(room.conn, referrals.show, call, room.now)).content
    assert isinstance(shown, dict)
    assert [one["attended"] for one in shown["sessions"]] == [True]
    assert (shown["order"]["sessions_held"], shown["order"]["sessions_planned"]) == (1, 1)
    log = await room.rows("SELECT actor, action FROM access_log ORDER BY id DESC LIMIT 1")
    assert log == [("staff:316-therapist", "referral.show")]
    elsewhere = a_call(FAR_AWAY, path={"id": order["referral_id"]})
    with pytest.raises(Refused):
        await asked(room.conn, referrals.show, elsewhere, room.now)
    assert (await asked(room.conn, referrals.list, a_call(FAR_AWAY), room.now)).content == []
