"""Metrics (Prometheus, base units, no identifiers as labels) and what health is told."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from shared.faults import describe
from shared.logs import logger

if TYPE_CHECKING:
    from shared.batch import Result
    from shared.database import Row

_LATENCIES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Telemetry:
    """One service's metrics, and its open troubles: transient failures that are being retried."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.troubles: dict[str, str] = {}
        self._log = logger(service)
        r = self.registry
        p = "genvej_"
        self.applied = Counter(p + "messages_applied", "Messages handled", registry=r)
        self.duplicates = Counter(p + "duplicates_dropped", "Duplicates dropped", registry=r)
        self.parked = Counter(p + "messages_parked", "Messages parked", registry=r)
        self.dead = Counter(p + "dead_letters", "Dead letters written", registry=r)
        self.events = Counter(p + "events_written", "Events written to the outbox", registry=r)
        self.relayed = Counter(p + "events_published", "Events published", registry=r)
        self.timers_fired = Counter(p + "timers_fired", "Timers handled", registry=r)
        self.transient = Counter(
            p + "transient_failures", "Transient failures, by place", ["place"], registry=r
        )
        self.fenced = Counter(p + "batches_fenced", "Batches that somebody else did", registry=r)
        self.batch_seconds = Histogram(
            p + "batch_duration_seconds",
            "From a batch in hand to its commit",
            ["group"],
            buckets=_LATENCIES,
            registry=r,
        )
        self.end_to_end = Histogram(
            p + "end_to_end_seconds",
            "From the broker's append of a batch's oldest record to its commit",
            ["group"],
            buckets=_LATENCIES,
            registry=r,
        )
        self.publish_age = Histogram(
            p + "publish_age_seconds",
            "From an event's decision to its publication, the oldest of each round",
            buckets=_LATENCIES,
            registry=r,
        )
        self.lag = Gauge(
            p + "consumer_lag_messages",
            "Records not yet applied",
            ["topic", "partition"],
            registry=r,
        )
        self.lag_seconds = Gauge(
            p + "consumer_lag_seconds",
            "Age of the oldest record not yet applied",
            ["topic", "partition"],
            registry=r,
        )
        self.last_success = Gauge(
            p + "last_success_timestamp_seconds", "When a batch was last committed", registry=r
        )
        self.outbox_rows = Gauge(p + "outbox_rows", "Events not yet published", registry=r)
        self.outbox_age = Gauge(p + "outbox_oldest_seconds", "Age of the oldest", registry=r)
        self.parked_rows = Gauge(p + "parked_rows", "Messages that wait", ["why"], registry=r)
        self.parked_age = Gauge(p + "parked_oldest_seconds", "Age of the oldest", registry=r)
        self.timers_set = Gauge(p + "timers", "Timers that are set", registry=r)
        self.timers_overdue = Gauge(
            p + "timers_overdue_seconds", "How overdue the most overdue timer is", registry=r
        )
        self.dead_open = Gauge(
            p + "dead_letters_open",
            "Dead letters not yet replayed or discarded",
            registry=r,
        )
        self.halted = Gauge(
            p + "source_halted", "1 while a source is halted", ["topic"], registry=r
        )
        self.stuck = Gauge(p + "consumer_stuck", "1 while a consumer makes no progress", registry=r)
        self.missed_records = Counter(
            p + "records_missed", "Deleted before they were read", ["topic"], registry=r
        )
        self.staff_calls = Counter(
            p + "staff_calls",
            "Calls of members of staff, by endpoint and HTTP status",
            ["endpoint", "status"],
            registry=r,
        )
        self._halted: set[str] = set()
        Info(p + "build", "What runs", registry=r).info(
            {"service": service, "version": _version(), "python": platform.python_version()}
        )

    def batch_done(self, result: Result) -> None:
        """Counts a committed transaction."""
        self.applied.inc(result.applied)
        self.last_success.set(time.time())
        if result.duplicates:
            self.duplicates.inc(result.duplicates)
        if result.parked:
            self.parked.inc(result.parked)
        if result.events:
            self.events.inc(result.events)
        for topic, count in result.dead.items():
            self.dead.inc(count)
            self._log.warning("dead letter", topic=topic, count=count)

    def summary(self, row: Row) -> None:
        """Takes what stands in the runtime's tables."""
        self.outbox_rows.set(row["outbox_rows"])
        self.outbox_age.set(max(row["outbox_age"] or 0.0, 0.0))
        self.parked_rows.labels("waits").set(row["parked"])
        self.parked_rows.labels("held").set(row["held"])
        self.parked_age.set(max(row["parked_age"] or 0.0, 0.0))
        self.timers_set.set(row["timers"])
        self.timers_overdue.set(max(row["timers_overdue"] or 0.0, 0.0))
        self.dead_open.set(row["dead_letters"])

    def halts(self, rows: Sequence[Row]) -> None:
        """Takes which sources are halted; one that was resumed stays, at 0."""
        halted = {row["topic"] for row in rows}
        for topic in halted - self._halted:
            self._log.error("source halted", topic=topic)
        for topic in self._halted | halted:
            self.halted.labels(topic).set(topic in halted)
        self._halted |= halted

    def missed(self, topic: str, partition: int, count: int) -> None:
        """Records were deleted by retention before they were read."""
        self.missed_records.labels(topic).inc(count)
        self._log.error("records missed", topic=topic, partition=partition, count=count)

    def published(self, count: int, age: float) -> None:
        """Counts a round of the relay; `age` in seconds, of its oldest event."""
        self.relayed.inc(count)
        self.publish_age.observe(age)

    def trouble(self, place: str, what: str) -> None:
        """A transient failure that will be retried; it shows in /health/ready until it is over."""
        self.transient.labels(place).inc()
        if self.troubles.get(place) != what:
            self._log.warning("trouble", place=place, what=what)
        self.troubles[place] = what

    def failed(self, place: str, error: BaseException) -> None:
        """A failure that is over at once and changes nothing; it is logged."""
        self._log.error("failed", place=place, error=describe(error))

    def well(self, place: str) -> None:
        """The place works (again)."""
        if self.troubles.pop(place, None) is not None:
            self._log.info("trouble over", place=place)

    def forget_partitions(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Drops the lag of partitions that another process reads now."""
        for topic, partition in partitions:
            for gauge in (self.lag, self.lag_seconds):
                try:
                    gauge.remove(topic, str(partition))
                except KeyError:
                    continue


def _version() -> str:
    try:
        return version("genvej")
    except PackageNotFoundError:
        return "unknown"
