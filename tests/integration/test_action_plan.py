"""The action plan on a real database: the team, items with owner, date and state, and consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.demo.documents import fhir_plan
from services.referral.action_plan.handlers import ActionPlan
from services.referral.store_orders import newest_orders, save_orders
from shared.endpoints import Answer, Refused
from shared.handling import CancelTimer, DueTimer, SetTimer
from tests.delivery import deliver_twice
from tests.integration.referral_room import Room, data, names, only
from tests.staff import FAR_AWAY, JENS, a_call, asked
from tests.unit.referral.factories import PORTFOLIO, a_decided, a_register

ITEM = {"text": "Ring til arbejdspladsen", "owner": "job-centre", "due": "2022-06-03"}


@pytest.fixture
def plan() -> ActionPlan:
    return ActionPlan(decided=a_decided(), register=a_register())


async def a_course(room: Room, programme: str = "back-pain-package") -> str:
    """A referral whose order carries the whole of a programme; its id."""
    id_: str = only(await room.takes(fhir_plan()), "order.placed")["referral_id"]
    row = (await newest_orders(room.conn, [id_]))[id_]
    whole = PORTFOLIO.programmes[programme]
    order = replace(row.order, programme=whole.id, steps=whole.steps)
    await save_orders(room.conn, [replace(row, order=order)], room.now)
    return id_


async def says(room: Room, handler: Any, id_: str, body: dict[str, Any]) -> Answer:
    return await asked(room.conn, handler, a_call(JENS, path={"id": id_}, body=body), room.now)


async def shows(room: Room, plan: ActionPlan, id_: str) -> dict[str, Any]:
    found = await asked(room.conn, plan.show, a_call(JENS, path={"id": id_}), room.now)
    assert isinstance(found.content, dict)
    return found.content


async def test_the_team_follows_from_the_steps_across_units(room: Room, plan: ActionPlan) -> None:
    id_ = await a_course(room)
    await says(room, plan.consent, id_, {"given": True})
    team = (await shows(room, plan, id_))["team"]
    assert [(one["competences"], one["together"]) for one in team] == [
        (("ryg",), ("labour-market-offer",)),
        (("smerte",), ()),
        (("beskæftigelse",), ("labour-market-offer",)),
    ]


async def test_a_conference_needs_its_roles_together(room: Room, plan: ActionPlan) -> None:
    id_ = await a_course(room, "p140-rehabilitering-specialiseret")
    team = (await shows(room, plan, id_))["team"]
    assert [one["together"] for one in team] == [("conference",), ("conference",)]


async def test_an_item_has_an_owner_a_day_and_a_state_and_its_words_are_in_no_event(
    room: Room, plan: ActionPlan
) -> None:
    id_ = await a_course(room)
    added = await says(room, plan.add, id_, ITEM)
    (event,) = added.applied.events
    assert (data(event)["owner"], data(event)["due"]) == ("job-centre", "2022-06-03")
    assert b"Ring" not in (event.value or b"")
    ((words,),) = await room.rows("SELECT words FROM action_items")
    assert b"Ring" not in words
    (shown,) = (await shows(room, plan, id_))["actions"]
    assert (shown["text"], shown["state"]) == (ITEM["text"], "open")
    done = await says(room, plan.change, data(event)["item_id"], {"state": "done"})
    assert data(done.applied.events[0])["state"] == "done"
    assert isinstance(done.applied.timers[0], CancelTimer)
    logged = await room.rows("SELECT action FROM access_log WHERE actor = 'staff:316-therapist'")
    assert ("plan.show",) in logged


async def test_what_nobody_did_by_the_day_comes_onto_the_worklist(
    room: Room, plan: ActionPlan
) -> None:
    id_ = await a_course(room)
    added = await says(room, plan.add, id_, ITEM)
    (timer,) = added.applied.timers
    assert isinstance(timer, SetTimer)
    assert timer.due.isoformat() == "2022-06-04T06:00:00+00:00"
    due = DueTimer(
        id="1", kind=timer.kind, key=timer.key, due=timer.due, partition_key="316", data=b""
    )
    await deliver_twice(room.conn, plan.due, [due], timer.due)
    assert await room.worklist() == ["action-overdue"]


async def test_an_item_that_is_done_is_not_overdue(room: Room, plan: ActionPlan) -> None:
    id_ = await a_course(room)
    added = await says(room, plan.add, id_, ITEM)
    (timer,) = added.applied.timers
    await says(room, plan.change, timer.key, {"state": "done"})
    due = DueTimer(
        id="1", kind=timer.kind, key=timer.key, due=room.now, partition_key="316", data=b""
    )
    await deliver_twice(room.conn, plan.due, [due], room.now + timedelta(days=30))
    assert await room.worklist() == []


async def test_steps_that_need_consent_are_ordered_only_with_it(
    room: Room, plan: ActionPlan
) -> None:
    id_ = await a_course(room)
    given = await says(room, plan.consent, id_, {"given": True})
    assert [event.type for event in given.applied.events] == [
        "dk.genvej.consent.recorded.v1",
        "dk.genvej.order.changed.v1",
    ]
    assert data(given.applied.events[1])["steps"][-1]["kind"] == "labour-market"
    again = await says(room, plan.consent, id_, {"given": True})
    assert names([again.applied]) == ["consent.recorded"]
    taken_back = await says(room, plan.consent, id_, {"given": False})
    steps = data(taken_back.applied.events[1])["steps"]
    assert [step["kind"] for step in steps] == ["conversation", "training", "teaching"]
    assert await room.rows("SELECT given FROM consents") == [(False,)]


async def test_others_citizens_and_unknown_ones_are_refused(room: Room, plan: ActionPlan) -> None:
    id_ = await a_course(room)
    for call, status in (
        (a_call(FAR_AWAY, path={"id": id_}, body=ITEM), 403),
        (a_call(JENS, path={"id": "nobody"}, body=ITEM), 404),
        (a_call(JENS, path={"id": id_}, body=ITEM | {"due": "soon"}), 422),
        (a_call(JENS, path={"id": id_}, body=ITEM | {"text": ""}), 422),
    ):
        with pytest.raises(Refused) as refused:
            await asked(room.conn, plan.add, call, room.now)
        assert refused.value.status == status
