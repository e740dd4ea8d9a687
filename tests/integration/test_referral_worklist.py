"""The worklist through its endpoints, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deploy.demo.documents import fhir_plan, ggop_plan, ruddi_fhir
from services.referral.worklist_endpoints import Worklist
from shared.endpoints import Refused
from shared.handling import SetTimer
from shared.staff import Member
from tests.integration.referral_room import Room, only
from tests.staff import FAR_AWAY, KAREN, a_call, asked
from tests.unit.referral.factories import a_decided, a_register


@pytest.fixture
def worklist() -> Worklist:
    return Worklist(decided=a_decided(), register=a_register())


async def entries(room: Room, worklist: Worklist, staff: Member = KAREN) -> list[dict[str, Any]]:
    call = a_call(staff)
    answer = await asked(room.conn, worklist.list, call, room.now + timedelta(hours=5))
    assert isinstance(answer.content, list)
    return answer.content


async def two_plans(room: Room) -> dict[str, Any]:
    """The entry of Ruddi's second plan."""
    await room.takes(fhir_plan(document_id="plan-1"))
    opened = only(await room.takes(fhir_plan(document_id="plan-2")), "worklist.opened")
    assert opened["reason"] == "second-plan"
    return opened


async def test_an_entry_says_what_it_means_and_what_may_be_decided(
    room: Room, worklist: Worklist
) -> None:
    opened = await two_plans(room)
    (entry,) = await entries(room, worklist)
    assert entry["entry_id"] == opened["entry_id"]
    assert entry["means"].startswith("The citizen has another open plan")
    assert [one["name"] for one in entry["choices"]] == ["keep-both", "keep-newer", "keep-older"]
    assert entry["waited_hours"] == pytest.approx(5, abs=0.1)
    assert "Berggren" not in str(entry)


async def test_another_municipality_sees_and_decides_nothing(
    room: Room, worklist: Worklist
) -> None:
    opened = await two_plans(room)
    assert await entries(room, worklist, FAR_AWAY) == []
    path = {"id": opened["entry_id"]}
    for handler in (worklist.show, worklist.decide):
        call = a_call(FAR_AWAY, path=path, body={"decision": "keep-both"})
        with pytest.raises(Refused) as refused:
            await asked(room.conn, handler, call, room.now)
        assert refused.value.status == 404


async def test_showing_an_entry_names_the_citizen_and_is_logged(
    room: Room, worklist: Worklist
) -> None:
    opened = await two_plans(room)
    call = a_call(path={"id": opened["entry_id"]})
    answer = await asked(room.conn, worklist.show, call, room.now)
    assert isinstance(answer.content, dict)
    assert answer.content["citizen"]["name"] == "Ruddi Test Berggren"
    assert [one["referral_id"] for one in answer.content["others"]] == [opened["about"]]
    log = await room.rows("SELECT actor, action, citizen_id, cause FROM access_log ORDER BY id")
    assert log[-1] == ("staff:316-desk", "worklist.show", opened["citizen_id"], call.id)


async def test_the_hospitals_words_on_the_deadline_are_shown_to_whoever_decides(
    room: Room, worklist: Worklist
) -> None:
    taken = await room.takes(ggop_plan(deadline_text="Genoptræning må først starte om 6 uger"))
    opened = only(taken, "worklist.opened")
    shown = await asked(room.conn, worklist.show, a_call(path={"id": opened["entry_id"]}), room.now)
    assert isinstance(shown.content, dict)
    assert "6 uger" in shown.content["deadline_text"]
    body = {"decision": "later-start", "day": "2022-07-05", "remark": "Ruddi ringede kl. 9"}
    call = a_call(path={"id": opened["entry_id"]}, body=body)
    answer = await asked(room.conn, worklist.decide, call, room.now)
    closed, revised, changed = answer.applied.events
    assert [e.type.rsplit("genvej.")[1] for e in (closed, revised, changed)] == [
        "worklist.closed.v1",
        "referral.revised.v1",
        "order.changed.v1",
    ]
    assert b"Ruddi" not in (closed.value or b"")
    assert {t.kind for t in answer.applied.timers if isinstance(t, SetTimer)} == {
        "limit.at-risk",
        "limit.missed",
    }
    (row,) = await room.rows("SELECT limit_date::text, later_start::text FROM referrals")
    assert row == ("2022-07-12", "2022-07-05")
    (row,) = await room.rows("SELECT decision, closed_by, remark FROM worklist")
    assert row[:2] == ("later-start", "316-desk")
    assert b"Ruddi" not in row[2]
    shown = await asked(room.conn, worklist.show, a_call(path={"id": opened["entry_id"]}), room.now)
    assert isinstance(shown.content, dict)
    assert shown.content["remark"] == "Ruddi ringede kl. 9"


async def test_one_of_two_plans_is_ended_and_the_entry_says_who_and_why(
    room: Room, worklist: Worklist
) -> None:
    opened = await two_plans(room)
    call = a_call(path={"id": opened["entry_id"]}, body={"decision": "keep-newer"})
    answer = await asked(room.conn, worklist.decide, call, room.now)
    kinds = [event.type.removeprefix("dk.genvej.") for event in answer.applied.events]
    assert kinds == [
        "worklist.closed.v1",
        "referral.closed.v1",
        "order.withdrawn.v1",
        "referral.status.v1",
    ]
    rows = await room.rows("SELECT referral_id, closed FROM referrals ORDER BY received_at")
    assert dict(rows) == {opened["about"]: "revoked", opened["referral_id"]: None}
    assert await entries(room, worklist) == []
    with pytest.raises(Refused) as refused:
        await asked(room.conn, worklist.decide, call, room.now)
    assert refused.value.status == 409


async def test_what_comes_up_again_is_opened_again(room: Room, worklist: Worklist) -> None:
    order = only(await room.takes(ruddi_fhir()), "order.placed")
    unknown = room.infeasible(order, "no-capacity-known")
    opened = only(await room.hears(unknown), "worklist.opened")
    call = a_call(path={"id": opened["entry_id"]}, body={"decision": "wait"})
    await asked(room.conn, worklist.decide, call, room.now)
    assert await room.worklist() == []
    await room.hears(room.infeasible(order, "no-capacity-known"))
    (entry,) = await entries(room, worklist)
    assert (entry["times"], entry["decision"]) == (2, None)
