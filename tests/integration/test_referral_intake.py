"""Hospitals' documents through the handler on a real database; every batch is delivered twice."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from services.referral.events import CitizenRecord
from shared.crypto import open_record
from shared.envelope import Event
from tests.conftest import Databases
from tests.delivery import deliver_twice
from tests.unit.referral.factories import HOSPITAL, NOW, Mailbag, a_register, an_intake

if TYPE_CHECKING:
    from shared.database import Connection


@pytest.fixture
async def conn(database: Databases) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(await database("referral"))
    yield connection
    await connection.close()


def data(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(event.value or b"null")
    return body


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
async def test_ruddis_plan_becomes_an_order_a_contact_and_an_ok_receipt(
    conn: Connection, document: bytes
) -> None:
    bag, intake = Mailbag(), an_intake()

    (outcome,) = await deliver_twice(conn, intake, [bag.document(document)], NOW)

    types = [event.type.removeprefix("dk.genvej.") for event in outcome.events]
    assert types == [
        "citizen.recorded.v1",
        "referral.received.v1",
        "order.placed.v1",
        "document.acknowledged.v1",
    ]
    citizen, received, placed, receipt = outcome.events
    assert data(received)["limit"] == "2022-05-31"
    order = data(placed)
    assert (order["provider"], order["earliest"], order["limit"]) == (
        "316",
        "2022-05-24",
        "2022-05-31",
    )
    assert order["bedside"] is True
    (step,) = order["steps"]
    assert step["code"]["code"] == "1130ad70-6553-490d-87f8-5e8941687a0c"
    record = CitizenRecord.model_validate_json(
        open_record(a_register().records, citizen.value or b"", citizen.key)
    )
    assert (record.name.family, record.version) == ("Berggren", 1)
    assert receipt.topic == f"hospital.{HOSPITAL}.receipts"
    assert b"1502779995" not in b"".join(event.value or b"" for event in outcome.events)
