"""Nested booking limits: room that is kept today for those of tomorrow whose limit comes first.

A session on day d, given to somebody who could also come on a later day, is missed where the free
sessions from some day e ≤ d until some day D (d ≤ D < their own limit) are fewer than the citizens
who are still to come and must have theirs within just those days. The chance of that, times what it
costs to push somebody aside (`PUSHED`), is added to the price of the session. The later the
citizen's own limit, the more such spans there are: whoever could wait longest is asked first to
leave the early times to others, as in booking classes that are nested (Belobaba's EMSR, with
deadlines in the place of fares). As a day comes nearer, fewer can come for it, and what was kept
is given out: nothing is kept for nobody.

Numbers to come are taken as Poisson; the chance is that of the normal distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from typing import Final, Generic, TypeVar

from services.scheduling.engine.model import InvalidInputError

AHEAD: Final = 28  # days: what comes after is not kept for
PUSHED: Final = 100_000  # metres: what it costs to push aside one who is still to come

Kind = TypeVar("Kind", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Arrival(Generic[Kind]):
    """A citizen of the past, as a pattern: days from the day on which the order came to its
    earliest day and to its limit, and what they needed."""

    earliest: int
    limit: int
    kind: Kind


class BookingLimits(Generic[Kind]):
    """How many are still to come for each span of days, by what they need.

    `by_weekday` are mean orders a day, Monday first; `like` says what they are like, each as likely
    as any other. `within(a, b)` tells whether all who can take kind a can also take kind b: then a
    citizen of kind a needs one of those free for kind b. Raises `InvalidInputError` for numbers
    that cannot be.
    """

    def __init__(
        self,
        by_weekday: Sequence[float],
        like: Iterable[Arrival[Kind]],
        within: Callable[[Kind, Kind], bool],
    ) -> None:
        if len(by_weekday) != 7 or not all(0 <= mean < float("inf") for mean in by_weekday):
            raise InvalidInputError("booking limits need seven mean numbers, none below zero")
        patterns = list(like)
        self.kinds: tuple[Kind, ...] = tuple(dict.fromkeys(one.kind for one in patterns))
        own = {kind: _of_one_day(patterns, kind) for kind in self.kinds}
        self._to_come: list[dict[Kind, list[list[float]]]] = []
        for weekday in range(7):
            apart = {kind: _to_come(by_weekday, weekday, own[kind]) for kind in self.kinds}
            self._to_come.append(
                {
                    kind: _spans([apart[other] for other in self.kinds if within(other, kind)])
                    for kind in self.kinds
                }
            )

    def to_come(self, weekday: int, kind: Kind, begin: int, end: int) -> float:
        """How many are expected after a day of that weekday who can begin `begin` days after it at
        the earliest, have their limit `end` days after it at the latest, and use the kind's staff.
        """
        return self._to_come[weekday][kind][begin][end]

    def chance(self, weekday: int, kind: Kind, free: Sequence[int], day: int, limit: int) -> float:
        """The chance that a session taken `day` days from now is missed by somebody whose limit
        comes before `limit` (days from now).

        `free[n]` counts the sessions that are free for the kind from tomorrow until n days from
        now, both included; it begins with 0 and ends with the last day that is known.
        """
        table = self._to_come[weekday].get(kind)
        last = min(limit, AHEAD + 1, len(free))
        if table is None or last <= day:
            return 0.0
        worst = -9.0
        for begin in range(1, day + 1):
            expected, before = table[begin], free[begin - 1]
            for end in range(day, last):
                mean = expected[end]
                if mean > 0.0:
                    short = (mean + before - free[end] + 0.5) / sqrt(mean)
                    if short > worst:  # noqa: PLR1730 - max() costs twice as much here
                        worst = short
        return 0.5 * erfc(-worst / 1.4142135623730951)


_Table = list[list[float]]


def _of_one_day(patterns: Sequence[Arrival[Kind]], kind: Kind) -> _Table:
    """Of one who comes: the chance of the kind, by days to the earliest and to the limit."""
    table = [[0.0] * (AHEAD + 1) for _ in range(AHEAD + 1)]
    for one in patterns:
        begin = max(1, one.earliest)
        if one.kind == kind and begin <= one.limit <= AHEAD:
            table[begin][one.limit] += 1 / len(patterns)
    return table


def _to_come(by_weekday: Sequence[float], weekday: int, of_one: _Table) -> _Table:
    """Those who come on the days after a day of that weekday, by earliest day and limit."""
    table = [[0.0] * (AHEAD + 1) for _ in range(AHEAD + 1)]
    for after in range(1, AHEAD):
        mean = by_weekday[(weekday + after) % 7]
        for begin in range(1, AHEAD + 1 - after):
            for limit in range(begin, AHEAD + 1 - after):
                table[begin + after][limit + after] += mean * of_one[begin][limit]
    return table


def _spans(tables: Sequence[_Table]) -> _Table:
    """Sums over all who begin on day `begin` or later and end on day `end` or before."""
    sums = [[0.0] * (AHEAD + 1) for _ in range(AHEAD + 2)]
    for begin in range(AHEAD, 0, -1):
        row = 0.0
        for end in range(1, AHEAD + 1):
            row += sum(table[begin][end] for table in tables)
            sums[begin][end] = sums[begin + 1][end] + row
    return sums
