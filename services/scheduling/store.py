"""All SQL of the service. Every function takes a connection inside somebody's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson

from services.scheduling.capacity import LocationWeek
from services.scheduling.diary import Entry
from services.scheduling.incoming import CapacityStated, OrderIn, order_of, stated
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

# One row for each code in a fixed order, so that two batches never lock crosswise.
_LOCK: Final = "SELECT code, token FROM provider WHERE code = ANY($1) ORDER BY code FOR UPDATE"
_MAKE: Final = """
INSERT INTO provider (code) SELECT unnest($1::text[]) ON CONFLICT (code) DO NOTHING"""
_REMEMBER: Final = "UPDATE provider SET token = $2 WHERE code = ANY($1)"

_WEEKS: Final = """
SELECT provider, body FROM location_week WHERE provider = ANY($1) AND week >= $2
ORDER BY provider, week, location"""
_NEWEST_WEEKS: Final = """
SELECT DISTINCT ON (provider, location) provider, body FROM location_week
WHERE provider = ANY($1) ORDER BY provider, location, week DESC"""

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
    declined, body)
SELECT o, p, r, s, n, t, f, d::jsonb, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::date[],
    $8::text[], $9::text[]) AS x (o, p, r, s, n, t, f, d, b)
ON CONFLICT (order_id) DO UPDATE SET provider = excluded.provider, status = excluded.status,
    sessions = excluded.sessions, told = excluded.told, not_before = excluded.not_before,
    declined = excluded.declined, body = excluded.body"""
_MOVE_ORDERS: Final = """
UPDATE placed_order SET status = x.s, sessions = x.n, told = x.t, not_before = x.f,
    declined = x.d::jsonb
FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::date[], $6::text[])
    AS x (o, s, n, t, f, d)
WHERE placed_order.order_id = x.o"""

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
FROM session WHERE citizen_id = ANY($1) AND status = 'offered'"""

_REDATE: Final = """
UPDATE placed_order SET body = body || jsonb_build_object('earliest', x.e, 'limit', x.l)
FROM unnest($1::text[], $2::text[], $3::text[]) AS x (o, e, l) WHERE placed_order.order_id = x.o"""

_SAVE_WEEKS: Final = """
INSERT INTO location_week (provider, location, week, version, body)
SELECT p, l, w, v, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS x (p, l, w, v, b)
ON CONFLICT (provider, week, location)
DO UPDATE SET version = excluded.version, body = excluded.body"""

_ACCEPTED: Final = """
SELECT provider, location, week, version, digest, body FROM accepted_capacity
WHERE (provider, week) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_STATED_LOCATIONS: Final = """
SELECT DISTINCT provider, location FROM accepted_capacity WHERE provider = ANY($1)"""
_ACCEPT: Final = """
INSERT INTO accepted_capacity (provider, location, week, version, digest, body)
SELECT p, l, w, v, d, b::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[])
     AS x (p, l, w, v, d, b)
ON CONFLICT (provider, week, location) DO UPDATE
SET version = excluded.version, digest = excluded.digest, body = excluded.body"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A roster's statement as it was accepted last. `body` is its JSON."""

    provider: str
    location: str
    week: str
    version: int
    digest: bytes
    body: str


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


async def lock(conn: Connection, codes: Sequence[str]) -> dict[str, uuid.UUID | None]:
    """Locks the providers' rows in one order, making them first; returns their tokens."""
    rows = await conn.fetch(_LOCK, codes)
    if len(rows) < len(codes):
        await conn.execute(_MAKE, sorted(codes))
        rows = await conn.fetch(_LOCK, codes)
    return {row["code"]: row["token"] for row in rows}


async def set_token(conn: Connection, codes: Sequence[str], token: uuid.UUID) -> None:
    """Says that the providers' states are those that the holder of the token knows."""
    await conn.execute(_REMEMBER, codes, token)


async def weeks(conn: Connection, codes: Sequence[str], since: str) -> list[LocationWeek]:
    """What holds of the providers' locations from a week on, the newest week of each included."""
    rows = await conn.fetch(_NEWEST_WEEKS, codes) + await conn.fetch(_WEEKS, codes, since)
    return [stated(CapacityStated.model_validate_json(row["body"])) for row in rows]


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


async def save_orders(
    conn: Connection, changed: Sequence[Placed], bodies: Mapping[str, str]
) -> None:
    """Saves orders; `bodies` holds the JSON of those that came or changed just now."""
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


async def redate(conn: Connection, orders: Sequence[Order]) -> None:
    """Saves new dates of orders that stand otherwise as they were."""
    if orders:
        await conn.execute(
            _REDATE,
            [one.order_id for one in orders],
            [one.earliest.isoformat() for one in orders],
            [one.limit and one.limit.isoformat() for one in orders],
        )


async def save_weeks(conn: Connection, applied: Iterable[tuple[LocationWeek, str]]) -> None:
    """Saves location-weeks with their JSON."""
    rows = list(applied)
    if rows:
        await conn.execute(
            _SAVE_WEEKS,
            [week.provider for week, _ in rows],
            [week.location.code for week, _ in rows],
            [week.week for week, _ in rows],
            [week.version for week, _ in rows],
            [body for _, body in rows],
        )


async def accepted(conn: Connection, weeks_of: Iterable[tuple[str, str]]) -> list[Accepted]:
    """What was accepted for these (provider, week) pairs, every location."""
    pairs = sorted(set(weeks_of))
    rows = await conn.fetch(_ACCEPTED, [code for code, _ in pairs], [week for _, week in pairs])
    return [Accepted(**dict(row)) for row in rows]


async def stated_locations(conn: Connection, codes: Iterable[str]) -> dict[str, frozenset[str]]:
    """The locations that have ever stated capacity, by provider."""
    found: dict[str, set[str]] = {}
    for row in await conn.fetch(_STATED_LOCATIONS, sorted(codes)):
        found.setdefault(row["provider"], set()).add(row["location"])
    return {code: frozenset(locations) for code, locations in found.items()}


async def accept(conn: Connection, statements: Iterable[Accepted]) -> None:
    """Remembers statements as accepted."""
    rows = list(statements)
    if rows:
        await conn.execute(
            _ACCEPT,
            [one.provider for one in rows],
            [one.location for one in rows],
            [one.week for one in rows],
            [one.version for one in rows],
            [one.digest for one in rows],
            [one.body for one in rows],
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


def _is_led(session: Session) -> bool:
    """Whether several may have led it, before or now."""
    return bool(session.booking.slot.company) or session.placed.order.step.gathers


def _attendance(said: Attendance | None) -> str | None:
    return None if said is None else orjson.dumps(said).decode()


def _attended(body: str | None) -> Attendance | None:
    if body is None:
        return None
    said = orjson.loads(body)
    at = datetime.fromisoformat(said["at"])
    return Attendance(said["attended"], said["reason"], said["by"], at)


def _declined(placed: Placed) -> str:
    return orjson.dumps(placed.order.declined).decode()


def _alternatives(alternatives: tuple[Alternative, ...]) -> str:
    return orjson.dumps([[one.location, one.start, one.end] for one in alternatives]).decode()


def _alternative(one: list[Any]) -> Alternative:
    return Alternative(one[0], datetime.fromisoformat(one[1]), datetime.fromisoformat(one[2]))
