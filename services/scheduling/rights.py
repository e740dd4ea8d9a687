"""What planning keeps about a citizen, for the citizen: orders and sessions, no name, no address.

Nobody reads a citizen's data here but through what is planned for them, so there is no log of
accesses beside that of calls by staff.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from shared.endpoints import Call, Endpoint, Refused

if TYPE_CHECKING:
    from shared.database import Row
    from shared.handling import Unit

ROLES: Final = frozenset({"privacy"})


async def data(unit: Unit, call: Call) -> object:
    """Everything that this service keeps about a citizen of the member's provider."""
    mine = call.path["id"]
    orders = await unit.conn.fetch(
        "SELECT * FROM placed_order WHERE body ->> 'citizen_id' = $1 ORDER BY order_id", mine
    )
    sessions = await unit.conn.fetch(
        """SELECT * FROM session WHERE citizen_id = $1 OR order_id = ANY($2::text[])
           ORDER BY lower(during), session_id""",
        mine,
        [row["order_id"] for row in orders],
    )
    orders += await unit.conn.fetch(
        "SELECT * FROM supplier_order WHERE citizen_id = $1 ORDER BY order_id", mine
    )
    sessions += await unit.conn.fetch(
        """SELECT * FROM supplier_session WHERE citizen_id = $1
           ORDER BY lower(during), session_id""",
        mine,
    )
    found = [*orders, *sessions]
    theirs = [row for row in found if call.staff.works_for(row["provider"])]
    if found and not theirs:
        raise Refused(404, "no citizen of your provider has this id")
    return {
        "service": "scheduling",
        "citizen_id": mine,
        "orders": [_shown(row) for row in orders if call.staff.works_for(row["provider"])],
        "sessions": [_shown(row) for row in sessions if call.staff.works_for(row["provider"])],
    }


ENDPOINTS: Final = (Endpoint(method="GET", path="/citizens/{id}/data", handler=data, roles=ROLES),)


_JSON: Final = frozenset({"body", "alternatives", "declined", "attendance", "place"})


def _shown(row: Row) -> dict[str, Any]:
    """A row as JSON can say it: spans of time as their two ends, JSON columns as they are."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name == "during":
            shown["start"], shown["end"] = value.lower, value.upper
        elif name in _JSON and isinstance(value, str):
            shown[name] = json.loads(value)
        elif not isinstance(value, bytes):
            shown[name] = value
    return shown
