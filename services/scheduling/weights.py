"""What a session costs, by a municipality's weights. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.scheduling.orders import Order

UNKNOWN_WAY: Final = 30_000
"""Metres that count where a distance is not known."""
_PATIENCE: Final = 3  # days before its limit from which an order may take what is kept back
_LEVELS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A municipality's weights: so many metres of a citizen's way are as bad.

    `late`: after the limit at all, and `late_day` for each day of it, both times `vulnerable` for
    those who are. `waited_day`: each day after the earliest. `language`: a therapist who does not
    speak the citizen's. A way that needs a ride counts `ride` times. `reserve`: the share of a
    day's hours at a location that is kept for those whose limit is near; twice that where
    the limit is far (nested booking limits). `move`: a citizen who has been told of a session
    gets another, for others' sake; where it is 0 that never happens.
    """

    late: int = 1_000_000
    late_day: int = 50_000
    waited_day: int = 3_000
    language: int = 15_000
    vulnerable: int = 3
    ride: float = 2.0
    reserve: float = 0.1
    move: int = 2_000_000

    def of_day(self, order: Order, day: date) -> int:
        """What a session on that day costs, wherever it is."""
        waited = self.waited_day * (day - order.earliest).days
        over = 0 if order.limit is None else (day - order.limit).days
        if over <= 0:
            return waited
        lateness = self.late + self.late_day * over
        return waited + lateness * (self.vulnerable if order.vulnerable else 1)

    def of_way(self, order: Order, metres: int | None) -> int:
        """What the way to a location costs; a screen or a telephone has none."""
        if order.step.remote:
            return 0
        way = UNKNOWN_WAY if metres is None else metres
        return round(way * self.ride) if order.rides_to_it else way

    def kept_back(self, order: Order, day: date) -> float:
        """The share of a day's hours that the order leaves for those in more of a hurry."""
        if order.limit is None:
            return self.reserve * _LEVELS
        slack = (order.limit - day).days
        return self.reserve * min(max(slack, 0) // _PATIENCE, _LEVELS)


WEIGHTS: Final = Weights()
"""Where a municipality says nothing else."""
