"""The senders alone, as a process that a test can kill: run with the arguments of `main`."""

from __future__ import annotations

import asyncio
import signal
import sys

import asyncpg

from services.notifications.ports import Wake
from tests.integration.notifications_world import PoolDatabase, senders, transports


async def main(dsn: str, smtp_url: str, sms_url: str) -> None:
    """Sends until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=6) as pool:
        ways = transports(smtp_url, sms_url)
        running = senders(PoolDatabase(pool), ways, Wake(), settle_after_seconds=3600)
        await asyncio.gather(*(sender.run(stop) for sender in running))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
