"""Durable timers: rows with a due time, taken by the owner of their partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from shared import ledger
from shared.batch import Result
from shared.draft import Entry
from shared.envelope import Message
from shared.faults import back_off, describe, is_transient
from shared.handling import Dead, DueTimer
from shared.waiting import is_set

if TYPE_CHECKING:
    from datetime import datetime

    from shared.batch import Batches
    from shared.clock import Clock
    from shared.database import Row
    from shared.handling import TimerHandler
    from shared.telemetry import Telemetry

TIMER: Final = "timer:"
"""The topic of a timer's message form is this and its kind."""
_MOST: Final = 200
_POLL: Final = 0.5


class Timers:
    """Fires due timers of partitions that are ready.

    `ready` says which partitions this process may fire for now: its own, once their backlog is
    applied, and others' that nobody serves.
    """

    def __init__(
        self,
        *,
        handlers: Mapping[str, TimerHandler],
        batches: Batches,
        clock: Clock,
        telemetry: Telemetry,
        ready: Callable[[], Collection[int]],
    ) -> None:
        self._handlers = handlers
        self._batches = batches
        self._clock = clock
        self._telemetry = telemetry
        self._ready = ready

    async def fire(self) -> int:
        """Fires what is due, returns how many; one whose handler fails becomes a dead letter."""
        fired = 0
        most = _MOST
        while partitions := sorted(self._ready()):
            taken: list[Row] = []
            try:
                count = await self._fire(partitions, most, None, taken)
            except Exception as error:
                if is_transient(error):
                    raise
                if len(taken) > 1:
                    most = 1  # one at a time finds the one that fails
                    continue
                count = await self._fire(partitions, 1, describe(error), taken)
            fired += count
            if count < most:
                break
        self._telemetry.timers_fired.inc(fired)
        return fired

    async def _fire(
        self, partitions: list[int], most: int, verdict: str | None, failed: list[Row]
    ) -> int:
        async with self._batches.transaction() as (unit, draft):
            if verdict is not None:
                rows = [
                    row
                    for row in failed
                    if await ledger.take_timer(unit.conn, row["kind"], row["key"], row["id"])
                ]
            else:
                rows = await ledger.take_timers(unit.conn, unit.now, partitions, most=most)
                failed[:] = rows
            result = Result()
            by_kind: dict[str, list[Row]] = {}
            for row in rows:
                by_kind.setdefault(row["kind"], []).append(row)
            for kind, group in by_kind.items():
                entries = [_entry(row, unit.now) for row in group]
                handler = self._handlers.get(kind)
                if verdict is not None or handler is None:
                    reason = verdict or "nobody handles this kind of timer"
                    for entry in entries:
                        draft.add(entry, Dead(reason=reason))
                    continue
                outcomes = await handler(unit, [_due(row) for row in group])
                if len(outcomes) != len(group):
                    raise TypeError("a timer handler must return one outcome for each timer")
                for entry, outcome in zip(entries, outcomes, strict=True):
                    draft.add(entry, outcome)
            result.applied = len(rows)
            await self._batches.finish(unit, draft, result)
        return len(rows)

    async def run(self, stop: asyncio.Event) -> None:
        """Fires until stop; failures are transient, retried and visible."""
        attempt = 0
        while not stop.is_set():
            wait = _POLL
            try:
                await self.fire()
                self._telemetry.well("timers")
                attempt = 0
            except Exception as error:  # noqa: BLE001 - the timers stay; the next round tries again
                self._telemetry.trouble("timers", describe(error))
                wait = back_off(attempt, first=_POLL)
                attempt += 1
            await is_set(stop, wait)


def _due(row: Row) -> DueTimer:
    return DueTimer(
        id=str(row["id"]),
        kind=row["kind"],
        key=row["key"],
        due=row["due"],
        partition_key=row["partition_key"],
        data=row["data"],
    )


def _entry(row: Row, now: datetime) -> Entry:
    """The timer in the form in which causes of events and dead letters are kept."""
    message = Message(
        topic=f"{TIMER}{row['kind']}",
        partition=row["partition"],
        offset=0,
        key=row["key"].encode(),
        value=row["data"],
        timestamp=row["due"],
        id=str(row["id"]),
        source="",
        correlation_id=row["correlation_id"],
        traceparent=row["traceparent"],
        time=now,
        headers={"partition-key": row["partition_key"].encode()},
    )
    return Entry(message, f"timer/{row['id']}", f"{TIMER}{row['kind']}")


def timer_of(message: Message) -> DueTimer:
    """The timer of its message form."""
    return DueTimer(
        id=message.id,
        kind=message.topic.removeprefix(TIMER),
        key=(message.key or b"").decode(),
        due=message.timestamp,
        partition_key=message.headers["partition-key"].decode(),
        data=message.value or b"",
    )
