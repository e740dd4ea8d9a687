"""`genvej report` against a real broker: what stands on the topics becomes KL's delivery report."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from deploy.cli import kafka as client
from deploy.cli.errors import CommandError
from deploy.cli.report import report
from deploy.local.kafka import Kafka
from services.referral.report.check import faults

CONTRACTS = Path(__file__).parents[2] / "shared" / "contracts"
STORY = (
    ("referrals", "referral", "referral.received", "2022-05-23T06:00:00Z"),
    ("referrals", "referral", "order.placed", "2022-05-23T06:00:00Z"),
    ("training", "scheduling", "session.offered", "2022-05-23T06:00:01Z"),
    ("referrals", "referral", "referral.revised", "2022-05-24T06:00:00Z"),
)
APP = typer.Typer()
APP.command()(report)


@pytest.fixture(scope="module")
def referral_id(kafka: Kafka) -> str:
    """Ruddi's referral on the topics, as its services would have written it, among another's."""
    ours = str(uuid.uuid4())
    asyncio.run(publish(kafka, ours))
    asyncio.run(publish(kafka, str(uuid.uuid4())))
    return ours


async def publish(kafka: Kafka, referral_id: str, **received: str) -> None:
    """Writes Ruddi's story as that of another referral; `received` changes how it came."""
    for topic, principal, name, at in STORY:
        example = json.loads((CONTRACTS / f"{name}.v1.example.json").read_bytes())
        own = received if name == "referral.received" else {}
        value = {**example, "referral_id": referral_id, "order_id": f"of {referral_id}", **own}
        headers = [
            ("ce_type", f"dk.genvej.{name}.v1".encode()),
            ("ce_subject", referral_id.encode()),
            ("ce_time", at.encode()),
        ]
        async with client.writer(kafka.access(principal)) as producer:
            await producer.send_and_wait(
                topic, json.dumps(value).encode(), key=b"316", headers=headers
            )


@pytest.fixture
def genvej(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command as the operator."""
    access = kafka.access("ops")
    monkeypatch.setenv("GENVEJ_KAFKA", access.bootstrap)
    monkeypatch.setenv("GENVEJ_KAFKA_USER", access.user)
    monkeypatch.setenv("GENVEJ_KAFKA_PASSWORD", access.password)

    def run(*options: str, stdin: str = "") -> Any:
        return CliRunner().invoke(APP, options, input=stdin)

    return run


def test_a_referral_on_the_topics_becomes_a_report_that_kl_takes(
    genvej: Any, referral_id: str
) -> None:
    said = genvej("-r", referral_id, "--cpr-from-stdin", "--alive", stdin="150277-9995\n")
    assert said.exit_code == 0, said.output
    bundle = json.loads(said.stdout)
    assert faults(bundle) == ()
    [plan] = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "ServiceRequest"
    ]
    assert plan["id"] == referral_id
    assert plan["extension"][0]["valueDate"] == "2022-05-25"
    assert plan["occurrencePeriod"] == {"start": "2022-05-28"}
    assert "withheld: ServiceRequest.reasonReference" in said.stderr
    assert "1502779995" not in said.stderr


def test_a_report_without_a_cpr_is_printed_and_said_to_be_unfit(
    genvej: Any, referral_id: str
) -> None:
    said = genvej("-r", referral_id)
    assert said.exit_code == 3
    assert json.loads(said.stdout)["type"] == "collection"
    assert "withheld: Patient.identifier.value" in said.stderr
    assert "unfit: " in said.stderr


def test_a_report_as_of_an_instant_knows_nothing_later(genvej: Any, referral_id: str) -> None:
    said = genvej("-r", referral_id, "--at", "2022-05-23T12:00")
    bundle = json.loads(said.stdout)
    assert bundle["timestamp"] == "2022-05-23T10:00:00Z"
    assert '"valueDate": "2022-05-24"' in said.stdout
    unchanged = genvej("-r", referral_id, "--at", "2022-05-23T13:00", "--since", "2022-05-23T12:00")
    assert (unchanged.exit_code, unchanged.stdout) == (0, "")
    assert "nothing has changed" in unchanged.stderr


def test_the_plan_that_a_plan_replaces_is_found_and_told(
    genvej: Any, kafka: Kafka, referral_id: str
) -> None:
    replacing = str(uuid.uuid4())
    asyncio.run(publish(kafka, replacing, replaces=referral_id))
    bundle = json.loads(genvej("-r", replacing).stdout)
    plans = {
        entry["resource"]["id"]: entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "ServiceRequest"
    }
    assert set(plans) == {referral_id, replacing}
    assert plans[replacing]["replaces"] == [{"reference": f"urn:uuid:{referral_id}"}]


@pytest.mark.parametrize(
    ("options", "stdin", "message"),
    [
        (("-r", "nobody"), "", "nobody: no such referral has been received"),
        (("-r", "x", "--cpr-from-stdin"), "12345\n", "stdin holds no CPR"),
        (("-r", "x", "--since", "yesterday"), "", "--since: yesterday is no ISO 8601 time"),
        (("-r", "x", "--at", "2022-05-23", "--since", "2022-05-24"), "", "later than the report"),
        (("-r", "x", "--municipalities", "/nowhere"), "", "/nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    genvej: Any, options: tuple[str, ...], stdin: str, message: str
) -> None:
    said = genvej(*options, stdin=stdin)
    assert isinstance(said.exception, CommandError)
    assert message in str(said.exception)
    assert "\n" not in str(said.exception)
