"""The halt limit: a source whose messages keep failing is paused, and no other.

Only dead letters count; a refusal that was answered with a receipt is work well done. The halt is
a row, so it survives a restart, and every process of the service heeds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Limit:
    """So many dead letters of one topic within the window halt it."""

    faults: int
    window: timedelta


async def count(conn: Connection, topics: Sequence[str], now: datetime, limit: Limit) -> None:
    """Halts those of the topics that have reached the limit, in the batch's own transaction."""
    await conn.execute(
        """INSERT INTO runtime.halts AS h (topic, halted_at, faults)
           SELECT d.topic, $2, count(*) FROM runtime.dead_letters d
           LEFT JOIN runtime.halts k ON k.topic = d.topic
           WHERE d.topic = ANY($1::text[]) AND d.attempt = 1
             AND d.recorded_at > greatest($2::timestamptz - $3::interval, k.resumed_at)
           GROUP BY d.topic HAVING count(*) >= $4
           ON CONFLICT (topic) DO UPDATE
             SET halted_at = coalesce(h.halted_at, excluded.halted_at), faults = excluded.faults""",
        [topic for topic in topics if not topic.startswith("timer:")],
        now,
        limit.window,
        limit.faults,
    )


async def halted(conn: Connection) -> list[Row]:
    """The topics that are halted: topic, halted_at, faults."""
    return await conn.fetch(
        """SELECT topic, halted_at, faults FROM runtime.halts
           WHERE halted_at IS NOT NULL ORDER BY topic"""
    )


async def resume(conn: Connection, topic: str, now: datetime) -> bool:
    """Lets a source go on; faults before now no longer count. False where it was not halted."""
    done: str = await conn.execute(
        """UPDATE runtime.halts SET halted_at = NULL, resumed_at = $2
           WHERE topic = $1 AND halted_at IS NOT NULL""",
        topic,
        now,
    )
    return done == "UPDATE 1"
