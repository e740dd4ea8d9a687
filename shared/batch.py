"""A batch in one transaction: positions, inbox, handlers' work, outbox, timers, parked and dead.

Transient failures are tried again without limit, and show; any other failure is bisected down to
the one message that causes it, which becomes a dead letter while the others go through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared import failpoint, halt, ledger
from shared.draft import Draft, Entry
from shared.faults import (
    Abandoned,
    Fault,
    Fenced,
    Halted,
    Split,
    back_off,
    describe,
    is_transient,
)
from shared.handling import Dead, Unit
from shared.ledger import Claim, Range
from shared.waiting import is_set
from shared.watch import Place
from shared.wire import inbox_key

if TYPE_CHECKING:
    import uuid

    import asyncpg

    from shared.clock import Clock
    from shared.crypto import Vault
    from shared.database import Connection
    from shared.envelope import Message
    from shared.halt import Limit
    from shared.handling import Handler, Outcome
    from shared.telemetry import Telemetry

DEADLINE: Final = 45.0
"""Seconds that one transaction may take: below the time that a rebalance waits for it."""


@dataclass(slots=True)
class Result:
    """What a transaction did. `dead` counts dead letters by topic."""

    applied: int = 0
    duplicates: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    events: int = 0
    parked: int = 0
    released: bool = False


@dataclass(slots=True)
class Batches:
    """Runs batches for one service. `handler_of` finds the handler of a topic."""

    service: str
    pool: asyncpg.Pool[asyncpg.Record]
    clock: Clock
    vault: Vault
    telemetry: Telemetry
    handler_of: Callable[[str], Handler]
    limit: Limit
    timer_partitions: int = 1
    on_events: Callable[[], None] = lambda: None
    on_commit: Callable[[], None] = lambda: None

    async def apply(
        self,
        entries: Sequence[Entry],
        *,
        positions: dict[Place, int] | None = None,
        abandon: asyncio.Event | None = None,
    ) -> list[Result]:
        """Handles entries in order; returns when each is applied, parked or dead.

        Where the entries are records, `positions` says where the database is believed to be; it
        moves with them, here and there. Raises Fenced where it is elsewhere, Halted where a source
        is halted, and Abandoned where `abandon` was set while a transient failure lasted; what
        was not committed by then has not happened.
        """
        results: list[Result] = []
        parts = [entries]
        while parts:
            part = parts.pop()
            try:
                results.append(await self._persist(part, None, positions, abandon))
            except Split as split:
                parts += [part[split.at :], part[: split.at]]
            except Fault as fault:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                else:
                    results.append(await self._persist(part, fault.reason, positions, abandon))
        return results

    async def command(
        self, cause: str, handler: Handler, messages: Sequence[Message]
    ) -> Sequence[Outcome]:
        """Handles commands once per `cause`; [] where that was done before."""
        result = Result()
        async with self.transaction() as (unit, draft):
            key = inbox_key(self.service, "command", cause)
            claim = await ledger.claim(unit.conn, [], [key], [], unit.now)
            if key not in claim.fresh:
                return []
            outcomes = await handler(unit, messages)
            name = getattr(handler, "__qualname__", type(handler).__qualname__)
            for index, (message, outcome) in enumerate(zip(messages, outcomes, strict=True)):
                draft.add(Entry(message, f"command/{cause}/{index}", name), outcome)
            result.applied = len(messages)
            await self.finish(unit, draft, result)
        return outcomes

    async def finish(self, unit: Unit, draft: Draft, result: Result) -> None:
        """Saves a draft inside its transaction and counts what is in it."""
        await draft.save(unit.conn)
        result.events = len(draft.outbox)
        result.parked = len(draft.parked)
        result.released = bool(draft.releases)
        for row in draft.dead:
            result.dead[row[1]] = result.dead.get(row[1], 0) + 1
        if result.dead:
            await halt.count(unit.conn, list(result.dead), unit.now, self.limit)
        if draft.outbox:
            unit.on_commit.append(self.on_events)
        unit.on_commit.append(lambda: self.telemetry.batch_done(result))
        failpoint.reach("before-commit")

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Unit, Draft]]:
        """A transaction with its unit; anything but a confirmed commit runs `on_rollback`."""
        now = self.clock.now()
        async with self.pool.acquire() as conn:
            unit = Unit(conn=conn, now=now)
            draft = Draft(self.service, self.vault, self.timer_partitions, now)
            try:
                async with conn.transaction():
                    yield unit, draft
            except BaseException:
                self._call(unit.on_rollback)
                raise
        failpoint.reach("after-commit")
        self._call([*unit.on_commit, self.on_commit])

    def _call(self, callbacks: Sequence[Callable[[], None]]) -> None:
        """Runs callbacks; one that fails must not undo what the database has decided."""
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - see above
                self.telemetry.failed("callback", error)

    async def _persist(
        self,
        entries: Sequence[Entry],
        verdict: str | None,
        positions: dict[Place, int] | None,
        abandon: asyncio.Event | None,
    ) -> Result:
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(DEADLINE) as deadline:
                    result = await self._once(entries, verdict, positions)
            except (Fenced, Halted, Split):
                raise
            except Exception as error:
                late = deadline.expired() and len(entries) > 1
                if late or not is_transient(error):
                    raise Fault(describe(error)) from error
                self.telemetry.trouble("batch", describe(error))
                await _wait(abandon, back_off(attempt), error)
                attempt += 1
            else:
                self.telemetry.well("batch")
                return result

    async def _once(
        self, entries: Sequence[Entry], verdict: str | None, positions: dict[Place, int] | None
    ) -> Result:
        ranges = [] if positions is None else _ranges(entries, positions)
        async with self.transaction() as (unit, draft):
            claim = await self._claim(unit, entries, ranges)
            todo, result = _sort(await _still_there(unit.conn, entries), claim, draft)
            if verdict is None:
                await self._handle(unit, todo, draft, result)
            else:
                for entry in todo:
                    draft.add(entry, Dead(reason=verdict, holds=entry.message.subject))
            if draft.holds and len(todo) > 1:
                _split_behind(draft, todo, entries)
            await self.finish(unit, draft, result)
        if positions is not None:
            positions.update({(r.topic, r.partition): r.next for r in ranges})
        return result

    async def _claim(self, unit: Unit, entries: Sequence[Entry], ranges: Sequence[Range]) -> Claim:
        keys = {e.key: None for e in entries if e.key is not None and e.parked_id is None}
        subjects = {e.message.subject for e in entries}
        subjects.discard("")
        claim = await ledger.claim(unit.conn, ranges, list(keys), sorted(subjects), unit.now)
        if claim.halted:
            raise Halted(claim.halted)
        if claim.moved != len(ranges):
            raise Fenced
        return claim

    async def _handle(
        self, unit: Unit, entries: Sequence[Entry], draft: Draft, result: Result
    ) -> None:
        by_handler: dict[str, list[Entry]] = {}
        for entry in entries:
            by_handler.setdefault(entry.handler, []).append(entry)
        for group in by_handler.values():
            handler = self.handler_of(group[0].message.topic)
            outcomes = await handler(unit, [entry.message for entry in group])
            if len(outcomes) != len(group):
                raise TypeError("a handler must return one outcome for each message")
            for entry, outcome in zip(group, outcomes, strict=True):
                draft.add(entry, outcome)
            result.applied += len(group)


async def _wait(abandon: asyncio.Event | None, seconds: float, error: Exception) -> None:
    if abandon is None:
        await asyncio.sleep(seconds)
    elif await is_set(abandon, seconds):
        raise Abandoned from error


def _ranges(entries: Sequence[Entry], positions: Mapping[Place, int]) -> list[Range]:
    first: dict[Place, int] = {}
    last: dict[Place, int] = {}
    for entry in entries:
        place = (entry.message.topic, entry.message.partition)
        first.setdefault(place, entry.message.offset)
        last[place] = entry.message.offset
    return [
        Range(*place, positions[place], first[place], last[place] + 1) for place in sorted(first)
    ]


def _sort(entries: Sequence[Entry], claim: Claim, draft: Draft) -> tuple[list[Entry], Result]:
    """Drops duplicates, lets held messages wait, and leaves what is to be handled."""
    result = Result()
    fresh: set[uuid.UUID] = set(claim.fresh)
    todo: list[Entry] = []
    for entry in entries:
        if entry.key is not None and entry.parked_id is None:
            if entry.key not in fresh:
                result.duplicates += 1
                draft.done(entry)
                continue
            fresh.discard(entry.key)
        holders = claim.held.get(entry.message.subject) if claim.held else None
        if holders and not holders <= {entry.draining, entry.dead_id}:
            if entry.parked_id is None and entry.dead_id is None:
                draft.hold(entry)
            continue
        todo.append(entry)
    return todo, result


def _split_behind(draft: Draft, todo: Sequence[Entry], entries: Sequence[Entry]) -> None:
    """Cuts the batch behind a message whose death holds a later one of its subject."""
    held: set[str] = set()
    for entry in todo:
        if entry.message.subject in held:
            raise Split(_index(entries, entry))
        holds = draft.fallen.get(id(entry))
        if holds is not None:
            held.add(holds)


def _index(entries: Sequence[Entry], wanted: Entry) -> int:
    return next(number for number, entry in enumerate(entries) if entry is wanted)


async def _still_there(conn: Connection, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Leaves out what somebody else has taken out of the tables meanwhile."""
    parked = [entry.parked_id for entry in entries if entry.parked_id is not None]
    letters = [entry.dead_id for entry in entries if entry.dead_id is not None]
    if not parked and not letters:
        return entries
    there = await ledger.lock_parked(conn, parked)
    unresolved = await ledger.lock_letters(conn, letters)
    return [
        entry
        for entry in entries
        if (entry.parked_id is None or entry.parked_id in there)
        and (entry.dead_id is None or entry.dead_id in unresolved)
    ]
