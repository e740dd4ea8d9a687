"""Hours that can be booked: counted, and thinned by what courses under way have taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import comb
from typing import Final

import numpy as np

from services.scheduling.capacity import (
    DENMARK,
    Location,
    LocationWeek,
    Shift,
    Therapist,
    local_date,
)
from services.scheduling.engine.model import Ints

CELL: Final = 5  # minutes
_OF_A_DAY: Final = 24 * 60 // CELL


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Minutes that can be booked in a stretch of days. `held[place]` are those for which a
    therapist and a room are both there; `by_skills` the therapists' own, by what they can.

    `staffed[place, day, cell]` and `rooms` (alike) count therapists and rooms.
    """

    held: Ints
    by_skills: dict[frozenset[str], int]
    staffed: Ints
    rooms: Ints

    def of(self, competences: frozenset[str]) -> int:
        """Minutes of all who have the competences."""
        return sum(length for able, length in self.by_skills.items() if competences <= able)


def hours_of(
    weeks: Sequence[Sequence[LocationWeek]],
    sites: Sequence[Location],
    *,
    first: date,
    days: int,
    closed: Callable[[date], bool],
) -> Hours:
    """Counts the hours of `days` days from `first` on; `closed` days have none."""
    row = {site.code: number for number, site in enumerate(sites)}
    change = np.zeros((len(sites), days, _OF_A_DAY + 1), np.int64)
    rooms = np.zeros((len(sites), days, 1), np.int64)
    by_skills: dict[frozenset[str], int] = {}
    for number, week in enumerate(weeks):
        for one in week:
            place, begin = row[one.location.code], 7 * number
            rooms[place, begin : begin + 7] = len(one.rooms)
            for therapist in one.therapists:
                for shift in therapist.shifts:
                    on = local_date(shift.start)
                    day = (on - first).days
                    if not 0 <= day < days or closed(on):
                        continue
                    start, end = _cell(shift.start, on, up=True), _cell(shift.end, on, up=False)
                    if end > start:
                        change[place, day, start] += 1
                        change[place, day, end] -= 1
                        able = therapist.competences
                        by_skills[able] = by_skills.get(able, 0) + CELL * (end - start)
    staffed: Ints = change.cumsum(2)[:, :, :-1]
    return Hours(
        held=CELL * np.minimum(staffed, rooms).sum((1, 2)),
        by_skills=by_skills,
        staffed=staffed,
        rooms=np.broadcast_to(rooms, staffed.shape),
    )


def share_open(hours: Hours, wanted: float) -> float:
    """The share of therapists' hours that leaves `wanted` minutes with a room, on average; 1 where
    there are fewer. Halved to it, since rooms make sessions fall more slowly than hours.
    """
    pairs = np.stack([hours.staffed.reshape(-1), hours.rooms.reshape(-1)])
    kinds, counts = np.unique(pairs[:, pairs[0] > 0], axis=1, return_counts=True)
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        held = CELL * sum(
            count * _at_once(int(staff), int(rooms), share)
            for staff, rooms, count in zip(*kinds, counts, strict=True)
        )
        low, high = (share, high) if held < wanted else (low, share)
    return high


def thinned(
    weeks: Sequence[Sequence[LocationWeek]], share: float, minutes: int, seed: int
) -> tuple[tuple[LocationWeek, ...], ...]:
    """The weeks with that share of the therapists' hours, drawn in stretches of `minutes`: the same
    for a seed, whatever becomes of the locations afterwards."""
    chance = np.random.Generator(np.random.PCG64([seed, 7]))
    return tuple(
        tuple(
            replace(
                one,
                therapists=tuple(
                    _with(therapist, share, timedelta(minutes=minutes), chance)
                    for therapist in one.therapists
                ),
            )
            for one in week
        )
        for week in weeks
    )


def _with(
    one: Therapist, share: float, length: timedelta, chance: np.random.Generator
) -> Therapist:
    left: list[Shift] = []
    for shift in one.shifts:
        start = shift.start
        while start < shift.end:
            end = min(start + length, shift.end)
            if chance.random() < share:
                if left and left[-1].end == start:
                    left[-1] = Shift(left[-1].start, end)
                else:
                    left.append(Shift(start, end))
            start = end
    return replace(one, shifts=tuple(left))


def _at_once(staff: int, rooms: int, share: float) -> float:
    """Sessions at once, on average, of `staff` who are each there by the share."""
    return sum(
        comb(staff, n) * share**n * (1 - share) ** (staff - n) * min(n, rooms)
        for n in range(staff + 1)
    )


def _cell(instant: datetime, on: date, *, up: bool) -> int:
    """The cell of the day, by the clock on the wall; the end of the last one for the next day."""
    local = instant.astimezone(DENMARK)
    minute = 24 * 60 if local.date() > on else local.hour * 60 + local.minute
    return -(-minute // CELL) if up else minute // CELL
