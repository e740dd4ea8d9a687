"""Waiting on conditions, and ports that nobody listens on: tests never sleep for a time."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import Callable
from typing import Any


async def until(condition: Callable[[], Any], *, seconds: float = 200) -> Any:
    """What the condition (or the coroutine that it gives) says first that is true.

    `seconds` only bounds a test that would never end: a producer may wait a minute for the broker
    to settle what a killed one left open.
    """
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
