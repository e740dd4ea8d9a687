"""What handlers load and save: set-based SQL, one statement for a whole batch."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import TypeAdapter

from services.notifications.message import (
    Draft,
    Facts,
    Past,
    Status,
    Template,
)

if TYPE_CHECKING:
    from shared.database import Connection

FACTS: Final = TypeAdapter(Facts)
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:notifications")

_PAST: Final = """
SELECT notification_id::text, referral_id, cause, template, status, order_id, session_id, revision,
       first_contact, facts, recipient, reason, expires_at
FROM message WHERE referral_id = ANY($1)
ORDER BY notification_id FOR UPDATE
"""
_NOTES: Final = """
SELECT order_id, bedside, withdrawn FROM order_note WHERE order_id = ANY($1)
"""
_SAVE_NOTES: Final = """
INSERT INTO order_note AS o (order_id, bedside, withdrawn)
SELECT order_id, bool_or(bedside), bool_or(withdrawn)
FROM unnest($1::text[], $2::bool[], $3::bool[]) AS n(order_id, bedside, withdrawn)
GROUP BY order_id ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE
SET bedside = o.bedside OR excluded.bedside, withdrawn = o.withdrawn OR excluded.withdrawn
"""
_SAVE_CLOSED: Final = """
INSERT INTO closed_referral (referral_id, reason, closed_at)
SELECT r, c, $3 FROM unnest($1::text[], $2::text[]) AS n(r, c)
ON CONFLICT (referral_id) DO UPDATE SET reason = excluded.reason, closed_at = excluded.closed_at
WHERE closed_referral.reason <> excluded.reason
"""
_INSERT: Final = """
INSERT INTO message (notification_id, cause, template, template_version, recipient, citizen_id,
    referral_id, provider, order_id, session_id, revision, first_contact, urgent, facts, channel,
    status, reason, due_at, expires_at, correlation_id, traceparent, created_at, status_at)
SELECT n.id, n.cause, n.template, n.version, n.recipient, n.citizen, n.referral, n.provider,
    n.order_id, n.session_id, n.revision, n.first_contact, n.urgent, n.facts,
    coalesce(e.channel, n.channel), coalesce(e.status, n.status),
    CASE WHEN e.status IS NULL THEN n.reason ELSE e.reason END,
    n.due, n.expires, n.correlation, n.trace, $22, coalesce(e.at, $22)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[],
    $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bool[],
    $13::bool[], $14::bytea[], $15::text[], $16::text[], $17::text[], $18::timestamptz[],
    $19::timestamptz[], $20::text[], $21::text[])
    AS n(id, cause, template, version, recipient, citizen, referral, provider, order_id,
         session_id, revision, first_contact, urgent, facts, channel, status, reason, due, expires,
         correlation, trace)
LEFT JOIN echo e ON e.notification_id = n.id
ON CONFLICT (cause, template, recipient) DO NOTHING
"""
_CANCEL: Final = """
UPDATE message m SET status = 'cancelled', reason = c.reason, status_at = $3
FROM unnest($1::uuid[], $2::text[]) AS c(id, reason)
WHERE m.notification_id = c.id AND m.status = 'created'
"""
# A plan that turns out to be a bedside one lets go of what quiet hours hold.
_HURRY: Final = """
UPDATE message SET urgent = true, due_at = least(due_at, $2)
WHERE order_id = ANY($1) AND status = 'created' AND NOT urgent AND attempts = 0
"""


def notification_id(cause: str, template: str, recipient: str) -> UUID:
    """The id of a message; a second run over the same events gives it again."""
    return uuid.uuid5(_NAMESPACE, f"{cause}/{template}/{recipient}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A draft with what only the surroundings know."""

    draft: Draft
    template_version: int
    correlation_id: str
    traceparent: str

    @property
    def id(self) -> UUID:
        """The notification's id."""
        draft = self.draft
        return notification_id(draft.about.cause, draft.template, draft.recipient)


async def past_of(conn: Connection, referral_ids: Iterable[str]) -> dict[str, list[Past]]:
    """All messages by referral, oldest revision first; locked against the sender."""
    found: dict[str, list[Past]] = {}
    for row in await conn.fetch(_PAST, list(set(referral_ids))):
        past = Past(
            notification_id=row["notification_id"],
            cause=row["cause"],
            template=Template(row["template"]),
            status=Status(row["status"]),
            order_id=row["order_id"],
            session_id=row["session_id"],
            revision=row["revision"],
            first_contact=row["first_contact"],
            slot=FACTS.validate_json(row["facts"]).slot,
            recipient=row["recipient"],
            reason=row["reason"],
            expires=row["expires_at"],
        )
        found.setdefault(row["referral_id"], []).append(past)
    for messages in found.values():
        messages.sort(key=lambda past: past.revision)
    return found


async def order_notes(
    conn: Connection, order_ids: Iterable[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """Which of these orders are bedside ones, and which are withdrawn."""
    rows = await conn.fetch(_NOTES, list(set(order_ids)))
    return (
        frozenset(row["order_id"] for row in rows if row["bedside"]),
        frozenset(row["order_id"] for row in rows if row["withdrawn"]),
    )


async def closed_referrals(conn: Connection, referral_ids: Iterable[str]) -> dict[str, str]:
    """Which of these referrals have ended, and why."""
    rows = await conn.fetch(
        "SELECT referral_id, reason FROM closed_referral WHERE referral_id = ANY($1)",
        list(set(referral_ids)),
    )
    return {row["referral_id"]: row["reason"] for row in rows}


async def echoed(conn: Connection, ids: Callable[[], Iterable[UUID]]) -> dict[UUID, Status]:
    """What our own log says of messages that we are about to make; `ids` is asked only if need be.

    Nothing, in a database that was never restored from a backup.
    """
    if not await conn.fetchval("SELECT EXISTS (SELECT FROM echo)"):
        return {}
    rows = await conn.fetch(
        "SELECT notification_id, status FROM echo WHERE notification_id = ANY($1)", list(ids())
    )
    return {row["notification_id"]: Status(row["status"]) for row in rows}


async def save_order_notes(
    conn: Connection, bedside: Sequence[str], withdrawn: Sequence[str], now: datetime
) -> None:
    """Remembers what is out of the ordinary about orders, whenever their sessions come."""
    orders = [*bedside, *withdrawn]
    if orders:
        at_bedside = [number < len(bedside) for number in range(len(orders))]
        await conn.execute(_SAVE_NOTES, orders, at_bedside, [not flag for flag in at_bedside])
    if bedside:
        await conn.execute(_HURRY, bedside, now)


async def save_closed(conn: Connection, reasons: dict[str, str], now: datetime) -> None:
    """Remembers which referrals were taken back."""
    if reasons:
        await conn.execute(_SAVE_CLOSED, list(reasons), list(reasons.values()), now)


async def reopen(conn: Connection, referral_ids: Sequence[str]) -> None:
    """Forgets that these referrals were closed."""
    if referral_ids:
        await conn.execute(
            "DELETE FROM closed_referral WHERE referral_id = ANY($1)", list(referral_ids)
        )


async def move_messages(conn: Connection, citizens: dict[str, str]) -> None:
    """Referrals whose citizen is another now (referral id → citizen id): so are their messages."""
    if citizens:
        await conn.execute(
            """UPDATE message m SET citizen_id = n.citizen
               FROM unnest($1::text[], $2::text[]) AS n(referral, citizen)
               WHERE m.referral_id = n.referral AND m.citizen_id <> n.citizen""",
            list(citizens),
            list(citizens.values()),
        )


async def insert_messages(conn: Connection, messages: Sequence[NewMessage], now: datetime) -> None:
    """Writes messages; one of the same cause, template and recipient stays as it is."""
    if not messages:
        return
    rows = [
        (
            message.id,
            draft.about.cause,
            draft.template,
            message.template_version,
            draft.recipient,
            draft.about.citizen_id,
            draft.about.referral_id,
            draft.about.provider,
            draft.order_id,
            draft.session_id,
            draft.revision,
            draft.first_contact,
            draft.urgent,
            FACTS.dump_json(draft.facts, exclude_defaults=True),
            draft.channel,
            draft.status,
            draft.reason,
            draft.due,
            draft.expires,
            message.correlation_id,
            message.traceparent,
        )
        for message in messages
        for draft in [message.draft]
    ]
    await conn.execute(_INSERT, *zip(*rows, strict=True), now)


async def revive_messages(conn: Connection, ids: Sequence[str], now: datetime) -> None:
    """Lets messages be sent after all that were taken back for a referral's end."""
    if ids:
        await conn.execute(
            """UPDATE message SET status = 'created', reason = NULL, due_at = $2, status_at = $2
               WHERE notification_id = ANY($1::uuid[]) AND status = 'cancelled'""",
            sorted(ids),
            now,
        )


async def cancel_messages(conn: Connection, reasons: dict[str, str], now: datetime) -> None:
    """Takes messages back (notification id → reason) that nobody has begun to send."""
    if reasons:
        await conn.execute(_CANCEL, sorted(reasons), [reasons[k] for k in sorted(reasons)], now)
