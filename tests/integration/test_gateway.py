"""The door on a whole stack: one way behind it, the same receipts, and nothing for strangers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from deploy.cli.receipts import read_receipt
from deploy.demo.documents import fhir_plan, ggop_plan
from deploy.local.processes import wait_until
from deploy.local.senders import token_of
from deploy.local.stack import Stack
from tests.conftest import Stacks

HOLBAEK = "hospital-100000000000316"
RANDERS = "hospital-100000000000730"
DAY = date(2022, 5, 24)
CLOCK = "2022-05-23T08:30:00+02:00"
PATIENCE = 200.0


@pytest.fixture(scope="module")
def stack(stacks: Stacks) -> Stack:
    stack = stacks(services=("referral", "gateway"), clock=CLOCK)
    stack.up()
    return stack


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=stack.connections.url("gateway"), timeout=PATIENCE, trust_env=False
    ) as client:
        yield client


def bearer(stack: Stack, principal: str = HOLBAEK) -> dict[str, str]:
    return {"authorization": f"Bearer {token_of(stack.state, principal)}"}


def a_plan(document_id: str | None = None) -> bytes:
    return fhir_plan(
        document_id=document_id or str(uuid.uuid4()),
        discharge_date=DAY,
        authored=DAY,
        sent_at=datetime(2022, 5, 23, 6, tzinfo=UTC),
        phone="+447700900100",
    )


def a_letter() -> bytes:
    return ggop_plan(
        document_id=uuid.uuid4().hex[:14],
        contact_start=DAY,
        discharge_date=DAY,
        authored=DAY,
        sent_at=datetime(2022, 5, 23, 6, tzinfo=UTC),
        phone="+447700900100",
    )


def answered(client: httpx.Client, answer: httpx.Response, headers: dict[str, str]) -> bytes:
    """The receipt, now or where it is to be fetched."""
    where = answer.headers.get("location") or answer.headers["content-location"]
    last = answer

    def there() -> bool:
        nonlocal last
        if last.status_code == 202:
            last = client.get(where, headers=headers)
        return last.status_code == 200

    assert wait_until(there, seconds=PATIENCE), last.text
    return last.content


def test_a_document_over_http_gets_the_receipt_in_its_own_format(
    stack: Stack, client: httpx.Client
) -> None:
    for document, kind in ((a_plan(), "application/fhir+json"), (a_letter(), "application/xml")):
        answer = client.post("/$process-message", content=document, headers=bearer(stack))
        receipt = answered(client, answer, bearer(stack))
        assert read_receipt(receipt).outcome == "ok"
        fetched = client.get(answer.headers["content-location"], headers=bearer(stack))
        assert fetched.content == receipt
        assert fetched.headers["content-type"] == kind


def test_the_same_document_again_gets_the_same_receipt_and_another_under_its_id_is_refused(
    stack: Stack, client: httpx.Client
) -> None:
    headers, document_id = bearer(stack), str(uuid.uuid4())
    document = a_plan(document_id)
    first, again, other = (
        answered(client, client.post("/$process-message", content=c, headers=headers), headers)
        for c in (document, document, document + b" ")
    )
    assert first == again
    assert read_receipt(other).outcome == "fatal-error"
    assert read_receipt(other).document_id == document_id


def test_what_is_wrong_is_said_by_the_service_behind_the_door(
    stack: Stack, client: httpx.Client
) -> None:
    headers = bearer(stack)
    for document in (
        b"{",
        b"<Emessage/>",
        b"MSH|^~\\&|",
        b"\x00\xff",
        b'{"resourceType":"Patient"}',
    ):
        answer = client.post("/$process-message", content=document, headers=headers)
        receipt = read_receipt(answered(client, answer, headers))
        assert receipt.outcome == "fatal-error"
        assert receipt.problems
    strange = client.post("/$process-message", content=a_plan(), headers=bearer(stack, RANDERS))
    receipt = read_receipt(answered(client, strange, bearer(stack, RANDERS)))
    assert "Afsenderen må ikke sende" in receipt.problems[0].text


def test_strangers_and_giants_stay_outside(stack: Stack, client: httpx.Client) -> None:
    headers = bearer(stack)
    for wrong in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}):
        answer = client.post("/$process-message", content=a_plan(), headers=wrong)
        assert answer.status_code == 401
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert client.post("/$process-message", content=b"", headers=headers).status_code == 400
    large = b" " * 1_000_001
    assert client.post("/$process-message", content=large, headers=headers).status_code == 413
    parts = (b" " * 100_000 for _ in range(11))  # no length is declared
    assert client.post("/$process-message", content=parts, headers=headers).status_code == 413
    mine = client.post("/$process-message", content=a_plan(), headers=headers)
    answered(client, mine, headers)
    others = client.get(mine.headers["content-location"], headers=bearer(stack, RANDERS))
    assert others.status_code == 404
    assert client.get(f"/receipts/{uuid.uuid4()}", headers=headers).status_code == 404


def test_a_receipt_that_takes_long_is_fetched_later(stack: Stack, client: httpx.Client) -> None:
    headers = bearer(stack)
    stack.pause("referral")
    try:
        answer = client.post("/$process-message", content=a_plan(), headers=headers)
        assert answer.status_code == 202
        assert answer.headers["location"].startswith("/receipts/")
        stack.kill("gateway")
        stack.start("gateway")
        stack.wait_ready("gateway")
    finally:
        stack.resume("referral")
    client = httpx.Client(base_url=stack.connections.url("gateway"), timeout=30, trust_env=False)
    with client:
        assert read_receipt(answered(client, answer, headers)).outcome == "ok"


def test_a_dropped_document_is_answered_by_a_file_and_removed(stack: Stack) -> None:
    room = Path(stack.environment("gateway")["GENVEJ_GATEWAY_DROP"]) / HOLBAEK
    documents = {"plan.json": a_plan(), "brev.xml": a_letter(), "fejl.json": b"{"}
    large = room / "in" / "for-stor.json"
    for name, value in {**documents, large.name: b" " * 1_000_001}.items():
        draft = room / "in" / f".{name}"
        draft.write_bytes(value)
        draft.rename(room / "in" / name)
    receipts = {name: room / "receipts" / name for name in documents}
    assert wait_until(lambda: all(p.exists() for p in receipts.values()), seconds=PATIENCE)
    assert wait_until((room / "refused" / large.name).exists, seconds=PATIENCE)
    assert wait_until(lambda: not list((room / "sent").iterdir()), seconds=PATIENCE)
    outcomes = {name: read_receipt(path.read_bytes()).outcome for name, path in receipts.items()}
    assert outcomes == {"plan.json": "ok", "brev.xml": "ok", "fejl.json": "fatal-error"}
    assert list((room / "in").iterdir()) == []


def test_it_says_how_it_does_and_logs_nothing_of_anybody(
    stack: Stack, client: httpx.Client
) -> None:
    assert client.get("/health/ready").json()["status"] == "ready"
    answered(
        client,
        client.post("/$process-message", content=a_plan(), headers=bearer(stack)),
        bearer(stack),
    )
    metrics = client.get("/metrics").text
    assert "genvej_gateway_requests_total{" in metrics
    assert 'genvej_gateway_files_total{outcome="answered"}' in metrics
    log = stack.log("gateway").read_text(encoding="utf-8")
    for said in ("Berggren", "1502779995", "150277", token_of(stack.state, HOLBAEK)):
        assert said not in log
    for line in log.splitlines():
        json.loads(line)
