"""What members of staff ask over HTTP happens once, in one transaction, and is on record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette

from shared import calls
from shared.batch import Batches
from shared.clock import Clock
from shared.crypto import Vault
from shared.endpoints import MAX_BODY, Answer, Call, Endpoint, Refused
from shared.envelope import Event
from shared.halt import Limit
from shared.handling import Applied, Unit
from shared.journal import Journal
from shared.logs import logger
from shared.staff import Staff, hash_of, new_token
from shared.telemetry import Telemetry
from tests.conftest import Databases
from tests.integration.probe.service import VAULT_KEYS

DESK, THERAPIST = new_token(), new_token()
STAFF = "".join(
    f"""
[[member]]
id = "730-{role}"
name = "Jens Prøve"
role = "{role}"
unit = "Visitationen"
provider = "730"
sha256 = "{hash_of(token)}"
"""
    for role, token in (("desk", DESK), ("therapist", THERAPIST))
)


class Note(BaseModel):
    text: str


async def write(unit: Unit, call: Call) -> Answer:
    note = call.read(Note)
    if note.text == "refuse":
        await unit.conn.execute("INSERT INTO seen VALUES ('staff', 'undone', 'x')")
        raise Refused(409, "den er allerede lukket")
    if note.text == "break":
        raise ValueError("0201609995 is nobody's business")
    await unit.conn.execute(
        "INSERT INTO seen (subject, value, process) VALUES ($1, $2, 'staff')",
        call.path["id"],
        note.text,
    )
    event = Event(
        topic="out",
        key="730",
        type="dk.genvej.note.written.v1",
        subject=call.path["id"],
        value=json.dumps({"by": call.staff.id}).encode(),
    )
    return Answer(
        content={"said": note.text, "by": call.staff.name, "call": call.id},
        applied=Applied(events=[event]),
        status=201,
    )


async def look(unit: Unit, call: Call) -> object:
    rows = await unit.conn.fetch("SELECT value FROM seen WHERE subject = $1", call.path["id"])
    return [row["value"] for row in rows]


@dataclass
class Counter:
    """The endpoints of a service that talks to no broker."""

    http: httpx.AsyncClient
    conn: asyncpg.Connection[asyncpg.Record]
    runtime: SimpleNamespace

    async def post(self, text: object, *, token: str = DESK, **headers: str) -> httpx.Response:
        return await self.http.post(
            "/notes/n1",
            json={"text": text},
            headers={"authorization": f"Bearer {token}", **headers},
        )

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.conn.fetch(f"SELECT * FROM {table}")]  # noqa: S608


@pytest.fixture
async def counter(database: Databases, tmp_path: Path) -> AsyncIterator[Counter]:
    file = tmp_path / "staff.toml"
    file.write_text(STAFF, encoding="utf-8")
    dsn = await database("probe")
    conn = await asyncpg.connect(database.owner(dsn))
    await conn.execute(
        """CREATE TABLE IF NOT EXISTS seen (subject text, value text, process text);
           GRANT ALL ON seen TO probe"""
    )
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=4)
    telemetry = Telemetry("probe")
    batches = Batches(
        service="probe",
        pool=pool,
        clock=Clock.parse(""),
        vault=Vault(VAULT_KEYS),
        telemetry=telemetry,
        handler_of=pytest.fail,
        limit=Limit(50, timedelta(minutes=10)),
    )
    app = Starlette(
        routes=calls.routes(
            [
                Endpoint(
                    method="POST", path="/notes/{id}", handler=write, roles=frozenset({"desk"})
                ),
                Endpoint(method="GET", path="/notes/{id}", handler=look),
            ]
        )
    )
    app.state.runtime = SimpleNamespace(
        staff=Staff(file),
        telemetry=telemetry,
        log=logger("probe"),
        batches=batches,
        pool=pool,
        clock=Clock.parse(""),
        vault=Vault(VAULT_KEYS),
        service=SimpleNamespace(name="probe", journal=None),
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as http:
        yield Counter(http, conn, app.state.runtime)
    await pool.close()
    await conn.close()


async def test_a_call_answers_publishes_and_is_on_record(counter: Counter) -> None:
    answer = await counter.post("ældre på Ærø")
    assert answer.status_code == 201
    assert answer.json()["said"] == "ældre på Ærø"
    (event,) = await counter.rows("runtime.outbox")
    assert json.loads(event["value"]) == {"by": "730-desk"}
    assert event["correlation_id"] == answer.json()["call"]
    (call,) = await counter.rows("runtime.staff_calls")
    assert (call["staff"], call["unit"], call["action"]) == (
        "730-desk",
        "Visitationen",
        "POST /notes/{id}",
    )
    assert (call["about"], call["status"]) == (["n1"], 201)


async def test_the_same_key_does_nothing_again_and_answers_the_same(counter: Counter) -> None:
    first, second = await asyncio.gather(
        *(counter.post("en gang", **{"idempotency-key": "k-1"}) for _ in range(2))
    )
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    third = await counter.post("en gang", **{"idempotency-key": "k-1"})
    assert third.json() == first.json()
    assert third.headers["idempotency-replayed"] == "true"
    assert len(await counter.rows("seen")) == 1
    assert len(await counter.rows("runtime.outbox")) == 1
    assert len(await counter.rows("runtime.staff_calls")) == 3


async def test_the_same_key_for_something_else_is_refused(counter: Counter) -> None:
    await counter.post("en", **{"idempotency-key": "k-1"})
    answer = await counter.post("to", **{"idempotency-key": "k-1"})
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["error"]


async def test_what_is_refused_is_undone_and_may_be_asked_again(counter: Counter) -> None:
    answer = await counter.post("refuse", **{"idempotency-key": "k-1"})
    assert (answer.status_code, answer.json()) == (409, {"error": "den er allerede lukket"})
    assert await counter.rows("seen") == []
    assert await counter.rows("runtime.outbox") == []
    assert await counter.rows("runtime.answers") == []
    (call,) = await counter.rows("runtime.staff_calls")
    assert call["status"] == 409


async def test_what_fails_here_says_so_without_data(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await counter.post("break")
    assert answer.status_code == 500
    assert "0201609995" not in answer.text + capsys.readouterr().err


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_nobody_gets_in_without_a_token(counter: Counter, token: str) -> None:
    answer = await counter.post("x", token=token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "bearer token" in answer.json()["error"]


async def test_another_role_is_refused_and_the_refusal_is_on_record(counter: Counter) -> None:
    answer = await counter.post("x", token=THERAPIST)
    assert answer.status_code == 403
    assert (
        answer.json()["error"] == "this needs the role desk; 730-therapist has the role therapist"
    )
    (call,) = await counter.rows("runtime.staff_calls")
    assert (call["staff"], call["status"]) == ("730-therapist", 403)


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"{", 400, "no JSON"),
        (b"[]", 400, "JSON object"),
        (b"[" * 5000, 400, "no JSON"),
        (b'{"text": "\xe6"}', 400, "UTF-8"),
        (rb'{"text": "\u0000"}', 400, "NUL"),
        (b'{"text": 1}', 422, "text: input should be a valid string"),
        (b"", 422, "text: field required"),
        (b'{"text": "' + b"x" * MAX_BODY + b'"}', 413, "bytes at most"),
    ],
)
async def test_a_body_that_cannot_be_used_is_answered_in_one_line(
    counter: Counter, content: bytes, status: int, says: str
) -> None:
    answer = await counter.http.post(
        "/notes/n1", content=content, headers={"authorization": f"Bearer {DESK}"}
    )
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


async def test_reading_is_on_record_too(counter: Counter) -> None:
    await counter.post("én")
    answer = await counter.http.get("/notes/n1", headers={"authorization": f"Bearer {THERAPIST}"})
    assert answer.json() == ["én"]
    reading = (await counter.rows("runtime.staff_calls"))[-1]
    assert (reading["staff"], reading["action"]) == ("730-therapist", "GET /notes/{id}")


async def test_a_civil_registration_number_in_the_address_is_refused(counter: Counter) -> None:
    answer = await counter.http.get(
        "/notes/0201609995", headers={"authorization": f"Bearer {DESK}"}
    )
    assert answer.status_code == 400
    (call,) = await counter.rows("runtime.staff_calls")
    assert call["about"] == []


async def test_nothing_is_written_while_earlier_calls_are_unread(counter: Counter) -> None:
    class Group:
        """A consumer group that has the topic and has not read it."""

        assigned = frozenset({("probe.staff-calls", 0)})
        read: frozenset[tuple[str, int]] = frozenset()

        async def caught_up(self) -> frozenset[tuple[str, int]]:
            return self.read

    group = Group()
    endpoints = [Endpoint(method="POST", path="/notes/{id}", handler=write)]
    counter.runtime.groups = [group]
    counter.runtime.service.journal = Journal(
        topic="probe.staff-calls", endpoints=endpoints, vault=Vault(VAULT_KEYS), waits_for=str
    )
    answer = await counter.post("for tidligt")
    assert (answer.status_code, await counter.rows("seen")) == (503, [])
    group.read = group.assigned
    assert (await counter.post("nu")).status_code == 201
    topics = [row["topic"] for row in await counter.rows("runtime.outbox")]
    assert topics == ["out", "probe.staff-calls"]
