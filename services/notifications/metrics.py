"""What Prometheus is told of messages: base units, and no identifiers as labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.notifications.message import Channel, Status

if TYPE_CHECKING:
    from shared.database import Connection

_OPEN = """
SELECT coalesce(channel, 'none') AS channel, status, count(*) AS count,
       extract(epoch FROM $1 - min(CASE status WHEN 'created' THEN due_at ELSE status_at END))
           AS oldest
FROM message WHERE status IN ('created', 'sending', 'uncertain') GROUP BY 1, 2
"""


class Metrics:
    """The service's own metrics; they show once they are attached to a process's registry."""

    def __init__(self) -> None:
        self._attached: CollectorRegistry | None = None
        prefix = "genvej_notifications_"
        self._outcomes = Counter(
            prefix + "outcomes",
            "Messages by what became of them",
            ["channel", "status"],
            registry=None,
        )
        self._delay = Histogram(
            prefix + "delay_seconds",
            "From the writing of a message (or the end of its quiet hours) to its sending",
            ["channel"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 14400),
            registry=None,
        )
        self._open = Gauge(
            prefix + "open",
            "Messages that are not settled",
            ["channel", "status"],
            registry=None,
        )
        self._oldest = Gauge(
            prefix + "oldest_seconds",
            "How long the oldest of them is overdue, under way or uncertain",
            ["channel", "status"],
            registry=None,
        )
        self._awaited = Gauge(
            prefix + "awaited_contacts", "Citizens whose contact has not come", registry=None
        )

    def attach(self, registry: CollectorRegistry) -> None:
        """Registers the metrics; a second call does nothing."""
        if self._attached is None:
            self._attached = registry
            for metric in (self._outcomes, self._delay, self._open, self._oldest, self._awaited):
                registry.register(metric)

    def outcomes(self, channel: Channel, statuses: Iterable[Status]) -> None:
        """Counts what was recorded."""
        for status in statuses:
            self._outcomes.labels(channel, status).inc()

    def sent(self, channel: Channel, seconds: float) -> None:
        """Notes how long a message waited before it was sent."""
        self._delay.labels(channel).observe(max(0.0, seconds))

    async def measure(self, conn: Connection, now: object) -> None:
        """Reads the gauges from the database."""
        self._open.clear()
        self._oldest.clear()
        for row in await conn.fetch(_OPEN, now):
            labels = (row["channel"], row["status"])
            self._open.labels(*labels).set(row["count"])
            self._oldest.labels(*labels).set(max(0.0, float(row["oldest"])))
        self._awaited.set(await conn.fetchval("SELECT count(*) FROM awaited_citizen"))
