"""A batch in one transaction: positions, inbox, handlers' work, outbox, timers, parked and dead.

Transient failures are tried again without limit, and show; any other failure is bisected down to
the one message that causes it, which becomes a dead letter while the others go through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared import failpoint, ledger
from shared.draft import Draft, Entry
from shared.faults import Abandoned, Fault, Fenced, back_off, describe, is_transient
from shared.handling import Dead, Unit
from shared.ledger import Claim, Range
from shared.wire import inbox_key

if TYPE_CHECKING:
    import uuid

    import asyncpg

    from shared.clock import Clock
    from shared.crypto import Vault
    from shared.database import Connection
    from shared.envelope import Message
    from shared.handling import Handler, Outcome
    from shared.telemetry import Telemetry

DEADLINE: Final = 45.0
"""Seconds that one transaction may take: below the time that a rebalance waits for it."""


@dataclass(slots=True)
class Result:
    """What a transaction did."""

    applied: int = 0
    duplicates: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    events: int = 0
    parked: int = 0
    released: bool = False
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass(slots=True)
class Batches:
    """Runs batches for one service. `handler_of` finds the handler of an entry's topic."""

    service: str
    pool: asyncpg.Pool[asyncpg.Record]
    clock: Clock
    vault: Vault
    telemetry: Telemetry
    handler_of: Callable[[Entry], Handler]
    timer_partitions: int = 1
    on_events: Callable[[], None] = lambda: None
    on_commit: Callable[[], None] = lambda: None

    async def apply(
        self, entries: Sequence[Entry], *, fenced: bool = True, abandon: asyncio.Event | None = None
    ) -> list[Result]:
        """Handles entries in order; returns when each is applied, parked or dead.

        `fenced` entries are records, whose positions move with them. Raises Fenced where another
        process has moved them, and Abandoned where `abandon` was set while a transient failure
        lasted; then nothing of what is still open has happened.
        """
        try:
            return [await self._persist(entries, None, fenced, abandon)]
        except Fault as fault:
            if len(entries) == 1:
                return [await self._persist(entries, fault.reason, fenced, abandon)]
        middle = len(entries) // 2
        first = await self.apply(entries[:middle], fenced=fenced, abandon=abandon)
        return first + await self.apply(entries[middle:], fenced=fenced, abandon=abandon)

    async def _persist(
        self,
        entries: Sequence[Entry],
        verdict: str | None,
        fenced: bool,
        abandon: asyncio.Event | None,
    ) -> Result:
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(DEADLINE):
                    result = await self._once(entries, verdict, fenced)
            except Fenced:
                raise
            except Exception as error:
                if not is_transient(error):
                    raise Fault(describe(error)) from error
                self.telemetry.trouble("batch", describe(error))
                if abandon is None:
                    await asyncio.sleep(back_off(attempt))
                else:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(abandon.wait(), back_off(attempt))
                        raise Abandoned from error
                attempt += 1
            else:
                self.telemetry.well("batch")
                return result

    async def _once(self, entries: Sequence[Entry], verdict: str | None, fenced: bool) -> Result:
        async with self.transaction() as (unit, draft):
            ranges = _ranges(entries) if fenced else []
            claim = await self._claim(unit, entries, ranges)
            entries = await _still_there(unit.conn, entries)
            todo, result = _sort(entries, claim, draft)
            if verdict is None:
                await self._handle(unit, todo, draft, result)
            else:
                for entry in todo:
                    draft.add(entry, Dead(reason=verdict, holds=entry.message.subject))
            await self.finish(unit, draft, result)
        return result

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
                for undo in unit.on_rollback:
                    undo()
                raise
        failpoint.reach("after-commit")
        for done in (*unit.on_commit, self.on_commit):
            done()

    async def _claim(self, unit: Unit, entries: Sequence[Entry], ranges: Sequence[Range]) -> Claim:
        keys = list(dict.fromkeys(entry.key for entry in entries if entry.key is not None))
        subjects = sorted(
            {e.message.subject for e in entries if e.message.subject and e.dead_id is None}
        )
        claim = await ledger.claim(unit.conn, ranges, keys, subjects, unit.now)
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
            handler = self.handler_of(group[0])
            outcomes = await handler(unit, [entry.message for entry in group])
            if len(outcomes) != len(group):
                raise TypeError("a handler must return one outcome for each message")
            for entry, outcome in zip(group, outcomes, strict=True):
                draft.add(entry, outcome)
            result.applied += len(group)
            result.outcomes += outcomes


def _ranges(entries: Sequence[Entry]) -> list[Range]:
    first: dict[tuple[str, int], int] = {}
    last: dict[tuple[str, int], int] = {}
    for entry in entries:
        place = (entry.message.topic, entry.message.partition)
        first.setdefault(place, entry.message.offset)
        last[place] = entry.message.offset
    return [Range(*place, first[place], last[place] + 1) for place in sorted(first)]


def _sort(entries: Sequence[Entry], claim: Claim, draft: Draft) -> tuple[list[Entry], Result]:
    """Drops duplicates, lets held messages wait, and leaves what is to be handled."""
    result = Result()
    open_keys: set[uuid.UUID] = set(claim.fresh)
    todo: list[Entry] = []
    for entry in entries:
        if entry.key is not None:
            if entry.key not in open_keys:
                result.duplicates += 1
                if entry.dead_id is not None:
                    draft.dead_done.append(entry.dead_id)
                continue
            open_keys.discard(entry.key)
        if entry.message.subject in claim.held and entry.dead_id is None:
            if entry.parked_id is None:
                draft.hold(entry)
            continue
        todo.append(entry)
    return todo, result


async def _still_there(conn: Connection, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Leaves out parked messages that somebody else has taken meanwhile."""
    ids = [entry.parked_id for entry in entries if entry.parked_id is not None]
    if not ids:
        return entries
    there = await ledger.lock_parked(conn, ids)
    return [entry for entry in entries if entry.parked_id is None or entry.parked_id in there]
