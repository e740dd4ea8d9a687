"""What runs beside the sending: gauges, and forgetting what settled messages told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.notifications.metrics import Metrics
from shared.repeating import repeat

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.runtime import Runtime

_PAUSE: Final = 5.0
_MOST: Final = 5_000
_FORGET: Final = """
UPDATE message SET facts = '{}' WHERE notification_id IN (
    SELECT notification_id FROM message
    WHERE expires_at < $1 AND facts <> '{}' AND status IN ('sent', 'failed', 'cancelled') LIMIT $2)
"""


async def forget_facts(conn: Connection, before: datetime) -> int:
    """Clears what messages told that were settled and are past since `before`; returns how many."""
    done: str = await conn.execute(_FORGET, before, _MOST)
    return int(done.rsplit(" ", 1)[-1])


async def maintain(runtime: Runtime, metrics: Metrics, keep: timedelta) -> None:
    """Until the runtime stops. A database that is away is waited for."""

    async def once() -> None:
        now = runtime.clock.now()
        async with runtime.pool.acquire() as conn:
            await metrics.measure(conn, now)
            await forget_facts(conn, now - keep)

    await repeat("maintenance", _PAUSE, once, runtime.stopping, runtime.telemetry)
