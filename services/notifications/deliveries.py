"""The sender's SQL: taking messages, and recording what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.notifications.events import (
    NotificationFailed,
    NotificationSent,
    NotificationUncertain,
    Outcome,
    to_event,
)
from services.notifications.message import CITIZEN, Channel, Facts, Status, Template
from services.notifications.store import FACTS
from shared import ledger
from shared.envelope import derived_id
from shared.wire import traceparent_of

if TYPE_CHECKING:
    from shared.database import Connection, Row

# The class of the advisory locks that living senders hold on their own number.
_SENDERS: Final = 0x67656E77

_TAKE: Final = """
SELECT m.*, c.sealed, c.has_email, c.has_mobile, c.deceased
FROM (SELECT * FROM message
      WHERE status = 'created' AND due_at <= $1 AND (channel = $2 OR channel IS NULL)
      ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS m
LEFT JOIN contact c ON c.citizen_id = m.citizen_id
"""
_CLAIM: Final = """
UPDATE message SET status = 'sending', claimed_by = $2, channel = $3, attempts = attempts + 1,
    status_at = $4
WHERE notification_id = ANY($1::uuid[])
"""
_POSTPONE: Final = """
UPDATE message m SET due_at = p.due, channel = p.channel
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS p(id, due, channel)
WHERE m.notification_id = p.id AND m.status = 'created'
"""
_LOG_ACCESS: Final = """
INSERT INTO contact_access (at, actor, action, citizen_id, notification_id)
SELECT $1, 'notifications', $2, c, n FROM unnest($3::text[], $4::uuid[]) AS r(c, n)
"""
_RECORD: Final = """
UPDATE message m SET status = r.status, reason = r.reason, due_at = coalesce(r.due, m.due_at),
    not_by = coalesce(r.not_by, m.not_by), channel = coalesce(r.next_channel, m.channel),
    status_at = $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $8::text[])
    AS r(id, status, reason, due, not_by, next_channel)
WHERE m.notification_id = r.id AND m.status = ANY($7::text[])
    AND ($9::int IS NULL OR m.claimed_by = $9)
RETURNING m.*
"""
_ORPHANS: Final = """
SELECT DISTINCT claimed_by FROM message WHERE status = 'sending' AND claimed_by <> ALL($1::int[])
"""
_OPEN_OF: Final = """
SELECT notification_id FROM message WHERE status = 'sending' AND claimed_by = $1
"""
_UNCERTAIN: Final = """
SELECT notification_id FROM message
WHERE status = 'uncertain' AND channel = $1 AND status_at <= $2 ORDER BY status_at LIMIT $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message whose time has come, locked. `sealed` None: there is no contact any more."""

    id: uuid.UUID
    template: Template
    template_version: int
    recipient: str
    citizen_id: str
    referral_id: str
    provider: str
    facts: Facts
    first_contact: bool
    urgent: bool
    not_by: Channel | None
    attempts: int
    due: datetime
    expires: datetime
    sealed: bytes | None
    has_email: bool
    has_mobile: bool
    deceased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where a message goes next. `due`, `not_by` and `next_channel` are for another try."""

    id: uuid.UUID
    status: Status
    reason: str | None = None
    due: datetime | None = None
    not_by: Channel | None = None
    next_channel: Channel | None = None


async def take(conn: Connection, channel: Channel, now: datetime, most: int) -> list[Taken]:
    """Locks messages that are due, the longest waiting first; others' locks are passed over."""
    return [_taken(row) for row in await conn.fetch(_TAKE, now, channel, most)]


def _taken(row: Row) -> Taken:
    return Taken(
        id=row["notification_id"],
        template=Template(row["template"]),
        template_version=row["template_version"],
        recipient=row["recipient"],
        citizen_id=row["citizen_id"],
        referral_id=row["referral_id"],
        provider=row["provider"],
        facts=FACTS.validate_json(row["facts"]),
        first_contact=row["first_contact"],
        urgent=row["urgent"],
        not_by=Channel(row["not_by"]) if row["not_by"] else None,
        attempts=row["attempts"],
        due=row["due_at"],
        expires=row["expires_at"],
        sealed=row["sealed"],
        has_email=bool(row["has_email"]),
        has_mobile=bool(row["has_mobile"]),
        deceased=bool(row["deceased"]),
    )


async def claim(
    conn: Connection, ids: Sequence[uuid.UUID], sender: int, channel: Channel, now: datetime
) -> None:
    """Marks locked messages as being sent by this sender; commit before calling anybody."""
    if ids:
        await conn.execute(_CLAIM, ids, sender, channel, now)


async def postpone(conn: Connection, rows: Sequence[tuple[uuid.UUID, datetime, Channel]]) -> None:
    """Lets locked messages wait, or hands them to the other channel."""
    if rows:
        await conn.execute(_POSTPONE, *zip(*rows, strict=True))


async def log_access(
    conn: Connection, action: str, opened: Iterable[tuple[str, uuid.UUID]], now: datetime
) -> None:
    """Writes down whose contact was opened, and for which message."""
    rows = list(opened)
    if rows:
        await conn.execute(_LOG_ACCESS, now, action, *zip(*rows, strict=True))


async def record(
    conn: Connection,
    verdicts: Sequence[Verdict],
    now: datetime,
    *,
    source: Sequence[Status],
    sender: int | None = None,
) -> int:
    """Moves messages that are in one of the `source` statuses, and publishes what came of them.

    With `sender`, only those that it claimed last: a result that comes too late changes nothing.
    Returns how many were moved; the others had been settled by somebody else.
    """
    if not verdicts:
        return 0
    rows = await conn.fetch(
        _RECORD,
        [v.id for v in verdicts],
        [v.status for v in verdicts],
        [v.reason for v in verdicts],
        [v.due for v in verdicts],
        [v.not_by for v in verdicts],
        now,
        list(source),
        [v.next_channel for v in verdicts],
        sender,
    )
    await ledger.put(conn, [event for row in rows for event in _events(row, now)])
    return len(rows)


_PUBLISHED: Final[dict[Status, type[Outcome]]] = {
    Status.SENT: NotificationSent,
    Status.FAILED: NotificationFailed,
    Status.UNCERTAIN: NotificationUncertain,
}


def _events(row: Row, now: datetime) -> list[tuple[object, ...]]:
    model = _PUBLISHED.get(Status(row["status"]))
    if model is None:
        return []
    event = to_event(
        model(
            notification_id=str(row["notification_id"]),
            referral_id=row["referral_id"],
            citizen_id=row["citizen_id"],
            provider=row["provider"],
            recipient="citizen" if row["recipient"] == CITIZEN else "custody-holder",
            channel=row["channel"],
            template=row["template"],
            template_version=row["template_version"],
            cause=row["cause"],
            at=now,
            reason=row["reason"],
        )
    )
    cause = f"{row['notification_id']}/{row['attempts']}/{row['status']}"
    event_id = uuid.UUID(derived_id(cause, 0))
    trace = traceparent_of(row["traceparent"], row["correlation_id"], event_id)
    return [
        (
            *(event_id, event.topic, event.key, event.type, event.subject, now),
            *(event.content_type, row["correlation_id"], trace, event.value),
        )
    ]


async def stay_alive(conn: Connection, sender: int) -> None:
    """Holds this sender's lock on `conn` for as long as the connection lives."""
    await conn.execute("SELECT pg_advisory_lock($1, $2)", _SENDERS, sender)


async def orphans(conn: Connection, alive: Sequence[int]) -> list[uuid.UUID]:
    """Messages in `sending` whose sender is gone: nobody knows whether they were accepted."""
    found: list[uuid.UUID] = []
    for row in await conn.fetch(_ORPHANS, list(alive)):
        sender = row["claimed_by"]
        if await conn.fetchval("SELECT pg_try_advisory_xact_lock($1, $2)", _SENDERS, sender):
            found += await open_of(conn, sender)
    return found


async def open_of(conn: Connection, sender: int) -> list[uuid.UUID]:
    """Messages that a sender has claimed and not settled."""
    return [row["notification_id"] for row in await conn.fetch(_OPEN_OF, sender)]


async def uncertain(
    conn: Connection, channel: Channel, before: datetime, most: int
) -> list[uuid.UUID]:
    """Messages of a channel that have been uncertain since `before`."""
    rows = await conn.fetch(_UNCERTAIN, channel, before, most)
    return [row["notification_id"] for row in rows]
