"""Delivers messages to a handler as the runtime would: in a transaction, and once more.

The runtime never delivers a record twice; a handler that gives the same rows all the same shows
that nothing in it depends on having run only once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from shared.envelope import Event
from shared.handling import Outcome, Unit

if TYPE_CHECKING:
    from shared.database import Connection

Item = TypeVar("Item")
Deliverable = Callable[[Unit, Sequence[Item]], Awaitable[Sequence[Outcome]]]


async def deliver(
    conn: Connection, handler: Deliverable[Item], items: Sequence[Item], now: datetime
) -> Sequence[Outcome]:
    """One batch: handled, committed, and one outcome for each message."""
    unit = Unit(conn=conn, now=now)
    try:
        async with conn.transaction():
            outcomes = await handler(unit, items)
    except BaseException:
        for undo in unit.on_rollback:
            undo()
        raise
    assert len(outcomes) == len(items)
    for done in unit.on_commit:
        done()
    return outcomes


async def deliver_twice(
    conn: Connection, handler: Deliverable[Item], items: Sequence[Item], now: datetime
) -> Sequence[Outcome]:
    """The outcomes of the first delivery; the second changes no row and says nothing new."""
    first = await deliver(conn, handler, items, now)
    rows = await all_rows(conn)
    second = await deliver(conn, handler, items, now)
    assert await all_rows(conn) == rows
    said = [_essence(event) for event in events_of(first)]
    for event in events_of(second):
        assert _essence(event) in said, f"said only the second time: {event.type}"
    return first


def events_of(outcomes: Sequence[Outcome], prefix: str = "") -> list[Event]:
    """All events of a batch in order, or those of types that begin with "dk.genvej.<prefix>"."""
    return [
        event
        for outcome in outcomes
        for event in outcome.events
        if event.type.startswith(f"dk.genvej.{prefix}")
    ]


async def all_rows(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the service's own tables."""
    tables = await conn.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^_pogo'"
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for (table,) in sorted(tuple(row) for row in tables):
        rows = await conn.fetch(f'SELECT * FROM public."{table}"')  # noqa: S608 - a table's own name
        found[table] = sorted((tuple(row) for row in rows), key=repr)
    return found


def _essence(event: Event) -> tuple[str, str, str, bytes | None]:
    return (event.topic, event.key, event.type, event.value)
