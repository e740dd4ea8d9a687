"""What a first session costs, in metres: one price for every policy, from one booking to a flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.scheduling.engine.model import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A municipality's weights, in metres.

    `late` and `late_day` are multiplied by the citizen's weight; `waited_day` is what keeps a flow
    from leaving the nearest slots empty until they are gone. With `longest_late` (days) each start
    later than that costs `too_late` more: in a lasting overload the least price would otherwise be
    to pass the same few citizens over again and again.
    """

    late: int = 1_000_000
    late_day: int = 50_000
    waited_day: int = 3_000
    longest_late: int | None = None
    too_late: int = 20_000_000
    never: int = 100_000_000

    def of_day(self, earliest: Ints, limit: Ints, weight: Ints, day: Ints) -> Ints:
        """The part of the price that hangs on the day; the arrays broadcast."""
        over = np.maximum(day - limit, 0)
        lateness = np.where(over > 0, self.late + self.late_day * over, 0)
        if self.longest_late is not None:
            lateness = lateness + np.where(over > self.longest_late, self.too_late, 0)
        priced: Ints = weight * lateness + self.waited_day * (day - earliest)
        return priced

    def of_never(self, weight: Ints) -> Ints:
        """The price of no session at all: above that of any day that may be booked."""
        return weight * self.never
