"""What a human does about messages: `python -m services.notifications uncertain | settle`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from services.notifications import deliveries
from services.notifications.deliveries import Verdict
from services.notifications.message import Status

if TYPE_CHECKING:
    from shared.database import Connection, Row

Outcome = Literal["sent", "failed", "again"]
_STATUS: Final[dict[Outcome, Status]] = {
    "sent": Status.SENT,
    "failed": Status.FAILED,
    "again": Status.CREATED,
}


async def uncertain_messages(conn: Connection) -> Sequence[Row]:
    """Messages that a human must settle, the oldest first; nothing in them names a person."""
    return await conn.fetch(
        """SELECT notification_id, provider, channel, template, referral_id, reason, status_at
           FROM message WHERE status = 'uncertain' ORDER BY status_at"""
    )


async def settle(conn: Connection, message_id: UUID, outcome: Outcome, now: datetime) -> bool:
    """Says what became of an uncertain message; "again" sends it once more.

    False where there is no uncertain message of that id. Run it inside a transaction.
    """
    status = _STATUS[outcome]
    verdict = Verdict(
        id=message_id,
        status=status,
        reason="settled-by-hand",
        due=now if status is Status.CREATED else None,
    )
    moved = await deliveries.record(conn, [verdict], now, source=[Status.UNCERTAIN])
    return moved == 1
