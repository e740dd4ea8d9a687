"""All SQL on the runtime's own tables. Instants are parameters: SQL never asks for the time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True)
class Range:
    """What a batch holds of one partition: its first offset and the one after its last.

    `least` is where the database was last known to be; it may lie before `first`, because markers
    and compaction leave gaps.
    """

    topic: str
    partition: int
    least: int
    first: int
    next: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a batch may work on: new inbox keys, held subjects (by whom), halted topics."""

    moved: int
    fresh: frozenset[uuid.UUID]
    held: dict[str, set[uuid.UUID]]
    halted: frozenset[str]


_CLAIM: Final = """
WITH moved AS (
    UPDATE runtime.offsets o SET next_offset = r.next
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $8::bigint[])
         AS r(topic, partition, first, next, least)
    WHERE o.topic = r.topic AND o.partition = r.partition
      AND o.next_offset BETWEEN r.least AND r.first
    RETURNING 1
), fresh AS (
    INSERT INTO runtime.inbox (key, seen_at) SELECT k, $6 FROM unnest($5::uuid[]) AS k
    ON CONFLICT DO NOTHING RETURNING key
), held AS (
    SELECT subject, dead_letter FROM runtime.holds WHERE subject = ANY($7::text[]) FOR SHARE
)
SELECT (SELECT count(*) FROM moved) AS moved,
       (SELECT array_agg(key) FROM fresh) AS fresh,
       (SELECT array_agg(subject) FROM held) AS held,
       (SELECT array_agg(dead_letter) FROM held) AS holders,
       (SELECT array_agg(topic) FROM runtime.halts
        WHERE halted_at IS NOT NULL AND topic = ANY($1)) AS halted
"""


async def claim(
    conn: Connection,
    ranges: Sequence[Range],
    keys: Sequence[uuid.UUID],
    subjects: Sequence[str],
    now: datetime,
) -> Claim:
    """Moves the positions, records the inbox keys and locks the holds: the fence of a batch.

    A position beyond the batch's first record means that somebody else is ahead; one before what
    was last known, that the database has lost transactions (a failover): both are not moved.
    """
    row = await conn.fetchrow(
        _CLAIM,
        [r.topic for r in ranges],
        [r.partition for r in ranges],
        [r.first for r in ranges],
        [r.next for r in ranges],
        keys,
        now,
        subjects,
        [r.least for r in ranges],
    )
    assert row is not None
    held: dict[str, set[uuid.UUID]] = {}
    for subject, letter in zip(row["held"] or (), row["holders"] or (), strict=True):
        held.setdefault(subject, set()).add(letter)
    return Claim(row["moved"], frozenset(row["fresh"] or ()), held, frozenset(row["halted"] or ()))


async def move(conn: Connection, ranges: Sequence[Range]) -> None:
    """Moves positions that stand exactly where they are believed to."""
    await conn.execute(
        """UPDATE runtime.offsets o SET next_offset = r.next
           FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
                AS r(topic, partition, first, next)
           WHERE o.topic = r.topic AND o.partition = r.partition AND o.next_offset = r.first""",
        [r.topic for r in ranges],
        [r.partition for r in ranges],
        [r.first for r in ranges],
        [r.next for r in ranges],
    )


async def positions(
    conn: Connection, partitions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """The next offset of each partition; one that was never read starts at 0.

    Waits for nobody's lock: a process that hangs in its transaction must not keep the next owner
    from knowing where it is.
    """
    wanted = sorted(partitions)
    rows = await conn.fetch(
        """SELECT o.* FROM runtime.offsets o
           JOIN unnest($1::text[], $2::int[]) AS n(t, p) ON o.topic = n.t AND o.partition = n.p""",
        [topic for topic, _ in wanted],
        [number for _, number in wanted],
    )
    found = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    fresh = [place for place in wanted if place not in found]
    if fresh:
        await conn.execute(
            """INSERT INTO runtime.offsets (topic, partition, next_offset)
               SELECT t, p, 0 FROM unnest($1::text[], $2::int[]) AS n(t, p)
               ON CONFLICT DO NOTHING""",
            [topic for topic, _ in fresh],
            [number for _, number in fresh],
        )
    return found | dict.fromkeys(fresh, 0)


async def forget(conn: Connection, keys: Sequence[uuid.UUID]) -> None:
    """Takes event ids out of the inbox again, so that a replay is not a duplicate."""
    if keys:
        await conn.execute("DELETE FROM runtime.inbox WHERE key = ANY($1::uuid[])", keys)


async def prune_inbox(conn: Connection, before: datetime, *, most: int = 20_000) -> int:
    """Deletes up to `most` inbox keys that were seen before an instant; returns how many."""
    done: str = await conn.execute(
        """DELETE FROM runtime.inbox WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM runtime.inbox WHERE seen_at < $1 LIMIT $2))""",
        before,
        most,
    )
    return int(done.rsplit(" ", 1)[-1])


async def prune_answers(conn: Connection, before: datetime) -> None:
    """Deletes answers to members of staff, given before an instant: nobody asks so late again."""
    await conn.execute("DELETE FROM runtime.answers WHERE answered_at < $1", before)


async def prune_letters(conn: Connection, before: datetime) -> None:
    """Deletes dead letters that were replayed or discarded before an instant."""
    await conn.execute(
        """DELETE FROM runtime.dead_letters d WHERE resolved_at < $1
           AND NOT EXISTS (SELECT FROM runtime.holds h WHERE h.dead_letter = d.id)""",
        before,
    )


OUTBOX_COLUMNS: Final = (
    "event_id",
    "topic",
    "key",
    "type",
    "subject",
    "time",
    "content_type",
    "correlation_id",
    "traceparent",
    "value",
)
_PUT: Final = """
INSERT INTO runtime.outbox (event_id, topic, key, type, subject, time, content_type,
                            correlation_id, traceparent, value)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::bytea[])
"""


async def put(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Writes outbox rows (of OUTBOX_COLUMNS) in order; COPY pays from a handful on."""
    if not rows:
        return
    if len(rows) < 8:
        await conn.execute(_PUT, *zip(*rows, strict=True))
    else:
        await conn.copy_records_to_table(
            "outbox", schema_name="runtime", columns=OUTBOX_COLUMNS, records=rows
        )


_SET_TIMERS: Final = """
INSERT INTO runtime.timers (kind, key, id, due, partition_key, partition, correlation_id,
                            traceparent, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[],
                     $6::int[], $7::text[], $8::text[], $9::bytea[])
ON CONFLICT (kind, key) DO UPDATE SET
    id = excluded.id, due = excluded.due, partition_key = excluded.partition_key,
    partition = excluded.partition, correlation_id = excluded.correlation_id,
    traceparent = excluded.traceparent, data = excluded.data
"""


async def set_timers(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Sets or replaces timers; each (kind, key) stands once in `rows`."""
    if rows:
        await conn.execute(_SET_TIMERS, *zip(*sorted(rows), strict=True))


async def cancel_timers(conn: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Removes timers by kind and key."""
    if keys:
        await conn.execute(
            """DELETE FROM runtime.timers t USING unnest($1::text[], $2::text[]) AS c(kind, key)
               WHERE t.kind = c.kind AND t.key = c.key""",
            *zip(*sorted(keys), strict=True),
        )


async def take_timers(
    conn: Connection, now: datetime, partitions: Sequence[int], *, most: int
) -> list[Row]:
    """Deletes and returns due timers of these partitions, the earliest first."""
    rows = await conn.fetch(
        """DELETE FROM runtime.timers t USING (
             SELECT kind, key FROM runtime.timers WHERE due <= $1 AND partition = ANY($2::int[])
             ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED) d
           WHERE t.kind = d.kind AND t.key = d.key RETURNING t.*""",
        now,
        partitions,
        most,
    )
    return sorted(rows, key=lambda row: (row["due"], row["kind"], row["key"]))


async def take_timer(conn: Connection, kind: str, key: str, timer_id: uuid.UUID) -> bool:
    """Deletes this very timer; False where it has been taken or replaced."""
    done: str = await conn.execute(
        "DELETE FROM runtime.timers WHERE kind = $1 AND key = $2 AND id = $3", kind, key, timer_id
    )
    return done == "DELETE 1"


async def release(conn: Connection, waits_for: Sequence[str], now: datetime) -> int:
    """Marks what is parked on these keys as ready to be looked at; returns how many."""
    if not waits_for:
        return 0
    done: str = await conn.execute(
        """UPDATE runtime.parked SET retry_at = $2
           WHERE waits_for = ANY($1::text[]) AND NOT held AND retry_at > $2""",
        waits_for,
        now,
    )
    return int(done.rsplit(" ", 1)[-1])


_PARK: Final = """
INSERT INTO runtime.parked (waits_for, held, until, retry_at, attempt, reason, topic, partition,
                            record_offset, type, subject, parked_at, cause, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


async def park(
    conn: Connection,
    new: Sequence[tuple[Any, ...]],
    again: Sequence[tuple[int, datetime | None, datetime | None, str]],
    done: Sequence[int],
) -> None:
    """Writes what waits, puts off what goes on waiting, and deletes what waited long enough."""
    if new:
        await conn.executemany(_PARK, new)
    if again:
        await conn.execute(
            """UPDATE runtime.parked p SET attempt = p.attempt + 1, until = a.until,
                      retry_at = a.retry_at, waits_for = a.waits_for, held = false
               FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::text[])
                 AS a(id, until, retry_at, waits_for) WHERE p.id = a.id""",
            *zip(*again, strict=True),
        )
    if done:
        await conn.execute("DELETE FROM runtime.parked WHERE id = ANY($1::bigint[])", done)


_BURY: Final = """
INSERT INTO runtime.dead_letters (id, topic, partition, record_offset, handler, reason, type,
                                  subject, holds, recorded_at, size, attempt, cause, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (id) DO NOTHING
"""


async def bury(
    conn: Connection,
    new: Sequence[tuple[Any, ...]],
    holds: Sequence[tuple[str, uuid.UUID, datetime]],
    replayed: Sequence[uuid.UUID],
    now: datetime,
) -> None:
    """Writes dead letters and the holds they put, and closes those that were replayed."""
    if new:
        await conn.executemany(_BURY, new)
    if holds:
        await conn.executemany(
            "INSERT INTO runtime.holds VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", holds
        )
    if replayed:
        await conn.execute(
            """UPDATE runtime.dead_letters SET sealed = NULL, resolved_at = $2,
                      resolution = 'replayed' WHERE id = ANY($1::uuid[])""",
            replayed,
            now,
        )


async def lock_parked(conn: Connection, ids: Sequence[int]) -> frozenset[int]:
    """Locks those of these parked rows that are still there and nobody else works on."""
    if not ids:
        return frozenset()
    rows = await conn.fetch(
        """SELECT id FROM runtime.parked WHERE id = ANY($1::bigint[])
           ORDER BY id FOR UPDATE SKIP LOCKED""",
        ids,
    )
    return frozenset(row["id"] for row in rows)


async def lock_letters(conn: Connection, ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Locks those of these dead letters that are neither replayed nor discarded."""
    if not ids:
        return frozenset()
    rows = await conn.fetch(
        """SELECT id FROM runtime.dead_letters WHERE id = ANY($1::uuid[]) AND resolved_at IS NULL
           FOR UPDATE""",
        ids,
    )
    return frozenset(row["id"] for row in rows)


async def due_parked(conn: Connection, now: datetime, *, most: int) -> list[Row]:
    """What is parked and to be looked at by now, the oldest first."""
    return await conn.fetch(
        """SELECT id, attempt, cause, sealed FROM runtime.parked
           WHERE retry_at <= $1 ORDER BY id LIMIT $2""",
        now,
        most,
    )
