"""What a transaction is about to write: outcomes of handlers turned into rows, saved in one go."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from shared import ledger
from shared.envelope import TYPE_PREFIX, Event, Message
from shared.handling import Applied, CancelTimer, Dead, Outcome, Parked, SetTimer
from shared.wire import derived_uuid, pack, partition_of, traceparent_of

if TYPE_CHECKING:
    from shared.crypto import Vault
    from shared.database import Connection

MAX_EVENT: Final = 900_000
"""Bytes of an event's value: below every topic's and the producer's limit, headers included."""

_RETRIES: Final = tuple(timedelta(seconds=s) for s in (2, 15, 60, 600, 3600))


@dataclass(slots=True)
class Entry:
    """One message to be handled, and where it came from.

    `cause` is what the ids of its events derive from; `attempt` counts how often it was handled
    before (parked, replayed), for each attempt's events are other events. `key` is its place in
    the inbox, where it has one. `draining` is the dead letter whose held messages are being taken.
    """

    message: Message
    cause: str
    handler: str
    key: uuid.UUID | None = None
    attempt: int = 0
    parked_id: int | None = None
    dead_id: uuid.UUID | None = None
    draining: uuid.UUID | None = None


class TooLarge(ValueError):
    """A handler's event is larger than any topic takes."""


@dataclass(slots=True)
class Draft:
    """Rows to write, gathered over all handlers of a transaction."""

    service: str
    vault: Vault
    timer_partitions: int
    now: datetime
    outbox: list[tuple[Any, ...]] = field(default_factory=list)
    timers: dict[tuple[str, str], tuple[Any, ...] | None] = field(default_factory=dict)
    releases: dict[str, None] = field(default_factory=dict)
    parked: list[tuple[Any, ...]] = field(default_factory=list)
    parked_again: list[tuple[int, datetime | None, datetime | None, str]] = field(
        default_factory=list
    )
    parked_done: list[int] = field(default_factory=list)
    dead: list[tuple[Any, ...]] = field(default_factory=list)
    dead_done: list[uuid.UUID] = field(default_factory=list)
    holds: list[tuple[str, uuid.UUID, datetime]] = field(default_factory=list)
    forget: list[uuid.UUID] = field(default_factory=list)
    fallen: dict[int, str] = field(default_factory=dict)

    def add(self, entry: Entry, outcome: Outcome) -> None:
        """Takes one outcome. Raises TooLarge, or TypeError where it is no outcome."""
        match outcome:
            case Applied():
                if outcome.cause:
                    entry = replace(entry, cause=outcome.cause, attempt=0)
                self._events(entry, outcome.events)
                for timer in outcome.timers:
                    self._timer(entry, timer)
                for key in outcome.releases:
                    self.releases[key] = None
                self.done(entry)
            case Parked() if outcome.until > self.now:
                self._events(entry, outcome.events)
                self._park(entry, outcome)
            case Parked():
                self._events(entry, outcome.events)
                self._bury(entry, f"waited until the limit: {outcome.reason}", "")
            case Dead():
                self._events(entry, outcome.events)
                self._bury(entry, outcome.reason, outcome.holds)
            case _:
                raise TypeError("a handler must return Applied, Parked or Dead for each message")

    def hold(self, entry: Entry) -> None:
        """Lets a message wait behind the dead letter that holds its subject."""
        self.parked.append(
            self._parked_row(
                entry,
                waits_for=entry.message.subject,
                held=True,
                until=None,
                retry_at=None,
                reason="behind a dead letter",
            )
        )

    def _events(self, entry: Entry, events: Sequence[Event]) -> None:
        if not events:
            return
        message = entry.message
        attempt = f"#{entry.attempt}" if entry.attempt else ""
        cause = f"{self.service}/{entry.cause}{attempt}/"
        correlation = message.correlation_id or message.id
        for index, event in enumerate(events):
            value = event.value
            if value is not None and len(value) > MAX_EVENT:
                raise TooLarge(f"an event of {event.type} has {len(value)} bytes")
            event_id = derived_uuid(f"{cause}{index}")
            self.outbox.append(
                (
                    event_id,
                    event.topic,
                    event.key,
                    event.type,
                    event.subject,
                    self.now,
                    event.content_type,
                    correlation,
                    traceparent_of(message.traceparent, correlation, event_id),
                    value,
                )
            )

    def _timer(self, entry: Entry, timer: SetTimer | CancelTimer) -> None:
        key = (timer.kind, timer.key)
        if isinstance(timer, CancelTimer):
            self.timers[key] = None
            return
        message = entry.message
        cause = f"{self.service}/{entry.cause}#{entry.attempt}/timer/{timer.kind}/{timer.key}"
        correlation = message.correlation_id or message.id
        timer_id = derived_uuid(cause)
        self.timers[key] = (
            timer.kind,
            timer.key,
            timer_id,
            timer.due,
            timer.partition_key,
            partition_of(timer.partition_key, self.timer_partitions),
            correlation,
            traceparent_of(message.traceparent, correlation, timer_id),
            timer.data,
        )

    def done(self, entry: Entry) -> None:
        """Takes an entry out of where it was kept, once its fate is settled."""
        if entry.parked_id is not None:
            self.parked_done.append(entry.parked_id)
        if entry.dead_id is not None:
            self.dead_done.append(entry.dead_id)

    def _park(self, entry: Entry, outcome: Parked) -> None:
        wait = _RETRIES[min(entry.attempt, len(_RETRIES) - 1)]
        retry_at = min(self.now + wait, outcome.until)
        if entry.parked_id is not None:
            self.parked_again.append((entry.parked_id, outcome.until, retry_at, outcome.waits_for))
            return
        self.parked.append(
            self._parked_row(
                entry,
                waits_for=outcome.waits_for,
                held=False,
                until=outcome.until,
                retry_at=retry_at,
                reason=outcome.reason,
            )
        )
        self.done(entry)

    def _parked_row(
        self,
        entry: Entry,
        *,
        waits_for: str,
        held: bool,
        until: datetime | None,
        retry_at: datetime | None,
        reason: str,
    ) -> tuple[Any, ...]:
        m = entry.message
        sealed = self.vault.seal(pack(m), entry.cause)
        return (
            *(waits_for, held, until, retry_at, entry.attempt + (0 if held else 1), reason),
            *(m.topic, m.partition, m.offset, m.type, m.subject, self.now, entry.cause, sealed),
        )

    def _bury(self, entry: Entry, reason: str, holds: str) -> None:
        m = entry.message
        letter = derived_uuid(f"{self.service}/{entry.cause}#{entry.attempt}/dead")
        size = len(m.value) if m.value is not None else 0
        self.dead.append(
            (
                *(letter, m.topic, m.partition, m.offset, entry.handler, reason, m.type),
                *(m.subject, holds, self.now, size, entry.attempt + 1, entry.cause),
                self.vault.seal(pack(m), entry.cause),
            )
        )
        if holds:
            self.fallen[id(entry)] = holds
            self.holds.append((holds, letter, self.now))
        if entry.key is not None:
            self.forget.append(entry.key)
        self.done(entry)
        announcement = {
            "id": str(letter),
            "origin": {"topic": m.topic, "partition": m.partition, "offset": m.offset},
            "handler": entry.handler,
            "reason": reason,
            "aggregate": holds or m.subject or None,
            "recorded_at": self.now,
            "size": size,
        }
        event_id = derived_uuid(f"{letter}/announcement")
        correlation = m.correlation_id or m.id
        self.outbox.append(
            (
                event_id,
                f"{self.service}.dead-letters",
                f"{m.topic}/{m.partition}",
                f"{TYPE_PREFIX}dead-letter.recorded.v1",
                str(letter),
                self.now,
                "application/json",
                correlation,
                traceparent_of(m.traceparent, correlation, event_id),
                orjson.dumps(announcement, option=orjson.OPT_UTC_Z),
            )
        )

    async def save(self, conn: Connection) -> None:
        """Writes everything; the common case costs one statement for the outbox and no more."""
        await ledger.put(conn, self.outbox)
        if self.timers:
            await ledger.cancel_timers(conn, [k for k, row in self.timers.items() if row is None])
            await ledger.set_timers(conn, [row for row in self.timers.values() if row is not None])
        await ledger.release(conn, list(self.releases), self.now)
        await ledger.park(conn, self.parked, self.parked_again, self.parked_done)
        await ledger.bury(conn, self.dead, self.holds, self.dead_done, self.now)
        await ledger.forget(conn, self.forget)
