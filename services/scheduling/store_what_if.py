"""SQL that a what-if reads: what is stated and who has come; never who they are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from services.scheduling.capacity import local_date
from services.scheduling.incoming import CapacityStated, OrderIn, step_of
from services.scheduling.what_if.wire import PastRequest

if TYPE_CHECKING:
    from shared.database import Connection

_WEEKS: Final = """
SELECT DISTINCT ON (location) body FROM location_week WHERE provider = $1
ORDER BY location, week DESC"""
_ORDERS: Final = """
SELECT o.body, min(s.offered_at) AS offered FROM placed_order o
LEFT JOIN session s ON s.order_id = o.order_id
WHERE o.provider = $1 AND coalesce(o.body->>'of', '') = ''
GROUP BY o.order_id, o.body ORDER BY o.order_id"""


async def newest_weeks(conn: Connection, provider: str) -> list[CapacityStated]:
    """The newest stated week of each location."""
    rows = await conn.fetch(_WEEKS, provider)
    return [CapacityStated.model_validate_json(row["body"]) for row in rows]


async def past_requests(conn: Connection, provider: str) -> tuple[list[PastRequest], int]:
    """The provider's first sessions as they were asked for, and how many others there were: those
    at which several people meet.

    An order carries no time of arrival: the day before its earliest, or that of its first offer
    where that came sooner, is taken for it.
    """
    found: list[PastRequest] = []
    others = 0
    for row in await conn.fetch(_ORDERS, provider):
        order = OrderIn.model_validate_json(row["body"])
        step = step_of(order.steps[0])
        if step.gathers:
            others += 1
            continue
        before: date = order.earliest - timedelta(days=1)
        offered = before if row["offered"] is None else local_date(row["offered"])
        found.append(
            PastRequest(
                arrived=min(before, offered),
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
