"""The demo: a morning in May 2022, two hospitals, 200 documents, and the account of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import Final

from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.live import Live

from deploy.cli import kafka
from deploy.demo import view
from deploy.demo.documents import RUDDI_ID, Document, hospitals, morning, municipalities
from deploy.demo.ledger import Ledger, Sent
from deploy.demo.reading import keeping
from deploy.demo.rosters import state_capacity
from deploy.local.stack import ROOT, Stack

# Monday 23 May 2022, when KL's published story of Ruddi begins.
DAY: Final = date(2022, 5, 23)
CLOCK: Final = "2022-05-23T08:30:00+02:00"
WEEKS: Final = 8  # of capacity that the roster systems state
QUIET: Final = 2.0  # seconds without news before the account is closed
CLUSTER_FILE: Final = ROOT / "deploy" / "topics.toml"
MUNICIPALITIES: Final = ROOT / "deploy" / "municipalities"

Show = Callable[[str], None]


class Demo:
    """One run on a stack that is up and empty."""

    def __init__(self, stack: Stack, console: Console, *, seed: int, count: int) -> None:
        self._stack = stack
        self._console = console
        self._senders = hospitals(CLUSTER_FILE)
        self._documents = morning(seed, count, self._senders, municipalities(MUNICIPALITIES), DAY)
        self.ledger = Ledger()

    async def run(self, *, pace: float, seconds: float) -> bool:
        """Publishes everything and waits for the account to close.

        `pace`: documents a second. `seconds`: how long to wait after the last document. True when
        every document is accounted for and every promise was held.
        """
        for source, weeks in (await state_capacity(self._stack, DAY, WEEKS)).items():
            self._console.print(f"{source}: {weeks} weeks of capacity stated")
        async with AsyncExitStack() as stack:
            for principal, topics in self._readers().items():
                access = self._stack.connections.access(principal)
                await stack.enter_async_context(keeping(self.ledger, access, topics))
            producers = {
                hospital.sor: await stack.enter_async_context(
                    kafka.writer(self._stack.connections.access(f"hospital-{hospital.sor}"))
                )
                for hospital in self._senders
            }
            async with self._showing() as show:
                await self._publish(producers, pace, show)
                closed = await self._settled(seconds, show)
        self._console.print()
        self._console.print(
            view.account(self.ledger, len(self._documents), self.ledger.story_of(RUDDI_ID))
        )
        promises, held = view.promises(self.ledger)
        self._console.print(promises)
        for line in self.ledger.open()[:20]:
            self._console.print(f"Not accounted for: {line}", style="bold red")
        return closed and held

    def _readers(self) -> Mapping[str, list[str]]:
        """Who reads what for the ledger: each hospital its own answers, operators the rest."""
        own = {
            f"hospital-{hospital.sor}": [
                f"hospital.{hospital.sor}.receipts",
                f"hospital.{hospital.sor}.status",
            ]
            for hospital in self._senders
        }
        dead = [f"{service}.dead-letters" for service in self._stack.services]
        return {**own, "ops": ["referrals", "training", "notifications", *dead]}

    async def _publish(
        self, producers: Mapping[str, AIOKafkaProducer], pace: float, show: Show
    ) -> None:
        started = time.monotonic()
        for number, document in enumerate(self._documents):
            topic = f"hospital.{document.hospital}.referrals"
            headers = list(document.headers)
            if document.content_type is not None:
                headers.append(("content-type", document.content_type.encode()))
            placed = await producers[document.hospital].send_and_wait(
                topic, document.value, key=(document.document_id or "").encode(), headers=headers
            )
            self.ledger.sent.append(_sent(document, f"{topic}/0/{placed.offset}", placed.timestamp))
            show("The hospitals are sending.")
            due = started + (number + 1) / pace
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _settled(self, seconds: float, show: Show) -> bool:
        """Waits until the account can be closed and nothing new has come for a moment."""
        end = time.monotonic() + seconds
        records, since = self.ledger.records, time.monotonic()
        while time.monotonic() < end:
            open_ = self.ledger.open()
            show(f"Waiting for {len(open_)} more." if open_ else "All is accounted for.")
            await asyncio.sleep(0.1)
            if self.ledger.records != records:
                records, since = self.ledger.records, time.monotonic()
            elif not open_ and time.monotonic() - since > QUIET:
                return True
        return False

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


def _sent(document: Document, origin: str, at: int) -> Sent:
    return Sent(
        hospital=document.hospital,
        origin=origin,
        document_id=document.document_id,
        expected=document.expected,
        element=document.element,
        story=document.story,
        at=at,
    )
