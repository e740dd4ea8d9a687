"""Who is still to come, judged by who has come: for the online rule and for the nightly plan.

Standard library and the engine only. What came on the day itself never counts, so that a day's
decisions rest on one and the same history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from services.scheduling.engine.grid import can_be_planned
from services.scheduling.engine.limits import Arrival, BookingLimits
from services.scheduling.engine.priced import Competences, Expected, within
from services.scheduling.orders import Order

WEEKS: Final = 12
"""So many weeks back are counted: long enough to even out chance, short enough to follow change."""
FEWEST_WEEKS: Final = 4
"""With less than that behind it, a provider expects nobody by number."""
MOST: Final = 4_000
"""Orders that are taken as patterns at most; the newest are."""
FEWEST: Final = 20
"""Orders that there must be at least."""


@dataclass(frozen=True, slots=True)
class Came:
    """An order and the day on which it came."""

    on: date
    order: Order

    def as_if(self, on: date, name: str) -> Order:
        """The order as it would be had it come on another day, under another id."""
        days = on - self.on
        limit = self.order.limit
        return replace(
            self.order,
            order_id=name,
            earliest=self.order.earliest + days,
            limit=None if limit is None else limit + days,
        )


class History:
    """A provider's orders of the last whole weeks before a day; empty where there are too few.

    `orders` are first sessions, in whatever order.
    """

    def __init__(self, orders: Sequence[Came], today: date) -> None:
        past = [one for one in orders if one.on < today]
        first = min((one.on for one in past), default=today)
        self.weeks = min(WEEKS, (today - first).days // 7)
        since = today - timedelta(weeks=self.weeks)
        known = sorted((o for o in past if o.on >= since), key=lambda o: (o.on, o.order.order_id))
        enough = self.weeks >= FEWEST_WEEKS and len(known) >= FEWEST
        self.orders: tuple[Came, ...] = tuple(known) if enough else ()
        self._expected: dict[int, Expected | None] = {}
        self._alike: dict[int, list[Came]] = {}
        self._patterns: tuple[object, list[Order]] = (None, [])

    def expected(self, minutes: int) -> Expected | None:
        """Whom room is kept for, counted in sessions of that length; None without a history."""
        if minutes not in self._expected:
            self._expected[minutes] = self._limits(minutes)
        return self._expected[minutes]

    def _limits(self, minutes: int) -> Expected | None:
        alone = [one for one in self.orders if not one.order.step.gathers]
        likes: list[Arrival[Competences]] = []
        counted: list[Came] = []
        length = 0
        for one in alone:
            limit = one.order.limit
            if limit is not None:
                days = (one.order.earliest - one.on).days, (limit - one.on).days
                likes.append(Arrival(*days, one.order.step.competences))
                counted.append(one)
                length += one.order.step.minutes
        if not likes:
            return None
        share = length / (minutes * len(likes))  # a session twice as long takes the room of two
        return BookingLimits([share * mean for mean in self.by_weekday(counted)], likes, within)

    def alike(self, minutes: int) -> list[Came]:
        """Those with a limit whom the plan over all could have held."""
        if minutes not in self._alike:
            self._alike[minutes] = [
                one
                for one in self.orders
                if one.order.limit is not None
                and can_be_planned(one.order, minutes)
                and not one.order.step.gathers
            ]
        return self._alike[minutes]

    def patterns(self, minutes: int, today: date, most: int) -> list[Order]:
        """At most so many of those `alike`, evenly taken, as if they had come today."""
        key = (minutes, today, most)
        if self._patterns[0] != key:
            alike = self.alike(minutes)
            step = -(-len(alike) // most) or 1
            found = [one.as_if(today, f"past {n}") for n, one in enumerate(alike[::step])]
            self._patterns = key, found
        return self._patterns[1]

    def by_weekday(self, orders: Sequence[Came]) -> tuple[float, ...]:
        """How many of them came a day, Monday first."""
        counts = Counter(one.on.weekday() for one in orders)
        return tuple(counts[day] / self.weeks for day in range(7))


NO_HISTORY: Final = History((), date.max)
