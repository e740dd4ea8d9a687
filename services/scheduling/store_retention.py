"""SQL that deletes what is past. Nobody's decision reads these rows, so no provider is locked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.database import Connection

_SESSIONS: Final = """
DELETE FROM session WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM session WHERE upper(during) < $1 LIMIT $2))"""

# An order's earliest day stands in its JSON; ISO dates sort as texts, anything else is left alone.
_ORDERS: Final = """
DELETE FROM placed_order WHERE ctid = ANY(ARRAY(
    SELECT o.ctid FROM placed_order o
    WHERE o.body ->> 'earliest' < $1 AND o.body ->> 'earliest' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
      AND NOT EXISTS (SELECT FROM session s WHERE s.order_id = o.order_id)
    LIMIT $2))"""

_STATED: Final = """
DELETE FROM supplier_session WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM supplier_session WHERE upper(during) < $1 LIMIT $2))"""
_CARRIED: Final = """
DELETE FROM supplier_order WHERE ctid = ANY(ARRAY(
    SELECT o.ctid FROM supplier_order o
    WHERE o.earliest < $1 AND NOT EXISTS (
        SELECT FROM supplier_session s WHERE s.order_id = o.order_id)
    LIMIT $2))"""

# The newest week of a location says where it is, also when nobody works there any more.
_WEEKS: Final = """
DELETE FROM location_week WHERE ctid = ANY(ARRAY(
    SELECT w.ctid FROM location_week w
    WHERE w.week < $1 AND EXISTS (
        SELECT FROM location_week n
        WHERE n.provider = w.provider AND n.location = w.location AND n.week > w.week)
    LIMIT $2))"""
_ACCEPTED: Final = """
DELETE FROM accepted_capacity WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM accepted_capacity WHERE week < $1 LIMIT $2))"""


async def delete(conn: Connection, before: datetime, week: str, most: int) -> dict[str, int]:
    """Deletes sessions that ended before an instant, then orders from before its day that have
    none, and capacity of the weeks before `week`; at most so many rows of each table.

    Returns how many, by what they were.
    """
    day = before.date().isoformat()
    return {
        "sessions": _count(await conn.execute(_SESSIONS, before, most)),
        "orders": _count(await conn.execute(_ORDERS, day, most)),
        "suppliers' sessions": _count(await conn.execute(_STATED, before, most)),
        "suppliers' orders": _count(await conn.execute(_CARRIED, before.date(), most)),
        "weeks": _count(await conn.execute(_WEEKS, week, most)),
        "statements": _count(await conn.execute(_ACCEPTED, week, most)),
    }


def _count(done: str) -> int:
    return int(done.rsplit(" ", 1)[-1])
