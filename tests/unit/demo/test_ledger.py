"""The demo's account must be able to fail: each promise is broken here once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

import pytest

from deploy.demo.ledger import Ledger, Record, Sent
from deploy.demo.promises import promises
from services.referral.documents import receipt
from services.referral.plan import Format, Problem

ANSWERED = "every document has one final answer, the expected one"
PLANNED = "every standing order is offered, or said to be infeasible"
CHOICE = "whoever can't be offered a start inside the limit has free choice"
DOUBLES = "no therapist, no room and no citizen is booked twice"
EARLY = "no first session on the days of receipt and discharge, or before"
TOLD = "everybody was told, and nobody twice of the same"
ONCE = "no event was published twice"

TOPIC = "hospital.1.referrals"
numbers = count(1)


def fact(topic: str, kind: str, *, id_: str = "", **data: Any) -> Record:
    return Record(
        topic=topic,
        key="k",
        type=f"dk.genvej.{kind}.v1",
        id=id_ or f"event-{next(numbers)}",
        value=json.dumps(data).encode(),
        at=next(numbers),
    )


Outcome = Literal["ok", "fatal-error", "transient-error"]


def answer(document: str, outcome: Outcome = "ok", element: str = "Bundle") -> Record:
    problems = [] if outcome == "ok" else [Problem(element=element, code="value", text="Forkert.")]
    value, _ = receipt(
        Format.FHIR,
        outcome,
        document_id=document,
        sender_sor="1",
        receiver=("2", "Kommunen"),
        problems=problems,
        at=datetime(2022, 5, 23, tzinfo=UTC),
        receipt_id=document,
    )
    return Record(topic="hospital.1.receipts", key=document, type="", id="", value=value, at=1)


def sent(document: str, expected: str = "accepted", element: str | None = None) -> Sent:
    return Sent(
        hospital="1",
        origin=f"{TOPIC}/0/{next(numbers)}",
        document_id=document,
        expected=expected,
        element=element,
        story="a plan",
        at=0,
    )


def received(number: int) -> Record:
    return fact(
        "referrals",
        "referral.received",
        referral_id=f"r{number}",
        document_id=f"d{number}",
        provider="316",
        limit="2022-05-31",
        discharge_date="2022-05-24",
        received_at="2022-05-23T06:30:00Z",
    )


def offered(
    number: int, day: int = 27, therapist: str = "t", room: str = "a", citizen: str = ""
) -> Record:
    return fact(
        "training",
        "session.offered",
        id_=f"offer-{number}",
        session_id=f"s{number}",
        referral_id=f"r{number}",
        citizen_id=citizen or f"c{number}",
        start=f"2022-05-{day}T08:00:00Z",
        end=f"2022-05-{day}T09:00:00Z",
        location={"code": "holbaek"},
        therapist=therapist,
        room=room,
        distance_m=1000,
    )


def told(number: int) -> Record:
    return fact(
        "notifications",
        "notification.sent",
        cause=f"offer-{number}",
        template="session-offered",
        channel="sms",
    )


def account(*records: Record, sent_: tuple[Sent, ...] = ()) -> Ledger:
    ledger = Ledger(sent=list(sent_))
    for record in records:
        ledger.feed(record)
    return ledger


def whole(number: int = 1, **offer: Any) -> list[Record]:
    """A plan from its receipt to the message."""
    return [
        answer(f"d{number}"),
        received(number),
        fact("referrals", "order.placed", referral_id=f"r{number}"),
        offered(number, **offer),
        told(number),
    ]


def broken(ledger: Ledger) -> set[str]:
    return {promise for promise, breaches in promises(ledger) if breaches}


def test_a_plan_that_is_answered_offered_and_told_breaks_nothing() -> None:
    ledger = account(*whole(), sent_=(sent("d1"),))
    assert broken(ledger) == set()
    assert ledger.open() == []
    assert len(ledger.inside()) == 1


def test_what_comes_before_its_referral_counts_all_the_same() -> None:
    assert broken(account(*reversed(whole()), sent_=(sent("d1"),))) == set()


@pytest.mark.parametrize(
    ("document", "answers"),
    [
        (sent("d1"), []),
        (sent("d1"), [answer("d1", "fatal-error")]),
        (sent("d1"), [answer("d1"), answer("d1")]),
        (sent("d1"), [answer("d1"), answer("d1", "fatal-error")]),
        (sent("d1", "refused"), [answer("d1")]),
        (sent("d1", "refused", "Patient.identifier"), [answer("d1", "fatal-error")]),
        (sent("d1", "dead-letter"), [answer("d1")]),
    ],
)
def test_an_answer_that_is_missing_or_another_is_seen(
    document: Sent, answers: list[Record]
) -> None:
    ledger = account(*answers, sent_=(document,))
    assert ANSWERED in broken(ledger)


def test_a_document_without_an_answer_keeps_the_account_open() -> None:
    assert account(sent_=(sent("d1"),)).open() != []


def test_an_order_that_nobody_planned_is_seen() -> None:
    ledger = account(*whole()[:3], sent_=(sent("d1"),))
    assert PLANNED in broken(ledger)
    assert ledger.open() != []


def test_a_late_offer_without_free_choice_is_seen() -> None:
    late = [offered(1), fact("training", "session.moved", **_moved(day="06-03"))]
    ledger = account(*whole()[:3], *late, sent_=(sent("d1"),))
    assert CHOICE in broken(ledger)
    ledger.feed(fact("referrals", "free-choice.opened", referral_id="r1", reason="infeasible"))
    assert CHOICE not in broken(ledger)


def _moved(day: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(offered(1).value)
    start, end = f"2022-{day}T08:00:00Z", f"2022-{day}T09:00:00Z"
    return {**data, "start": start, "end": end, "previous": data}


@pytest.mark.parametrize(
    "second",
    [
        {"room": "b"},
        {"therapist": "u"},
        {"therapist": "u", "room": "b", "citizen": "c1"},
    ],
)
def test_a_therapist_room_or_citizen_booked_twice_is_seen(second: dict[str, str]) -> None:
    ledger = account(*whole(1), *whole(2, **second), sent_=(sent("d1"), sent("d2")))
    assert broken(ledger) == {DOUBLES}


@pytest.mark.parametrize("day", [23, 24])
def test_a_session_on_the_day_of_receipt_or_discharge_is_seen(day: int) -> None:
    assert broken(account(*whole(day=day), sent_=(sent("d1"),))) == {EARLY}


def test_an_offer_that_nobody_was_told_of_is_seen() -> None:
    ledger = account(*whole()[:4], sent_=(sent("d1"),))
    assert broken(ledger) == {TOLD}
    assert ledger.open() != []


def test_telling_twice_is_seen() -> None:
    assert broken(account(*whole(), told(1), sent_=(sent("d1"),))) == {TOLD}


def test_a_move_that_changes_nothing_for_the_citizen_needs_no_telling() -> None:
    move = fact("training", "session.moved", **_moved(day="05-27"))
    assert broken(account(*whole(), move, sent_=(sent("d1"),))) == set()


def test_an_event_published_twice_is_seen_and_counted_once() -> None:
    ledger = account(*whole(), offered(1), sent_=(sent("d1"),))
    assert broken(ledger) == {ONCE}
    assert len(ledger.courses["r1"].sessions) == 1
