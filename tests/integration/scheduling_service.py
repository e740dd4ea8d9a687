"""Scheduling's handlers on a real database, as the runtime calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from services.scheduling.app import public_holiday
from services.scheduling.commands import Command
from services.scheduling.geography import postcodes
from services.scheduling.handlers import Scheduling
from services.scheduling.handlers_roster import Rosters
from services.scheduling.provider import AT_ONCE, Terms
from services.scheduling.settings import COMPETENCES, Sources
from shared.envelope import Message
from shared.faults import is_transient
from shared.handling import DueTimer, Handler, Outcome, Unit
from tests.delivery import deliver, deliver_twice, events_of
from tests.unit.scheduling.factories import NOW
from tests.unit.scheduling.world import told

TOPICS = Path(__file__).parents[2] / "deploy" / "topics.toml"

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]


@dataclass
class Process:
    """One process of the service, with a connection of its own."""

    conn: Connection
    now: datetime = NOW
    tell: int = AT_ONCE
    scheduling: Scheduling = field(init=False)
    rosters: Rosters = field(
        default_factory=lambda: Rosters(Sources(TOPICS), lambda code: COMPETENCES)
    )
    collisions: int = 0

    def __post_init__(self) -> None:
        terms = Terms(public_holiday, tell=self.tell)
        self.scheduling = Scheduling(lambda code: terms, postcodes())

    async def plan(self, *, twice: bool = False) -> list[dict[str, Any]]:
        """What the timer that plans and tells leads to."""
        timer = DueTimer(
            id="t", kind="plan", key="730/now", due=self.now, partition_key="730", data=b""
        )
        how = deliver_twice if twice else deliver
        return told(events_of(await how(self.conn, self.scheduling.plan, [timer], self.now)))

    async def plan_again(self, provider: str) -> None:
        """The same timer for a provider, tried again after a transient failure."""
        timer = DueTimer(
            id="t", kind="plan", key=provider, due=self.now, partition_key=provider, data=b""
        )
        while True:
            try:
                await deliver(self.conn, self.scheduling.plan, [timer], self.now)
            except Exception as error:
                if not is_transient(error):
                    raise
                self.collisions += 1
            else:
                return

    async def apply(self, handler: Handler, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """What a batch publishes, after its commit."""
        return told(events_of(await self.outcomes(handler, messages)))

    async def outcomes(self, handler: Handler, messages: Sequence[Message]) -> Sequence[Outcome]:
        return await deliver(self.conn, handler, messages, self.now)

    async def twice(self, handler: Handler, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """What the first of two deliveries publishes; the second changes nothing."""
        return told(events_of(await deliver_twice(self.conn, handler, messages, self.now)))

    async def again(self, handler: Handler, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """As `apply`, tried again after a transient failure, as the runtime does."""
        while True:
            try:
                return await self.apply(handler, messages)
            except Exception as error:
                if not is_transient(error):
                    raise
                self.collisions += 1

    async def at_desk(self, provider: str, order_id: str, command: Command) -> list[dict[str, Any]]:
        """What a command of a member of staff leads to, after its commit."""
        unit = Unit(conn=self.conn, now=self.now)
        async with self.conn.transaction():
            applied = await self.scheduling.at_desk(
                unit, provider, order_id, lambda desk: desk.carry_out(command, self.now)
            )
        for done in unit.on_commit:
            done()
        return told(applied.events)

    async def orders(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.scheduling.referrals, messages)

    async def capacity(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.scheduling.capacity, messages)

    async def intake(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return await self.apply(self.rosters.intake, messages)


def on_training(events: Sequence[dict[str, Any]]) -> list[str]:
    """The kinds of what was published, capacity-status aside."""
    kinds = [event["type"].removesuffix(".v1") for event in events]
    return [kind for kind in kinds if kind != "capacity.status"]
