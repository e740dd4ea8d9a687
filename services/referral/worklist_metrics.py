"""How many entries of the worklist are open, and how old the oldest is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from services.referral import store_worklist
from services.referral.metrics import Metrics

if TYPE_CHECKING:
    from shared.runtime import Runtime

_EVERY: Final = 15.0


def watch_worklist(metrics: Metrics) -> Callable[[Runtime], Awaitable[None]]:
    """A task that looks at the worklist again and again."""

    async def worklist(runtime: Runtime) -> None:
        while not runtime.stopping.is_set():
            async with runtime.pool.acquire() as conn:
                ages = await store_worklist.ages(conn)
            metrics.worklist(ages, runtime.clock.now())
            runtime.telemetry.well("worklist")
            await runtime.pause(_EVERY)

    return worklist
