"""Hospitals' notifications through the handler on a real database; every batch comes twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.demo.documents import ruddi_fhir
from deploy.demo.fhir_messages import hospital_notification
from services.referral.choosing import Choosing
from services.referral.endpoints_reopening import Reopening
from services.referral.worklist_endpoints import Worklist
from shared.endpoints import Call, Refused
from shared.handling import Unit
from shared.staff import Member
from tests.delivery import all_rows, events_of
from tests.integration.referral_room import (
    Room,
    contact,
    names,
    only,
    randers_hospital,
    receipt_text,
    timers,
    verdict,
)
from tests.staff import KAREN, a_call, asked
from tests.unit.referral.factories import a_decided, a_register

LATER = datetime(2022, 5, 27, 6, tzinfo=UTC)  # notifications of what lies ahead are refused
READMITTED: dict[str, Any] = {
    "document_id": "stin-1",
    "stay": "stay-2",
    "started": "2022-05-26T10:00:00+02:00",
}
DISCHARGED: dict[str, Any] = {
    **READMITTED,
    "document_id": "slhj-1",
    "activity": "discharge-inpatient-home",
    "status": "finished",
    "previous": "stin-1",
    "ended": "2022-05-30T14:00:00+02:00",
}
DEAD: dict[str, Any] = {
    **READMITTED,
    "document_id": "mors-1",
    "status": "finished",
    "previous": "stin-1",
    "ended": "2022-05-27T03:00:00+02:00",
    "deceased": True,
}


def an_answering() -> Choosing:
    return Choosing(decided=a_decided(), register=a_register())


async def test_a_notification_about_nobody_here_is_acknowledged_and_leaves_no_trace(
    room: Room,
) -> None:
    room.moves_to(LATER)
    rows = await all_rows(room.conn)
    outcomes = await room.takes(hospital_notification(**READMITTED))
    assert names(outcomes) == ["document.acknowledged"]
    assert verdict(outcomes[0]) == "ok"
    assert await all_rows(room.conn) == rows


async def test_a_receipt_does_not_tell_whether_somebody_has_a_referral_that_nothing_follows_for(
    room: Room,
) -> None:
    room.moves_to(LATER)
    (unknown,) = await room.takes(hospital_notification(**READMITTED | {"kind": "EMER"}))
    await room.takes(ruddi_fhir())
    visit = READMITTED | {"document_id": "staa-1", "activity": "admit-emergency", "kind": "EMER"}
    (known,) = await room.takes(hospital_notification(**visit))
    for outcome in (unknown, known):
        assert "OperationOutcome" not in receipt_text(outcome)


async def test_readmission_pauses_and_discharge_restarts_the_limit(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(datetime(2022, 5, 26, 8, tzinfo=UTC))
    paused = await room.takes(hospital_notification(**READMITTED))
    assert names(paused) == ["referral.paused", "document.acknowledged"]
    assert only(paused, "referral.paused")["limit"] == "2022-05-31"
    assert {timer.kind for timer in paused[0].timers} == {"limit.at-risk", "limit.missed"}  # type: ignore[union-attr]
    assert not timers(paused)  # both are taken away
    room.moves_to(datetime(2022, 5, 30, 12, 30, tzinfo=UTC))
    resumed = await room.takes(hospital_notification(**DISCHARGED))
    goes_on = only(resumed, "referral.resumed")
    assert (goes_on["discharge_date"], goes_on["limit"], goes_on["earliest"]) == (
        "2022-05-30",
        "2022-06-06",
        "2022-05-31",
    )
    assert goes_on["reason"] == "discharged"
    assert timers(resumed)["limit.missed"].due == datetime(2022, 6, 6, 22, tzinfo=UTC)
    assert await room.worklist() == []


async def test_a_readmission_that_never_was_goes_on_by_the_old_limit(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    await room.takes(hospital_notification(**READMITTED))
    cancelled = READMITTED | {
        "document_id": "an-stin",
        "activity": "cancel-admit-inpatient",
        "status": "entered-in-error",
        "previous": "stin-1",
    }
    outcomes = await room.takes(hospital_notification(**cancelled))
    goes_on = only(outcomes, "referral.resumed")
    assert (goes_on["reason"], goes_on["limit"]) == ("never-readmitted", "2022-05-31")
    assert timers(outcomes)["limit.missed"].due == datetime(2022, 5, 31, 22, tzinfo=UTC)


async def test_a_cancellation_that_comes_first_is_remembered(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    cancelled = READMITTED | {
        "document_id": "an-stin",
        "activity": "cancel-admit-inpatient",
        "status": "entered-in-error",
        "previous": "stin-1",
    }
    outcomes = await room.takes(hospital_notification(**cancelled))
    assert names(outcomes) == ["document.acknowledged"]
    outcomes = await room.takes(hospital_notification(**READMITTED))
    assert names(outcomes) == ["document.acknowledged"]


async def test_a_discharge_that_is_taken_back_pauses_again_and_a_corrected_one_moves_the_limit(
    room: Room,
) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    await room.takes(hospital_notification(**READMITTED))
    room.moves_to(datetime(2022, 5, 30, 12, 30, tzinfo=UTC))
    await room.takes(hospital_notification(**DISCHARGED))
    corrected = DISCHARGED | {
        "document_id": "re-slhj",
        "activity": "revise-discharge-inpatient-home",
        "previous": "slhj-1",
        "ended": "2022-05-29T14:00:00+02:00",
    }
    outcomes = await room.takes(hospital_notification(**corrected))
    assert names(outcomes) == ["referral.revised", "order.changed", "document.acknowledged"]
    assert only(outcomes, "order.changed")["limit"] == "2022-06-05"
    assert only(outcomes, "referral.revised")["discharge_date"] == "2022-05-24"
    taken_back = corrected | {
        "document_id": "an-slhj",
        "activity": "cancel-discharge-inpatient-home",
        "previous": "re-slhj",
    }
    outcomes = await room.takes(hospital_notification(**taken_back))
    assert names(outcomes) == ["referral.paused", "document.acknowledged"]


async def test_the_end_of_the_plans_own_stay_corrects_the_discharge_date(room: Room) -> None:
    await room.takes(ruddi_fhir())
    own = DISCHARGED | {
        "stay": "stay-1",
        "started": "2022-05-20T10:00:00+02:00",
        "ended": "2022-05-25T11:00:00+02:00",
    }
    room.moves_to(datetime(2022, 5, 25, 9, 30, tzinfo=UTC))
    outcomes = await room.takes(hospital_notification(**own))
    revised = only(outcomes, "referral.revised")
    assert (revised["discharge_date"], revised["limit"]) == ("2022-05-25", "2022-06-01")
    assert only(outcomes, "order.changed")["earliest"] == "2022-05-26"
    (corrected,) = await room.takes(
        hospital_notification(
            **own
            | {
                "document_id": "re-slhj",
                "activity": "revise-discharge-inpatient-home",
                "previous": "slhj-1",
                "ended": "2022-05-24T11:00:00+02:00",
            }
        )
    )
    assert only([corrected], "referral.revised")["limit"] == "2022-05-31"


async def test_the_day_that_was_expected_is_confirmed_without_a_word_to_others(room: Room) -> None:
    await room.takes(ruddi_fhir())
    own = DISCHARGED | {
        "stay": "stay-1",
        "started": "2022-05-20T10:00:00+02:00",
        "ended": "2022-05-24T11:00:00+02:00",
    }
    outcomes = await room.takes(hospital_notification(**own))
    assert names(outcomes) == ["document.acknowledged"]
    assert "Udskrivningsdatoen er noteret" in receipt_text(outcomes[0])


async def test_death_ends_all_referrals_and_says_so_first(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    await room.takes(hospital_notification(**READMITTED))
    outcomes = await room.takes(hospital_notification(**DEAD))
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.closed",
        "order.withdrawn",
        "referral.status",
        "document.acknowledged",
    ]
    (record,) = events_of(outcomes, "citizen.recorded")
    assert contact(record).deceased
    assert only(outcomes, "referral.closed")["reason"] == "deceased"
    assert only(outcomes, "order.withdrawn")["reason"] == "deceased"


async def test_a_death_at_another_hospital_counts_too(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    dead = hospital_notification(**DEAD, sender_sor="271211000016002")
    outcomes = await room.takes(randers_hospital(room, dead))
    assert only(outcomes, "referral.closed")["reason"] == "deceased"


async def test_a_cancelled_death_brings_the_referral_back_to_a_human(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    await room.takes(hospital_notification(**DEAD))
    taken_back = DEAD | {
        "document_id": "an-mors",
        "activity": "cancel-admit-inpatient",
        "status": "entered-in-error",
        "previous": "mors-1",
        "deceased": False,
    }
    outcomes = await room.takes(hospital_notification(**taken_back))
    assert names(outcomes) == ["citizen.recorded", "worklist.opened", "document.acknowledged"]
    (record,) = events_of(outcomes, "citizen.recorded")
    assert not contact(record).deceased
    assert await room.worklist() == ["death-taken-back"]


async def test_an_admission_on_the_day_of_discharge_is_for_a_human_to_judge(room: Room) -> None:
    room.moves_to(datetime(2022, 5, 25, 9, tzinfo=UTC))
    await room.takes(ruddi_fhir())
    again = READMITTED | {"started": "2022-05-24T18:00:00+02:00"}
    outcomes = await room.takes(hospital_notification(**again))
    assert names(outcomes) == ["worklist.opened", "document.acknowledged"]
    assert await room.worklist() == ["stay-unclear"]


async def test_a_notification_from_a_department_of_another_hospital_is_refused(room: Room) -> None:
    await room.takes(ruddi_fhir())
    room.moves_to(LATER)
    (refused,) = await room.takes(hospital_notification(**READMITTED, sender_sor="271211000016002"))
    assert verdict(refused) == "fatal-error"
    assert "MessageHeader.sender" in receipt_text(refused)
    assert await room.rows("SELECT count(*) FROM stay_messages") == [(0,)]


async def test_a_human_opens_a_referral_again_that_an_error_closed(room: Room) -> None:
    first = only(await room.takes(ruddi_fhir()), "order.placed")
    room.moves_to(LATER)
    await room.takes(hospital_notification(**DEAD))
    reopening = Reopening(choosing=an_answering())
    desk = Member(id="316-desk", name="Karen Prøve", role="desk", unit="U", provider="316")
    call = Call(staff=desk, id="call-1", path={"id": first["referral_id"]})
    with pytest.raises(Refused, match="said to be dead"):
        await reopening.reopen(Unit(conn=room.conn, now=room.now), call)
    taken_back = DEAD | {
        "document_id": "an-mors",
        "activity": "cancel-admit-inpatient",
        "status": "entered-in-error",
        "previous": "mors-1",
        "deceased": False,
    }
    await room.takes(hospital_notification(**taken_back))
    async with room.conn.transaction():
        answer = await reopening.reopen(Unit(conn=room.conn, now=room.now), call)
    outcome = [answer.applied]
    assert names(outcome) == ["referral.reopened", "referral.status", "order.placed"]
    placed = only(outcome, "order.placed")
    assert placed["order_id"] != first["order_id"]
    assert (placed["limit"], placed["steps"][0]["kind"]) == ("2022-05-31", "assessment")
    assert only(outcome, "referral.status")["state"] == "reopened"
    assert set(timers(outcome)) == {"limit.at-risk", "limit.missed"}
    assert await room.rows("SELECT closed, order_stands FROM referrals") == [(None, True)]


async def taken_back(room: Room) -> str:
    """The worklist entry of a death that was an error."""
    room.moves_to(LATER)
    await room.takes(hospital_notification(**DEAD))
    undone = DEAD | {
        "document_id": "an-mors",
        "activity": "cancel-admit-inpatient",
        "status": "entered-in-error",
        "previous": "mors-1",
        "deceased": False,
    }
    opened = only(await room.takes(hospital_notification(**undone)), "worklist.opened")
    entry: str = opened["entry_id"]
    return entry


@pytest.mark.parametrize(
    ("decision", "follows", "row"),
    [
        (
            "reopen",
            ["worklist.closed", "referral.reopened", "referral.status", "order.placed"],
            (None, True),
        ),
        ("stays-closed", ["worklist.closed"], ("deceased", False)),
    ],
)
async def test_a_human_decides_on_the_worklist_what_a_death_in_error_leads_to(
    room: Room, decision: str, follows: list[str], row: tuple[object, object]
) -> None:
    first = only(await room.takes(ruddi_fhir()), "order.placed")
    entry = await taken_back(room)
    worklist = Worklist(decided=a_decided(), register=a_register())
    call = a_call(KAREN, path={"id": entry}, body={"decision": decision})
    answer = await asked(room.conn, worklist.decide, call, room.now)
    assert names([answer.applied]) == follows
    assert await room.rows("SELECT closed, order_stands FROM referrals") == [row]
    assert await room.worklist() == []
    if decision == "reopen":
        assert only([answer.applied], "order.placed")["order_id"] != first["order_id"]
        assert set(timers([answer.applied])) == {"limit.at-risk", "limit.missed"}
    with pytest.raises(Refused, match="settled already"):
        await asked(room.conn, worklist.decide, call, room.now)


async def test_what_cannot_have_happened_yet_is_refused_and_not_kept(room: Room) -> None:
    await room.takes(ruddi_fhir())
    (refused,) = await room.takes(hospital_notification(**READMITTED))
    assert verdict(refused) == "fatal-error"
    assert "ude i fremtiden" in receipt_text(refused)
    assert await room.rows("SELECT count(*) FROM stay_messages") == [(0,)]
