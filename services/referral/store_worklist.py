"""SQL on the worklist: what a human has to look at, since when, and how it was settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that a human has to look at."""

    entry_id: str
    referral_id: str
    reason: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An entry that was closed. `by`: a member of staff's id, or the service's."""

    entry_id: str
    decision: str
    by: str
    at: datetime


async def open_work(
    conn: Connection, referral_ids: Sequence[str]
) -> dict[str, list[tuple[str, str]]]:
    """The open (reason, about) of each of these referrals."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await conn.fetch(
        """SELECT referral_id, reason, about FROM worklist
           WHERE referral_id = ANY($1::text[]) AND closed_at IS NULL
           ORDER BY referral_id, reason, about""",
        referral_ids,
    ):
        found.setdefault(row["referral_id"], []).append((row["reason"], row["about"]))
    return found


async def open_about(conn: Connection, reason: str, referral_ids: Iterable[str]) -> set[str]:
    """Those of these referrals that have an open entry of this reason."""
    rows = await conn.fetch(
        """SELECT DISTINCT referral_id FROM worklist
           WHERE reason = $1 AND closed_at IS NULL AND referral_id = ANY($2::text[])""",
        reason,
        sorted(referral_ids),
    )
    return {row["referral_id"] for row in rows}


async def open_entries(conn: Connection, rows: Sequence[Entry], now: datetime) -> None:
    """Opens entries; one that was settled before and has come up again is opened again."""
    if rows:
        await conn.execute(
            """INSERT INTO worklist (entry_id, referral_id, reason, about, opened_at)
               SELECT w.*, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w
               ON CONFLICT (entry_id) DO UPDATE SET opened_at = excluded.opened_at,
                   closed_at = NULL, closed_by = NULL, decision = NULL, remark = NULL,
                   times = worklist.times + 1
               WHERE worklist.closed_at IS NOT NULL""",
            *zip(*((r.entry_id, r.referral_id, r.reason, r.about) for r in rows), strict=True),
            now,
        )


async def close_entries(conn: Connection, rows: Sequence[Settled]) -> None:
    """Closes entries; those that are closed already stay as they are."""
    if rows:
        await conn.execute(
            """UPDATE worklist w SET closed_at = c.at, closed_by = c.by, decision = c.decision
               FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
                    AS c(entry_id, decision, by, at)
               WHERE w.entry_id = c.entry_id AND w.closed_at IS NULL""",
            *zip(*((r.entry_id, r.decision, r.by, r.at) for r in rows), strict=True),
        )


async def remark(conn: Connection, entry_id: str, sealed: bytes) -> None:
    """Keeps what whoever settled an entry wrote beside it; sealed, for it may name people."""
    await conn.execute("UPDATE worklist SET remark = $2 WHERE entry_id = $1", entry_id, sealed)


_ENTRIES: Final = """
SELECT w.entry_id, w.referral_id, w.reason, w.about, w.opened_at, w.closed_at, w.closed_by,
       w.decision, w.remark, w.times, r.citizen_id, r.municipality, r.provider, r.type,
       r.discharge_date, r.limit_date, r.closed AS referral_closed, r.details
FROM worklist w JOIN referrals r USING (referral_id)
"""


async def listed(
    conn: Connection, *, closed: bool, municipalities: Sequence[str] | None, most: int
) -> list[Row]:
    """Entries, those that have waited longest first (of the closed ones, the newest first).

    `municipalities` None: all. Rows as in `one`.
    """
    order = "w.closed_at DESC" if closed else "w.opened_at"
    return await conn.fetch(
        f"""{_ENTRIES} WHERE (w.closed_at IS NOT NULL) = $1
            AND ($2::text[] IS NULL OR r.municipality = ANY($2))
            ORDER BY {order}, w.entry_id LIMIT $3""",
        closed,
        municipalities,
        most,
    )


async def one(conn: Connection, entry_id: str) -> Row | None:
    """An entry with what is known of its referral."""
    return await conn.fetchrow(f"{_ENTRIES} WHERE w.entry_id = $1", entry_id)


async def ages(conn: Connection) -> list[tuple[str, int, datetime]]:
    """How many entries are open and since when the oldest, by reason."""
    rows = await conn.fetch(
        """SELECT reason, count(*) AS entries, min(opened_at) AS oldest FROM worklist
           WHERE closed_at IS NULL GROUP BY reason ORDER BY reason"""
    )
    return [(row["reason"], row["entries"], row["oldest"]) for row in rows]
