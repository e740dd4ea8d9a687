"""Suppliers' orders and answers through the handlers on a database; every batch comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from services.scheduling import store_sessions
from services.scheduling.suppliers.endpoints import Orders
from services.scheduling.suppliers.handlers import Suppliers
from shared.endpoints import Answer, Call, Refused
from shared.envelope import Event, Message
from shared.handling import Parked, Unit
from shared.staff import Member
from tests.conftest import Databases
from tests.delivery import deliver_twice, events_of
from tests.integration.scheduling_service import Process, on_training
from tests.unit.scheduling.factories import (
    MONDAY,
    NOW,
    a_message,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
    capacity_stated,
)
from tests.unit.scheduling.world import told

CODE = "fysioterapi-randers"
NINE, TEN = (at(MONDAY + timedelta(days=1), clock).isoformat() for clock in ("09:00", "10:00"))
BO = Member(id="bo", name="Bo Prøve", role="supplier", unit="Klinikken", provider=CODE)


class Clinic:
    """A supplier beside a municipality that plans for itself."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.suppliers = Suppliers(frozenset({CODE}))
        self.handler = self.suppliers.beside(process.scheduling.referrals)
        self._number = 0

    async def hears(self, kind: str, body: Any, topic: str = "referrals") -> list[dict[str, Any]]:
        self._number += 1
        message = a_message(f"dk.genvej.{kind}.v1", body, self._number, topic)
        return await self.process.twice(self.handler, [message])

    async def gets(self, **other: Any) -> dict[str, Any]:
        order = an_order_body("o1", provider=CODE, municipality="730", **other)
        assert await self.hears("order.placed", order) == []
        return order

    async def writes(self, body: Any, kind: str = "", by: str = CODE) -> list[Event]:
        """What the supplier's own record leads to: the receipt, and what goes to `responses`."""
        self._number += 1
        value = body if isinstance(body, bytes) else orjson.dumps(body)
        message = Message(
            topic=f"provider.{by}.responses",
            partition=0,
            offset=self._number,
            key=None,
            value=value,
            timestamp=self.process.now,
            id=f"said-{self._number}",
            source="",
            type=kind,
        )
        conn, now = self.process.conn, self.process.now
        return events_of(await deliver_twice(conn, self.suppliers.intake, [message], now))

    async def says(self, kind: str = "session.stated", **other: Any) -> list[dict[str, Any]]:
        """What follows from what it says, all the way to `training`."""
        about = {"order_id": "o1", "referral_id": "r-o1", "provider": CODE}
        events = await self.writes({"type": f"{kind}.v1", **about, **other})
        (response,) = (event for event in events if event.topic == "responses")
        assert response.key == CODE
        body = orjson.loads(response.value or b"")
        return await self.hears(kind, body, "responses")

    async def calls(self, order_id: str, staff: Member = BO, **body: Any) -> list[dict[str, Any]]:
        call = Call(staff=staff, id=repr(body), path={"id": order_id}, body=body)
        conn = self.process.conn
        async with conn.transaction():
            answer = await Orders().respond(Unit(conn=conn, now=self.process.now), call)
        assert isinstance(answer, Answer)
        assert answer.status == 202
        (event,) = answer.applied.events
        kind = event.type.removeprefix("dk.genvej.").removesuffix(".v1")
        return await self.hears(kind, orjson.loads(event.value or b""), event.topic)


@pytest.fixture
async def clinic(database: Databases) -> AsyncIterator[Clinic]:
    conn = await asyncpg.connect(await database("scheduling"))
    yield Clinic(Process(conn))
    await conn.close()


async def test_what_a_supplier_states_is_offered_moved_attended_and_told_once(
    clinic: Clinic,
) -> None:
    await clinic.gets()
    place = {"name": "Klinikken", "address": "Prøvegade 9", "postcode": "8900"}
    (offered,) = await clinic.says("order.accepted", start=NINE, place=place)
    assert offered["type"] == "session.offered.v1"
    assert (offered["provider"], offered["municipality"]) == (CODE, "730")
    assert (offered["step_id"], offered["number"], offered["revision"]) == ("s1", 1, 1)
    assert offered["location"] == {"code": f"{CODE}/Klinikken", **place}
    assert await clinic.says("order.accepted", start=NINE, place=place) == []
    (moved,) = await clinic.says(state="planned", start=TEN, revision=2)
    assert moved["type"] == "session.moved.v1"
    assert (moved["session_id"], moved["revision"]) == (offered["session_id"], 2)
    assert moved["previous"]["start"] == offered["start"]
    clinic.process.now = at(MONDAY + timedelta(days=1), "12:00")
    (attended,) = await clinic.says(state="attended", revision=2)
    assert (attended["type"], attended["attended"], attended["by"]) == (
        "session.attended.v1",
        True,
        CODE,
    )


async def test_a_session_is_called_off_and_a_withdrawal_takes_the_next_one(clinic: Clinic) -> None:
    order = await clinic.gets()
    await clinic.says(state="planned", start=NINE)
    (gone,) = await clinic.says(state="cancelled", reason="cancelled-by-citizen")
    assert (gone["type"], gone["reason"]) == ("session.cancelled.v1", "cancelled-by-citizen")
    (again,) = await clinic.says(state="planned", start=TEN)
    withdrawn = {name: order[name] for name in ("order_id", "referral_id", "provider")}
    (taken,) = await clinic.hears("order.withdrawn", withdrawn)
    assert (taken["session_id"], taken["reason"]) == (again["session_id"], "order-withdrawn")
    (refused,) = await clinic.says(state="planned", start=NINE, revision=2)
    assert (refused["type"], refused["element"]) == ("response.refused.v1", "order_id")


async def test_a_readmission_calls_off_and_the_dates_after_it_count(clinic: Clinic) -> None:
    await clinic.gets()
    await clinic.says(state="planned", start=NINE)
    about = {"referral_id": "r-o1", "provider": CODE}
    (paused,) = await clinic.hears("referral.paused", about)
    assert paused["reason"] == "paused"
    new = str(MONDAY + timedelta(days=11))
    assert await clinic.hears("referral.resumed", {**about, "earliest": new, "limit": new}) == []
    (offered,) = await clinic.says(state="planned", start=TEN)
    assert offered["limit"] == new


async def test_a_supplier_that_declines_is_heard_on_training_once(clinic: Clinic) -> None:
    order = await clinic.gets()
    (declined,) = await clinic.says("order.declined", reason="no-capacity")
    assert (declined["type"], declined["reason"]) == ("order.declined.v1", "no-capacity")
    assert declined["citizen_id"] == order["citizen_id"]
    assert await clinic.says("order.declined", reason="too-far") == []


async def test_another_municipalitys_own_declines_over_http(clinic: Clinic) -> None:
    await clinic.hears("order.placed", an_order_body("o2", provider="316", municipality="730"))
    desk = Member(id="316-desk", name="Åse Prøve", role="desk", unit="U", provider="316")
    (declined,) = await clinic.calls("o2", desk, answer="decline", reason="no-capacity")
    assert (declined["type"], declined["provider"]) == ("order.declined.v1", "316")
    with pytest.raises(Refused, match="accepted by being booked"):
        await clinic.calls("o2", desk, answer="accept", start=NINE)
    with pytest.raises(Refused, match="does not work for"):
        await clinic.calls("o2", BO, answer="decline")
    with pytest.raises(Refused, match="no order has the id"):
        await clinic.calls("o3", BO, answer="decline")


async def test_over_http_the_same_is_said_by_whoever_has_no_kafka(clinic: Clinic) -> None:
    await clinic.gets()
    assert on_training(await clinic.calls("o1", answer="accept", start=NINE)) == ["session.offered"]
    assert on_training(await clinic.calls("o1", answer="accept", start=TEN)) == ["session.moved"]
    with pytest.raises(Refused, match="day has not come"):
        await clinic.calls("o1", answer="attended")
    assert on_training(await clinic.calls("o1", answer="cancel")) == ["session.cancelled"]


@pytest.mark.parametrize(
    ("said", "element"),
    [
        ({"type": "order.accepted.v1"}, "order_id"),
        ({"type": "order.forgotten.v1"}, "type"),
        ({}, "type"),
        (b"\xff\x00", ""),
        (
            {
                "type": "order.declined.v1",
                "order_id": "o1",
                "referral_id": "r-o1",
                "provider": "316",
            },
            "provider",
        ),
    ],
)
async def test_what_can_not_be_used_is_answered_and_costs_nothing_else(
    clinic: Clinic, said: Any, element: str
) -> None:
    (receipt,) = told(events := await clinic.writes(said))
    assert events[0].topic == f"provider.{CODE}.receipts"
    assert (receipt["type"], receipt["element"]) == ("response.refused.v1", element)


async def test_an_answer_before_its_order_waits_for_it(clinic: Clinic) -> None:
    said = {"order_id": "o1", "referral_id": "r-o1", "provider": CODE, "state": "planned"}
    early = a_message("dk.genvej.session.stated.v1", {**said, "start": NINE}, 1, "responses")
    (parked,) = await clinic.process.outcomes(clinic.handler, [early])
    assert isinstance(parked, Parked)
    order = a_message("dk.genvej.order.placed.v1", an_order_body("o1", provider=CODE), 2)
    (placed,) = await clinic.process.outcomes(clinic.handler, [order])
    assert parked.waits_for in getattr(placed, "releases", ())


async def test_the_municipalitys_own_orders_in_the_same_batch_go_their_way(clinic: Clinic) -> None:
    therapist = a_therapist("T1", *all_week())
    await clinic.process.capacity(capacity_stated(a_statement("R", therapist)))
    bodies = [an_order_body("o1", provider=CODE), an_order_body("o2")]
    batch = [a_message("dk.genvej.order.placed.v1", one, n) for n, one in enumerate(bodies)]
    events = await clinic.process.twice(clinic.handler, batch)
    assert [one["order_id"] for one in events if one["type"] == "session.offered.v1"] == ["o2"]


async def test_who_trains_at_a_supplier_is_not_booked_elsewhere_at_that_time(
    clinic: Clinic,
) -> None:
    await clinic.gets(citizen_id="c1")
    await clinic.says(state="planned", start=NINE)
    ((citizen, _, entry),) = await store_sessions.engagements(clinic.process.conn, ["c1"], NOW)
    assert (citizen, entry.provider) == ("c1", CODE)
