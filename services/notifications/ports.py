"""What the sender talks to: the runtime, and a way out for each channel."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from services.notifications.contact_details import Contact
from services.notifications.deliveries import Taken
from services.notifications.dispatch import Answer
from services.notifications.message import Channel

if TYPE_CHECKING:
    from shared.database import Connection


class Database(Protocol):
    """What the sender needs of the runtime."""

    def now(self) -> datetime:
        """The service's clock (UTC)."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A connection in a transaction that commits at the end of the block."""
        ...

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection of its own, for as long as the block lasts."""
        ...

    def trouble(self, what: str) -> None:
        """Shows a failure that will be tried again."""
        ...

    def well(self) -> None:
        """It is over."""
        ...


class Transport(Protocol):
    """One channel's way out."""

    channel: Channel

    async def deliver(self, job: Job, at: datetime) -> Answer:
        """Renders and sends one message; never raises."""
        ...

    async def receipt(self, reference: str) -> Answer | None:
        """What the provider knows of an earlier message; None where it can't be asked."""
        ...

    async def close(self) -> None:
        """Closes connections."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed message with the contact it goes to."""

    message: Taken
    contact: Contact


@dataclass(slots=True)
class Wake:
    """Tells waiting senders that there may be work."""

    _events: list[asyncio.Event] = field(default_factory=list)

    def listen(self) -> asyncio.Event:
        """An event that every call sets; its owner clears it."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def __call__(self) -> None:
        """There may be work."""
        for event in self._events:
            event.set()
