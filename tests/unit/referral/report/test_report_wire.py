"""What Genvej's own events give of a delivery report."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.referral.report import Bundle, deliver
from services.referral.report.check import faults
from services.referral.report.stated import NotReported, Stated
from services.referral.report.wire import Person, Unit, facts_of

CONTRACTS = Path(__file__).parents[4] / "shared" / "contracts"
HOLBAEK = {"316": Unit(keeper_sor="451000016003", performer_sor="1037801000016003")}
RUDDI = Person(cpr="1502779995", deceased=False)
RECEIVED = datetime(2022, 5, 23, 6, 0, tzinfo=UTC)
LATER = datetime(2022, 6, 1, 6, 0, tzinfo=UTC)
FSIII = "urn:oid:1.2.208.176.2.21"
PHYSICAL = "2abe20c7-c0b4-41c1-b397-52acf36499ef"
Json = dict[str, Any]


def event(name: str, minutes: int = 0, **changes: Any) -> Stated:
    """The contract's example of an event, said so many minutes after the plan came."""
    example = json.loads((CONTRACTS / f"{name}.v1.example.json").read_bytes())
    return Stated(
        type=f"dk.genvej.{name}.v1",
        at=RECEIVED + timedelta(minutes=minutes),
        data=json.dumps({**example, **changes}).encode(),
    )


def step(code: str, *, number: int = 1, seats: int = 1, system: str = FSIII) -> Json:
    return {
        "step_id": f"00000000-0000-4000-8000-{number:012d}",
        "code": {"system": system, "code": code, "display": ""},
        "seats": seats,
    }


PLACED = (event("referral.received"), event("order.placed"))
OFFERED = (*PLACED, event("session.offered", 1))


def report(
    *events: Stated,
    person: Person = RUDDI,
    at: datetime = LATER,
    delivered: datetime | None = None,
) -> Bundle:
    return deliver(facts_of(events, HOLBAEK, person, delivered=delivered), at=at)


def told(*events: Stated) -> dict[str, list[Json]]:
    """The report's resources by type; KL's profiles find nothing wrong with them."""
    bundle = report(*events)
    assert faults(bundle.resource) == ()
    found: dict[str, list[Json]] = {}
    for entry in bundle.resource["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def codes(tree: Any) -> list[str]:
    """Every code in a resource, in its order."""
    if isinstance(tree, dict):
        own = [tree["code"]] if isinstance(tree.get("code"), str) else []
        return own + [code for value in tree.values() for code in codes(value)]
    return [code for value in tree for code in codes(value)] if isinstance(tree, list) else []


def test_ruddis_first_report_follows_from_genvejs_events() -> None:
    found = told(*OFFERED)
    [patient], [plan], [examination] = found["Patient"], found["ServiceRequest"], found["CarePlan"]
    assert patient["identifier"][0]["value"] == "1502779995"
    assert patient["managingOrganization"]["identifier"]["value"] == "451000016003"
    assert {one["identifier"][0]["value"] for one in found["Organization"]} == {
        "100000000000316",  # the hospital: events don't say which of its departments sent the plan
        "1037801000016003",
    }
    assert plan["authoredOn"] == "2022-05-23"
    assert plan["extension"][0]["valueDate"] == "2022-05-24"
    assert plan["occurrencePeriod"] == {"start": "2022-05-28"}
    assert codes(plan["category"]) == ["ffd81f78-352e-4589-a195-5350dd1df2a4"]
    assert examination["period"] == {"start": "2022-05-23"}
    detail = examination["activity"][0]["detail"]
    assert detail["status"] == "scheduled"
    assert codes(detail) == [
        "8d12d74c-17da-47a7-a4fe-e69dbaec0a8c",
        "1130ad70-6553-490d-87f8-5e8941687a0c",
    ]


def test_what_events_do_not_say_is_withheld_with_the_reason() -> None:
    bundle = report(*OFFERED, person=Person())
    assert [one.element for one in bundle.withheld] == [
        "Patient.identifier.value",
        "Patient.deceasedBoolean",
        "ServiceRequest.reasonReference",
    ]
    assert len(faults(bundle.resource)) == 2


def test_a_replacement_cpr_from_outside_never_stands_in_the_report() -> None:
    bundle = report(*OFFERED, person=Person(cpr="0703921VJ4", deceased=False))
    assert "0703921VJ4" not in str(bundle.resource)
    assert "eCPR" in bundle.withheld[0].reason


def test_no_id_that_others_may_not_have_leaves_with_the_cpr() -> None:
    example = json.loads((CONTRACTS / "session.offered.v1.example.json").read_bytes())
    text = str(report(*OFFERED).resource)
    for name in ("citizen_id", "order_id", "session_id", "step_id", "therapist"):
        assert example[name] not in text


def test_an_offer_that_comes_before_its_order_counts() -> None:
    early = (event("referral.received"), event("session.offered", 1), event("order.placed", 2))
    [plan] = told(*early)["ServiceRequest"]
    assert plan["occurrencePeriod"] == {"start": "2022-05-28"}


def test_events_that_came_twice_count_once() -> None:
    assert report(*OFFERED, *OFFERED) == report(*OFFERED)


def test_what_a_report_does_not_know_is_passed_over() -> None:
    strange = Stated(type="dk.genvej.something.new.v1", at=LATER, data=b"?")
    cancelled = event("session.cancelled", 5)
    assert report(*OFFERED, strange, cancelled) == report(*OFFERED)


def test_a_moved_session_leaves_the_first_day_offered() -> None:
    moved = event("session.moved", 5, start="2022-05-30T07:00:00Z")
    [plan] = told(*OFFERED, moved)["ServiceRequest"]
    assert plan["occurrencePeriod"] == {"start": "2022-05-28"}


def test_a_corrected_discharge_date_is_told() -> None:
    [plan] = told(*OFFERED, event("referral.revised", 5))["ServiceRequest"]
    assert plan["extension"][0]["valueDate"] == "2022-05-25"


def test_a_later_start_is_a_reason_to_wait() -> None:
    received = event("referral.received", later_start="2022-06-20")
    [plan] = told(received, event("order.placed"))["ServiceRequest"]
    assert plan["status"] == "on-hold"
    assert "a8632e22-bf0c-4f5a-92a7-70977ba104d5" in codes(plan["extension"])


@pytest.mark.parametrize(
    ("reason", "plan_status", "examination_status"),
    [
        ("revoked", "revoked", "revoked"),
        ("entered-in-error", "entered-in-error", "entered-in-error"),
    ],
)
def test_a_plan_that_was_taken_back_ends_what_it_asked_for(
    reason: str, plan_status: str, examination_status: str
) -> None:
    closed = event("referral.closed", 5, reason=reason)
    found = told(*OFFERED, closed, event("order.withdrawn", 5, reason=reason))
    assert found["ServiceRequest"][0]["status"] == reason
    assert found["CarePlan"][0]["status"] == reason


def test_who_went_to_a_private_supplier_is_on_hold_with_that_reason() -> None:
    withdrawn = event("order.withdrawn", 5, reason="free-choice")
    elsewhere = event("order.placed", 6, order_id="private", provider="p-1")
    found = told(*OFFERED, withdrawn, elsewhere)
    [plan] = found["ServiceRequest"]
    assert plan["status"] == "on-hold"
    assert "3796fa11-305f-47d6-b164-45b05489afb2" in codes(plan["extension"])
    ours, theirs = found["CarePlan"]
    assert (ours["status"], theirs["status"]) == ("revoked", "active")
    assert "performer" not in theirs["activity"][0]["detail"]


def test_an_order_placed_again_after_its_end_asks_for_something_new() -> None:
    again = event("order.placed", 6)
    found = told(*OFFERED, event("order.withdrawn", 5), again)
    assert [one["status"] for one in found["CarePlan"]] == ["revoked", "active"]


@pytest.mark.parametrize(
    ("programme", "level"),
    [
        ("p140-basal", "8b962281-2ab6-4b10-9c91-4bac592d6d49"),
        ("p140-avanceret", "b679c454-2da2-46dd-9425-0e52d4aa2bf3"),
    ],
)
def test_a_changed_order_tells_the_level_and_opens_the_course(programme: str, level: str) -> None:
    steps = [
        step("1130ad70-6553-490d-87f8-5e8941687a0c", number=1),
        step(PHYSICAL, number=2, seats=8),
        step(PHYSICAL, number=3),
        step("58293f63-00d7-4730-8dbc-c784d40f9e23", number=4),
        step("p140-basal/own", number=5, system="urn:genvej:steps"),
    ]
    changed = event("order.changed", 5 * 24 * 60, programme=programme, steps=steps)
    found = told(*OFFERED, changed)
    assert codes(found["ServiceRequest"][0]["category"])[1] == level
    course, examination, physical, functional = found["CarePlan"]
    assert course["period"] == {"start": "2022-05-28"}
    assert codes(course["category"]) == ["f15b2663-94d9-4d0c-a5de-d8bd8e1e4ebb"]
    assert "basedOn" not in examination
    for part in (physical, functional):
        assert part["basedOn"] == [{"reference": f"urn:uuid:{course['id']}"}]
    assert codes(physical["activity"]) == [
        "8d12d74c-17da-47a7-a4fe-e69dbaec0a8c",
        "2865f123-15a7-4a36-a514-32ea37c400ca",
        PHYSICAL,
    ]
    withdrawn = told(*OFFERED, changed, event("order.withdrawn", 6 * 24 * 60))
    [reason] = codes(withdrawn["CarePlan"][0]["activity"])
    assert reason == "82e99421-31da-4915-96ed-168ccfa1d20c"
    assert {one["status"] for one in withdrawn["CarePlan"]} == {"revoked"}


def test_a_report_tells_what_changed_since_the_last() -> None:
    first = RECEIVED + timedelta(hours=1)
    assert report(*OFFERED, delivered=first).is_empty
    bundle = report(*OFFERED, event("referral.revised", 120), delivered=first)
    kinds = {entry["resource"]["resourceType"] for entry in bundle.resource["entry"]}
    assert kinds == {"Patient", "Organization", "ServiceRequest"}


def test_a_replaced_plan_comes_along() -> None:
    old = "8d26206a-02c4-556a-bdde-7b9e1a342db3"
    new = event(
        "referral.received", 60, referral_id="5f2b6f0a-3c0c-4c59-9a3c-0b8f6c6f9b11", replaces=old
    )
    found = told(*OFFERED, event("referral.closed", 60), new)
    replaced, replacing = found["ServiceRequest"]
    assert replaced["status"] == "revoked"
    assert replacing["replaces"] == [{"reference": f"urn:uuid:{old}"}]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ((), "no such referral"),
        ((event("referral.received", basis="gp"),), "ground is gp"),
        ((event("referral.received", discharge_date=None),), "lacks"),
        ((event("referral.received", received_at="now"),), "received_at"),
        (
            (event("referral.received"), event("referral.received", 1, citizen_id="another")),
            "more than one citizen",
        ),
    ],
)
def test_what_cannot_be_reported_is_said_in_one_line(
    events: tuple[Stated, ...], message: str
) -> None:
    with pytest.raises(NotReported, match=message) as refused:
        report(*events)
    assert "\n" not in str(refused.value)


REVOKED = (event("referral.closed", 5), event("order.withdrawn", 5))
REOPENED = event(
    "referral.reopened", 10, referral_id="8d26206a-02c4-556a-bdde-7b9e1a342db3", provider="316"
)


@pytest.mark.parametrize("reason", ["revoked", "entered-in-error", "deceased"])
def test_a_reopened_plan_stands_again_and_what_is_ordered_anew_is_new(reason: str) -> None:
    closed = (
        event("referral.closed", 5, reason=reason),
        event("order.withdrawn", 5, reason=reason),
    )
    anew = event("order.placed", 10, order_id="anew")
    found = told(*OFFERED, *closed, REOPENED, anew)
    [plan] = found["ServiceRequest"]
    assert plan["status"] == "active"
    assert plan["occurrencePeriod"] == {"start": "2022-05-28"}, "what was offered stays offered"
    ended = "entered-in-error" if reason == "entered-in-error" else "revoked"
    assert [one["status"] for one in found["CarePlan"]] == [ended, "active"]


def test_a_report_after_the_reopening_tells_that_the_plan_stands_again() -> None:
    between = RECEIVED + timedelta(minutes=7)
    events = (*OFFERED, *REVOKED, REOPENED)
    bundle = report(*events, delivered=between)
    statuses = {
        entry["resource"]["resourceType"]: entry["resource"].get("status")
        for entry in bundle.resource["entry"]
    }
    assert statuses == {"Patient": None, "Organization": None, "ServiceRequest": "active"}
    assert report(*events, delivered=RECEIVED + timedelta(minutes=2)).is_empty is False
    again = event("referral.closed", 15)
    [plan] = told(*events, again)["ServiceRequest"]
    assert plan["status"] == "revoked"


def test_an_end_and_its_taking_back_between_two_reports_leave_only_what_the_end_ended() -> None:
    """What was changed and changed back is not told; the order that was withdrawn is."""
    bundle = report(*OFFERED, *REVOKED, REOPENED, delivered=RECEIVED + timedelta(minutes=2))
    kinds = [entry["resource"]["resourceType"] for entry in bundle.resource["entry"]]
    assert "CarePlan" in kinds
    [examination] = (
        entry["resource"]
        for entry in bundle.resource["entry"]
        if entry["resource"]["resourceType"] == "CarePlan"
    )
    assert examination["status"] == "revoked"


def test_a_reopening_of_a_plan_that_is_not_reported_is_passed_over() -> None:
    other = event("referral.reopened", 10, referral_id="another")
    assert report(*OFFERED, other) == report(*OFFERED)


HELD = event("session.attended", 5 * 24 * 60)


def test_a_session_that_was_attended_is_an_encounter_of_its_intervention() -> None:
    found = told(*OFFERED, HELD, HELD)
    [encounter], [examination] = found["Encounter"], found["CarePlan"]
    assert encounter["status"] == "finished"
    assert encounter["period"] == {
        "start": "2022-05-27T07:00:00Z",
        "end": "2022-05-27T08:00:00Z",
    }
    assert examination["activity"][0]["detail"]["status"] == "in-progress"


def test_an_attendance_that_was_wrong_is_taken_back_and_may_be_entered_anew() -> None:
    wrong = event("session.attended", 5 * 24 * 60 + 5, attended=False)
    right = event("session.attended", 5 * 24 * 60 + 9)
    [encounter] = told(*OFFERED, HELD, wrong)["Encounter"]
    assert encounter["status"] == "entered-in-error"
    first, second = told(*OFFERED, HELD, wrong, right)["Encounter"]
    assert [first["status"], second["status"]] == ["entered-in-error", "finished"]
    assert "Encounter" not in told(*OFFERED, event("session.attended", 6, attended=False))


def test_a_course_that_came_to_its_end_is_completed() -> None:
    after = 6 * 24 * 60
    closed = event("referral.closed", after, reason="completed")
    withdrawn = event("order.withdrawn", after, reason="completed")
    found = told(*OFFERED, HELD, closed, withdrawn)
    assert found["ServiceRequest"][0]["status"] == "completed"
    assert found["CarePlan"][0]["status"] == "completed"
    taken_back = event("session.attended", after + 5, attended=False)
    [encounter] = told(*OFFERED, HELD, closed, withdrawn, taken_back)["Encounter"]
    assert encounter["status"] == "entered-in-error"
