"""Our own topic read back: what a database restored from a backup has forgotten.

The log survives what a database loses. After a restore the same news makes the same messages
again, with the same ids; what the log says of them counts, so nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pydantic import ValidationError

from services.notifications.events import MODELS, Outcome
from services.notifications.incoming import named_faults
from services.notifications.message import Status
from shared.envelope import Message
from shared.handling import Applied, Dead, Unit
from shared.handling import Outcome as Handled

if TYPE_CHECKING:
    from shared.database import Connection

_STATUS: Final = {
    "dk.genvej.notification.sent.v1": Status.SENT,
    "dk.genvej.notification.failed.v1": Status.FAILED,
    "dk.genvej.notification.uncertain.v1": Status.UNCERTAIN,
}
# In a database that was never restored, rows are at least as far as their echoes: no row matches.
_KEEP: Final = """
INSERT INTO echo AS e (notification_id, status, reason, channel, at)
SELECT id, status, reason, channel, at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS n(id, status, reason, channel, at)
WHERE NOT EXISTS (SELECT FROM message m WHERE m.notification_id = n.id)
ON CONFLICT (notification_id) DO UPDATE SET status = excluded.status, reason = excluded.reason,
    channel = excluded.channel, at = excluded.at
WHERE e.at <= excluded.at
"""
_OVERTAKE: Final = """
UPDATE message m SET status = n.status, reason = n.reason, status_at = n.at,
    channel = coalesce(n.channel, m.channel)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS n(id, status, reason, channel, at)
WHERE m.notification_id = n.id AND m.status IN ('created', 'cancelled', 'uncertain')
    AND m.status <> n.status AND (m.attempts = 0 OR m.status_at < n.at)
"""


async def echoes(unit: Unit, messages: Sequence[Message], /) -> list[Handled]:
    """Topic `notifications`, our own: nothing is published or sent for what it says."""
    outcomes: list[Handled] = [Applied()] * len(messages)
    latest: dict[UUID, tuple[Status, Outcome]] = {}
    for number, message in enumerate(messages):
        model = MODELS.get(message.type)
        if model is None:
            continue
        try:
            said = model.model_validate_json(message.value or b"")
            message_id = UUID(said.notification_id)
        except ValidationError as error:
            outcomes[number] = Dead(reason=f"{message.type}: {named_faults(error)}")
            continue
        except ValueError:
            outcomes[number] = Dead(reason=f"{message.type}: notification_id: no UUID")
            continue
        if message_id not in latest or latest[message_id][1].at <= said.at:
            latest[message_id] = (_STATUS[message.type], said)
    if latest:
        await _save(unit.conn, latest)
    return outcomes


async def _save(conn: Connection, latest: dict[UUID, tuple[Status, Outcome]]) -> None:
    rows: list[tuple[UUID, str, str | None, str | None, datetime]] = [
        (message_id, status, said.reason, said.channel, said.at)
        for message_id, (status, said) in sorted(latest.items())
    ]
    columns = list(zip(*rows, strict=True))
    await conn.execute(_KEEP, *columns)
    await conn.execute(_OVERTAKE, *columns)
