"""SQL on what suppliers carry out. The provider's row is locked by whoever writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from services.scheduling.incoming import OrderIn, order_of
from services.scheduling.orders import Attendance, Booking, Slot
from services.scheduling.suppliers.course import session_of
from services.scheduling.suppliers.terms import (
    Carried,
    Place,
    Standing,
    Stated,
)

if TYPE_CHECKING:
    from shared.database import Connection, Row

_PLACE: Final = TypeAdapter(Place)
_ATTENDANCE: Final = TypeAdapter(Attendance | None)

_ORDERS: Final = """
SELECT order_id, standing, earliest, limit_date, body FROM supplier_order
WHERE order_id = ANY($1::text[]) OR referral_id = ANY($2::text[]) ORDER BY order_id"""
_OF: Final = """
SELECT order_id, number, session_id, ordinal, revision, said, cancelled, lower(during) AS start,
       upper(during) AS finish, place, offered_at, attendance
FROM supplier_session WHERE order_id = ANY($1::text[]) ORDER BY order_id, number"""
_SAVE_ORDER: Final = """
INSERT INTO supplier_order (order_id, provider, referral_id, citizen_id, standing, earliest,
    limit_date, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
ON CONFLICT (order_id) DO UPDATE SET standing = excluded.standing, earliest = excluded.earliest,
    limit_date = excluded.limit_date, body = coalesce(excluded.body, supplier_order.body)"""
_MOVE_ORDER: Final = """
UPDATE supplier_order SET standing = $2, earliest = $3, limit_date = $4 WHERE order_id = $1"""
_SAVE_SESSION: Final = """
INSERT INTO supplier_session (order_id, number, session_id, provider, citizen_id, ordinal,
    revision, said, cancelled, during, place, offered_at, attendance)
VALUES ($1, $2, $3::uuid, $4, $5, $6, $7, $8, $9, tstzrange($10, $11), $12::jsonb, $13, $14::jsonb)
ON CONFLICT (order_id, number) DO UPDATE SET session_id = excluded.session_id,
    ordinal = excluded.ordinal, revision = excluded.revision, said = excluded.said,
    cancelled = excluded.cancelled, during = excluded.during, place = excluded.place,
    offered_at = excluded.offered_at, attendance = excluded.attendance"""


async def load(
    conn: Connection, order_ids: Iterable[str], referral_ids: Iterable[str] = ()
) -> dict[str, Carried]:
    """These orders and those of these referrals, by order id."""
    rows = await conn.fetch(_ORDERS, sorted(set(order_ids)), sorted(set(referral_ids)))
    found = {row["order_id"]: _carried(row) for row in rows}
    for row in await conn.fetch(_OF, list(found)):
        one = found[row["order_id"]]
        sessions = {**one.sessions, row["number"]: _stated(one, row)}
        found[row["order_id"]] = replace(one, sessions=sessions)
    return found


async def save(conn: Connection, changed: Sequence[Carried], bodies: Mapping[str, str]) -> None:
    """Saves orders and their sessions; `bodies` holds the JSON of those that came just now."""
    for one in changed:
        order = one.order
        me, dates = order.order_id, (order.earliest, order.limit)
        if me in bodies:
            about = (me, order.provider, order.referral_id, order.citizen_id)
            await conn.execute(_SAVE_ORDER, *about, one.standing.value, *dates, bodies[me])
        else:
            await conn.execute(_MOVE_ORDER, me, one.standing.value, *dates)
    rows = [
        _row(one, number, session) for one in changed for number, session in one.sessions.items()
    ]
    if rows:
        await conn.executemany(_SAVE_SESSION, rows)


def _carried(row: Row) -> Carried:
    order = order_of(OrderIn.model_validate_json(row["body"]))
    limit: date | None = row["limit_date"]
    order = replace(order, earliest=row["earliest"], limit=limit)
    return Carried(order=order, standing=Standing(row["standing"]))


def _stated(one: Carried, row: Row) -> Stated:
    number, place = row["number"], _PLACE.validate_json(row["place"])
    order = session_of(one.order, number)
    slot = Slot(location=place.code, therapist="", room=None, start=row["start"], end=row["finish"])
    booking = Booking(
        session_id=str(row["session_id"]),
        ordinal=row["ordinal"],
        slot=slot,
        revision=row["revision"],
        limit=order.limit,
        inside_limit=order.keeps_limit(slot.start),
        transport=order.transport,
        distance_m=None,
        alternatives=(),
        reason="",
        offered_at=row["offered_at"],
        attendance=_ATTENDANCE.validate_json(row["attendance"] or "null"),
    )
    return Stated(booking=booking, place=place, said=row["said"], cancelled=row["cancelled"])


def _row(one: Carried, number: int, session: Stated) -> tuple[Any, ...]:
    booking, order = session.booking, one.order
    note = booking.attendance
    return (
        *(order.order_id, number, booking.session_id, order.provider, order.citizen_id),
        *(booking.ordinal, booking.revision, session.said, session.cancelled),
        *(booking.slot.start, booking.slot.end, _PLACE.dump_json(session.place).decode()),
        booking.offered_at,
        _ATTENDANCE.dump_json(note).decode() if note is not None else None,
    )
