"""SQL over the orders that have come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from services.scheduling.history import MOST, WEEKS, Came
from services.scheduling.incoming import OrderIn, order_of

if TYPE_CHECKING:
    from shared.database import Connection

_CAME: Final = """
SELECT came, body FROM placed_order WHERE provider = $1 AND came >= $2 AND came < $3
ORDER BY came DESC, order_id LIMIT $4"""


async def came(conn: Connection, provider: str, today: date) -> list[Came]:
    """The orders that came to a provider in the weeks before a day."""
    since = today - timedelta(weeks=WEEKS)
    rows = await conn.fetch(_CAME, provider, since, today, MOST)
    return [Came(row["came"], order_of(OrderIn.model_validate_json(row["body"]))) for row in rows]
