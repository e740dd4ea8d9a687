"""The quick rule that keeps room for tomorrow's limits, over the flow's tables.

What `priced.py` does in a provider's calendar: least price, with the price of those who are pushed
aside (`limits.py`), by the therapist who can do least.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.limits import AHEAD, PUSHED, Arrival, BookingLimits
from services.scheduling.engine.model import Bools
from services.scheduling.engine.price import Price
from services.scheduling.engine.single import Choice, Citizen, Shelf, days_of, price_of_day


def limits_from(forecast: Forecast, may: Bools) -> BookingLimits[int]:
    """The booking limits for the citizens of a forecast; `may[kind, class]`."""
    p = forecast.pattern
    rows = zip(p.earliest.tolist(), p.limit.tolist(), p.kind.tolist(), strict=True)
    return BookingLimits(
        forecast.by_weekday,
        (Arrival(earliest, limit, kind) for earliest, limit, kind in rows),
        lambda one, other: bool((may[other] | ~may[one]).all()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """A rule for `OneByOne`: the session of least price, those pushed aside included."""

    limits: BookingLimits[int]

    def __call__(self, citizen: Citizen, shelf: Shelf, price: Price, evening: int) -> Choice | None:
        """The session of least price; the earlier day, then the nearer place decides."""
        ways = sorted((metres, place) for place, metres in enumerate(citizen.metres) if metres >= 0)
        best: Choice | None = None
        least = 0
        for day in days_of(citizen, shelf, evening):
            if not citizen.weekdays >> day % 7 & 1:
                continue
            of_day = price_of_day(citizen, price, day)
            if best is not None and of_day + ways[0][0] >= least:
                break  # later days cost more, and no way is shorter
            for metres, place in ways:
                if best is not None and of_day + metres >= least:
                    break
                choice = shelf.plainest(citizen.kind, citizen.window, place, day)
                if choice is None:
                    continue
                total = of_day + metres + self._pushed(citizen, shelf, choice, evening)
                if best is None or total < least:
                    best, least = choice, total
        return best

    def _pushed(self, citizen: Citizen, shelf: Shelf, choice: Choice, evening: int) -> int:
        taker, _, day, _ = choice
        limit = citizen.limit - evening
        if day - evening >= limit:
            return 0
        last = min(evening + limit, evening + AHEAD, shelf.last_day)
        chance = 0.0
        for kind in self.limits.kinds:
            if shelf.may(kind, taker):
                free, count = [0], 0
                for on in range(evening + 1, last + 1):
                    count += shelf.sessions(kind, on)
                    free.append(count)
                found = self.limits.chance(evening % 7, kind, free, day - evening, limit)
                chance = max(chance, found)
        return round(PUSHED * chance)
