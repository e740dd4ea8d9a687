"""What the service counts of its own work; no identifiers as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:
    from shared.runtime import Runtime


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

    async def show(self, runtime: Runtime) -> None:
        """A task of the runtime: it brings its own registry."""
        self.register(runtime.telemetry.registry)
