"""Deletes what is past, each night: a database that only grows gets slow.

A durable timer drives it. What is kept and for how long is a setting; the topics keep the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from services.scheduling import store_retention as store
from services.scheduling.capacity import DENMARK, local_date, week_of
from shared.envelope import Message
from shared.handling import Applied, DueTimer, Handler, Outcome, SetTimer, Unit

_LOG: Final = logging.getLogger("services.scheduling")

KIND: Final = "retention"
MOST: Final = 20_000
"""Rows of a table that one transaction deletes at most."""
_THREE: Final = time(3)


class Retention:
    """Keeps what has ended for `kept`, and deletes it in the night after."""

    def __init__(self, kept: timedelta) -> None:
        self._kept = kept
        self._called_for: datetime | None = None

    def beside(self, handler: Handler) -> Handler:
        """The handler, whose first batch of a day calls for the coming night.

        Each night calls for the next one too; this starts the row, and mends it where it broke.
        """

        async def handle(unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
            outcomes = list(await handler(unit, messages))
            night = next_night(unit.now)
            if night != self._called_for:
                for index, outcome in enumerate(outcomes):
                    if isinstance(outcome, Applied):
                        outcomes[index] = replace(outcome, timers=[*outcome.timers, _timer(night)])
                        unit.on_commit.append(lambda: self._call(night))
                        break
            return outcomes

        # Dead letters name the handler that they died in.
        handle.__qualname__ = getattr(handler, "__qualname__", type(handler).__qualname__)
        return handle

    async def due(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """See `shared.handling.TimerHandler`."""
        oldest = local_date(unit.now) - self._kept
        deleted = await store.delete(unit.conn, _midnight(oldest), week_of(oldest), MOST)
        _LOG.info("deleted what ended before %s: %s", oldest, deleted)
        full = max(deleted.values()) >= MOST
        following = _timer(next_night(unit.now))
        if full:
            following = replace(following, key=timers[-1].key, due=unit.now)
        return [*(Applied() for _ in timers[1:]), Applied(timers=[following])]

    def _call(self, night: datetime) -> None:
        self._called_for = night


def next_night(now: datetime) -> datetime:
    """The next three o'clock in Denmark, when few plan."""
    local = now.astimezone(DENMARK)
    day = local.date() if local.time() < _THREE else local.date() + timedelta(days=1)
    return datetime.combine(day, _THREE, DENMARK)


def _timer(night: datetime) -> SetTimer:
    # A key for each night: one that is overdue is never put off by the next.
    return SetTimer(kind=KIND, key=str(night.date()), due=night, partition_key=KIND)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), DENMARK)
