"""SQL of orders. Every function takes a connection inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.scheduling.incoming import OrderIn, order_of
from services.scheduling.orders import (
    Alternative,
    Attendance,
    Booking,
    Order,
    Placed,
    Reason,
    Slot,
    Status,
)

if TYPE_CHECKING:
    from shared.database import Connection, Row

_OPEN: Final = """
SELECT * FROM order_state WHERE order_id IN (
    SELECT order_id FROM placed_order WHERE provider = ANY($1) AND status = 'waiting'
    UNION ALL
    SELECT order_id FROM session
    WHERE provider = ANY($1) AND status = 'offered' AND upper(during) > $2)
ORDER BY order_id"""
_NAMED: Final = "SELECT * FROM order_state WHERE order_id = ANY($1) ORDER BY order_id"
_OF_REFERRALS: Final = "SELECT * FROM order_state WHERE referral_id = ANY($1) ORDER BY order_id"

_SAVE_ORDERS: Final = """
INSERT INTO placed_order (order_id, provider, referral_id, status, sessions, told, not_before,
    declined, body, came)
SELECT o, p, r, s, n, t, f, d::jsonb, b::jsonb, c
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::date[],
    $8::text[], $9::text[], $10::date[]) AS x (o, p, r, s, n, t, f, d, b, c)
ON CONFLICT (order_id) DO UPDATE SET provider = excluded.provider, status = excluded.status,
    sessions = excluded.sessions, told = excluded.told, not_before = excluded.not_before,
    declined = excluded.declined, body = excluded.body"""
_MOVE_ORDERS: Final = """
UPDATE placed_order SET status = x.s, sessions = x.n, told = x.t, not_before = x.f,
    declined = x.d::jsonb
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::date[], $6::text[])
    AS x (o, s, n, t, f, d)
WHERE placed_order.order_id = x.o"""

_REDATE: Final = """
UPDATE placed_order SET body = body || jsonb_build_object('earliest', x.e, 'limit', x.l)
FROM unnest($1::text[], $2::text[], $3::text[]) AS x (o, e, l) WHERE placed_order.order_id = x.o"""


async def open_orders(
    conn: Connection, codes: Sequence[str], now: datetime
) -> list[tuple[str, Placed]]:
    """Orders that wait or have a session ahead, with their provider."""
    return [_placed(row) for row in await conn.fetch(_OPEN, codes, now)]


async def named_orders(
    conn: Connection, order_ids: Sequence[str], referral_ids: Sequence[str]
) -> list[tuple[str, Placed]]:
    """Orders by their ids or their referrals', with their provider."""
    rows = await conn.fetch(_NAMED, order_ids) if order_ids else []
    rows += await conn.fetch(_OF_REFERRALS, referral_ids) if referral_ids else []
    return [_placed(row) for row in rows]


async def save_orders(
    conn: Connection, changed: Sequence[Placed], bodies: Mapping[str, str], today: date
) -> None:
    """Saves orders; `bodies` holds the JSON of those that came or changed `today`."""
    came = [one for one in changed if one.order.order_id in bodies]
    moved = [one for one in changed if one.order.order_id not in bodies]
    if came:
        await conn.execute(
            _SAVE_ORDERS,
            [one.order.order_id for one in came],
            [one.order.provider for one in came],
            [one.order.referral_id for one in came],
            [one.status.value for one in came],
            [one.sessions for one in came],
            [one.told and one.told.value for one in came],
            [one.order.not_before for one in came],
            [_declined(one) for one in came],
            [bodies[one.order.order_id] for one in came],
            [None if one.order.later else today for one in came],
        )
    if moved:
        await conn.execute(
            _MOVE_ORDERS,
            [one.order.order_id for one in moved],
            [one.status.value for one in moved],
            [one.sessions for one in moved],
            [one.told and one.told.value for one in moved],
            [one.order.not_before for one in moved],
            [_declined(one) for one in moved],
        )


async def redate(conn: Connection, orders: Sequence[Order]) -> None:
    """Saves new dates of orders that stand otherwise as they were."""
    if orders:
        await conn.execute(
            _REDATE,
            [one.order_id for one in orders],
            [one.earliest.isoformat() for one in orders],
            [one.limit and one.limit.isoformat() for one in orders],
        )


def _placed(row: Row) -> tuple[str, Placed]:
    order = replace(
        order_of(OrderIn.model_validate_json(row["body"])),
        not_before=row["not_before"],
        declined=tuple(
            (datetime.fromisoformat(start), datetime.fromisoformat(end))
            for start, end in orjson.loads(row["declined"])
        ),
    )
    booking = None
    if row["session_id"] is not None:
        booking = Booking(
            session_id=str(row["session_id"]),
            ordinal=row["ordinal"],
            slot=_slot(row),
            revision=row["revision"],
            limit=row["limit_date"],
            inside_limit=row["inside_limit"],
            transport=row["transport"],
            distance_m=row["distance_m"],
            alternatives=tuple(_alternative(one) for one in orjson.loads(row["alternatives"])),
            reason=row["reason"],
            offered_at=row["offered_at"],
            accepted=row["accepted"],
            attendance=_attended(row["attendance"]),
        )
    return row["provider"], Placed(
        order=order,
        status=Status(row["status"]),
        booking=booking,
        sessions=row["sessions"],
        told=None if row["told"] is None else Reason(row["told"]),
    )


def _slot(row: Row) -> Slot:
    return Slot(
        row["location"],
        row["therapist"],
        row["room"],
        row["start"],
        row["finish"],
        tuple(row["company"] or ()),
        row["gathering"] or "",
        row["seat"],
        row["seats"],
    )


def _attended(body: str | None) -> Attendance | None:
    if body is None:
        return None
    said = orjson.loads(body)
    at = datetime.fromisoformat(said["at"])
    return Attendance(said["attended"], said["reason"], said["by"], at)


def _declined(placed: Placed) -> str:
    return orjson.dumps(placed.order.declined).decode()


def _alternative(one: list[Any]) -> Alternative:
    return Alternative(one[0], datetime.fromisoformat(one[1]), datetime.fromisoformat(one[2]))
