"""Scheduling's handlers on a real database, as the runtime calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from services.scheduling.app import public_holiday
from services.scheduling.geography import postcodes
from services.scheduling.handlers import Scheduling
from services.scheduling.handlers_roster import Rosters
from services.scheduling.provider import Terms
from services.scheduling.settings import COMPETENCES
from shared.envelope import Message
from shared.handling import Applied, Handler, Outcome, Unit
from tests.unit.scheduling.factories import NOW
from tests.unit.scheduling.world import told

SPEAKS_FOR = {"randers": frozenset({"730"}), "holbaek": frozenset({"316"})}

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]


@dataclass
class Process:
    """One process of the service, with a connection of its own."""

    conn: Connection
    now: datetime = NOW
    scheduling: Scheduling = field(
        default_factory=lambda: Scheduling(lambda code: Terms(public_holiday), postcodes())
    )
    rosters: Rosters = field(default_factory=lambda: Rosters(SPEAKS_FOR, lambda code: COMPETENCES))

    async def apply(self, handler: Handler, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """What a batch publishes, after its commit."""
        return told(
            event for one in await self.outcomes(handler, messages) for event in events(one)
        )

    async def outcomes(self, handler: Handler, messages: Sequence[Message]) -> list[Outcome]:
        unit = Unit(conn=self.conn, now=self.now)
        try:
            async with self.conn.transaction():
                found = list(await handler(unit, messages))
        except BaseException:
            for undo in unit.on_rollback:
                undo()
            raise
        for done in unit.on_commit:
            done()
        return found

    async def orders(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.scheduling.referrals, messages)

    async def capacity(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.scheduling.capacity, messages)

    async def intake(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.rosters.intake, messages)

    async def rows(self) -> list[tuple[Any, ...]]:
        """Everything that is kept, but for the tokens."""
        tables = ("accepted_capacity", "location_week", "placed_order", "session")
        found: list[tuple[Any, ...]] = []
        for table in tables:
            rows = await self.conn.fetch(f"SELECT * FROM {table} ORDER BY 1, 2, 3")  # noqa: S608
            found += [(table, *row) for row in rows]
        return found


def events(outcome: Outcome) -> Sequence[Any]:
    return outcome.events if isinstance(outcome, Applied) else ()


def on_training(events: Sequence[dict[str, Any]]) -> list[str]:
    """The kinds of what was published, capacity-status aside."""
    kinds = [event["type"].removesuffix(".v1") for event in events]
    return [kind for kind in kinds if kind != "capacity.status"]
