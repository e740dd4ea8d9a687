"""Free time of therapists and rooms as bit masks: one bit for five minutes of a day at a location.

A mask turns "who has an hour free, and a room with them" into a few shifts and ands, so that
looking a week ahead in five places costs microseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from services.scheduling.capacity import DENMARK, LocationWeek, local_date, monday_of
from services.scheduling.orders import Slot, Window

CELL: Final = 300  # seconds
_CELLS: Final = 25 * 3600 // CELL  # the longest day, when summer time ends
_ON_THE_QUARTER: Final = sum(1 << cell for cell in range(0, _CELLS, 3))
ANY: Final = (1 << _CELLS) - 1
NO_EQUIPMENT: Final[frozenset[str]] = frozenset()

Groups = list[tuple[frozenset[str], int]]
"""Sets of competences and the cells at which somebody with just those can begin."""


@lru_cache(maxsize=1 << 16)  # one booking changes two masks of a day, and leaves the others
def runs(free: int, cells: int) -> int:
    """The starts of every run of `cells` free cells."""
    length = 1
    while length < cells:
        step = min(length, cells - length)
        free &= free >> step
        length += step
    return free


def cells_of(minutes: int) -> int:
    """How many cells a session takes."""
    return -(-minutes * 60 // CELL)


@dataclass(slots=True)
class Staff:
    """A therapist on a day at a location: what they can, and which cells are free."""

    id: str
    competences: frozenset[str]
    languages: frozenset[str]
    shift: int = 0
    free: int = 0


@dataclass(slots=True)
class Day:
    """A day at a location. `memo` holds what was worked out since the last change."""

    date: date
    midnight: int  # seconds since 1970, of the Danish midnight
    staff: dict[str, Staff] = field(default_factory=dict)
    rooms: dict[str, int] = field(default_factory=dict)
    equipment: dict[str, frozenset[str]] = field(default_factory=dict)  # by room
    memo: dict[object, int] = field(default_factory=dict)
    of_staff: dict[object, Groups] = field(default_factory=dict)  # like memo
    counts: dict[object, Any] = field(default_factory=dict)  # like memo; the grid's
    of_competences: dict[object, list[tuple[frozenset[str], list[Staff]]]] = field(
        default_factory=dict  # holds as long as the same people work
    )

    def starts(
        self, cells: int, competences: frozenset[str], language: str = "", pad: int = 0
    ) -> int:
        """Quarters at which somebody with the competences (and the language) can begin, who is free
        for `pad` cells before and after too."""
        key = (cells, competences, language, pad)
        found = self.memo.get(key)
        if found is None:
            found = 0
            for _, starts in self.groups(cells, competences, language, pad):
                found |= starts
            self.memo[key] = found
        return found

    def groups(
        self, cells: int, competences: frozenset[str], language: str = "", pad: int = 0
    ) -> Groups:
        """The same by what the staff can do: those with the fewest competences come first."""
        key = (cells, competences, language, pad)
        found = self.of_staff.get(key)
        if found is None:
            found = []
            for able, team in self.teams(competences, language):
                starts = 0
                for staff in team:
                    starts |= runs(staff.free, cells + 2 * pad)
                found.append((able, starts << pad & _ON_THE_QUARTER))
            self.of_staff[key] = found
        return found

    def teams(
        self, competences: frozenset[str], language: str = ""
    ) -> list[tuple[frozenset[str], list[Staff]]]:
        """Who has the competences (and the language), by all that they can do, the least first."""
        key = (competences, language)
        found = self.of_competences.get(key)
        if found is None:
            of: dict[frozenset[str], list[Staff]] = {}
            for staff in self.staff.values():
                if competences <= staff.competences and (
                    not language or language in staff.languages
                ):
                    of.setdefault(staff.competences, []).append(staff)
            found = self.of_competences[key] = sorted(of.items(), key=_fewest_first)
        return found

    def room_starts(self, cells: int, equipment: frozenset[str] = NO_EQUIPMENT) -> int:
        """Cells at which some room with the equipment is free for so long."""
        key = (cells, equipment)
        found = self.memo.get(key)
        if found is None:
            found = 0
            for room, free in self.rooms.items():
                if equipment <= self.equipment[room]:
                    found |= runs(free, cells)
            self.memo[key] = found
        return found

    def bookable(
        self,
        cells: int,
        competences: frozenset[str],
        language: str,
        pad: int,
        equipment: frozenset[str] | None,
    ) -> int:
        """`starts` at which a room with the equipment is free too; None where none is needed."""
        key = (cells, competences, language, pad, equipment)
        found = self.memo.get(key)
        if found is None:
            found = self.starts(cells, competences, language, pad)
            if found and equipment is not None:
                found &= self.room_starts(cells, equipment)
            self.memo[key] = found
        return found

    def sessions(self, cells: int, competences: frozenset[str]) -> int:
        """About how many sessions of that length are free with somebody who has the competences:
        gaps are taken as if they could be joined."""
        key = ("sessions", cells, competences)
        found = self.memo.get(key)
        if found is None:
            able = [one.free for _, team in self.teams(competences) for one in team]
            staffed = 0
            for free in able:
                staffed |= free
            found = min(
                sum([free.bit_count() // cells for free in able]),
                sum([(free & staffed).bit_count() // cells for free in self.rooms.values()]),
            )
            self.memo[key] = found
        return found

    def hours(self, competences: frozenset[str]) -> tuple[int, int]:
        """Cells of all who have the competences: stated, and free."""
        able = [one for one in self.staff.values() if competences <= one.competences]
        stated = sum(one.shift.bit_count() for one in able)
        return stated, sum(one.free.bit_count() for one in able)

    def instant(self, cell: int) -> datetime:
        """The instant (UTC) at which a cell begins."""
        return datetime.fromtimestamp(self.midnight + cell * CELL, UTC)

    def cell(self, instant: datetime) -> int:
        """The cell in which an instant lies."""
        return (int(instant.timestamp()) - self.midnight) // CELL

    def inside(self, windows: tuple[Window, ...], minutes: int) -> int:
        """Cells at which a session of that length can begin and lie in one of the windows."""
        if not windows:
            return ANY
        key = (windows, minutes)
        found = self.memo.get(key)
        if found is None:
            found = 0
            for window in windows:
                if window.weekday in (None, self.date.isoweekday()):
                    found |= self._between(window, minutes)
            self.memo[key] = found
        return found

    def _between(self, window: Window, minutes: int) -> int:
        begin = datetime.combine(self.date, window.begin, DENMARK).timestamp()
        if window.finish is None:
            finish = _midnight(self.date + timedelta(days=1))
        else:
            finish = int(datetime.combine(self.date, window.finish, DENMARK).timestamp())
        first = -(-(int(begin) - self.midnight) // CELL)
        last = (finish - minutes * 60 - self.midnight) // CELL
        return _span(first, last + 1) if last >= first else 0

    def clashes(self, begin: datetime, finish: datetime, minutes: int) -> int:
        """Cells at which a session of that length would overlap the time given."""
        first = (int(begin.timestamp()) - self.midnight - minutes * 60) // CELL + 1
        end = -(-(int(finish.timestamp()) - self.midnight) // CELL)
        return _span(first, min(end, _CELLS))

    def mark_therapist(self, slot: Slot, *, free: bool) -> None:
        """Takes or frees the cells of all who lead, as far as they are in a shift here."""
        for name in slot.staff:
            staff = self.staff.get(name)
            if staff is not None:
                bits = self._cells(slot)
                staff.free = staff.free | (bits & staff.shift) if free else staff.free & ~bits
                self._changed()

    def mark_room(self, slot: Slot, *, free: bool) -> None:
        """Takes or frees a room's cells, where there still is such a room."""
        if slot.room is not None and slot.room in self.rooms:
            bits = self._cells(slot)
            now = self.rooms[slot.room]
            self.rooms[slot.room] = now | bits if free else now & ~bits
            self._changed()

    def _changed(self) -> None:
        self.memo.clear()
        self.of_staff.clear()
        self.counts.clear()

    def _cells(self, slot: Slot) -> int:
        first = self.cell(slot.start)
        last = -(-(int(slot.end.timestamp()) - self.midnight) // CELL)
        return _span(first, last)


class Calendar:
    """A provider's free time: days by location, with shifts stated and slots taken."""

    def __init__(self, public_holiday: Callable[[date], bool]) -> None:
        self._public_holiday = public_holiday
        self._days: dict[str, dict[date, Day]] = {}
        self._dates: dict[str, list[date]] = {}
        self._sessions: dict[tuple[int, frozenset[str]], dict[date, int]] = {}

    def state(self, week: LocationWeek, taken: Iterable[Slot]) -> None:
        """Replaces a location-week; `taken` are all slots booked in that week, anywhere."""
        code = week.location.code
        days = self._days.setdefault(code, {})
        monday = monday_of(week.week)
        for offset in range(7):
            days.pop(monday + timedelta(days=offset), None)
            self._recount(monday + timedelta(days=offset))
        if not week.closed:
            for therapist in sorted(week.therapists, key=lambda one: one.id):
                for shift in therapist.shifts:
                    on = local_date(shift.start)
                    if self._public_holiday(on):
                        continue
                    day = days.get(on)
                    if day is None:
                        rooms = {
                            room.code: ANY for room in sorted(week.rooms, key=lambda r: r.code)
                        }
                        day = days[on] = Day(on, _midnight(on), rooms=rooms)
                        day.equipment.update((room.code, room.equipment) for room in week.rooms)
                    staff = day.staff.get(therapist.id)
                    if staff is None:
                        staff = day.staff[therapist.id] = Staff(
                            therapist.id, therapist.competences, therapist.languages
                        )
                    bits = _span(
                        -(-(int(shift.start.timestamp()) - day.midnight) // CELL),
                        (int(shift.end.timestamp()) - day.midnight) // CELL,
                    )
                    staff.shift |= bits
                    staff.free |= bits
        self._dates[code] = sorted(days)
        for slot in taken:
            self.take(slot)

    def take(self, slot: Slot) -> None:
        """Marks a slot as booked."""
        self._mark(slot, free=False)

    def free(self, slot: Slot) -> None:
        """Marks a slot as free again, as far as it was in a shift."""
        self._mark(slot, free=True)

    def day(self, location: str, on: date) -> Day | None:
        """A day at a location, None where nobody works."""
        return self._days.get(location, {}).get(on)

    def days(self, location: str, first: date, last: date) -> Iterator[Day]:
        """The days with shifts at a location from `first` to `last`, both included."""
        dates = self._dates.get(location, [])
        days = self._days.get(location, {})
        for index in range(bisect_left(dates, first), len(dates)):
            if dates[index] > last:
                return
            yield days[dates[index]]

    def at(self, location: str) -> Mapping[date, Day]:
        """The days with shifts at a location, in no order."""
        return self._days.get(location, {})

    def sessions(self, dates: Sequence[date], cells: int, competences: frozenset[str]) -> list[int]:
        """About how many sessions of that length are free on each date, at all locations."""
        of_date = self._sessions.setdefault((cells, competences), {})
        key = ("sessions", cells, competences)
        for on in dates:
            if on not in of_date:
                count = 0
                for of_place in self._days.values():
                    day = of_place.get(on)
                    if day is not None:
                        known = day.memo.get(key)  # mostly: a booking changes one day of one place
                        count += day.sessions(cells, competences) if known is None else known
                of_date[on] = count
        return [of_date[on] for on in dates]

    def last_day(self) -> date:
        """The last day on which anybody works anywhere; date.min without any."""
        return max((dates[-1] for dates in self._dates.values() if dates), default=date.min)

    def _mark(self, slot: Slot, *, free: bool) -> None:
        on = local_date(slot.start)
        self._recount(on)
        for code, days in self._days.items():  # a roster may have moved the therapist since
            day = days.get(on)
            if day is not None:
                day.mark_therapist(slot, free=free)
                if code == slot.location:
                    day.mark_room(slot, free=free)

    def _recount(self, on: date) -> None:
        for of_date in self._sessions.values():
            of_date.pop(on, None)


def _fewest_first(group: tuple[frozenset[str], list[Staff]]) -> tuple[int, list[str]]:
    return len(group[0]), sorted(group[0])


def _midnight(on: date) -> int:
    return int(datetime(on.year, on.month, on.day, tzinfo=DENMARK).timestamp())


def _span(first: int, end: int) -> int:
    """Bits from `first` until before `end`."""
    first = max(first, 0)
    return ((1 << (end - first)) - 1) << first if end > first else 0
