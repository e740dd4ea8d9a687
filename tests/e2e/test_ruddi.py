"""KL's § 140 guide tells of Ruddi Test Berggren (hl7dk/kl-gateway-rehab, example.md); so do we."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import kafka
from deploy.cli.main import app
from deploy.cli.receipts import Receipt, read_receipt
from deploy.demo.capacity import rosters
from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from deploy.demo.ledger import COPENHAGEN
from deploy.demo.rosters import state_capacity
from deploy.demo.run import CLOCK, DAY
from deploy.local.stack import Stack
from deploy.planning.reading import roster_of
from deploy.planning.roster import stated
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


def genvej(*command: str) -> Result:
    """What the command prints; whatever it raises is raised."""
    result = CliRunner().invoke(app, list(command), catch_exceptions=False)
    assert result.exit_code in {0, 3}, result.output
    return result


def test_planners_state_capacity_from_files_and_ask_what_fewer_locations_would_mean(
    holbaek: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The weeks are later than the story's, and its plans are the past that is asked."""
    monkeypatch.setenv("GENVEJ_STATE", str(holbaek.state.folder))
    monkeypatch.delenv("GENVEJ_KAFKA", raising=False)
    monday = date(2022, 7, 4)
    file = str(rosters()["316"])
    weeks = ("--from", monday.isoformat(), "--weeks", "2")
    said = " ".join(genvej("capacity", "import", file, *weeks).stdout.split())
    assert "6 statements published as roster-holbaek: 6 accepted, 0 refused" in said
    older = genvej("capacity", "import", file, *weeks, "--version", "1")
    assert older.exit_code == 3
    assert "316.toml:6: holbaek 2022-W27: version is older than" in older.stderr
    exported = tmp_path / "again.toml"
    told = genvej("capacity", "export", "--provider", "316", "--week", "2022-W27").stdout
    exported.write_text(told, encoding="utf-8")
    again, before = (
        {one.week.location.code: one.week for one in stated(roster_of(path), monday)}
        for path in (exported, rosters()["316"])
    )
    assert again == before
    question = ("--close", "jyderup", "--staff", "follow", "--rooms", "move", "--json")
    quick = ("--policy", "priced", "--weeks", "2", "--seeds", "2")
    found = json.loads(genvej("what-if", "--provider", "316", *question, *quick).stdout)
    assert found["options"][0]["close"] == ["jyderup"]
    assert found["question"]["requests"] == "the past of provider 316"
