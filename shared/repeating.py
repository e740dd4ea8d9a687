"""Work that is done again and again beside the reading."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from shared.faults import back_off, describe
from shared.waiting import is_set

if TYPE_CHECKING:
    import asyncio

    from shared.telemetry import Telemetry


async def repeat(
    place: str,
    seconds: float,
    look: Callable[[], Awaitable[Any]],
    stop: asyncio.Event,
    telemetry: Telemetry,
) -> None:
    """Does something every so many `seconds` until `stop`; a failure shows and is retried sooner.

    An open trouble keeps the service from being ready: what is due once an hour must not keep it
    so for an hour.
    """
    attempt = 0
    while not stop.is_set():
        wait = seconds
        try:
            await look()
            telemetry.well(place)
            attempt = 0
        except Exception as error:  # noqa: BLE001 - what watches must not end unseen
            telemetry.trouble(place, describe(error))
            wait = min(seconds, back_off(attempt, first=0.25))
            attempt += 1
        await is_set(stop, wait)
