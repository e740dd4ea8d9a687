"""How many entries of the worklist are open, and how old the oldest is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from services.referral import store_worklist
from services.referral.metrics import MEASURED_EVERY, Metrics
from shared.repeating import repeat

if TYPE_CHECKING:
    from shared.runtime import Runtime


def watch_worklist(metrics: Metrics) -> Callable[[Runtime], Awaitable[None]]:
    """A task that looks at the worklist again and again."""

    async def worklist(runtime: Runtime) -> None:
        async def look() -> None:
            async with runtime.pool.acquire() as conn:
                ages = await store_worklist.ages(conn)
            metrics.worklist(ages, runtime.clock.now())

        await repeat("worklist", MEASURED_EVERY, look, runtime.stopping, runtime.telemetry)

    return worklist
