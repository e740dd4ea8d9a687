"""Citizens who are still to come: drawn from what has come before, at the rate it comes at.

A flow that knows only those who wait gives away what the citizens of tomorrow will need: the rare
competence, the last morning before a weekend. Planned together with a drawn morrow, it leaves that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from services.scheduling.engine.model import Ints, InvalidInputError, Requests

LATE_IN_FORECAST = 7  # days after the limit until which a drawn citizen may be planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How many citizens come on each weekday (Monday first), and what they are like.

    The days in `pattern` count from the day of arrival. A draw hangs on `seed` and the first day,
    never on what else is planned.
    """

    by_weekday: tuple[float, ...]
    pattern: Requests
    days_ahead: int = 14
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.by_weekday) != 7 or min(self.by_weekday) < 0:
            raise InvalidInputError("a forecast needs seven numbers of arrivals, none below zero")
        if sum(self.by_weekday) > 0 and len(self.pattern) == 0:
            raise InvalidInputError("a forecast of arrivals needs citizens to take as pattern")

    def draw(self, first: int, last: int) -> Requests:
        """One possible future: arrivals on the days from `first` to `last`, both included.

        Each day's number is its mean rounded up or down by chance, and citizens are taken evenly
        from the pattern, in order of what they need: that strays less than arrivals themselves
        do, and the plan shall see a likely future, not an odd one. Ids run downward from -1.
        """
        days = np.arange(first, max(first, last + 1))
        chance = np.random.Generator(np.random.PCG64([self.seed, first]))
        means = np.array(self.by_weekday)[days % 7]
        counts = np.floor(means + chance.random(len(days))).astype(np.int64)
        arrival: Ints = np.repeat(days, counts)
        like = self.pattern.take(chance.permutation(self._evenly(len(arrival), chance.random())))
        return replace(
            like,
            ids=-1 - np.arange(len(arrival)),
            earliest=like.earliest + arrival,
            limit=like.limit + arrival,
            last=np.maximum(like.limit, like.earliest) + arrival + LATE_IN_FORECAST,
        )

    def _evenly(self, size: int, at: float) -> Ints:
        """Rows of the pattern at even distances, in order of what they need; `at` in [0, 1) is
        where the first lies in its stretch."""
        p = self.pattern
        order = np.lexsort((p.limit - p.earliest, p.weight, p.window, p.weekdays, p.kind))
        places = (np.arange(size) + at) * len(p) / max(1, size)
        rows: Ints = order[places.astype(np.int64)]
        return rows


def from_history(
    requests: Requests, arrivals: Ints, *, growth: float = 1.0, days_ahead: int = 14, seed: int = 0
) -> Forecast:
    """The forecast that more of the same gives: the past's rates times `growth`, its citizens.

    Raises `InvalidInputError` where there is no past.
    """
    if len(requests) == 0:
        raise InvalidInputError("no past requests to make a forecast from")
    weeks = (int(arrivals.max()) - int(arrivals.min()) + 7) // 7
    counts = np.bincount(arrivals % 7, minlength=7)
    return Forecast(
        by_weekday=tuple(float(growth * count / weeks) for count in counts),
        pattern=replace(
            requests,
            earliest=requests.earliest - arrivals,
            limit=requests.limit - arrivals,
            last=requests.last - arrivals,
        ),
        days_ahead=days_ahead,
        seed=seed,
    )
