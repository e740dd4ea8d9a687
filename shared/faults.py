"""The two classes of failure: transient ones pass by themselves, the others are the message's own.

Nothing here ever repeats an exception's text: a database's complaint quotes the row, and the row
may be a citizen's.
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Final

import asyncpg

_TRANSIENT_CLASSES: Final = frozenset(
    {
        "08",  # connection
        "25",  # a transaction that was ended under us
        "40",  # serialization, deadlock
        "53",  # out of disk, memory or connections
        "57",  # shutdown, cancelled, timed out
        "58",  # the system below the server
    }
)
_TRANSIENT_STATES: Final = frozenset(
    {
        "55P03",  # a lock was not available
        "42P01",  # a table is missing: migrations have not run yet
        "42501",  # a right is missing: nor have the grants
        "3F000",  # a schema is missing
        "28000",
        "28P01",  # the password changes under us
        "3D000",  # the database is being restored
    }
)


class Fenced(Exception):
    """Somebody else has moved the position: what is in hand was or will be applied by them."""


class Halted(Exception):
    """Sources in this batch are halted; `topics` names them, and the others go on without them."""

    def __init__(self, topics: frozenset[str]) -> None:
        super().__init__(", ".join(sorted(topics)))
        self.topics = topics


class Split(Exception):
    """The batch must be cut in two at `at`: what follows depends on what became of this part."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Abandoned(Exception):
    """Stop or a rebalance ended the waiting; the work is taken up again elsewhere."""


class Fault(Exception):
    """A message's own failure; `reason` holds a class and a place, and no data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_transient(error: BaseException) -> bool:
    """Whether a later try may succeed without anybody changing message or code."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES
    if isinstance(error, asyncpg.DataError):
        return False
    if isinstance(error, asyncpg.InterfaceError):
        return "connection" in str(error) or "pool" in str(error)
    # An InternalClientError says that a connection cut off in the middle has lost its state.
    transient = (OSError, TimeoutError, asyncio.TimeoutError, EOFError, asyncpg.InternalClientError)
    return isinstance(error, transient)


def describe(error: BaseException) -> str:
    """The error's class and the place where it was raised: "KeyError in decide (domain.py:12)"."""
    name = type(error).__name__
    state = getattr(error, "sqlstate", None)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or list(frames)
    where = ""
    if ours:
        last = ours[-1]
        where = f" in {last.name} ({last.filename.rsplit('/', 1)[-1]}:{last.lineno})"
    return f"{name}{f' {state}' if state else ''}{where}"


def back_off(attempt: int, *, first: float = 0.1, most: float = 15.0) -> float:
    """Seconds to wait after the `attempt`-th failure (from 0): doubling up to `most`."""
    return min(most, first * 2.0 ** min(attempt, 20))
