"""The notifications service on a database of its own, with real SMTP and SMS servers beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx

from deploy.local import mail_catcher, sms_gateway
from services.notifications.gateway import SmsGateway
from services.notifications.handlers import Handlers
from services.notifications.ports import Transport, Wake
from services.notifications.rendering import Templates
from services.notifications.sender import Sender
from services.notifications.smtp import SmtpProvider
from services.notifications.transports import Health, MailTransport, SmsTransport
from shared.crypto import Vault
from shared.envelope import Message
from shared.handling import Handler, Outcome, Unit
from tests.unit.notifications.factories import CITIZENS_KEYS, MUNICIPALITIES, NOW, VAULT_KEYS
from tests.waiting import free_port, until

if TYPE_CHECKING:
    from shared.database import Connection

ROOT = Path(__file__).parents[2]
TOKEN = "token-of-the-test-gateway"
TEMPLATES = Templates()


class Servers:
    """A mail catcher and an SMS gateway, on ports and in folders of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.smtp_port, self.mail_port, self.sms_port = free_port(), free_port(), free_port()
        self._running: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    @property
    def sms_url(self) -> str:
        return f"http://127.0.0.1:{self.sms_port}/sms"

    @property
    def smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}"

    async def start(self) -> None:
        await self.start_mail()
        await self.start_sms()

    async def start_mail(self) -> None:
        stop = asyncio.Event()
        serving = mail_catcher.serve(self.smtp_port, self.mail_port, self.folder / "mail", stop)
        self._running["mail"] = (stop, asyncio.create_task(serving))
        await until(lambda: _open(self.smtp_port) and _open(self.mail_port))

    async def start_sms(self) -> None:
        stop = asyncio.Event()
        serving = sms_gateway.serve(self.sms_port, TOKEN, self.folder / "sms", stop)
        self._running["sms"] = (stop, asyncio.create_task(serving))
        await until(lambda: _open(self.sms_port))

    async def stop(self, name: str | None = None) -> None:
        for key in [name] if name else list(self._running):
            stop, task = self._running.pop(key)
            stop.set()
            await task

    async def mails(self) -> list[dict[str, Any]]:
        return await self._list(self.mail_port)

    async def texts(self) -> list[dict[str, Any]]:
        return await self._list(self.sms_port)

    async def _list(self, port: int) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.get(f"http://127.0.0.1:{port}/messages")
            messages: list[dict[str, Any]] = response.json()["messages"]
            return messages


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(slots=True)
class PoolDatabase:
    """A pool and a clock that a test sets, as the sender sees the runtime."""

    pool: asyncpg.Pool[asyncpg.Record]
    clock: datetime = NOW
    troubles: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with self.pool.acquire() as conn, conn.transaction():
            yield conn

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        return self.pool.acquire()

    def trouble(self, what: str) -> None:
        self.troubles.append(what)

    def well(self) -> None:
        pass


def transports(smtp_url: str, sms_url: str, *, call_seconds: float = 5.0) -> list[Transport]:
    return [
        MailTransport(
            templates=TEMPLATES,
            municipalities=MUNICIPALITIES,
            mail_from="genvej@randers.example",
            providers=Health(
                [
                    SmtpProvider(url, "genvej@randers.example", call_seconds)
                    for url in smtp_url.split(",")
                ]
            ),
        ),
        SmsTransport(
            templates=TEMPLATES,
            municipalities=MUNICIPALITIES,
            providers=Health([SmsGateway(sms_url, TOKEN, call_seconds=call_seconds)]),
        ),
    ]


def senders(
    database: PoolDatabase,
    ways: Sequence[Transport],
    wake: Wake,
    *,
    settle_after_seconds: float = 0,
    **changes: Any,
) -> list[Sender]:
    settle_after = timedelta(seconds=settle_after_seconds)
    options = {
        "vault": Vault(VAULT_KEYS),
        "poll": 0.05,
        "settle_after": settle_after,
        "check_seconds": 0.1,
        **changes,
    }
    return [
        Sender(
            database=database,
            transport=way,
            wake=wake.listen(),
            **options,
        )
        for way in ways
    ]


class World:
    """Delivers events to the handlers, each batch twice, and looks at what follows."""

    def __init__(self, dsn: str, pool: asyncpg.Pool[asyncpg.Record], servers: Servers) -> None:
        self.dsn = dsn
        self.pool = pool
        self.servers = servers
        self.database = PoolDatabase(pool)
        self.wake = Wake()
        self.handlers = Handlers(
            vault=Vault(VAULT_KEYS),
            citizens_vault=Vault(CITIZENS_KEYS),
            municipalities=MUNICIPALITIES,
            templates=TEMPLATES,
            wake=self.wake,
        )

    @property
    def now(self) -> datetime:
        return self.database.clock

    @now.setter
    def now(self, instant: datetime) -> None:
        self.database.clock = instant

    async def news(self, *messages: Message) -> list[Outcome]:
        return await self._twice(self.handlers.heard, messages)

    async def citizens(self, *messages: Message) -> list[Outcome]:
        return await self._twice(self.handlers.heard, messages)

    async def _twice(self, handler: Handler, messages: Sequence[Message]) -> list[Outcome]:
        first = await self.once(handler, messages)
        rows = await self.rows()
        second = await self.once(handler, messages)
        assert first == second
        assert rows == await self.rows()
        return first

    async def once(self, handler: Handler, messages: Sequence[Message]) -> list[Outcome]:
        async with self.pool.acquire() as conn:
            unit = Unit(conn=conn, now=self.now)
            async with conn.transaction():
                outcomes = list(await handler(unit, messages))
            for done in unit.on_commit:
                done()
        return outcomes

    async def rows(self) -> list[dict[str, Any]]:
        tables = ("message", "erased_citizen", "order_note", "closed_referral", "awaited_citizen")
        rows = [
            dict(row)
            for table in tables
            for row in await self.pool.fetch(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608
        ]
        # Sealed bytes differ each time, by their nonce.
        query = (
            "SELECT citizen_id, version, has_email, has_mobile, deceased FROM contact ORDER BY 1"
        )
        return rows + [dict(row) for row in await self.pool.fetch(query)]

    async def messages(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT * FROM message ORDER BY created_at, revision, template"
        )
        return [dict(row) for row in rows]

    async def statuses(self) -> list[tuple[str, str, str | None]]:
        return [(m["template"], m["status"], m["reason"]) for m in await self.messages()]

    async def published(self) -> list[asyncpg.Record]:
        return await self.pool.fetch("SELECT * FROM runtime.outbox ORDER BY id")

    @contextlib.asynccontextmanager
    async def sending(self, **changes: Any) -> AsyncIterator[list[Sender]]:
        """Senders of both channels at work."""
        call_seconds = changes.pop("call_seconds", 5.0)
        smtp = changes.pop("smtp_url", self.servers.smtp_url)
        ways = transports(smtp, self.servers.sms_url, call_seconds=call_seconds)
        stop = asyncio.Event()
        running = senders(self.database, ways, self.wake, **changes)
        tasks = [asyncio.create_task(sender.run(stop)) for sender in running]
        try:
            yield running
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def send_everything(self, **changes: Any) -> None:
        """Sends what is due now, until nothing is due or under way."""
        async with self.sending(**changes):
            await until(self.nothing_due)

    def start_process(self, failpoint: str = "") -> subprocess.Popen[bytes]:
        """Senders in a process of their own, which dies at the failpoint."""
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.notifications_sender_process"),
                *(self.dsn, self.servers.smtp_url, self.servers.sms_url),
            ],
            cwd=ROOT,
            env={**os.environ, "GENVEJ_FAILPOINT": failpoint},
        )

    async def living_senders(self) -> int:
        """How many senders, of all processes, show that they are alive."""
        count: int = await self.pool.fetchval(
            """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
               AND objsubid = 2
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        )
        return count

    async def nothing_due(self) -> bool:
        count = await self.pool.fetchval(
            """SELECT count(*) FROM message
               WHERE status = 'sending' OR (status = 'created' AND due_at <= $1)
                   OR (status = 'uncertain' AND channel = 'sms')""",
            self.now,
        )
        return bool(count == 0)


@contextlib.asynccontextmanager
async def a_world(dsn: str, folder: Path) -> AsyncIterator[World]:
    """A world on a database of its own, with its servers running."""
    servers = Servers(folder)
    await servers.start()
    async with asyncpg.create_pool(dsn, min_size=1, max_size=6) as pool:
        yield World(dsn, pool, servers)
    await servers.stop()
