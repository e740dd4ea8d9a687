"""The first session of least price for one citizen among all that is free, and why that one.

The price is the flow's: lateness, days late, the way, days waited (`weights.py`); and what only one
decision at a time needs: the room kept for tomorrow's limits (`limits.py`).

By mode of delivery: at a *location* the citizen drives or is driven; at *home* the therapist does,
needs the time for it on both sides and pays the same way; by *screen* or *telephone* nobody does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from services.scheduling.engine.calendar import Calendar, Day, cells_of
from services.scheduling.engine.limits import AHEAD, PUSHED, BookingLimits
from services.scheduling.engine.search import ONE_DAY, Found, Search, lowest, no_room
from services.scheduling.weights import Weights

Competences = frozenset[str]
_FARTHER: Final = "farther than the wait is worth"

Expected = BookingLimits[Competences]
"""The orders that are still to come, by the competences they need."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The municipality's weights, whom room is kept for, and the day of the decision."""

    weights: Weights
    expected: Expected | None
    today: date


def within(one: Competences, other: Competences) -> bool:
    """Whether all who have the competences `one` can also take who needs `other`."""
    return other <= one


class _Seen(NamedTuple):
    """A site's day that was looked at: its best start and what that costs."""

    rank: int
    day: Day
    cell: int
    starts: int
    price: int  # of the day and the way
    stranger: int  # price of nobody who speaks the language
    kept: int  # price of those pushed aside; 0 where it would be too dear anyway


def least_price(search: Search, rule: Rule) -> tuple[Found, str] | None:
    """The session of least price in the search's days, with its reason; None where there is none.

    Between equals the earlier day, then the nearer site decides.
    """
    order, weights = search.order, rule.weights
    ways = sorted(
        (weights.of_way(order, site.distance_m), rank) for rank, site in enumerate(search.sites)
    )
    if not ways:
        return None
    kept = _Kept(search, rule)
    days = [search.calendar.at(site.code) for site in search.sites]
    seen: list[_Seen] = []
    too_far: list[tuple[int, date]] = []
    best, least = -1, 0
    on = search.first
    while on <= search.last:
        of_day = weights.of_day(order, on)
        if best >= 0 and of_day + ways[0][0] >= least:
            break  # later days cost more, and no way is shorter
        for way, rank in ways:
            if best >= 0 and of_day + way >= least:
                too_far.append((rank, on))
                continue
            day = days[rank].get(on)
            free = 0 if day is None else search.free(rank, day)
            if day is None or not free:
                continue
            cell, stranger, takes = _first_start(search, weights.language, rank, day, free)
            pushed = 0
            total = of_day + way + stranger
            if best < 0 or total < least:
                pushed = kept(day, takes)
                total += pushed
                if best < 0 or total < least:
                    best, least = len(seen), total
            starts = free.bit_count()
            seen.append(_Seen(rank, day, cell, starts, of_day + way, stranger, pushed))
        on += ONE_DAY
    if best < 0:
        return None
    chosen = seen[best]
    why = _why(search, chosen, least, seen, too_far)
    return Found(chosen.rank, chosen.day, chosen.cell), why


def _first_start(
    search: Search, price: int, rank: int, day: Day, free: int
) -> tuple[int, int, Competences]:
    """The best of a site's `free` starts on a day: of those who speak the language (or else
    anybody) and can do least, the earliest. Cell, price of the language, competences."""
    order = search.order
    cells, pad = search.cells(rank)
    for language, stranger in ((order.language, 0), ("", price)):
        for competences, starts in day.groups(cells, order.step.competences, language, pad):
            fits = starts & free
            if fits:
                return lowest(fits), stranger, competences
    raise AssertionError("somebody is free at a free start")


class _Kept:
    """What it costs to take a session from those who are still to come."""

    def __init__(self, search: Search, rule: Rule) -> None:
        self._calendar: Calendar = search.calendar
        self._order = search.order
        self._weights = rule.weights
        self._cells = cells_of(search.order.step.minutes)
        self._expected = rule.expected
        self._today = rule.today
        limit = search.order.limit
        self._limit = AHEAD if limit is None else (limit - rule.today).days
        self._free: dict[Competences, list[int]] = {}

    @cached_property
    def _ahead(self) -> list[date]:
        """The days from tomorrow on that limits look at, as far as the calendar goes."""
        known = (self._calendar.last_day() - self._today).days
        number = self._today.toordinal()
        last = number + min(self._limit, AHEAD, known)
        return [date.fromordinal(day) for day in range(number + 1, last + 1)]

    def __call__(self, day: Day, takes: Competences) -> int:
        """The price of somebody with the competences `takes` being taken on a day."""
        after = (day.date - self._today).days
        if after < 1 or after >= self._limit:
            return 0
        expected = self._expected
        if expected is None:
            return 0 if self._enough(day) else PUSHED
        weekday = self._today.weekday()
        chance = max(
            (
                expected.chance(weekday, kind, self._sessions(kind), after, self._limit)
                for kind in expected.kinds
                if kind <= takes
            ),
            default=0.0,
        )
        return round(PUSHED * chance)

    def _enough(self, day: Day) -> bool:
        """Whether more is left of a day than the share that is kept back for those in a hurry."""
        share = self._weights.kept_back(self._order, day.date)
        if not share:
            return True
        stated, free = day.hours(self._order.step.competences)
        return free - self._cells >= int(share * stated) // self._cells * self._cells

    def _sessions(self, kind: Competences) -> list[int]:
        """How many such sessions are free from tomorrow on until each day that limits look at."""
        free = self._free.get(kind)
        if free is None:
            each = self._calendar.sessions(self._ahead, self._cells, kind)
            free = self._free[kind] = list(accumulate(each, initial=0))
        return free


def _why(
    search: Search,
    chosen: _Seen,
    least: int,
    seen: Sequence[_Seen],
    too_far: Sequence[tuple[int, date]],
) -> str:
    order = search.order
    on, limit = chosen.day.date, order.limit
    inside = f" inside the limit {limit}" if limit and on <= limit else ""
    waited = (on - order.earliest).days
    days = "1 day's wait" if waited == 1 else f"{waited} days' wait"
    text = f"{search.sites[chosen.rank]}, {on}, {days}: the least price{inside}."
    refused = _earlier(search, on, least, seen)
    for rank, before in too_far:
        day = search.calendar.at(search.sites[rank].code).get(before) if before < on else None
        if day is not None and (free := search.free(rank, day)):
            refused[_FARTHER] += free.bit_count()
    if refused:
        total = sum(refused.values())
        causes = [f"{count} {cause}" for cause, count in sorted(refused.items())]
        only = next(iter(refused)) if len(refused) == 1 else ", ".join(causes)
        text += f" {total} earlier start{'' if total == 1 else 's'} refused: {only}."
    first = {one.rank: one.day.date for one in reversed(seen)}
    nearer = [
        f"{search.sites[rank]}: {_why_later(search, rank, first.get(rank))}"
        for rank in range(chosen.rank)
    ]
    return f"{text} Passed over: {'; '.join(nearer)}." if nearer else text


def _why_later(search: Search, rank: int, first: date | None) -> str:
    if first is None:
        found = search.earliest(rank, search.last)
        if found is None:
            return search.why_not(search.sites[rank])
        first = found.day.date
    return f"first {first}"


def _earlier(search: Search, on: date, least: int, seen: Sequence[_Seen]) -> Counter[str]:
    """Starts on earlier days at which a therapist was free, by why they were not taken."""
    refused: Counter[str] = Counter()
    if on == search.first:
        return refused
    for rank, site in enumerate(search.sites):
        for day in search.calendar.days(site.code, search.first, on - ONE_DAY):
            _refusals(search, rank, day, refused)
    for one in seen:
        if one.day.date >= on:
            continue
        if one.price + one.stranger < least:
            refused["kept for those whose limit comes first"] += one.starts
        elif one.price < least:
            refused[f"nobody speaks {search.order.language}"] += one.starts
        else:
            refused[_FARTHER] += one.starts
    return refused


def _refusals(search: Search, rank: int, day: Day, refused: Counter[str]) -> None:
    step = search.order.step
    cells, pad = search.cells(rank)
    staffed = day.starts(cells, step.competences, pad=pad)
    if not staffed:
        return
    left = staffed
    if step.room:
        left &= day.room_starts(cells, step.equipment)
        if left != staffed:
            refused[no_room(step.equipment)] += (staffed ^ left).bit_count()
    if left and (gone := left & ~search.free(rank, day)):
        refused["outside the citizen's wishes or other sessions"] += gone.bit_count()
