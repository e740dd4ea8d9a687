"""The demo: a morning in May 2022, two hospitals, 200 documents, and the account of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Final

from rich.console import Console
from rich.live import Live

from deploy.demo import view
from deploy.demo.documents import RUDDI_ID, hospitals, morning, municipalities
from deploy.demo.ledger import Ledger
from deploy.demo.reading import Watch, watching
from deploy.demo.rosters import state_capacity
from deploy.local.stack import Stack

# Monday 23 May 2022, when KL's published story of Ruddi begins.
DAY: Final = date(2022, 5, 23)
CLOCK: Final = "2022-05-23T08:30:00+02:00"
WEEKS: Final = 8  # of capacity that the roster systems state
QUIET: Final = 2.0  # seconds without news before the account is closed

Show = Callable[[str], None]


class Demo:
    """One run on a stack that is up and empty."""

    def __init__(self, stack: Stack, console: Console, *, seed: int, count: int) -> None:
        self._stack = stack
        self._console = console
        senders = hospitals(stack.cluster_file)
        self._documents = morning(seed, count, senders, municipalities(stack.municipalities), DAY)
        self.ledger = Ledger()

    async def run(self, *, pace: float, seconds: float) -> bool:
        """Publishes everything and waits for the account to close.

        `pace`: documents a second. `seconds`: how long to wait after the last document. True when
        every document is accounted for and every promise was held.
        """
        for source, weeks in (await state_capacity(self._stack, DAY, WEEKS)).items():
            self._console.print(f"{source}: {weeks} weeks of capacity stated")
        async with watching(self._stack) as watch:
            self.ledger = watch.ledger
            async with self._showing() as show:
                await self._publish(watch, pace, show)
                closed = await self._settled(watch, seconds, show)
        self._console.print()
        self._console.print(
            view.account(self.ledger, len(self._documents), self.ledger.story_of(RUDDI_ID))
        )
        promises, held = view.promises(self.ledger)
        self._console.print(promises)
        for line in self.ledger.open()[:20]:
            self._console.print(f"Not accounted for: {line}", style="bold red")
        return closed and held

    async def _publish(self, watch: Watch, pace: float, show: Show) -> None:
        started = time.monotonic()
        for number, document in enumerate(self._documents, start=1):
            await watch.send(document)
            show("The hospitals are sending.")
            await asyncio.sleep(max(0.0, started + number / pace - time.monotonic()))

    async def _settled(self, watch: Watch, seconds: float, show: Show) -> bool:
        """Waits until the account can be closed and nothing new has come for a moment."""

        def closed() -> bool:
            open_ = self.ledger.open()
            show(f"Waiting for {len(open_)} more." if open_ else "All is accounted for.")
            return not open_

        try:
            async with asyncio.timeout(seconds):
                records = -1
                while records != self.ledger.records:
                    await watch.until(closed)
                    records = self.ledger.records
                    await asyncio.sleep(QUIET)
        except TimeoutError:
            return False
        return True

    @asynccontextmanager
    async def _showing(self) -> AsyncIterator[Show]:
        """Redraws the picture on a terminal; prints a line a second anywhere else."""
        total = len(self._documents)
        if self._console.is_terminal:
            with Live(console=self._console, refresh_per_second=8) as live:
                yield lambda note: live.update(view.live(self.ledger, total, note))
            return
        last = 0.0

        def line(note: str) -> None:
            nonlocal last
            if time.monotonic() - last >= 1:
                last = time.monotonic()
                self._console.print(f"{note} {view.plain(self.ledger)}")

        yield line
