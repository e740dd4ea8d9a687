"""The seam between a service and the runtime: a handler gets a batch and says what became of it.

A handler loads what the batch needs, decides in order, saves, and returns one outcome for each
message. Inbox, offsets, outbox, timers, parking and dead letters are written by the runtime in the
same transaction. A handler that raises has the batch rolled back and bisected until the message
that fails is found; that one becomes a dead letter, the others go through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.envelope import Event, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Calls the handler of `kind` at `due`; replaces an earlier timer of the same kind and key.

    `partition_key` is the topic key whose partition's owner takes the timer (a provider code).
    """

    kind: str
    key: str
    due: datetime
    partition_key: str
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """Removes the timer of this kind and key, if there is one."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The message has done its work. `releases` wakes what is parked on these keys.

    `cause`: what the events' ids derive from, where the message only tells anew of something that
    was done before; else the message itself.
    """

    events: Sequence[Event] = ()
    timers: Sequence[SetTimer | CancelTimer] = ()
    releases: Sequence[str] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The message must wait for `waits_for`; after `until` it becomes a dead letter.

    `events` are published all the same (a transient-error receipt, say).
    """

    waits_for: str
    until: datetime
    reason: str
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """The message can't be used: kept with its bytes for replay, and announced.

    `holds` is the aggregate (CloudEvents subject) whose later messages wait for replay or discard.
    `reason` holds no personal data. `events` are published all the same (a receipt, say).
    """

    reason: str
    holds: str = ""
    events: Sequence[Event] = ()


Outcome = Applied | Parked | Dead


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimer:
    """A timer whose time has come. `id` is the cause of the events that it gives rise to."""

    id: str
    kind: str
    key: str
    due: datetime
    partition_key: str
    data: bytes


@dataclass(slots=True, kw_only=True)
class Unit:
    """One transaction's worth of work.

    `now` is the service's clock when the batch began. Append to `on_commit` what may only
    happen after a confirmed commit (a cache that takes over its new state, a sender that wakes),
    and to `on_rollback` what anything else calls for (a cache that is dropped).
    """

    conn: Connection
    now: datetime
    on_commit: list[Callable[[], None]] = field(default_factory=list)
    on_rollback: list[Callable[[], None]] = field(default_factory=list)


class Handler(Protocol):
    """Takes a batch in partition order; returns one outcome for each message, in the same order."""

    async def __call__(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """Runs inside the batch's transaction; must not commit, publish or call outside."""
        ...


class TimerHandler(Protocol):
    """Takes due timers of one kind; returns one outcome for each (never Parked)."""

    async def __call__(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """Runs inside a transaction of its own; the timers are deleted with it."""
        ...
