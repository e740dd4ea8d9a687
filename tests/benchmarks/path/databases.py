"""What the bench asks the services' databases, and the instants at which they committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg

from deploy.local.stack import Stack

# The message rows themselves are updated when they are sent; what the trigger writes beside them,
# in the same transaction, keeps that transaction's number.
_WATCH: Final = """
CREATE SCHEMA bench;
CREATE TABLE bench.told (referral_id text NOT NULL);
CREATE FUNCTION bench.tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO bench.told SELECT referral_id FROM fresh;
    RETURN NULL;
END $$;
CREATE TRIGGER bench_told AFTER INSERT ON message REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION bench.tell();
"""
_TOLD: Final = """
SELECT referral_id, min(pg_xact_commit_timestamp(xmin)) AS at FROM bench.told GROUP BY referral_id
"""


@asynccontextmanager
async def connected(stack: Stack, database: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A superuser's connection to a service's database."""
    conn: asyncpg.Connection[Any] = await asyncpg.connect(stack.postgres.dsn(database))
    try:
        yield conn
    finally:
        await conn.close()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the documents have come: read by referral, read of `referrals` by scheduling, told.

    The second is in positions, which count transactions' markers, too.
    """

    documents: int
    referrals: int
    messages: int


class Databases:
    """Open connections to the three databases."""

    def __init__(self, by_service: dict[str, asyncpg.Connection[Any]]) -> None:
        self._by_service = by_service

    async def progress(self) -> Progress:
        """Positions and counts; costs the databases a few milliseconds."""
        return Progress(
            documents=await self._read("referral", "hospital.%.referrals"),
            referrals=await self._read("scheduling", "referrals"),
            messages=await self._count("notifications", "message"),
        )

    async def waiting(self) -> int:
        """What stands in the outboxes, and what is parked."""
        found = 0
        for service in self._by_service:
            for table in ("runtime.outbox", "runtime.parked"):
                found += await self._count(service, table)
        return found

    async def weeks(self) -> int:
        """Location-weeks that scheduling has applied."""
        return await self._count("scheduling", "location_week")

    async def unsent(self) -> int:
        """Messages that the sender still has to take."""
        conn = self._by_service["notifications"]
        found: int = await conn.fetchval(
            "SELECT count(*) FROM message WHERE status IN ('created', 'sending')"
        )
        return found

    async def _count(self, service: str, table: str) -> int:
        conn = self._by_service[service]
        found: int = await conn.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
        return found

    async def _read(self, service: str, topics: str) -> int:
        found: int = await self._by_service[service].fetchval(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM runtime.offsets WHERE topic LIKE $1",
            topics,
        )
        return found

    async def watch_messages(self) -> None:
        """From now on notes when each message row is committed."""
        await self._by_service["notifications"].execute(_WATCH)

    async def told(self) -> dict[str, datetime]:
        """When the first message row of each referral was committed."""
        rows = await self._by_service["notifications"].fetch(_TOLD)
        return {row["referral_id"]: row["at"] for row in rows}

    async def referrals(self, documents: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The referral of each (hospital, document id)."""
        rows = await self._by_service["referral"].fetch(
            """SELECT hospital, document_id, referral_id FROM referrals
               JOIN unnest($1::text[], $2::text[]) AS d(hospital, document_id)
               USING (hospital, document_id)""",
            *zip(*documents, strict=True),
        )
        return {(row["hospital"], row["document_id"]): row["referral_id"] for row in rows}


@asynccontextmanager
async def databases(stack: Stack) -> AsyncIterator[Databases]:
    """Connections to all of a stack's databases."""
    async with AsyncExitStack() as open_:
        yield Databases(
            {
                service: await open_.enter_async_context(connected(stack, service))
                for service in stack.services
            }
        )


async def keep_commit_times(stack: Stack) -> None:
    """Has Postgres remember when each transaction committed; takes effect at its next start."""
    async with connected(stack, "postgres") as conn:
        await conn.execute("ALTER SYSTEM SET track_commit_timestamp = on")
