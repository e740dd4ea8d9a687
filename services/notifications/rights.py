"""A citizen's rights here: what is kept about them, and who has opened their contact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from shared.crypto import Vault
from shared.endpoints import Call, Endpoint, Refused

if TYPE_CHECKING:
    from shared.database import Row
    from shared.handling import Unit

ROLES: Final = frozenset({"privacy"})
MOST: Final = 5000

_MESSAGES: Final = """
SELECT notification_id, template, template_version, recipient, referral_id, order_id, session_id,
       provider, channel, status, reason, attempts, created_at, due_at, status_at
FROM message WHERE citizen_id = $1 ORDER BY created_at, notification_id
"""
_LOG: Final = """
SELECT a.at, a.actor, a.action, a.citizen_id, a.notification_id FROM contact_access a
WHERE ($1::text IS NULL OR a.citizen_id = $1) AND ($2::text IS NULL OR a.actor = $2)
  AND a.at >= $3 AND a.at < $4
  AND ($5 = '*' OR EXISTS (SELECT FROM message m
                           WHERE m.citizen_id = a.citizen_id AND m.provider = $5))
ORDER BY a.at DESC LIMIT $6
"""
_OPENED: Final = """
INSERT INTO contact_access (at, actor, action, citizen_id) VALUES ($1, $2, $3, $4)
"""


@dataclass(frozen=True, slots=True)
class Rights:
    """The endpoints. A member of staff sees citizens who were told something of their provider."""

    vault: Vault

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(method="GET", path="/citizens/{id}/data", handler=self.data, roles=ROLES),
            Endpoint(method="GET", path="/access-log", handler=self.log, roles=ROLES),
        )

    async def data(self, unit: Unit, call: Call) -> object:
        """Everything that this service keeps about a citizen; that it was read is logged."""
        mine = call.path["id"]
        messages = await unit.conn.fetch(_MESSAGES, mine)
        theirs = [row for row in messages if call.staff.works_for(row["provider"])]
        if messages and not theirs:
            raise Refused(404, "no citizen of your provider has this id")
        row = await unit.conn.fetchrow("SELECT * FROM contact WHERE citizen_id = $1", mine)
        contact = None
        if row is not None and (theirs or call.staff.works_for("*")):
            await unit.conn.execute(
                _OPENED, unit.now, f"staff:{call.staff.id}", "citizen.export", mine
            )
            contact = orjson.loads(self.vault.open(row["sealed"], mine))
        log = await unit.conn.fetch(_LOG, mine, None, *_span(call), "*", MOST)
        return {
            "service": "notifications",
            "citizen_id": mine,
            "contact": contact,
            "messages": [dict(message) for message in theirs],
            "access_log": [_entry(entry) for entry in log],
        }

    async def log(self, unit: Unit, call: Call) -> object:
        """Who has opened whose contact: `?citizen=` or `?user=`, `&since=`, `&until=`."""
        citizen, user = call.query.get("citizen"), call.query.get("user")
        if (citizen is None) == (user is None):
            raise Refused(422, "ask for one of citizen and user")
        actors = user if user is None or ":" in user else f"staff:{user}"
        provider = call.staff.provider
        rows = await unit.conn.fetch(_LOG, citizen, actors, *_span(call), provider, MOST)
        return [_entry(row) for row in rows]


def _span(call: Call) -> tuple[datetime, datetime]:
    """The days of `since` and `until` as instants, generously: UTC days. Raises Refused."""
    first, last = date(1970, 1, 2), date(9000, 1, 1)
    try:
        if since := call.query.get("since"):
            first = date.fromisoformat(since) - timedelta(days=1)
        if until := call.query.get("until"):
            last = date.fromisoformat(until) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Refused(422, "since and until are days: 2022-05-23") from None
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC)


def _entry(row: Row) -> dict[str, Any]:
    return {
        "at": row["at"],
        "service": "notifications",
        "actor": row["actor"],
        "action": row["action"],
        "citizen_id": row["citizen_id"],
        "cause": str(row["notification_id"]) if row["notification_id"] else "",
    }
