"""Other grounds through the handler on a real database; every batch is delivered twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan
from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.xref15 import xref15
from services.referral.request import Request
from services.referral.worklist_endpoints import Worklist
from shared.endpoints import Answer, Refused
from shared.envelope import Message
from shared.handling import Outcome
from tests.delivery import all_rows, events_of
from tests.integration.referral_room import Room, data, names, only, receipt_text, verdict
from tests.staff import a_call, asked
from tests.unit.referral.factories import Mailbag, a_decided, a_register

RANDERS: dict[str, Any] = {"receiver_sor": "100000000003730", "receiver_name": "Randers Kommune"}
CITIZENS: dict[str, Any] = {
    "sender_sor": "100000000010730",
    "sender_name": "Borgernes indgang",
    **RANDERS,
}


def sent(bag: Mailbag, value: bytes, sender: str = "gp-testgade") -> Message:
    record = bag.document(value)
    topic = f"sender.{sender}.referrals"
    return Message(
        topic=topic,
        partition=0,
        offset=record.offset,
        key=None,
        value=value,
        timestamp=record.timestamp,
        id=f"{topic}/0/{record.offset}",
        source="",
    )


async def sends(room: Room, value: bytes, sender: str = "gp-testgade") -> Sequence[Outcome]:
    return await room.takes(sent(room.bag, value, sender))


def topics(outcomes: Sequence[Outcome]) -> list[str]:
    return [event.topic for event in events_of(outcomes)]


@pytest.mark.parametrize("document", [fhir_referral(), xref15()], ids=["FHIR", "XREF15"])
async def test_a_gps_referral_becomes_an_order_a_contact_and_an_ok_receipt(
    room: Room, document: bytes
) -> None:
    outcomes = await sends(room, document)
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.received",
        "order.placed",
        "document.acknowledged",
    ]
    received = only(outcomes, "referral.received")
    assert (received["basis"], received["programme"]) == ("gp", "back-pain-package")
    assert (received["type"], received["limit"]) == (None, None)
    order = only(outcomes, "order.placed")
    assert order["programme"] == "back-pain-package"
    assert order["steps"][0]["code"]["code"] == "back-pain-package/clarifying-conversation"
    assert topics(outcomes)[-1] == "sender.gp-testgade.receipts"
    assert verdict(outcomes[0]) == "ok"


async def test_a_self_referral_a_relative_and_a_municipal_one_each_run_their_order(
    room: Room,
) -> None:
    own = fhir_referral(
        document_id="self", basis="self", programme="mastery", diagnoses=(), **CITIZENS
    )
    relative = fhir_referral(
        document_id="relative",
        basis="relative",
        programme="mastery-relatives",
        cpr="0201609996",
        given="Lonni Test",
        consent=True,
        diagnoses=(),
        **CITIZENS,
    )
    municipal = fhir_referral(
        document_id="municipal", sender_sor="100000000007730", cpr="0504909995", **RANDERS
    )
    outcomes = [
        *(await sends(room, own, "citizens-730")),
        *(await sends(room, relative, "citizens-730")),
        *(await sends(room, municipal, "municipality-730")),
    ]
    orders = [data(event) for event in events_of(outcomes, "order.placed")]
    assert [order["programme"] for order in orders] == [
        "mastery",
        "mastery-relatives",
        "back-pain-package",
    ]
    assert {order["provider"] for order in orders} == {"730"}
    assert len({order["citizen_id"] for order in orders}) == 3, "a relative has an own id"


async def test_an_offer_of_a_gps_referral_is_told_to_the_gp(room: Room) -> None:
    outcomes = await sends(room, fhir_referral())
    order = only(outcomes, "order.placed")
    heard = await room.hears(room.offered(order, "2022-06-08T08:00:00Z"))
    assert topics(heard) == ["sender.gp-testgade.status"]
    status = only(heard, "referral.status")
    assert (status["state"], status["limit"]) == ("offered", None)
    assert status["code"]["code"] == "back-pain-package/clarifying-conversation"


async def test_a_referral_is_taken_back_by_who_sent_it(room: Room) -> None:
    await sends(room, fhir_referral(document_id="first"))
    outcomes = await sends(room, fhir_referral(document_id="back", corrects="first", revoked=True))
    assert names(outcomes) == [
        "referral.closed",
        "order.withdrawn",
        "referral.status",
        "document.acknowledged",
    ]


@pytest.mark.parametrize(
    "correction",
    [
        fhir_referral(
            document_id="new", corrects="first", asked=date(2022, 5, 20), postcode="4400"
        ),
        xref15(
            document_id="new",
            status="rettetbrev",
            revokes="first",
            asked=date(2022, 5, 20),
            postcode="4400",
        ),
    ],
    ids=["FHIR", "XREF15"],
)
async def test_a_correction_changes_the_order_and_keeps_the_referral(
    room: Room, correction: bytes
) -> None:
    placed = only(await sends(room, fhir_referral(document_id="first")), "order.placed")
    outcomes = await sends(room, correction)
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.revised",
        "order.changed",
        "document.acknowledged",
    ]
    assert verdict(outcomes[0]) == "ok"
    changed = only(outcomes, "order.changed")
    assert (changed["order_id"], changed["postcode"]) == (placed["order_id"], "4400")
    assert changed["steps"] == placed["steps"]
    assert only(outcomes, "referral.revised")["changed"] == ["discharge_date"]
    again = await sends(room, fhir_referral(document_id="same", corrects="new"))
    assert only(again, "referral.revised")["discharge_date"] == "2022-05-23"


async def test_what_a_correction_says_beyond_planning_takes_the_old_ones_place(room: Room) -> None:
    await sends(room, xref15(document_id="first"))
    correction = xref15(
        document_id="new", status="rettetbrev", revokes="first", anamnesis="Smerter i knæet."
    )
    assert "ændrer hverken" in receipt_text((await sends(room, correction))[0])
    ((referral, sealed),) = await room.rows("SELECT referral_id, details FROM referrals")
    details: dict[str, Any] = orjson.loads(a_register().vault.open(sealed, referral))
    assert details["narrative"] == {"health": "Smerter i knæet."}


async def test_a_corrected_programme_is_ordered_in_the_place_of_the_other(room: Room) -> None:
    own: dict[str, Any] = {"basis": "self", "diagnoses": (), **CITIZENS}
    first = fhir_referral(document_id="first", programme="mastery", **own)
    placed = only(await sends(room, first, "citizens-730"), "order.placed")
    await room.hears(room.offered(placed, "2022-06-08T08:00:00Z"))
    correction = fhir_referral(
        document_id="new", corrects="first", programme="chronic-pain", transport=True, **own
    )
    outcomes = await sends(room, correction, "citizens-730")
    assert names(outcomes) == ["order.withdrawn", "order.placed", "document.acknowledged"]
    order = only(outcomes, "order.placed")
    assert (order["programme"], order["transport"]) == ("chronic-pain", True)
    assert order["order_id"] != placed["order_id"]
    assert order["referral_id"] == placed["referral_id"]
    heard = await room.hears(room.offered(order, "2022-06-09T08:00:00Z"))
    assert only(heard, "referral.status")["code"]["code"].startswith("chronic-pain/")
    back = fhir_referral(document_id="back", corrects="new", programme="mastery", **own)
    third = only(await sends(room, back, "citizens-730"), "order.placed")
    assert third["order_id"] not in {placed["order_id"], order["order_id"]}


async def test_a_correction_and_a_withdrawal_wait_for_their_referral(room: Room) -> None:
    early = await sends(
        room, fhir_referral(document_id="new", corrects="first", asked=date(2022, 5, 20))
    )
    assert verdict(early[0]) == "transient-error"
    late = await sends(room, fhir_referral(document_id="back", corrects="never", revoked=True))
    assert verdict(late[0]) == "transient-error"


async def test_a_referral_replaces_another(room: Room) -> None:
    await sends(room, fhir_referral(document_id="first"))
    outcomes = await sends(room, fhir_referral(document_id="new", replaces="first"))
    assert names(outcomes) == [
        "referral.closed",
        "order.withdrawn",
        "referral.status",
        "referral.received",
        "order.placed",
        "document.acknowledged",
    ]
    closed = only(outcomes, "referral.closed")
    assert only(outcomes, "referral.received")["replaces"] == closed["referral_id"]


async def test_a_referral_that_was_replaced_before_it_came_orders_nothing(room: Room) -> None:
    outcomes = await sends(room, fhir_referral(document_id="new", replaces="first"))
    assert only(outcomes, "worklist.opened")["reason"] == "replaced-plan-unknown"
    first = await sends(room, fhir_referral(document_id="first"))
    assert names(first) == ["referral.received", "referral.closed", "document.acknowledged"]


async def test_where_no_rule_chooses_it_lies_on_the_worklist(room: Room) -> None:
    outcomes = await sends(room, xref15(diagnoses=[("DI10", "Forhøjet blodtryk")]))
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.received",
        "worklist.opened",
        "document.acknowledged",
    ]
    assert "programme" not in only(outcomes, "referral.received")
    assert await room.worklist() == ["programme-to-choose"]
    assert "Visitationen vælger" in receipt_text(outcomes[0])


REFUSED: list[tuple[str, bytes, str, str]] = [
    (
        "a sender not its own",
        fhir_referral(sender_sor="227871000016001"),
        "gp-testgade",
        "Afsender",
    ),
    ("another ground", fhir_referral(basis="self"), "gp-testgade", "grundlag"),
    ("no ground of two", fhir_referral(programme="mastery", **CITIZENS), "citizens-730", "flere"),
    ("no programme", fhir_referral(programme="massage"), "gp-testgade", "Tilbuddet findes ikke"),
    ("a plan on a GP's channel", fhir_plan(), "gp-testgade", "kanal"),
    (
        "a relative without consent",
        fhir_referral(basis="relative", programme="mastery-relatives", **CITIZENS),
        "citizens-730",
        "samtykke",
    ),
]


@pytest.mark.parametrize(
    ("document", "sender", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_what_is_refused_is_said_and_leaves_no_citizen(
    room: Room, document: bytes, sender: str, said: str
) -> None:
    outcomes = await sends(room, document, sender)
    assert verdict(outcomes[0]) == "fatal-error"
    assert said in receipt_text(outcomes[0])
    rows = await all_rows(room.conn)
    assert rows["citizens"] == rows["referrals"] == []


async def test_a_referral_on_a_hospitals_channel_is_refused(room: Room) -> None:
    outcomes = await room.takes(fhir_referral(sender_sor="227871000016001"))
    assert verdict(outcomes[0]) == "fatal-error"
    assert "kanal" in receipt_text(outcomes[0])


async def test_what_a_document_says_beyond_planning_lies_sealed(room: Room) -> None:
    await sends(room, xref15())
    ((referral, sealed),) = await room.rows("SELECT referral_id, details FROM referrals")
    assert b"nden gennem tre" not in sealed
    details: dict[str, Any] = orjson.loads(a_register().vault.open(sealed, referral))
    assert details["narrative"] == {"health": "Smerter i lænden gennem tre måneder."}
    assert details["diagnoses"] == [["SKSdiagnosekode", "DM545", "Lændesmerter"]]
    assert Request.__name__ not in repr(details)


async def test_the_desk_chooses_a_programme_with_the_citizen_and_it_is_ordered(
    room: Room,
) -> None:
    outcomes = await sends(room, xref15(diagnoses=[("DI10", "Forhøjet blodtryk")]))
    entry = only(outcomes, "worklist.opened")["entry_id"]
    decided = a_decided()
    worklist = Worklist(decided=decided, register=a_register())

    async def decides(**said: str) -> Answer:
        body = {"decision": "order-programme", **said}
        call = a_call(path={"id": entry}, body=body)
        return await asked(room.conn, worklist.decide, call, room.now)

    for wrong in ({}, {"programme": "massage"}, {"programme": "p140-almen"}):
        with pytest.raises(Refused) as refused:
            await decides(**wrong)
        assert refused.value.status == 422
    answer = await decides(programme="mastery")
    closed, placed = answer.applied.events
    assert closed.type.endswith("worklist.closed.v1")
    order = data(placed)
    assert (order["programme"], order["steps"][0]["count"]) == ("mastery", 8)
    assert order["postcode"] == "4300"
    heard = await room.hears(room.offered(order, "2022-06-08T08:00:00Z"))
    assert only(heard, "referral.status")["code"]["code"] == "mastery/course"
