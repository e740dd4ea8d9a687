"""Hospitals' documents through the handler on a real database; every batch is delivered twice."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from deploy.demo.documents import fhir_plan, ggop_plan, ruddi_fhir, ruddi_ggop
from services.referral.plan import Address, PlanType
from shared.handling import Applied, Dead, Parked
from tests.conftest import Databases
from tests.delivery import all_rows, deliver, events_of
from tests.integration.referral_room import (
    Room,
    contact,
    data,
    from_randers,
    names,
    only,
    randers_hospital,
    receipt_text,
    timers,
    verdict,
)
from tests.unit.referral.factories import HOSPITAL, NOW, an_intake

DAY = timedelta(days=1)
HOME = Address(street="Testgade 1", suburb=None, postcode="4300", district="Holbæk")


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
async def test_ruddis_plan_becomes_an_order_a_contact_and_an_ok_receipt(
    room: Room, document: bytes
) -> None:
    outcomes = await room.takes(document)
    assert names(outcomes) == [
        "citizen.recorded",
        "referral.received",
        "order.placed",
        "document.acknowledged",
    ]
    assert only(outcomes, "referral.received")["limit"] == "2022-05-31"
    order = only(outcomes, "order.placed")
    assert (order["provider"], order["earliest"], order["limit"]) == (
        "316",
        "2022-05-25",
        "2022-05-31",
    )
    assert order["bedside"] is True
    assert order["steps"][0]["code"]["code"] == "1130ad70-6553-490d-87f8-5e8941687a0c"
    assert timers(outcomes)["limit.missed"].due == datetime(2022, 5, 31, 22, tzinfo=UTC)
    (recorded,) = events_of(outcomes, "citizen.recorded")
    record = contact(recorded)
    assert (record.name.family, record.version) == ("Berggren", 1)
    assert verdict(outcomes[0]) == "ok"


async def test_nothing_published_or_stored_shows_who_the_citizen_is(room: Room) -> None:
    outcomes = await room.takes(
        fhir_plan(address=HOME, phone="+447700900101", email="ruddi@post.example")
    )
    stored = repr(await all_rows(room.conn))
    said = repr(events_of(outcomes))
    for word in (
        "1502779995",
        "Ruddi",
        "Berggren",
        "Testgade",
        "+447700900101",
        "post.example",
        "DS721",
    ):
        assert word not in stored
        assert word not in said


async def test_the_same_document_again_gets_its_stored_receipt_again(room: Room) -> None:
    first = await room.takes(ruddi_fhir())
    room.moves_to(NOW + DAY)
    (again,) = await room.takes(ruddi_fhir())
    (receipt,) = events_of([again])
    assert receipt == events_of(first, "document.acknowledged")[0]


async def test_the_same_id_with_other_content_is_refused(room: Room) -> None:
    await room.takes(ruddi_fhir())
    outcomes = await room.takes(fhir_plan(discharge_date=NOW.date() + 3 * DAY))
    assert names(outcomes) == ["document.acknowledged"]
    assert verdict(outcomes[0]) == "fatal-error"
    assert "MessageHeader.id" in receipt_text(outcomes[0])
    assert await room.rows("SELECT count(*) FROM referrals") == [(1,)]


async def test_one_hospitals_id_does_not_swallow_anothers(room: Room) -> None:
    theirs = randers_hospital(room, from_randers(document_id="plan-1", cpr="0201609995"))
    outcomes = await room.takes(fhir_plan(document_id="plan-1"), theirs)
    assert [verdict(one) for one in outcomes] == ["ok", "ok"]
    assert await room.rows("SELECT count(*) FROM referrals") == [(2,)]


DEEP = b'{"a":' * 2000 + b"1" + b"}" * 2000
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b"<Emessage>&b;</Emessage>"
)
BAD_INPUT: dict[str, tuple[bytes | None, str]] = {
    "null value": (None, "tomt"),
    "empty": (b"", "tomt"),
    "neither JSON nor XML": (b"plain words", "JSON"),
    "truncated JSON": (ruddi_fhir()[:-20], "JSON"),
    "truncated XML": (ruddi_ggop()[:-20], "XML"),
    "too large": (b"{" + b" " * (1024 * 1024), "større end"),
    "deeply nested": (DEEP, "indlejret"),
    "an entity bomb": (BOMB, "DTD"),
    "a CPR that is none (FHIR)": (fhir_plan(document_id="x", cpr="123"), "CPR"),
    "a CPR that is none (GGOP)": (ggop_plan(document_id="x", cpr="9999999999"), "CPR"),
    "a missing CPR": (ggop_plan(document_id="x", cpr=None), "CPR"),
    "an unknown municipality": (
        fhir_plan(document_id="x", receiver_sor="999000016003", receiver_ean="5790000999999"),
        "MessageHeader.destination.receiver",
    ),
    "an unknown municipality (GGOP)": (
        ggop_plan(document_id="x", receiver_ean="5790000999999", municipality="999"),
        "Receiver",
    ),
    "a date that is none": (fhir_plan(document_id="x", discharge_date="2022-02-30"), "dato"),
    "a date that is none (GGOP)": (ggop_plan(document_id="x", discharge_date="i går"), "dato"),
    "a type that is none": (fhir_plan(document_id="x", type="massage"), "ServiceRequest.category"),
    "a type that is none (GGOP)": (ggop_plan(document_id="x", type="Massage"), "TypeOf"),
    "another hospital's document": (from_randers(document_id="x"), "ServiceRequest.requester"),
    "another department's SOR": (
        ggop_plan(document_id="x", sender_sor="271221000016006"),
        "Sender",
    ),
    "another country's document": (b'{"resourceType":"Patient","id":"x"}', "Bundle"),
}


@pytest.mark.parametrize("kind", BAD_INPUT)
async def test_bad_input_gets_its_receipt_and_its_neighbours_go_through(
    room: Room, kind: str
) -> None:
    value, said = BAD_INPUT[kind]
    outcomes = await room.takes(
        fhir_plan(document_id="before", cpr="0201609995"),
        value,
        ggop_plan(document_id="after", cpr="0201609996"),
    )
    assert [verdict(one) for one in outcomes] == ["ok", "fatal-error", "ok"]
    assert names(outcomes[1:2]) == ["document.acknowledged"]
    assert said in receipt_text(outcomes[1])
    assert await room.rows("SELECT count(*) FROM referrals") == [(2,)]


async def test_a_document_without_a_readable_id_is_named_by_its_record(room: Room) -> None:
    (outcome,) = await room.takes(b"{}")
    assert f"hospital.{HOSPITAL}.referrals/0/0" in receipt_text(outcome)
    (receipt,) = events_of([outcome])
    assert receipt.key == f"hospital.{HOSPITAL}.referrals/0/0"


async def test_a_refused_document_gets_the_same_refusal_again(room: Room) -> None:
    bad = fhir_plan(document_id="x", receiver_sor="999000016003", receiver_ean="5790000999999")
    first = await room.takes(bad)
    again = await room.takes(bad)
    assert events_of(again) == events_of(first)


async def test_a_topic_of_no_known_hospital_is_a_dead_letter(room: Room) -> None:
    stray = room.bag.document(ruddi_fhir(), hospital="1")
    outcomes = await room.takes(stray, ruddi_fhir())
    assert isinstance(outcomes[0], Dead)
    assert isinstance(outcomes[1], Applied)


async def test_a_plan_at_hospital_level_is_accepted_without_order_and_says_so(room: Room) -> None:
    outcomes = await room.takes(fhir_plan(type=PlanType.GENOPTRAENING_SPECIALISERET))
    assert names(outcomes) == ["citizen.recorded", "referral.received", "document.acknowledged"]
    assert only(outcomes, "referral.received")["limit"] is None
    assert timers(outcomes) == {}
    assert verdict(outcomes[0]) == "ok"
    assert "specialiseret niveau" in receipt_text(outcomes[0])


async def test_a_plan_that_came_too_late_opens_free_choice(room: Room) -> None:
    room.moves_to(datetime(2022, 5, 31, 8, tzinfo=UTC))
    outcomes = await room.takes(ruddi_fhir())
    assert only(outcomes, "free-choice.opened")["reason"] == "late-arrival"
    assert timers(outcomes) == {}


async def test_two_plans_of_a_citizen_in_one_batch_see_each_other(room: Room) -> None:
    outcomes = await room.takes(
        fhir_plan(document_id="plan-1"), fhir_plan(document_id="plan-2", phone="+447700900101")
    )
    first, second = events_of(outcomes, "citizen.recorded")
    assert (contact(first).version, contact(second).version) == (1, 2)
    assert first.key == second.key
    assert await room.worklist() == ["second-plan"]
    assert await room.rows("SELECT order_stands FROM referrals") == [(True,), (True,)]


@pytest.mark.parametrize("batches", [1, 2])
async def test_replaces_revokes_the_old_plan(room: Room, batches: int) -> None:
    old, new = fhir_plan(document_id="plan-1"), fhir_plan(document_id="plan-2", replaces="plan-1")
    outcomes = (
        await room.takes(old, new)
        if batches == 1
        else [*await room.takes(old), *await room.takes(new)]
    )
    closed = only(outcomes, "referral.closed")
    withdrawn = only(outcomes, "order.withdrawn")
    old_order, new_order = (data(event) for event in events_of(outcomes, "order.placed"))
    assert (closed["reason"], withdrawn["reason"]) == ("revoked", "replaced")
    assert withdrawn["order_id"] == old_order["order_id"]
    assert new_order["order_id"] != old_order["order_id"]
    replaced = [data(event)["replaces"] for event in events_of(outcomes, "referral.received")]
    assert replaced == [None, closed["referral_id"]]
    assert await room.worklist() == []


async def test_a_plan_may_replace_one_that_another_hospital_sent(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1"))
    new = from_randers(document_id="plan-9", replaces="plan-1", cpr="1502779995")
    outcomes = await room.takes(randers_hospital(room, new))
    assert only(outcomes, "referral.closed")["provider"] == "316"
    assert only(outcomes, "order.placed")["provider"] == "730"


async def test_a_correction_moves_the_limit_its_timers_and_the_order(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1"))
    room.moves_to(NOW + DAY)
    outcomes = await room.takes(
        fhir_plan(
            document_id="plan-2",
            corrects="plan-1",
            discharge_date="2022-05-27",
        )
    )
    assert names(outcomes) == ["referral.revised", "order.changed", "document.acknowledged"]
    assert only(outcomes, "referral.revised")["changed"] == ["discharge_date", "limit"]
    assert only(outcomes, "order.changed")["limit"] == "2022-06-03"
    assert timers(outcomes)["limit.missed"].due == datetime(2022, 6, 3, 22, tzinfo=UTC)


async def test_a_correction_may_itself_be_corrected(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1"))
    for number, day in ((2, 25), (3, 26)):
        outcomes = await room.takes(
            fhir_plan(
                document_id=f"plan-{number}",
                corrects=f"plan-{number - 1}",
                discharge_date=f"2022-05-{day}",
            )
        )
        assert only(outcomes, "referral.revised")["discharge_date"] == f"2022-05-{day}"


async def test_a_revocation_closes_and_withdraws(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1", replaces="plan-0"))
    assert await room.worklist() == ["replaced-plan-unknown"]
    outcomes = await room.takes(fhir_plan(document_id="plan-2", corrects="plan-1", revoked=True))
    assert names(outcomes) == [
        "referral.closed",
        "order.withdrawn",
        "referral.status",
        "worklist.closed",
        "document.acknowledged",
    ]
    assert only(outcomes, "referral.status")["state"] == "ended"
    assert await room.worklist() == [], "a closed referral is nobody's work"


CORRECTION = fhir_plan(document_id="plan-2", corrects="plan-1", discharge_date="2022-05-27")


async def test_a_correction_before_its_original_waits_and_is_taken_up_after_it(room: Room) -> None:
    record = room.bag.document(CORRECTION)
    (waiting,) = await room.takes(record)
    assert isinstance(waiting, Parked)
    assert verdict(waiting) == "transient-error"

    (still,) = await room.takes(record)
    assert isinstance(still, Parked)
    assert still.events == (), "its sender knows already"

    (original,) = await room.takes(fhir_plan(document_id="plan-1"))
    assert isinstance(original, Applied)
    assert waiting.waits_for in original.releases

    (taken,) = await room.takes(record)
    assert verdict(taken) == "ok"
    assert only([taken], "referral.revised")["limit"] == "2022-06-03"
    assert await room.rows("SELECT count(*) FROM waiting") == [(0,)]


async def test_a_correction_in_the_same_batch_before_its_original_waits_too(room: Room) -> None:
    waiting, original = await room.takes_once(CORRECTION, fhir_plan(document_id="plan-1"))
    assert isinstance(waiting, Parked)
    assert isinstance(original, Applied)
    assert waiting.waits_for in original.releases


async def test_a_waiting_document_that_is_sent_again_is_answered_again_and_waits_once(
    room: Room,
) -> None:
    first, again = await room.takes(CORRECTION, CORRECTION)
    assert isinstance(first, Parked)
    assert isinstance(again, Applied)
    assert verdict(again) == "transient-error"


async def test_a_waiting_documents_id_stays_open(room: Room) -> None:
    other = fhir_plan(document_id="plan-2", corrects="plan-1", discharge_date="2022-05-28")
    records = [room.bag.document(CORRECTION), room.bag.document(other)]
    await room.takes(*records)
    await room.takes(fhir_plan(document_id="plan-1"))
    outcomes = await room.takes(*records)
    assert [verdict(one) for one in outcomes] == ["ok", "fatal-error"]
    assert await room.rows("SELECT count(*) FROM waiting") == [(0,)]


async def test_a_correction_whose_original_never_comes_is_refused_after_a_week(room: Room) -> None:
    record = room.bag.document(CORRECTION)
    (waiting,) = await room.takes(record)
    assert isinstance(waiting, Parked)
    room.moves_to(waiting.until)
    (refused,) = await room.takes(record)
    assert verdict(refused) == "fatal-error"
    assert "aldrig" in receipt_text(refused)


async def test_a_correction_of_a_refused_plan_is_refused_when_that_is_known(room: Room) -> None:
    record = room.bag.document(CORRECTION)
    (waiting,) = await room.takes(record)
    (refused,) = await room.takes(fhir_plan(document_id="plan-1", type="massage"))
    assert isinstance(waiting, Parked)
    assert isinstance(refused, Applied)
    assert waiting.waits_for in refused.releases
    (answer,) = await room.takes(record)
    assert verdict(answer) == "fatal-error"


async def test_a_citizen_keeps_one_id_whichever_hospital_writes(room: Room) -> None:
    theirs = from_randers(document_id="theirs", cpr="1502779995")
    outcomes = await room.takes(ruddi_fhir(), randers_hospital(room, theirs))
    first, second = (data(event) for event in events_of(outcomes, "referral.received"))
    assert first["citizen_id"] == second["citizen_id"]
    assert len(first["citizen_id"]) == 26
    assert await room.rows("SELECT count(*) FROM citizens") == [(1,)]


async def test_a_protected_address_is_neither_published_nor_planned_by(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1", address=HOME))
    outcomes = await room.takes(
        fhir_plan(document_id="plan-2", replaces="plan-1", address=HOME, protected=True)
    )
    (recorded,) = events_of(outcomes, "citizen.recorded")
    record = contact(recorded)
    assert (record.protected, record.address, record.version) == (True, None, 2)
    assert only(outcomes, "order.placed")["postcode"] == ""


async def test_every_look_at_a_citizen_stands_in_the_access_log(room: Room) -> None:
    await room.takes(fhir_plan(document_id="plan-1"))
    await room.takes(fhir_plan(document_id="plan-2", phone="+447700900101"))
    await room.takes(fhir_plan(document_id="plan-3", corrects="plan-1", revoked=True))
    rows = await room.rows("SELECT actor, action, cause FROM access_log ORDER BY id")
    topic = f"hospital.{HOSPITAL}.referrals/0"
    assert rows == [
        ("service:referral", "citizen.write", f"{topic}/0"),
        ("service:referral", "citizen.read", f"{topic}/1"),
        ("service:referral", "citizen.write", f"{topic}/1"),
        ("service:referral", "citizen.find", f"{topic}/2"),
    ]


async def test_what_a_later_plan_does_not_say_is_taken_from_what_is_known(room: Room) -> None:
    await room.takes(
        fhir_plan(document_id="plan-1", address=HOME, phone="+447700900101", language="en")
    )
    outcomes = await room.takes(ggop_plan(document_id="plan-2", replaces="plan-1"))
    order = only(outcomes, "order.placed")
    assert (order["postcode"], order["language"]) == ("4300", "en")
    assert "citizen.recorded" not in names(outcomes), "nothing new was said"


async def test_two_processes_that_meet_a_new_citizen_agree_on_one_id(
    database: Databases,
) -> None:
    dsn = await database("referral")
    connections = [await asyncpg.connect(dsn) for _ in range(2)]
    try:
        rooms = [Room(conn) for conn in connections]
        theirs = from_randers(document_id="theirs", cpr="1502779995")
        await asyncio.gather(
            deliver(connections[0], an_intake(), [rooms[0].bag.document(ruddi_fhir())], NOW),
            deliver(connections[1], an_intake(), [randers_hospital(rooms[1], theirs)], NOW),
        )
        assert await rooms[0].rows("SELECT count(*) FROM citizens") == [(1,)]
        assert await rooms[0].worklist() == ["second-plan"]
    finally:
        for connection in connections:
            await connection.close()


async def test_a_second_run_from_nothing_says_the_same(database: Databases) -> None:
    said = []
    for _ in range(2):
        conn = await asyncpg.connect(await database("referral"))
        try:
            room = Room(conn)
            outcomes = await room.takes_once(
                ruddi_fhir(), ruddi_ggop(), CORRECTION, b"nonsense", fhir_plan(document_id="plan-1")
            )
            # A record is sealed with fresh randomness; its id and its place are the same.
            said.append(
                [
                    (e.topic, e.key, e.type, e.subject, None if e.topic == "citizens" else e.value)
                    for e in events_of(outcomes)
                ]
            )
        finally:
            await conn.close()
    assert said[0] == said[1]


async def test_any_mutation_of_a_document_is_answered_and_breaks_nothing(room: Room) -> None:
    chance = random.Random(140)
    odd = ["\\u0000", "\\ud800", "\u200b", "&#0;", '"', "<", "{", "9" * 40, "", "2022-05-24"]
    records = []
    for number in range(200):
        earlier = f"plan-{number % 7}"
        if number % 2:
            value = fhir_plan(document_id=f"plan-{number % 50}", replaces=earlier)
        else:
            value = ggop_plan(document_id=f"plan-{number % 50}", corrects=earlier)
        text = value.decode("latin-1")
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            word = chance.choice(odd).encode().decode("latin-1")
            text = text[:at] + word + text[at + chance.randint(0, 3) :]
        records.append(room.bag.document(text.encode("latin-1")))
    outcomes = await deliver(room.conn, an_intake(), records, NOW)
    assert {verdict(one) for one in outcomes} <= {"ok", "fatal-error", "transient-error"}
    assert await room.rows("SELECT count(*) > 0 FROM referrals") == [(True,)]


async def test_a_new_number_belongs_to_the_citizen_who_had_the_old_one(room: Room) -> None:
    first = only(await room.takes(fhir_plan(document_id="p1", cpr="0703921VJ4")), "order.placed")
    outcomes = await room.takes(
        fhir_plan(document_id="p2", cpr="1502779995", earlier_cprs=["0703921VJ4"])
    )
    second = only(outcomes, "order.placed")
    assert second["citizen_id"] == first["citizen_id"]
    assert "second-plan" in await room.worklist()
    for cpr in ("0703921VJ4", "1502779995"):
        again = only(await room.takes(fhir_plan(document_id=f"of-{cpr}", cpr=cpr)), "order.placed")
        assert again["citizen_id"] == first["citizen_id"], cpr
    assert await room.rows("SELECT count(*) FROM citizens") == [(1,)]


async def test_a_new_number_counts_in_the_batch_in_which_it_comes(room: Room) -> None:
    outcomes = await room.takes_once(
        fhir_plan(document_id="p1", cpr="0703921VJ4"),
        fhir_plan(document_id="p2", cpr="1502779995", earlier_cprs=["0703921VJ4"]),
        fhir_plan(document_id="p3", cpr="0703921VJ4"),
        fhir_plan(document_id="p4", cpr="1502779995"),
    )
    orders = [data(event) for event in events_of(outcomes, "order.placed")]
    assert len({order["citizen_id"] for order in orders}) == 1
    assert await room.rows("SELECT count(*) FROM former_numbers") == [(1,)]


async def test_two_citizens_are_not_made_one_by_a_document(room: Room) -> None:
    one = only(await room.takes(fhir_plan(document_id="p1", cpr="0703921VJ4")), "order.placed")
    other = only(await room.takes(fhir_plan(document_id="p2", cpr="1502779995")), "order.placed")
    third = only(
        await room.takes(
            fhir_plan(document_id="p3", cpr="1502779995", earlier_cprs=["0703921VJ4"])
        ),
        "order.placed",
    )
    assert one["citizen_id"] != other["citizen_id"] == third["citizen_id"]
