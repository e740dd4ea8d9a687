"""SQL that a what-if reads: what is stated and who has come; never who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.scheduling.incoming import CapacityStated, OrderIn, step_of
from services.scheduling.what_if.wire import PastRequest

if TYPE_CHECKING:
    from shared.database import Connection

_WEEKS: Final = """
SELECT DISTINCT ON (location) body FROM location_week WHERE provider = $1
ORDER BY location, week DESC"""
_ORDERS: Final = """
SELECT body, came FROM placed_order WHERE provider = $1 AND came IS NOT NULL ORDER BY order_id"""


async def newest_weeks(conn: Connection, provider: str) -> list[CapacityStated]:
    """The newest stated week of each location."""
    rows = await conn.fetch(_WEEKS, provider)
    return [CapacityStated.model_validate_json(row["body"]) for row in rows]


async def past_requests(conn: Connection, provider: str) -> tuple[list[PastRequest], int]:
    """The provider's first sessions as they were asked for, and how many others there were: those
    at which several people meet.
    """
    found: list[PastRequest] = []
    others = 0
    for row in await conn.fetch(_ORDERS, provider):
        order = OrderIn.model_validate_json(row["body"])
        step = step_of(order.steps[0])
        if step.gathers:
            others += 1
            continue
        found.append(
            PastRequest(
                arrived=row["came"],
                earliest=order.earliest,
                limit=order.limit,
                postcode=order.postcode,
                competences=sorted(step.competences),
                language=order.language,
                vulnerable=order.vulnerable,
                transport=order.transport,
                windows=list(order.windows),
                minutes=step.minutes,
                delivery=step.delivery,
                room=step.room,
                equipment=sorted(step.equipment),
                bedside=order.bedside,
            )
        )
    return found, others
