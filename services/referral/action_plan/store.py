"""SQL on action items and consents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from services.referral.action_plan.plan import ActionItem, ItemState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.database import Connection, Row


async def keep_item(conn: Connection, item: ActionItem, words: bytes | None) -> None:
    """Writes an item; `words` (sealed) only where they are new."""
    await conn.execute(
        """INSERT INTO action_items (item_id, referral_id, words, owner, unit, due, state,
                                     said_by, said_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (item_id) DO UPDATE SET owner = excluded.owner, unit = excluded.unit,
               due = excluded.due, state = excluded.state, said_by = excluded.said_by,
               said_at = excluded.said_at""",
        item.item_id,
        item.referral_id,
        words or b"",
        item.owner,
        item.unit,
        item.due,
        item.state,
        item.by,
        item.at,
    )


async def items(conn: Connection, ids: Iterable[str]) -> dict[str, ActionItem]:
    """Items by id, locked."""
    rows = await conn.fetch(
        """SELECT * FROM action_items WHERE item_id = ANY($1::text[]) ORDER BY item_id
           FOR UPDATE""",
        sorted(ids),
    )
    return {row["item_id"]: _item(row) for row in rows}


async def of_referral(conn: Connection, referral_id: str) -> list[tuple[ActionItem, bytes]]:
    """All items of a referral with their sealed words, what is due first."""
    rows = await conn.fetch(
        "SELECT * FROM action_items WHERE referral_id = $1 ORDER BY due, item_id", referral_id
    )
    return [(_item(row), row["words"]) for row in rows]


async def keep_consent(
    conn: Connection, referral_id: str, subject: str, *, given: bool, by: str, at: datetime
) -> None:
    """Writes whether the citizen consents; the newest word holds."""
    await conn.execute(
        """INSERT INTO consents (referral_id, subject, given, said_by, said_at)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (referral_id, subject) DO UPDATE SET given = excluded.given,
               said_by = excluded.said_by, said_at = excluded.said_at""",
        referral_id,
        subject,
        given,
        by,
        at,
    )


async def consents(conn: Connection, referral_id: str) -> list[Row]:
    """What the citizen has consented to, or not."""
    return await conn.fetch(
        """SELECT subject, given, said_by, said_at FROM consents WHERE referral_id = $1
           ORDER BY subject""",
        referral_id,
    )


def _item(row: Row) -> ActionItem:
    return ActionItem(
        item_id=row["item_id"],
        referral_id=row["referral_id"],
        owner=row["owner"],
        unit=row["unit"],
        due=row["due"],
        state=ItemState(row["state"]),
        by=row["said_by"],
        at=row["said_at"],
    )
