"""What the service counts of its own work; no identifiers as labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter

if TYPE_CHECKING:
    from shared.runtime import Runtime


class Metrics:
    """Counters of documents, by what became of them, and of what the clock said."""

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

    def documents(self, counts: Mapping[str, int]) -> None:
        """Adds a committed batch's documents."""
        for outcome, number in counts.items():
            self._documents.labels(outcome).inc(number)

    def clock(self, counts: Mapping[str, int]) -> None:
        """Adds what a committed batch made the clock say."""
        for event, number in counts.items():
            self._clock.labels(event).inc(number)

    def register(self, registry: CollectorRegistry) -> None:
        """Shows the counters on /metrics."""
        registry.register(self._documents)
        registry.register(self._clock)

    async def show(self, runtime: Runtime) -> None:
        """A task of the runtime: it brings its own registry."""
        self.register(runtime.telemetry.registry)
