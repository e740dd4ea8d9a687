"""KL's § 140 guide tells of Ruddi Test Berggren (hl7dk/kl-gateway-rehab, example.md); so do we."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from deploy.cli import kafka
from deploy.cli.receipts import Receipt, read_receipt
from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from deploy.demo.ledger import COPENHAGEN
from deploy.demo.rosters import state_capacity
from deploy.demo.run import CLOCK, DAY
from deploy.local.stack import Stack
from tests.conftest import Stacks

HOSPITAL = "100000000000316"
LIMIT = date(2022, 5, 31)
DISCHARGE = date(2022, 5, 24)
ASSESSMENT = "1130ad70-6553-490d-87f8-5e8941687a0c"
HOLBAEK = "1037801000016003"
BEDSIDE_SECONDS = 60  # until the test gives up; the demo prints how long it really takes


@pytest.fixture(scope="module")
def holbaek(stacks: Stacks) -> Iterator[Stack]:
    """A stack on 23 May 2022 with Holbæk's capacity."""
    stack = stacks(clock=CLOCK)
    stack.up()
    asyncio.run(state_capacity(stack, DAY, weeks=3))
    yield stack
    stack.down()


async def answers_to(stack: Stack, document: bytes) -> tuple[Receipt, dict[str, Any]]:
    """What the hospital hears: the receipt, and the status with the offer."""
    hospital = stack.connections.access(f"hospital-{HOSPITAL}")
    topics = [f"hospital.{HOSPITAL}.receipts", f"hospital.{HOSPITAL}.status"]
    receipt: Receipt | None = None
    async with kafka.reader(hospital, topics) as consumer, kafka.writer(hospital) as producer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        await producer.send_and_wait(f"hospital.{HOSPITAL}.referrals", document)
        async with asyncio.timeout(BEDSIDE_SECONDS):
            async for record in consumer:
                assert record.value is not None
                if record.topic.endswith(".status"):
                    assert receipt is not None, "the receipt comes before the offer"
                    return receipt, json.loads(record.value)
                receipt = read_receipt(record.value)
    raise AssertionError("the topics ended")


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
def test_ruddis_plan_is_accepted_and_offered_inside_its_limit(
    holbaek: Stack, document: bytes
) -> None:
    receipt, status = asyncio.run(answers_to(holbaek, document))
    start = datetime.fromisoformat(status["start"])
    assert receipt.outcome == "ok"
    assert status["document_id"] == receipt.document_id
    assert status["state"] == "offered"
    assert date.fromisoformat(status["limit"]) == LIMIT
    assert DISCHARGE <= start.astimezone(COPENHAGEN).date() <= LIMIT
    assert start.astimezone(UTC) > datetime.fromisoformat(CLOCK)
    assert status["code"]["code"] == ASSESSMENT
    assert status["performer"] == HOLBAEK
    assert status["location"]["name"]
