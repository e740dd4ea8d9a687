"""A municipality's roster as planners write it: locations, rooms, and therapists' weekly hours.

What a statement of capacity must satisfy is decided by scheduling's own rules; here each of them
is traced back to the line that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from deploy.planning.faults import Fault
from services.scheduling.capacity import (
    DENMARK,
    Location,
    LocationWeek,
    Problem,
    Room,
    Shift,
    Therapist,
    elsewhere,
    problems,
    week_of,
)
from services.scheduling.capacity import Duty as StatedDuty

_DAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("mon", "man", "monday", "mandag"),
            ("tue", "tir", "tuesday", "tirsdag"),
            ("wed", "ons", "wednesday", "onsdag"),
            ("thu", "tor", "thursday", "torsdag"),
            ("fri", "fre", "friday", "fredag"),
            ("sat", "lør", "saturday", "lørdag"),
            ("sun", "søn", "sunday", "søndag"),
        )
    )
    for name in names
}
_SHIFT: Final = re.compile(r"therapists\[(\d+)\](?:\.shifts\[(\d+)\])?(?:\.(\w+))?")

Lines = Mapping[str, int]
"""The line of each key of an entry; "" is the entry's own."""


@dataclass(frozen=True, slots=True)
class Hall:
    """A room as a file names it, with its equipment."""

    name: str
    equipment: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A location and its rooms. `open` is False for one that could be opened."""

    location: Location
    rooms: tuple[Hall, ...]
    lines: Lines
    open: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """Bookable hours of a weekday (0 is Monday), or of one date."""

    day: int | date
    begin: time
    finish: time
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A therapist at a location: what they can, and when."""

    therapist: str
    location: str
    competences: frozenset[str]
    languages: frozenset[str]
    spans: tuple[Span, ...]
    lines: Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """A share of a full-time therapist that a district or a centre has; not bookable."""

    therapist: str
    unit: str
    share: float
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The whole of a file. `source` is the roster system that speaks for the provider."""

    file: str
    provider: str
    source: str
    places: tuple[Place, ...]
    hours: tuple[Hours, ...]
    duties: tuple[Duty, ...] = field(default=())
    places_file: str = ""  # where it is another
    duties_file: str = ""

    def dated(self) -> list[date]:
        """The Mondays of weeks that have hours of their own, by date."""
        days = {s.day for one in self.hours for s in one.spans if isinstance(s.day, date)}
        return sorted({day - timedelta(days=day.weekday()) for day in days})


@dataclass(frozen=True, slots=True)
class Stated:
    """A location's week, with the line that each element of it came from."""

    week: LocationWeek
    place: Place
    hours: tuple[Hours, ...]
    spans: tuple[tuple[Span, ...], ...]

    def line(self, element: str) -> int:
        """The line of an element such as therapists[2].shifts[0].end."""
        found = _SHIFT.match(element)
        if found is None:
            key = element.removeprefix("location.").split("[")[0]
            return self.place.lines.get(key, self.place.lines[""])
        therapist = self.hours[int(found[1])]
        if found[2] is not None:
            return self.spans[int(found[1])][int(found[2])].line
        return therapist.lines.get(found[3] or "", therapist.lines[""])


def stated(roster: Roster, monday: date, version: int = 1) -> Iterator[Stated]:
    """What the roster says of a week, location by location; those to be opened are left out.

    Hours by weekday hold every week, hours by date in theirs.
    """
    for place in roster.places:
        if not place.open:
            continue
        code = place.location.code
        hours = tuple(one for one in roster.hours if one.location == code)
        spans = tuple(tuple(s for s in one.spans if _falls_in(s, monday)) for one in hours)
        week = LocationWeek(
            provider=roster.provider,
            location=place.location,
            week=week_of(monday),
            version=version,
            rooms=rooms_of(place),
            therapists=tuple(
                Therapist(
                    id=one.therapist,
                    competences=one.competences,
                    languages=one.languages,
                    shifts=tuple(_shift(span, monday) for span in of),
                    duties=_duties(roster, one),
                )
                for one, of in zip(hours, spans, strict=True)
            ),
            closed=False,
        )
        yield Stated(week, place, hours, spans)


def rooms_of(place: Place) -> tuple[Room, ...]:
    """A location's rooms as they are stated."""
    return tuple(
        Room(code=f"{place.location.code}-{number}", name=hall.name, equipment=hall.equipment)
        for number, hall in enumerate(place.rooms, 1)
    )


def _duties(roster: Roster, one: Hours) -> tuple[StatedDuty, ...]:
    """A therapist's duties, stated once: with the first location that they have hours at."""
    first = next(hours for hours in roster.hours if hours.therapist == one.therapist)
    if first is not one:
        return ()
    return tuple(
        StatedDuty(unit=duty.unit, share=duty.share)
        for duty in roster.duties
        if duty.therapist == one.therapist
    )


def check(roster: Roster, competences: frozenset[str], mondays: Sequence[date]) -> list[Fault]:
    """Everything that scheduling would refuse in these weeks, at the line that it stands on."""
    found: list[Fault] = []
    known = {place.location.code for place in roster.places}
    for one in roster.hours:
        if one.location not in known:
            line = one.lines.get("location", one.lines[""])
            text = f"no location has the code {one.location!r}; known are {_listed(known)}"
            found.append(Fault(roster.file, line, text))
    staff = {one.therapist for one in roster.hours}
    for duty in roster.duties:
        if duty.therapist not in staff:
            text = f"no therapist is called {duty.therapist!r}"
            found.append(Fault(roster.duties_file or roster.file, duty.line, text))
    if not any(place.open for place in roster.places):
        found.append(Fault(roster.file, 1, "states no open location"))
    for place in roster.places:
        if not place.open and any(one.location == place.location.code for one in roster.hours):
            text = f"{place.location.code} is not open, yet therapists have hours there"
            found.append(Fault(roster.places_file or roster.file, place.lines[""], text))
    for monday in mondays:
        before: dict[str, list[tuple[str, Shift]]] = {}
        for part in stated(roster, monday):
            wrong = [*problems(part.week, competences), *elsewhere(part.week, before)]
            found += [_fault(roster, part, problem) for problem in wrong]
            before[part.week.location.code] = [
                (therapist.id, shift)
                for therapist in part.week.therapists
                for shift in therapist.shifts
            ]
    return sorted(set(found))


def _fault(roster: Roster, one: Stated, problem: Problem) -> Fault:
    of_a_therapist = _SHIFT.match(problem.element)
    file = roster.file if of_a_therapist else roster.places_file or roster.file
    return Fault(file, one.line(problem.element), _plain(problem, one))


def _plain(problem: Problem, one: Stated) -> str:
    found = _SHIFT.match(problem.element)
    if found is None:
        return f"location {one.week.location.code}: {problem.element} {problem.reason}"
    therapist = one.hours[int(found[1])]
    reason = problem.reason
    if found[2] is not None:
        span = one.spans[int(found[1])][int(found[2])]
        other = re.search(r"overlaps therapists\[\d+\]\.shifts\[(\d+)\]", reason)
        if other:
            first = one.spans[int(found[1])][int(other[1])]
            reason = f"overlaps {shown(first)} (line {first.line})"
        return f"therapist {therapist.therapist}: {shown(span)} {reason}"
    return f"therapist {therapist.therapist}: {reason}"


def parse_day(text: str) -> int | date:
    """A weekday (0 is Monday), Danish or English, or an ISO date. Raises ValueError."""
    name = text.strip().lower().rstrip(".")
    if name in _DAYS:
        return _DAYS[name]
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no weekday (mon … sun) and no date") from None
    if not 2000 <= day.year <= 2200:
        raise ValueError(f"{text.strip()!r} must lie between 2000 and 2200")
    return day


def parse_time(text: str) -> time:
    """A time of day as 08:00, 8:00 or 8.00. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,2})[:.](\d{2})", text.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f"{text.strip()!r} is no time of day such as 08:00")
    return time(int(found[1]), int(found[2]))


def shown(span: Span) -> str:
    """A span as it stands in a file."""
    day = span.day if isinstance(span.day, date) else list(_DAYS)[4 * span.day]
    return f"{day} {span.begin:%H:%M}-{span.finish:%H:%M}"


def _falls_in(span: Span, monday: date) -> bool:
    return isinstance(span.day, int) or monday <= span.day < monday + timedelta(days=7)


def _shift(span: Span, monday: date) -> Shift:
    day = span.day if isinstance(span.day, date) else monday + timedelta(days=span.day)
    return Shift(
        datetime.combine(day, span.begin, DENMARK), datetime.combine(day, span.finish, DENMARK)
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"
