"""Looks again at parked messages: when what they wait for came, and at growing intervals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from shared import ledger
from shared.crypto import Unreadable
from shared.draft import Entry
from shared.faults import back_off, describe
from shared.waiting import is_set
from shared.wire import unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from shared.batch import Batches
    from shared.clock import Clock
    from shared.crypto import Vault
    from shared.database import Row
    from shared.deadletters import DeadLetters
    from shared.telemetry import Telemetry

_MOST: Final = 200
_POLL: Final = 1.0


class Parking:
    """Hands due parked messages to their handlers again, in the order in which they arrived.

    A release that commits while a message is being parked is missed by nobody: the message is
    looked at again two seconds later, and then ever more seldom.
    """

    def __init__(
        self,
        *,
        pool: asyncpg.Pool[asyncpg.Record],
        clock: Clock,
        vault: Vault,
        batches: Batches,
        telemetry: Telemetry,
        handler_name: Callable[[str], str],
        dead_letters: DeadLetters,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._vault = vault
        self._batches = batches
        self._telemetry = telemetry
        self._handler_name = handler_name
        self._dead_letters = dead_letters
        self._one_at_a_time = asyncio.Lock()

    async def work(self, abandon: asyncio.Event | None = None) -> int:
        """Handles everything that is due now; returns how many messages were looked at."""
        looked_at = 0
        async with self._one_at_a_time:
            while True:
                async with self._pool.acquire() as conn:
                    rows = await ledger.due_parked(conn, self._clock.now(), most=_MOST)
                if not rows:
                    return looked_at
                entries = []
                for row in rows:
                    with contextlib.suppress(Unreadable):
                        entries.append(self._entry(row))
                if len(entries) < len(rows):
                    self._telemetry.trouble("parked", "a vault key is missing")
                if not entries:
                    return looked_at
                results = await self._batches.apply(entries, abandon=abandon)
                looked_at += sum(result.applied for result in results)
                if len(rows) < _MOST or not any(result.applied for result in results):
                    return looked_at

    def _entry(self, row: Row) -> Entry:
        message, cause = unpack(self._vault.open(row["sealed"], row["cause"])), row["cause"]
        return Entry(
            message,
            cause,
            self._handler_name(message.topic),
            key=self._dead_letters.key(message, cause),
            attempt=row["attempt"],
            parked_id=row["id"],
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Works until stop; failures are transient, retried and visible."""
        attempt = 0
        while not stop.is_set():
            wait = _POLL
            try:
                await self.work(stop)
                await self._dead_letters.drain_resolved()
                self._telemetry.well("parked")
                attempt = 0
            except Exception as error:  # noqa: BLE001 - the rows stay; the next round tries again
                if not stop.is_set():
                    self._telemetry.trouble("parked", describe(error))
                wait = back_off(attempt, first=_POLL)
                attempt += 1
            await is_set(stop, wait)
