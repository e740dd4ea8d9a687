"""Dead letters, the holds behind them, and what an operator may do: look, replay, discard."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from shared.crypto import Unreadable
from shared.draft import Entry
from shared.wire import inbox_key, unpack

if TYPE_CHECKING:
    from datetime import datetime

    import asyncpg

    from shared.batch import Batches
    from shared.clock import Clock
    from shared.crypto import Vault
    from shared.database import Connection, Row
    from shared.envelope import Message

_CHUNK: Final = 100
_SHOWN: Final = """
SELECT d.id, d.topic, d.partition, d.record_offset, d.handler, d.reason, d.type, d.subject,
       d.holds, d.recorded_at, d.size, d.attempt, d.resolved_at, d.resolution,
       (SELECT count(*) FROM runtime.holds h JOIN runtime.parked p
          ON p.held AND p.waits_for = h.subject WHERE h.dead_letter = d.id) AS waiting
FROM runtime.dead_letters d
"""


class NotThere(LookupError):
    """No such dead letter is open; the message says what is."""


class DeadLetters:
    """One service's dead letters. A replay is a new attempt: its events are new events."""

    def __init__(
        self,
        *,
        service: str,
        pool: asyncpg.Pool[asyncpg.Record],
        clock: Clock,
        vault: Vault,
        batches: Batches,
        handler_name: Callable[[str], str],
    ) -> None:
        self._service = service
        self._pool = pool
        self._clock = clock
        self._vault = vault
        self._batches = batches
        self._handler_name = handler_name

    async def listed(self, *, resolved: bool = False, most: int = 200) -> list[dict[str, Any]]:
        """The open dead letters, or the resolved ones, the newest first; without content."""
        async with self._pool.acquire() as conn:
            rows = await conn.fetch(
                f"{_SHOWN} WHERE (d.resolved_at IS NOT NULL) = $1"
                " ORDER BY d.recorded_at DESC, d.id LIMIT $2",
                resolved,
                most,
            )
        return [_shown(row) for row in rows]

    async def shown(self, letter: uuid.UUID) -> dict[str, Any]:
        """One dead letter, open or resolved. Raises NotThere."""
        async with self._pool.acquire() as conn:
            row = await conn.fetchrow(f"{_SHOWN} WHERE d.id = $1", letter)
        if row is None:
            raise NotThere(f"there is no dead letter {letter}")
        return _shown(row)

    async def content(self, letter: uuid.UUID) -> Message:
        """The original message. Raises NotThere, also once it was replayed or discarded."""
        return self._message(await self._open(letter))

    async def replay(self, letter: uuid.UUID) -> str:
        """Hands the message to its handler again: "applied", "parked" or "dead" (anew).

        Where it was applied or parked, what it held follows in order. Raises NotThere.
        """
        row = await self._open(letter)
        message, cause = self._message(row), row["cause"]
        entry = Entry(
            message,
            cause,
            self._handler_name(message.topic),
            key=self.key(message, cause),
            attempt=row["attempt"],
            dead_id=letter,
        )
        results = await self._batches.apply([entry])
        await self.drain(row["holds"], letter)
        if any(result.dead for result in results):
            return "dead"
        return "parked" if any(result.parked for result in results) else "applied"

    async def discard(self, letter: uuid.UUID) -> None:
        """Gives the message up: its bytes are deleted, what it held goes on. Raises NotThere."""
        row = await self._open(letter)
        try:
            key = self.key(self._message(row), row["cause"])
        except Unreadable:
            key = None  # nobody can open it any more: discarding is all that is left
        async with self._batches.transaction() as (unit, _):
            done: str = await unit.conn.execute(
                """UPDATE runtime.dead_letters SET sealed = NULL, resolved_at = $2,
                          resolution = 'discarded' WHERE id = $1 AND resolved_at IS NULL""",
                letter,
                unit.now,
            )
            if done != "UPDATE 1":
                raise NotThere(f"dead letter {letter} is no longer open")
            if key is not None:
                await unit.conn.execute(
                    "INSERT INTO runtime.inbox VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    key,
                    unit.now,
                )
        await self.drain(row["holds"], letter)

    async def drain(self, subject: str, letter: uuid.UUID) -> int:
        """Handles what a resolved dead letter held, in order, then lets go; returns how many.

        One that fails holds the rest anew. New messages of the subject queue up behind until the
        hold is gone, so none overtakes.
        """
        handled = 0
        while subject and await self._holds(subject, letter):
            async with self._pool.acquire() as conn:
                rows = await conn.fetch(
                    """SELECT id, attempt, cause, sealed FROM runtime.parked
                       WHERE held AND waits_for = $1 ORDER BY id LIMIT $2""",
                    subject,
                    _CHUNK,
                )
            if rows:
                entries = [self._entry(row, letter) for row in rows]
                results = await self._batches.apply(entries)
                done = sum(result.applied for result in results)
                if not done:
                    break  # another process is at it
                handled += done
        return handled

    async def drain_resolved(self) -> None:
        """Finishes what a killed process left: holds whose dead letter is resolved."""
        async with self._pool.acquire() as conn:
            rows = await conn.fetch(
                """SELECT h.subject, h.dead_letter FROM runtime.holds h
                   JOIN runtime.dead_letters d ON d.id = h.dead_letter
                   WHERE d.resolved_at IS NOT NULL LIMIT 20"""
            )
        for row in rows:
            await self.drain(row["subject"], row["dead_letter"])

    def key(self, message: Message, cause: str) -> uuid.UUID | None:
        """The inbox key of a kept message; None where it came from outside or from a timer."""
        if message.source and cause == f"{message.source}/{message.id}":
            return inbox_key(self._service, message.source, message.id)
        return None

    async def _holds(self, subject: str, letter: uuid.UUID) -> bool:
        """Whether this letter still has to be drained; lets go once nothing waits behind it."""
        async with self._batches.transaction() as (unit, _):
            rows = await unit.conn.fetch(
                "SELECT dead_letter FROM runtime.holds WHERE subject = $1 FOR UPDATE", subject
            )
            holders = {row["dead_letter"] for row in rows}
            if letter not in holders:
                return False
            waiting = await unit.conn.fetchval(
                "SELECT EXISTS (SELECT FROM runtime.parked WHERE held AND waits_for = $1)", subject
            )
            if waiting and len(holders) == 1:
                return True
            await unit.conn.execute(
                "DELETE FROM runtime.holds WHERE subject = $1 AND dead_letter = $2",
                subject,
                letter,
            )
            return False

    async def _open(self, letter: uuid.UUID) -> Row:
        async with self._pool.acquire() as conn:
            row = await conn.fetchrow(
                "SELECT * FROM runtime.dead_letters WHERE id = $1 AND resolved_at IS NULL", letter
            )
        if row is None:
            raise NotThere(f"no dead letter {letter} is open")
        return row

    def _message(self, row: Row) -> Message:
        return unpack(self._vault.open(row["sealed"], row["cause"]))

    def _entry(self, row: Row, letter: uuid.UUID) -> Entry:
        message, cause = self._message(row), row["cause"]
        return Entry(
            message,
            cause,
            self._handler_name(message.topic),
            key=self.key(message, cause),
            attempt=row["attempt"],
            parked_id=row["id"],
            draining=letter,
        )


async def parked(conn: Connection, *, most: int = 200) -> list[dict[str, Any]]:
    """What waits, the oldest first; without content."""
    rows = await conn.fetch(
        """SELECT id, waits_for, held, reason, topic, partition, record_offset, type, subject,
                  parked_at, until, retry_at, attempt
           FROM runtime.parked ORDER BY id LIMIT $1""",
        most,
    )
    return [_shown(row) for row in rows]


async def summary(conn: Connection, now: datetime) -> Row:
    """Counts and ages (seconds) of outbox, parked, timers and dead letters."""
    row = await conn.fetchrow(
        """SELECT
          (SELECT count(*) FROM (SELECT FROM runtime.outbox LIMIT 100000) o) AS outbox_rows,
          (SELECT extract(epoch FROM $1 - time)::float8 FROM runtime.outbox
             ORDER BY id LIMIT 1) AS outbox_age,
          (SELECT count(*) FROM runtime.parked WHERE NOT held) AS parked,
          (SELECT count(*) FROM runtime.parked WHERE held) AS held,
          (SELECT extract(epoch FROM $1 - min(parked_at))::float8 FROM runtime.parked)
             AS parked_age,
          (SELECT count(*) FROM runtime.timers) AS timers,
          (SELECT extract(epoch FROM $1 - min(due))::float8 FROM runtime.timers) AS timers_overdue,
          (SELECT count(*) FROM runtime.dead_letters WHERE resolved_at IS NULL) AS dead_letters""",
        now,
    )
    assert row is not None
    return row


def _shown(row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "offset" if name == "record_offset" else name: value for name, value in row.items()
    }
    return fields
