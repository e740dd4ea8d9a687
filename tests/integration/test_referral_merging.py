"""Two citizens who turn out to be one, decided on the worklist, and undone."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.documents import fhir_plan
from services.referral.rights.erasure import erase
from services.referral.store_citizens import by_ids
from services.referral.worklist_endpoints import Worklist
from shared.endpoints import Answer, Refused
from tests.delivery import events_of
from tests.integration.referral_room import Room, contact, data, names, only, verdict
from tests.staff import FAR_AWAY, KAREN, a_call, asked
from tests.unit.referral.factories import a_decided, a_register

REPLACEMENT, NUMBER = "0703921VJ4", "1502779995"


@pytest.fixture
def worklist() -> Worklist:
    return Worklist(decided=a_decided(), register=a_register())


async def two_who_are_one(room: Room) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The orders of the replacement number and of the real one, and the entry that links them."""
    one = only(
        await room.takes(fhir_plan(document_id="p1", cpr=REPLACEMENT, phone="+447700900107")),
        "order.placed",
    )
    other = only(await room.takes(fhir_plan(document_id="p2", cpr=NUMBER)), "order.placed")
    third = fhir_plan(document_id="p3", cpr=NUMBER, earlier_cprs=[REPLACEMENT])
    outcomes = await room.takes(third)
    assert [verdict(one) for one in outcomes] == ["ok"]
    opened = [data(one) for one in events_of(outcomes, "worklist.opened")]
    (entry,) = (one for one in opened if one["reason"] == "same-person")
    assert one["citizen_id"] != other["citizen_id"]
    return one, other, entry


async def decides(room: Room, worklist: Worklist, entry: dict[str, Any], choice: str) -> Answer:
    call = a_call(path={"id": entry["entry_id"]}, body={"decision": choice})
    return await asked(room.conn, worklist.decide, call, room.now)


async def test_a_document_that_names_two_citizens_as_one_is_a_humans_to_look_at(
    room: Room, worklist: Worklist
) -> None:
    one, _, entry = await two_who_are_one(room)
    assert entry["about"] == one["citizen_id"]
    answer = await decides(room, worklist, entry, "two-people")
    assert names([answer.applied]) == ["worklist.closed"]
    assert await room.rows("SELECT count(*) FROM merged_citizens") == [(0,)]


async def test_merging_gives_all_referrals_to_one_citizen_whom_both_numbers_find(
    room: Room, worklist: Worklist
) -> None:
    one, other, entry = await two_who_are_one(room)
    answer = await decides(room, worklist, entry, "merge")
    kept, gone = other["citizen_id"], one["citizen_id"]
    assert await room.rows("SELECT DISTINCT citizen_id FROM referrals") == [(kept,)]
    recorded = events_of([answer.applied], "citizen.recorded")
    records = {event.key: contact(event) for event in recorded}
    assert records[gone].merged_into == kept
    assert records[gone].name.family == ""
    changed = only([answer.applied], "referral.citizen-changed")
    assert (changed["referral_id"], changed["citizen_id"]) == (one["referral_id"], kept)
    assert only([answer.applied], "order.changed")["citizen_id"] == kept
    closed = only([answer.applied], "worklist.closed")
    assert (closed["decision"], closed["by"]["id"]) == ("merge", KAREN.id)
    assert "second-plan" in await room.worklist()
    for number in (REPLACEMENT, NUMBER):
        plan = fhir_plan(document_id=f"of-{number}", cpr=number)
        assert only(await room.takes(plan), "order.placed")["citizen_id"] == kept
    log = await room.rows("SELECT citizen_id FROM access_log WHERE action = 'citizen.merge'")
    assert set(log) == {(kept,), (gone,)}


async def test_a_merge_is_decided_once(room: Room, worklist: Worklist) -> None:
    *_, entry = await two_who_are_one(room)
    await decides(room, worklist, entry, "merge")
    with pytest.raises(Refused, match="settled already"):
        await decides(room, worklist, entry, "merge")


async def test_a_merge_in_error_is_undone(room: Room, worklist: Worklist) -> None:
    one, other, entry = await two_who_are_one(room)
    kept, gone = other["citizen_id"], one["citizen_id"]
    before = await room.rows("SELECT referral_id, citizen_id FROM referrals ORDER BY 1")
    await decides(room, worklist, entry, "merge")
    call = a_call(path={"id": gone}, body={})
    answer = await asked(room.conn, worklist.split, call, room.now)
    assert await room.rows("SELECT referral_id, citizen_id FROM referrals ORDER BY 1") == before
    recorded = events_of([answer.applied], "citizen.recorded")
    records = {event.key: contact(event) for event in recorded}
    assert (records[gone].merged_into, records[gone].phone) == (None, "+447700900107")
    assert only([answer.applied], "referral.citizen-changed")["citizen_id"] == gone
    beside = await room.rows(
        """SELECT a.citizen_id = b.citizen_id FROM worklist w JOIN referrals a USING (referral_id)
           JOIN referrals b ON b.referral_id = w.about
           WHERE w.reason = 'second-plan' AND w.closed_at IS NULL"""
    )
    assert set(beside) == {(True,)}
    for number, citizen in ((REPLACEMENT, gone), (NUMBER, kept)):
        plan = fhir_plan(document_id=f"of-{number}", cpr=number)
        assert only(await room.takes(plan), "order.placed")["citizen_id"] == citizen
    with pytest.raises(Refused, match="was merged"):
        await asked(room.conn, worklist.split, call, room.now)


async def test_who_has_two_sessions_at_once_is_not_merged_before_one_is_moved(
    room: Room, worklist: Worklist
) -> None:
    one, other, entry = await two_who_are_one(room)
    await room.hears(
        room.offered(one, "2022-05-28T07:00:00Z"), room.offered(other, "2022-05-28T08:00:00Z")
    )
    with pytest.raises(Refused, match="move one of them first"):
        await decides(room, worklist, entry, "merge")


async def test_another_municipality_splits_nobody(room: Room, worklist: Worklist) -> None:
    one, _, entry = await two_who_are_one(room)
    await decides(room, worklist, entry, "merge")
    call = a_call(FAR_AWAY, path={"id": one["citizen_id"]}, body={})
    with pytest.raises(Refused) as refused:
        await asked(room.conn, worklist.split, call, room.now)
    assert refused.value.status == 404


async def test_erasing_who_was_kept_erases_who_was_merged(room: Room, worklist: Worklist) -> None:
    one, other, entry = await two_who_are_one(room)
    await decides(room, worklist, entry, "merge")
    kept = list((await by_ids(room.conn, [other["citizen_id"]])).values())
    events = await erase(room.conn, a_register(), kept, now=room.now, actor="staff:x", cause="c")
    assert {(event.key, event.value) for event in events} == {
        (other["citizen_id"], None),
        (one["citizen_id"], None),
    }
    assert await room.rows("SELECT count(*) FROM citizens WHERE erased_at IS NULL") == [(0,)]
