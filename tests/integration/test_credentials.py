"""What `genvej credentials` prints is enough for a sender who knows nothing but Kafka."""

from __future__ import annotations

import re

import pytest
from confluent_kafka import Consumer, Producer
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.local.stack import Stack
from tests.conftest import Stacks

HOLBAEK = "hospital-100000000000316"
RECEIPTS = "hospital.100000000000316.receipts"


@pytest.fixture
def stack(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> Stack:
    stack = stacks(services=("referral",))
    stack.up()
    monkeypatch.setenv("GENVEJ_STATE", str(stack.state.folder))
    return stack


def test_a_plain_client_sends_and_reads_its_receipt_in_a_group_of_its_own(stack: Stack) -> None:
    printed = CliRunner().invoke(app, ["credentials", HOLBAEK], catch_exceptions=False).output
    lines = [line for line in printed.splitlines() if not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines)
    prefix = re.search(r"whose group\.id begins with (\S+)", printed)
    assert prefix, printed

    producer = Producer(settings)
    producer.produce("hospital.100000000000316.referrals", b"no plan at all")
    assert producer.flush(60) == 0

    consumer = Consumer(
        {**settings, "group.id": prefix[1] + "receipts", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.subscribe([RECEIPTS])
        (record,) = consumer.consume(1, timeout=200)
        assert record.error() is None
        assert "Dokumentet er ikke" in (record.value() or b"").decode()
    finally:
        consumer.close()
