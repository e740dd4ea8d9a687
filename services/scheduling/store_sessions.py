"""SQL of sessions. Every function takes a connection inside somebody's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import asyncpg
import orjson

from services.scheduling.diary import Entry
from services.scheduling.orders import (
    Alternative,
    Attendance,
    Booking,
    Placed,
)

if TYPE_CHECKING:
    from shared.database import Connection

# A session that changes lets go of its slot first: another may have taken it in the same batch.
_LET_GO: Final = "UPDATE session SET status = 'moving' WHERE session_id = ANY($1::uuid[])"
_SAVE_SESSIONS: Final = """
INSERT INTO session (session_id, order_id, provider, ordinal, status, location, therapist, room,
    during, revision, limit_date, inside_limit, transport, distance_m, alternatives, reason,
    offered_at, citizen_id, accepted, attendance, gathering, seat, seats, company)
SELECT id, o, p, n, s, l, th, r, tstzrange(b, e), v, lim, i, tr, d, a::jsonb, why, at, c, y,
    z::jsonb, nullif(g, ''), se, ses, string_to_array(nullif(co, ''), E'\x1f')
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::timestamptz[], $10::timestamptz[], $11::int[], $12::date[], $13::boolean[],
    $14::boolean[], $15::int[], $16::text[], $17::text[], $18::timestamptz[], $19::text[],
    $20::boolean[], $21::text[], $22::text[], $23::int[], $24::int[], $25::text[])
    AS x (id, o, p, n, s, l, th, r, b, e, v, lim, i, tr, d, a, why, at, c, y, z, g, se, ses, co)
ON CONFLICT (session_id) DO UPDATE SET status = excluded.status, location = excluded.location,
    therapist = excluded.therapist, room = excluded.room, during = excluded.during,
    revision = excluded.revision, limit_date = excluded.limit_date,
    inside_limit = excluded.inside_limit, transport = excluded.transport,
    distance_m = excluded.distance_m, alternatives = excluded.alternatives,
    reason = excluded.reason, offered_at = excluded.offered_at,
    citizen_id = excluded.citizen_id, accepted = excluded.accepted,
    attendance = excluded.attendance, gathering = excluded.gathering, seat = excluded.seat,
    seats = excluded.seats, company = excluded.company"""

# Whoever leads beside the therapist has a row of their own under the same constraints.
_LEAVE: Final = "DELETE FROM session WHERE assists = ANY($1::uuid[])"
_JOIN: Final = """
INSERT INTO session (session_id, order_id, provider, ordinal, status, location, therapist, during,
    revision, inside_limit, transport, alternatives, reason, offered_at, gathering, assists)
SELECT md5(s.session_id::text || '/' || one.name)::uuid, s.order_id, s.provider, s.ordinal,
    'offered', s.location, one.name, s.during, s.revision, s.inside_limit, false, '[]', '',
    s.offered_at, coalesce(s.gathering, s.session_id::text), s.session_id
FROM session s CROSS JOIN unnest(s.company) AS one (name)
WHERE s.session_id = ANY($1::uuid[]) AND s.status = 'offered'"""

_SESSION: Final = """
SELECT order_id, provider, status, lower(during) AS start FROM session
WHERE session_id::text = $1"""

# Without a condition on time: it would tempt the planner to look at everybody's sessions ahead.
_ENGAGEMENTS: Final = """
SELECT citizen_id, order_id, provider, location, lower(during) AS start, upper(during) AS finish
FROM session WHERE citizen_id = ANY($1) AND status = 'offered'
UNION ALL
SELECT citizen_id, order_id, provider, provider, lower(during), upper(during)
FROM supplier_session WHERE citizen_id = ANY($1) AND NOT cancelled"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session to be saved. `status` is "offered" (told or not) or "cancelled"; `new`: it has no
    row yet."""

    placed: Placed
    booking: Booking
    status: str
    new: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What an endpoint has to know of a session before its desk is opened."""

    order_id: str
    provider: str
    status: str
    start: datetime


async def session(conn: Connection, session_id: str) -> Known | None:
    """A session by its id, None where there is none."""
    row = await conn.fetchrow(_SESSION, session_id)
    return None if row is None else Known(**dict(row))


async def engagements(
    conn: Connection, citizens: Sequence[str], since: datetime
) -> list[tuple[str, str, Entry]]:
    """The citizens' sessions that end after `since`, at whatever provider: (citizen, order, …)."""
    return [
        (
            row["citizen_id"],
            row["order_id"],
            Entry(row["provider"], row["location"], row["start"], row["finish"]),
        )
        for row in await conn.fetch(_ENGAGEMENTS, citizens)
        if row["finish"] > since
    ]


async def save_sessions(conn: Connection, changed: Iterable[Session]) -> None:
    """Saves sessions in their last state. Raises ExclusionViolationError before any is double.

    Raises SerializationError, which calls for another try, where another provider has booked one
    of the citizens at the same moment: no lock is shared between providers.
    """
    rows = sorted(changed, key=lambda one: one.booking.session_id)
    if not rows:
        return
    known = [one.booking.session_id for one in rows if not one.new]
    if known:
        await conn.execute(_LET_GO, known)
    bookings = [one.booking for one in rows]
    slots = [booking.slot for booking in bookings]
    values = (
        [booking.session_id for booking in bookings],
        [one.placed.order.order_id for one in rows],
        [one.placed.order.provider for one in rows],
        [booking.ordinal for booking in bookings],
        [one.status for one in rows],
        [slot.location for slot in slots],
        [slot.therapist for slot in slots],
        [slot.room for slot in slots],
        [slot.start for slot in slots],
        [slot.end for slot in slots],
        [booking.revision for booking in bookings],
        [booking.limit for booking in bookings],
        [booking.inside_limit for booking in bookings],
        [booking.transport for booking in bookings],
        [booking.distance_m for booking in bookings],
        [_alternatives(booking.alternatives) for booking in bookings],
        [booking.reason for booking in bookings],
        [booking.offered_at for booking in bookings],
        [one.placed.order.citizen_id for one in rows],
        [booking.accepted for booking in bookings],
        [_attendance(booking.attendance) for booking in bookings],
        [slot.group for slot in slots],
        [slot.seat for slot in slots],
        [slot.seats for slot in slots],
        ["\x1f".join(slot.company) for slot in slots],
    )
    led = [b.session_id for b, one in zip(bookings, rows, strict=True) if _is_led(one)]
    try:
        if led:
            await conn.execute(_LEAVE, led)
        await conn.execute(_SAVE_SESSIONS, *values)
        if led:
            await conn.execute(_JOIN, led)
    except asyncpg.ExclusionViolationError as error:
        if error.constraint_name != "no_citizen_twice":
            raise
        raise asyncpg.SerializationError("a citizen was booked elsewhere meanwhile") from error


def _is_led(session: Session) -> bool:
    """Whether several may have led it, before or now."""
    return bool(session.booking.slot.company) or session.placed.order.step.gathers


def _attendance(said: Attendance | None) -> str | None:
    return None if said is None else orjson.dumps(said).decode()


def _alternatives(alternatives: tuple[Alternative, ...]) -> str:
    return orjson.dumps([[one.location, one.start, one.end] for one in alternatives]).decode()
