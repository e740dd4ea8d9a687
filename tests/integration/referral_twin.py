"""The whole referral service on a database, without a broker: what it says stays in its outbox."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import orjson
from starlette.applications import Starlette

from services.referral.app import service
from services.referral.settings import ReferralSettings
from shared import calls, ledger
from shared.batch import Batches
from shared.clock import Clock
from shared.draft import Entry
from shared.envelope import TYPE_PREFIX, Message
from shared.halt import Limit
from shared.logs import logger
from shared.routes import Routes
from shared.staff import Staff, hash_of
from shared.telemetry import Telemetry
from shared.wire import unpack
from tests.staff import JENS, KAREN, LIS
from tests.unit.referral.factories import NOW, ROOT, a_key

TOKENS = {KAREN.id: "karens-token", JENS.id: "jens-token", LIS.id: "lis-token"}
BY_CHANCE = ("sealed", "key", "nonce", "data", "kid")
"""Parts of events that hold ciphertext, which is another each time."""


class Twin:
    """A service at a moment. `now` is its clock's, to be set."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], staff: Path) -> None:
        settings = ReferralSettings.load(
            kafka="127.0.0.1:1",
            topics=ROOT / "deploy/topics.toml",
            municipalities=ROOT / "deploy/municipalities",
            dsn="postgresql://nobody@127.0.0.1/none",
            port=1,
            vault_keys=f"k1:{a_key('referral')}",
            citizens_keys=f"k1:{a_key('citizens')}",
            id_key=a_key("id"),
            cpr_key=a_key("cpr"),
        )
        self.now = NOW
        self.pool = pool
        self.service = service(settings)
        assert self.service.journal is not None
        self.journal = self.service.journal
        self.routes = Routes(self.service)
        self.vault = self.journal.vault
        clock = Clock(real=lambda: self.now)
        telemetry = Telemetry("referral")
        self.batches = Batches(
            service="referral",
            pool=pool,
            clock=clock,
            vault=self.vault,
            telemetry=telemetry,
            handler_of=lambda topic: self.routes.find(topic).handler,
            limit=Limit(50, timedelta(minutes=10)),
        )
        app = Starlette(routes=calls.routes(self.service.endpoints))
        app.state.runtime = SimpleNamespace(
            staff=Staff(staff),
            telemetry=telemetry,
            log=logger("referral"),
            batches=self.batches,
            pool=pool,
            clock=clock,
            vault=self.vault,
            service=self.service,
            groups=(),
        )
        transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://referral")

    async def reads(self, *messages: Message) -> None:
        """Records, in this order, in one batch."""
        entries = [
            Entry(m, f"{m.topic}/{m.partition}/{m.offset}", self.routes.find(m.topic).name)
            for m in messages
        ]
        await self.batches.apply(entries)

    async def looks_again(self) -> None:
        """At what is parked and due."""
        async with self.pool.acquire() as conn:
            rows = await ledger.due_parked(conn, self.now, most=200)
        for row in rows:
            message = unpack(self.vault.open(row["sealed"], row["cause"]))
            entry = Entry(
                message,
                row["cause"],
                self.routes.find(message.topic).name,
                attempt=row["attempt"],
                parked_id=row["id"],
            )
            await self.batches.apply([entry])

    async def asked(self, who: str, path: str, body: dict[str, Any], key: str = "") -> Any:
        """What a member of staff writes over HTTP, and is answered."""
        headers = {"authorization": f"Bearer {TOKENS[who]}"}
        if key:
            headers["idempotency-key"] = key
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(query, *arguments)]

    async def said(self, name: str = "") -> list[dict[str, Any]]:
        """Events of a name, in their order, without ciphertext."""
        found = await self.rows(
            "SELECT event_id, topic, type, subject, value FROM runtime.outbox ORDER BY id"
        )
        return [
            row | {"value": _clear(row["value"])}
            for row in found
            if row["type"].startswith(f"{TYPE_PREFIX}{name}")
        ]

    async def journalled(self) -> Sequence[Message]:
        """The calls that were kept, as they lie on their topic."""
        found = await self.rows(
            """SELECT event_id, topic, key, type, subject, correlation_id, value
               FROM runtime.outbox WHERE topic = $1 ORDER BY id""",
            self.journal.topic,
        )
        return [
            Message(
                topic=row["topic"],
                partition=0,
                offset=offset,
                key=row["key"].encode(),
                value=row["value"],
                timestamp=self.now,
                id=str(row["event_id"]),
                source="/genvej/referral",
                type=row["type"],
                subject=row["subject"],
                correlation_id=row["correlation_id"],
            )
            for offset, row in enumerate(found)
        ]

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        """What people have decided or written, as the database holds it."""
        return {
            table: await self.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2")  # noqa: S608
            for table, columns in (
                ("worklist", "entry_id, reason, about, decision, closed_by, closed_at"),
                ("referrals", "referral_id, closed, order_id, order_stands, limit_date"),
                ("orders", "order_id, ordinal, provider, state"),
                ("assessments", "assessment_id, referral_id, track"),
                ("action_items", "item_id, owner, due, state, said_by, said_at"),
                ("consents", "referral_id, subject, given, said_by, said_at"),
                ("runtime.staff_calls", "cause, at, staff, action, status"),
            )
        }


def staff_file(folder: Path) -> Path:
    """Karen, Jens and Lis with their tokens."""
    staff = folder / "staff.toml"
    staff.write_text(
        "".join(
            f'[[member]]\nid = "{one.id}"\nname = "{one.name}"\nrole = "{one.role}"\n'
            f'unit = "{one.unit}"\nprovider = "{one.provider}"\n'
            f'sha256 = "{hash_of(TOKENS[one.id])}"\n'
            for one in (KAREN, JENS, LIS)
        ),
        encoding="utf-8",
    )
    return staff


@contextlib.asynccontextmanager
async def a_twin(dsn: str, folder: Path, now: datetime = NOW) -> AsyncIterator[Twin]:
    """The service on a database of its own."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=3) as pool:
        twin = Twin(pool, staff_file(folder))
        twin.now = now
        async with twin.http:
            yield twin


def _clear(value: bytes | None) -> object:
    try:
        body = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return value
    if not isinstance(body, dict):
        return body
    return {name: what for name, what in body.items() if name not in BY_CHANCE}
