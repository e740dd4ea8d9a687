"""Contacts in the database: sealed, one row for each citizen, gone when they are erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.notifications.message import Reach

if TYPE_CHECKING:
    from shared.database import Connection

_REACH: Final = """
SELECT asked, m.kept, c.has_email, c.has_mobile, c.deceased, c.citizen_id AS known,
    CASE WHEN c.child THEN c.sealed END AS sealed, e.citizen_id IS NOT NULL AS erased
FROM unnest($1::text[]) AS asked
LEFT JOIN merged_citizen m ON m.gone = asked
LEFT JOIN contact c ON c.citizen_id = coalesce(m.kept, asked)
LEFT JOIN erased_citizen e ON e.citizen_id = coalesce(m.kept, asked)
"""
# Sorted, so that two batches that wait for each other's citizens do it in one order.
_LOCK_CITIZENS: Final = """
SELECT pg_advisory_xact_lock(hashtextextended(id, 7))
FROM (SELECT unnest($1::text[]) AS id ORDER BY 1) AS ids
"""
_SAVE_CONTACTS: Final = """
INSERT INTO contact AS c
    (citizen_id, sealed, version, has_email, has_mobile, deceased, child, updated_at)
SELECT *, $8 FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bool[], $5::bool[], $6::bool[],
    $7::bool[])
ON CONFLICT (citizen_id) DO UPDATE SET sealed = excluded.sealed, version = excluded.version,
    has_email = excluded.has_email, has_mobile = excluded.has_mobile,
    deceased = excluded.deceased, child = excluded.child, updated_at = excluded.updated_at
WHERE c.version <= excluded.version
"""
_CANCEL_OF_CITIZENS: Final = """
UPDATE message SET status = 'cancelled', reason = $2, status_at = $3
WHERE citizen_id = ANY($1) AND status = 'created'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContact:
    """A contact as it is stored, with the flags that decisions need.

    `child`: who is told has to be looked up in it. `merged_into`: there is none, because the
    citizen turned out to be another.
    """

    citizen_id: str
    sealed: bytes
    version: int
    reach: Reach
    child: bool = False
    merged_into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of citizens, by the ids that were asked for; the unknown are absent.

    `sealed`: the contacts of those who may be children: others are told in their place. `kept`: of
    those who turned out to be somebody else, who that is; `reach` and `sealed` are that one's.
    """

    reach: dict[str, Reach]
    sealed: dict[str, bytes]
    kept: dict[str, str]


async def lock_citizens(conn: Connection, citizen_ids: Iterable[str]) -> None:
    """Lets nobody else record, erase or park for these citizens until the transaction ends.

    Without it a message could be parked just after the contact it waits for has released what
    waits: each transaction would not see the other's row.
    """
    await conn.execute(_LOCK_CITIZENS, sorted(set(citizen_ids)))


async def known(conn: Connection, citizen_ids: Iterable[str]) -> Known:
    """What is known of these citizens. No contact is opened."""
    rows = await conn.fetch(_REACH, list(set(citizen_ids)))
    return Known(
        reach={
            row["asked"]: Reach(
                email=bool(row["has_email"]),
                mobile=bool(row["has_mobile"]),
                deceased=bool(row["deceased"]),
                erased=row["known"] is None,
            )
            for row in rows
            if row["known"] is not None or row["erased"]
        },
        sealed={row["asked"]: row["sealed"] for row in rows if row["sealed"] is not None},
        kept={row["asked"]: row["kept"] for row in rows if row["kept"] is not None},
    )


async def merge(conn: Connection, merged: Sequence[SealedContact], now: datetime) -> None:
    """Makes one citizen's messages another's, and forgets the contact that nobody needs."""
    for one in merged:
        await conn.execute(
            """INSERT INTO merged_citizen AS m (gone, kept, version, merged_at)
               VALUES ($1, $2, $3, $4) ON CONFLICT (gone) DO UPDATE SET
                   kept = excluded.kept, version = excluded.version, merged_at = excluded.merged_at
               WHERE m.version < excluded.version""",
            one.citizen_id,
            one.merged_into,
            one.version,
            now,
        )
        await conn.execute("DELETE FROM contact WHERE citizen_id = $1", one.citizen_id)
        await conn.execute(
            "UPDATE message SET citizen_id = $2 WHERE citizen_id = $1",
            one.citizen_id,
            one.merged_into,
        )


async def log_decided(conn: Connection, citizen_ids: Iterable[str], now: datetime) -> None:
    """Writes down whose contact was opened to find out who is told."""
    ids = sorted(citizen_ids)
    if ids:
        await conn.execute(
            """INSERT INTO contact_access (at, actor, action, citizen_id)
               SELECT $2, 'notifications', 'decide', id FROM unnest($1::text[]) AS id""",
            ids,
            now,
        )


async def awaited_since(
    conn: Connection, citizen_ids: Iterable[str], now: datetime
) -> dict[str, datetime]:
    """Since when each of these contacts is missing; begins now for those that were not awaited."""
    ids = sorted(set(citizen_ids))
    if not ids:
        return {}
    await conn.execute(
        """INSERT INTO awaited_citizen SELECT id, $2 FROM unnest($1::text[]) AS id
           ON CONFLICT DO NOTHING""",
        ids,
        now,
    )
    rows = await conn.fetch("SELECT * FROM awaited_citizen WHERE citizen_id = ANY($1)", ids)
    return {row["citizen_id"]: row["since"] for row in rows}


async def no_longer_awaited(conn: Connection, citizen_ids: Sequence[str]) -> None:
    """The contacts have come, or never will."""
    await conn.execute("DELETE FROM awaited_citizen WHERE citizen_id = ANY($1)", citizen_ids)


async def save_contacts(conn: Connection, contacts: Sequence[SealedContact], now: datetime) -> None:
    """Records contacts; an older version never overwrites. One row for each citizen."""
    if not contacts:
        return
    await conn.execute(
        _SAVE_CONTACTS,
        [contact.citizen_id for contact in contacts],
        [contact.sealed for contact in contacts],
        [contact.version for contact in contacts],
        [contact.reach.email for contact in contacts],
        [contact.reach.mobile for contact in contacts],
        [contact.reach.deceased for contact in contacts],
        [contact.child for contact in contacts],
        now,
    )
    ids = [contact.citizen_id for contact in contacts]
    await conn.execute("DELETE FROM erased_citizen WHERE citizen_id = ANY($1)", ids)
    # Somebody who was merged into another, and is not that other after all.
    await conn.execute(
        """DELETE FROM merged_citizen m USING unnest($1::text[], $2::bigint[]) AS c(id, version)
           WHERE m.gone = c.id AND m.version < c.version""",
        ids,
        [contact.version for contact in contacts],
    )
    deceased = [contact.citizen_id for contact in contacts if contact.reach.deceased]
    if deceased:
        await conn.execute(_CANCEL_OF_CITIZENS, deceased, "deceased", now)


async def erase_contacts(conn: Connection, citizen_ids: Sequence[str], now: datetime) -> None:
    """Deletes contacts, takes back what waits, and clears what messages told."""
    if not citizen_ids:
        return
    await conn.execute("DELETE FROM contact WHERE citizen_id = ANY($1)", citizen_ids)
    await conn.execute(
        """INSERT INTO erased_citizen SELECT id, $2 FROM unnest($1::text[]) AS id
           ON CONFLICT DO NOTHING""",
        citizen_ids,
        now,
    )
    await conn.execute(_CANCEL_OF_CITIZENS, citizen_ids, "erased", now)
    await conn.execute("UPDATE message SET facts = '{}' WHERE citizen_id = ANY($1)", citizen_ids)
