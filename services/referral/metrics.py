"""What the service counts of its own work; no identifiers as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.referral import store_dialogue
from shared.repeating import repeat

if TYPE_CHECKING:
    from shared.runtime import Runtime

MEASURED_EVERY: Final = 15.0
"""Seconds between two looks at what waits in the database."""


class Metrics:
    """Documents by what became of them, what the clock said, and the worklist."""

    def __init__(self) -> None:
        self._documents = Counter(
            "genvej_referral_documents",
            "Documents by outcome: accepted, correction, revocation, refused, duplicate, waiting, "
            "unreadable",
            ["outcome"],
            registry=None,
        )
        self._clock = Counter(
            "genvej_referral_clock",
            "What the statutory clock said: at-risk, missed, and free choice by its reason",
            ["event"],
            registry=None,
        )
        self._unread = Gauge(
            "genvej_referral_threads_unread",
            "Conversations with hospitals that hold something nobody here has read",
            registry=None,
        )
        self._oldest_unread = Gauge(
            "genvej_referral_threads_unread_oldest_seconds",
            "How long the oldest unread message of a hospital waits",
            registry=None,
        )

        self._entries = Gauge(
            "genvej_referral_worklist_open",
            "Entries that wait for a human, by reason",
            ["reason"],
            registry=None,
        )
        self._oldest = Gauge(
            "genvej_referral_worklist_oldest_seconds",
            "How long the oldest open entry has waited, by reason",
            ["reason"],
            registry=None,
        )
        self._reasons: set[str] = set()

    def documents(self, counts: Mapping[str, int]) -> None:
        """Adds a committed batch's documents."""
        for outcome, number in counts.items():
            self._documents.labels(outcome).inc(number)

    def clock(self, counts: Mapping[str, int]) -> None:
        """Adds what a committed batch made the clock say."""
        for event, number in counts.items():
            self._clock.labels(event).inc(number)

    def worklist(self, ages: Iterable[tuple[str, int, datetime]], now: datetime) -> None:
        """Takes (reason, open entries, since when the oldest); what is not named is empty."""
        found = {reason: (entries, oldest) for reason, entries, oldest in ages}
        self._reasons |= set(found)
        for reason in self._reasons:
            entries, oldest = found.get(reason, (0, now))
            self._entries.labels(reason).set(entries)
            self._oldest.labels(reason).set(max((now - oldest).total_seconds(), 0.0))

    def register(self, registry: CollectorRegistry) -> None:
        """Shows the counters on /metrics."""
        registry.register(self._documents)
        registry.register(self._clock)
        registry.register(self._entries)
        registry.register(self._oldest)
        registry.register(self._unread)
        registry.register(self._oldest_unread)

    def unread(self, threads: int, since: datetime | None, now: datetime) -> None:
        """Sets how many threads hold something unread, and for how long."""
        self._unread.set(threads)
        age = (now - since).total_seconds() if since is not None else 0.0
        self._oldest_unread.set(max(0.0, age))

    async def show(self, runtime: Runtime) -> None:
        """A task of the runtime: it brings its own registry, and what is measured now and then."""
        self.register(runtime.telemetry.registry)

        async def look() -> None:
            async with runtime.pool.acquire() as conn:
                threads, since = await store_dialogue.unread(conn)
            self.unread(threads, since, runtime.clock.now())

        await repeat("metrics", MEASURED_EVERY, look, runtime.stopping, runtime.telemetry)
