"""What the gateway counts; no sender as a label."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter

ANSWERS: Final = (
    "receipt",
    "accepted",
    "unauthorised",
    "too-large",
    "empty",
    "too-many",
    "unavailable",
)


class Metrics:
    """Counters of requests by answer, and of dropped files by what became of them."""

    def __init__(self) -> None:
        self._requests = Counter(
            "genvej_gateway_requests",
            f"Documents over HTTP by answer: {', '.join(ANSWERS)}",
            ["answer"],
            registry=None,
        )
        self._files = Counter(
            "genvej_gateway_files",
            "Documents of the drop folders: sent, answered, refused",
            ["outcome"],
            registry=None,
        )

    def request(self, answer: str) -> None:
        """A request was answered."""
        self._requests.labels(answer).inc()

    def file(self, outcome: str) -> None:
        """Something became of a file."""
        self._files.labels(outcome).inc()

    def register(self, registry: CollectorRegistry) -> None:
        """Shows the counters on /metrics."""
        registry.register(self._requests)
        registry.register(self._files)
