"""Waiting with a limit.

`asyncio.wait_for` of Python 3.11 may swallow a cancellation, and a loop around it never ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Awaitable[T]) -> T:
    """The result of `work`. Raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        return await work


async def is_set(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event for at most `seconds`; returns whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
