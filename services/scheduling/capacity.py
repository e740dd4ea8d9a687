"""What a provider can offer: locations, rooms, therapists and shifts, week by week.

Standard library only. Instants are UTC; dates and times of day are Danish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DENMARK: Final = ZoneInfo("Europe/Copenhagen")

# Denmark's corners with Bornholm and Skagen; the sea between is nobody's address, but plausible.
_SOUTH, _NORTH, _WEST, _EAST = 54.5, 57.8, 7.9, 15.3
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")
_LONGEST_SHIFT: Final = timedelta(hours=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where citizens train. Coordinates are WGS 84 degrees."""

    code: str
    name: str
    address: str
    postcode: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room that holds one session at a time, with its equipment."""

    code: str
    name: str
    equipment: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours in which a therapist can be booked, from `start` until just before `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A share of a full-time therapist that a unit (a district, a centre) has; never bookable."""

    unit: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Therapist:
    """A therapist as the roster knows them; `id` is the roster's own and says nothing."""

    id: str
    competences: frozenset[str]
    languages: frozenset[str]
    shifts: tuple[Shift, ...]
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationWeek:
    """The whole state of one location in one ISO week; a newer version replaces it entirely."""

    provider: str
    location: Location
    week: str
    version: int
    rooms: tuple[Room, ...]
    therapists: tuple[Therapist, ...]
    closed: bool

    def shifts(self) -> Iterator[Shift]:
        """All therapists' shifts; none where the location is closed."""
        if not self.closed:
            for therapist in self.therapists:
                yield from therapist.shifts


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a statement and where, such as therapists[2].shifts[0].end."""

    element: str
    reason: str


def local_date(instant: datetime) -> date:
    """The Danish date of an instant."""
    return instant.astimezone(DENMARK).date()


def week_of(day: date) -> str:
    """The ISO week of a date, such as 2026-W48."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(week: str) -> date:
    """The first day of an ISO week. Raises ValueError where there is no such week."""
    match = _WEEK.fullmatch(week)
    if match is None or not match[1].startswith("2"):
        raise ValueError(f"{week!r} is no ISO week such as 2026-W48")
    return date.fromisocalendar(int(match[1]), int(match[2]), 1)


def problems(week: LocationWeek, competences: frozenset[str]) -> list[Problem]:
    """Everything that is wrong with a statement by itself; an empty list means it can be used.

    `competences` are those that the provider's programmes know.
    """
    found = [*_location_problems(week.location), *_room_problems(week)]
    if not week.provider:
        found.append(Problem("provider", "is empty"))
    if week.version < 1:
        found.append(Problem("version", f"{week.version} is below 1"))
    try:
        monday = monday_of(week.week)
    except ValueError as error:
        return [*found, Problem("week", str(error))]
    seen: dict[str, int] = {}
    for index, therapist in enumerate(week.therapists):
        at = f"therapists[{index}]"
        if not therapist.id:
            found.append(Problem(f"{at}.id", "is empty"))
        elif therapist.id in seen:
            other = seen[therapist.id]
            found.append(Problem(f"{at}.id", f"{therapist.id} stands at therapists[{other}] too"))
        seen.setdefault(therapist.id, index)
        found += [
            Problem(f"{at}.competences", f"{name!r} is no competence that is known here")
            for name in sorted(therapist.competences - competences)
        ]
        found += [
            Problem(f"{at}.duties[{number}].share", f"{duty.share:g} is not above 0 and up to 1")
            for number, duty in enumerate(therapist.duties)
            if not 0 < duty.share <= 1
        ]
        found += _shift_problems(therapist.shifts, at, monday)
    return found


def elsewhere(
    week: LocationWeek, others: Mapping[str, Iterable[tuple[str, Shift]]]
) -> Iterator[Problem]:
    """Shifts of therapists who are at another location at the same time.

    `others` holds, by location, the (therapist, shift) pairs of the same provider and week.
    """
    taken: dict[str, list[tuple[str, Shift]]] = {}
    for location, pairs in sorted(others.items()):
        for therapist_id, shift in pairs:
            taken.setdefault(therapist_id, []).append((location, shift))
    for index, therapist in enumerate(week.therapists):
        for number, shift in enumerate(therapist.shifts):
            for location, other in taken.get(therapist.id, ()):
                if shift.start < other.end and other.start < shift.end:
                    yield Problem(
                        f"therapists[{index}].shifts[{number}]",
                        f"{therapist.id} is at {location} then; "
                        f"state {location} without that shift first",
                    )


def _location_problems(location: Location) -> Iterator[Problem]:
    if not location.code or "/" in location.code:
        yield Problem("location.code", "must be a code without a slash")
    if not location.name:
        yield Problem("location.name", "is empty")
    if not (_SOUTH <= location.lat <= _NORTH):
        yield Problem("location.lat", f"{location.lat} is outside Denmark")
    if not (_WEST <= location.lon <= _EAST):
        yield Problem("location.lon", f"{location.lon} is outside Denmark")


def _room_problems(week: LocationWeek) -> Iterator[Problem]:
    if not week.rooms and not week.closed:
        yield Problem("rooms", "a location that is open needs a room")
    seen: dict[str, int] = {}
    for index, room in enumerate(week.rooms):
        at = f"rooms[{index}].code"
        if not room.code:
            yield Problem(at, "is empty")
        elif room.code in seen:
            yield Problem(at, f"{room.code} stands at rooms[{seen[room.code]}] too")
        seen.setdefault(room.code, index)


def _shift_problems(shifts: tuple[Shift, ...], at: str, monday: date) -> Iterator[Problem]:
    for index, shift in enumerate(shifts):
        here = f"{at}.shifts[{index}]"
        if shift.end <= shift.start:
            yield Problem(f"{here}.end", "is not after the start")
            continue
        day = local_date(shift.start)
        if not monday <= day < monday + timedelta(days=7):
            yield Problem(f"{here}.start", f"{day} lies outside the week")
        if shift.end - shift.start > _LONGEST_SHIFT:
            yield Problem(f"{here}.end", "makes a shift of more than 16 hours")
        elif local_date(shift.end - timedelta(microseconds=1)) != day:
            yield Problem(f"{here}.end", "lies on another day; state one shift for each day")
        for number, other in enumerate(shifts[:index]):
            if shift.start < other.end and other.start < shift.end:
                yield Problem(here, f"overlaps {at}.shifts[{number}]")
