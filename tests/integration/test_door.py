"""The door, and what citizens have a right to, on one whole stack."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.receipts import read_receipt
from deploy.demo.documents import fhir_plan, ggop_plan
from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.rosters import state_capacity
from deploy.demo.xref15 import xref15
from deploy.local.processes import wait_until
from deploy.local.senders import token_of
from deploy.local.stack import Stack
from services.gateway.vans import Envelope, opened
from services.referral.plan import Address
from shared.topics import load
from tests.conftest import Stacks
from tests.unit.gateway.test_vans import an_envelope

HOLBAEK = "hospital-100000000000316"
RANDERS = "hospital-100000000000730"
DAY = date(2022, 5, 24)
CLOCK = "2022-05-23T08:30:00+02:00"
PATIENCE = 200.0


@pytest.fixture(scope="module")
def stack(stacks: Stacks) -> Stack:
    stack = stacks(clock=CLOCK)
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


def receipt_place(answer: httpx.Response) -> str:
    """Where the receipt stays: `location` where it takes long, else `content-location`."""
    return answer.headers.get("location") or answer.headers["content-location"]


def answered(client: httpx.Client, answer: httpx.Response, headers: dict[str, str]) -> bytes:
    """The receipt, now or where it is to be fetched."""
    where = receipt_place(answer)
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
        fetched = client.get(receipt_place(answer), headers=bearer(stack))
        assert fetched.content == receipt
        assert fetched.headers["content-type"] == kind


def test_a_gp_without_kafka_refers_over_the_same_door(stack: Stack, client: httpx.Client) -> None:
    headers = bearer(stack, "sender-gp-testgade")
    for document in (xref15(), fhir_referral(document_id=str(uuid.uuid4()))):
        answer = client.post("/$process-message", content=document, headers=headers)
        assert read_receipt(answered(client, answer, headers)).outcome == "ok"
    plan = client.post("/$process-message", content=a_plan(), headers=headers)
    receipt = read_receipt(answered(client, plan, headers))
    assert receipt.outcome == "fatal-error", "a GP sends no hospital's plan"


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


def test_a_document_in_a_vans_envelope_is_answered_in_one(
    stack: Stack, client: httpx.Client
) -> None:
    headers = bearer(stack)
    letter = a_letter()
    answer = client.post("/$process-message", content=an_envelope(letter), headers=headers)
    if answer.status_code == 200:  # in time; else the receipt alone is fetched later
        back = opened(answer.content, datetime.now(UTC))
        assert isinstance(back, Envelope)
        assert read_receipt(back.document).outcome == "ok"
    alone = client.post("/$process-message", content=letter, headers=headers)
    assert read_receipt(answered(client, alone, headers)).outcome == "ok"
    broken = client.post("/$process-message", content=an_envelope(b""), headers=headers)
    assert (broken.status_code, b"NegativeMessage" in broken.content) == (400, True)


def test_a_dropped_document_is_answered_by_a_file_and_removed(stack: Stack) -> None:
    room = Path(stack.environment("gateway")["GENVEJ_GATEWAY_DROP"]) / HOLBAEK
    documents = {"plan.json": a_plan(), "brev.xml": a_letter(), "fejl.json": b"{"}
    vans = {"kuvert.xml": an_envelope(a_plan()), "tom.xml": an_envelope(b"")}
    large = room / "in" / "for-stor.json"
    for name, value in {**documents, **vans, large.name: b" " * 1_000_001}.items():
        draft = room / "in" / f".{name}"
        draft.write_bytes(value)
        draft.rename(room / "in" / name)
    receipts = {name: room / "receipts" / name for name in documents}
    assert wait_until(lambda: all(p.exists() for p in receipts.values()), seconds=PATIENCE)
    assert wait_until((room / "refused" / large.name).exists, seconds=PATIENCE)
    assert wait_until(lambda: not list((room / "sent").iterdir()), seconds=PATIENCE)
    outcomes = {name: read_receipt(path.read_bytes()).outcome for name, path in receipts.items()}
    assert outcomes == {"plan.json": "ok", "brev.xml": "ok", "fejl.json": "fatal-error"}
    assert wait_until((room / "receipts" / "kuvert.xml").exists, seconds=PATIENCE)
    back = opened((room / "receipts" / "kuvert.xml").read_bytes(), datetime.now(UTC))
    assert isinstance(back, Envelope)
    assert read_receipt(back.document).outcome == "ok"
    assert b"PositiveMessage" in (room / "receipts" / "kuvert.vans.xml").read_bytes()
    assert b"NegativeMessage" in (room / "receipts" / "tom.xml").read_bytes()
    assert (room / "refused" / "tom.xml").exists()
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


# -- what citizens have a right to ---------------------------------------------------------------

PERSON = ("0504909995", "Magnus", "Lauridsen", "Testgade 7", "447700900177", "magnus@post")
DATABASES = ("referral", "scheduling", "notifications", "gateway")


def magnus() -> bytes:
    return fhir_plan(
        document_id=str(uuid.uuid4()),
        cpr="0504909995",
        given="Magnus Test",
        family="Lauridsen",
        address=Address(street="Testgade 7", suburb=None, postcode="4300", district="Holbæk"),
        phone="+447700900177",
        email="magnus@post.example",
        discharge_date=DAY,
        authored=DAY,
    )


async def dumped(stack: Stack) -> str:
    """Every row of every service's database, the mechanism's own tables too."""
    found: list[str] = []
    for service in DATABASES:
        connection = await asyncpg.connect(stack.connections.dsn(service, owner=True))
        try:
            tables = await connection.fetch(
                """SELECT table_schema, table_name FROM information_schema.tables
                   WHERE table_schema IN ('public', 'runtime') AND table_type = 'BASE TABLE'"""
            )
            for schema, table in tables:
                rows = await connection.fetch(f'SELECT * FROM "{schema}"."{table}"')  # noqa: S608
                found += [repr(dict(row)) for row in rows]
        finally:
            await connection.close()
    return "\n".join(found)


async def read_back(stack: Stack) -> dict[str, list[tuple[bytes | None, bytes | None]]]:
    """All records (key, value) of our own topics; the hospitals' intake is theirs and short."""
    cluster = load(stack.cluster_file)
    topics = [
        name for name, topic in cluster.topics.items() if topic.family.profile not in {"intake"}
    ]
    found: dict[str, list[tuple[bytes | None, bytes | None]]] = {topic: [] for topic in topics}
    consumer = AIOKafkaConsumer(**stack.kafka.access().aiokafka(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in range(cluster.topics[topic].partitions)
        ]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning()
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    found[record.topic].append((record.key, record.value))
    finally:
        await consumer.stop()
    return found


def genvej(*arguments: str, given: str = "") -> str:
    done = CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_citizen_sees_everything_and_is_then_nobody_anywhere(
    stack: Stack, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GENVEJ_STATE", str(stack.state.folder))
    asyncio.run(state_capacity(stack, DAY, 3))
    sent = client.post("/$process-message", content=magnus(), headers=bearer(stack))
    assert read_receipt(answered(client, sent, bearer(stack))).outcome == "ok"
    member = ("--as", "316-privacy")
    mine = genvej("citizen", "find", "-", *member, given="0504909995\n").strip()

    def told() -> bool:
        log = json.loads(genvej("access-log", "--citizen", mine, *member, "--json"))
        return any(one["action"] == "send" for one in log)

    assert wait_until(told, seconds=PATIENCE, pause=0.3)
    out = tmp_path / "magnus.json"
    genvej("citizen", "export", mine, *member, "--out", str(out))
    assert out.stat().st_mode & 0o077 == 0
    whole = json.loads(out.read_text(encoding="utf-8"))
    assert whole["referral"]["number"] == "0504909995"
    assert whole["scheduling"]["sessions"][0]["status"] == "offered"
    assert "+447700900177" in json.dumps(whole["notifications"]["contact"])
    assert any(one["status"] == "sent" for one in whole["notifications"]["messages"])
    for said in PERSON:
        assert said in out.read_text(encoding="utf-8"), said

    genvej("citizen", "erase", mine, *member, "--close", "--yes")

    async def forgotten() -> bool:
        connection = await asyncpg.connect(stack.connections.dsn("notifications"))
        try:
            return bool(
                await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM erased_citizen WHERE citizen_id = $1)", mine
                )
            )
        finally:
            await connection.close()

    assert wait_until(lambda: asyncio.run(forgotten()), seconds=PATIENCE, pause=0.3)
    rows = asyncio.run(dumped(stack))
    for said in PERSON:
        assert said not in rows, said
    records = asyncio.run(read_back(stack))
    mine_last = [value for key, value in records["citizens"] if key == mine.encode()][-1]
    assert mine_last is None, "the newest record of an erased citizen is a tombstone"
    for topic, found in records.items():
        for _, value in found:
            for said in PERSON:
                assert said.encode() not in (value or b""), f"{said} on {topic}"
    after = json.loads(genvej("citizen", "export", mine, *member))
    assert after["referral"]["number"] == ""
    assert after["notifications"]["contact"] is None
    for said in PERSON:
        assert said not in json.dumps(after, ensure_ascii=False), said
    looks = json.loads(genvej("access-log", "--user", "316-privacy", *member, "--json"))
    assert {one["action"] for one in looks} >= {"citizen.find", "citizen.export", "citizen.erase"}
