"""What handlers load and save: set-based SQL, one statement for a whole batch."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from services.notifications.message import (
    Draft,
    Facts,
    Past,
    Reach,
    Status,
    Template,
)

if TYPE_CHECKING:
    from shared.database import Connection

FACTS: Final = TypeAdapter(Facts)
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:notifications")

_REACH: Final = """
SELECT citizen_id, has_email, has_mobile, deceased, false AS erased
FROM contact WHERE citizen_id = ANY($1)
UNION ALL
SELECT citizen_id, false, false, false, true FROM erased_citizen WHERE citizen_id = ANY($1)
"""
# Sorted, so that two batches that wait for each other's citizens do it in one order.
_LOCK_CITIZENS: Final = """
SELECT pg_advisory_xact_lock(hashtextextended(id, 7))
FROM (SELECT unnest($1::text[]) AS id ORDER BY 1) AS ids
"""
_PAST: Final = """
SELECT notification_id::text, referral_id, cause, template, status, order_id, session_id, revision,
       first_contact, facts
FROM message WHERE referral_id = ANY($1) AND recipient = 'citizen'
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
SELECT r, c, $3 FROM unnest($1::text[], $2::text[]) AS n(r, c) ON CONFLICT DO NOTHING
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
_SAVE_CONTACTS: Final = """
INSERT INTO contact AS c
    (citizen_id, sealed, version, has_email, has_mobile, deceased, updated_at)
SELECT *, $7 FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bool[], $5::bool[], $6::bool[])
ON CONFLICT (citizen_id) DO UPDATE SET sealed = excluded.sealed, version = excluded.version,
    has_email = excluded.has_email, has_mobile = excluded.has_mobile,
    deceased = excluded.deceased, updated_at = excluded.updated_at
WHERE c.version <= excluded.version
"""
_CANCEL_OF_CITIZENS: Final = """
UPDATE message SET status = 'cancelled', reason = $2, status_at = $3
WHERE citizen_id = ANY($1) AND status = 'created'
"""


def notification_id(cause: str, template: str, recipient: str) -> uuid.UUID:
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
    def id(self) -> uuid.UUID:
        """The notification's id."""
        draft = self.draft
        return notification_id(draft.about.cause, draft.template, draft.recipient)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContact:
    """A contact as it is stored, with the flags that decisions need."""

    citizen_id: str
    sealed: bytes
    version: int
    reach: Reach


async def lock_citizens(conn: Connection, citizen_ids: Iterable[str]) -> None:
    """Lets nobody else record, erase or park for these citizens until the transaction ends.

    Without it a message could be parked just after the contact it waits for has released what
    waits: each transaction would not see the other's row.
    """
    await conn.execute(_LOCK_CITIZENS, sorted(set(citizen_ids)))


async def reach_of(conn: Connection, citizen_ids: Iterable[str]) -> dict[str, Reach]:
    """What is known of these citizens; the unknown are absent. No contact is opened."""
    rows = await conn.fetch(_REACH, list(set(citizen_ids)))
    return {
        row["citizen_id"]: Reach(
            email=row["has_email"],
            mobile=row["has_mobile"],
            deceased=row["deceased"],
            erased=row["erased"],
        )
        for row in rows
    }


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


async def past_of(conn: Connection, referral_ids: Iterable[str]) -> dict[str, list[Past]]:
    """The citizens' messages by referral, oldest revision first; locked against the sender."""
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


async def closed_referrals(conn: Connection, referral_ids: Iterable[str]) -> frozenset[str]:
    """Which of these referrals the hospital has taken back."""
    rows = await conn.fetch(
        "SELECT referral_id FROM closed_referral WHERE referral_id = ANY($1)",
        list(set(referral_ids)),
    )
    return frozenset(row["referral_id"] for row in rows)


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


async def cancel_messages(conn: Connection, reasons: dict[str, str], now: datetime) -> None:
    """Takes messages back (notification id → reason) that nobody has begun to send."""
    if reasons:
        await conn.execute(_CANCEL, sorted(reasons), [reasons[k] for k in sorted(reasons)], now)


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
        now,
    )
    await conn.execute(
        "DELETE FROM erased_citizen WHERE citizen_id = ANY($1)",
        [contact.citizen_id for contact in contacts],
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
