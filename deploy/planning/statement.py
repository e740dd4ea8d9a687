"""A roster as events on the wire, and events as a roster again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.planning.roster import Span, Stated, shown
from services.scheduling.capacity import DENMARK, LocationWeek, Room, Shift, Therapist, local_date

HOURS = ("location", "therapist", "competences", "languages", "day", "from", "to")
LOCATIONS = ("code", "name", "address", "postcode", "lat", "lon", "rooms", "open")


def body(one: Stated) -> bytes:
    """capacity.stated as JSON."""
    return json.dumps(statement(one.week), ensure_ascii=False).encode()


def statement(week: LocationWeek) -> dict[str, Any]:
    """capacity.stated as JSON-able data."""
    return {
        "provider": week.provider,
        "location": {
            "code": week.location.code,
            "name": week.location.name,
            "address": week.location.address,
            "postcode": week.location.postcode,
            "lat": week.location.lat,
            "lon": week.location.lon,
        },
        "week": week.week,
        "version": week.version,
        "rooms": [
            {"code": room.code, "name": room.name, "equipment": sorted(room.equipment)}
            for room in week.rooms
        ],
        "therapists": [
            {
                "id": therapist.id,
                "competences": sorted(therapist.competences),
                "languages": sorted(therapist.languages),
                "shifts": [
                    {"start": _instant(shift.start), "end": _instant(shift.end)}
                    for shift in therapist.shifts
                ],
                "duties": [{"unit": duty.unit, "share": duty.share} for duty in therapist.duties],
            }
            for therapist in week.therapists
        ],
        "closed": week.closed,
    }


def toml(source: str, weeks: Sequence[LocationWeek]) -> str:
    """A week of all locations as the TOML file that states it every week."""
    quoted = _quoted
    lines = [f"provider = {quoted(weeks[0].provider)}", f"source = {quoted(source)}"]
    for week in weeks:
        place = week.location
        rooms = ", ".join(map(_room, week.rooms))
        lines += [
            "",
            "[[location]]",
            f"code = {quoted(place.code)}",
            f"name = {quoted(place.name)}",
            f"address = {quoted(place.address)}",
            f"postcode = {quoted(place.postcode)}",
            f"lat = {place.lat}",
            f"lon = {place.lon}",
            f"rooms = [{rooms}]",
        ]
        if week.closed:
            lines.append("open = false")
    for week, therapist in _staff(weeks):
        hours = ", ".join(shown(_span(shift)) for shift in _sorted(therapist.shifts))
        lines += [
            "",
            "[[therapist]]",
            f"id = {quoted(therapist.id)}",
            f"location = {quoted(week.location.code)}",
            f"competences = [{', '.join(map(quoted, sorted(therapist.competences)))}]",
            f"languages = [{', '.join(map(quoted, sorted(therapist.languages)))}]",
            f"hours = {quoted(hours)}",
        ]
    for _, therapist in _staff(weeks):
        for duty in therapist.duties:
            lines += [
                "",
                "[[duty]]",
                f"therapist = {quoted(therapist.id)}",
                f"unit = {quoted(duty.unit)}",
                f"share = {duty.share:g}",
            ]
    return "\n".join(lines) + "\n"


def hours_csv(weeks: Sequence[LocationWeek]) -> str:
    """The hours of whole weeks, by date."""
    return _csv(
        HOURS,
        (
            (
                week.location.code,
                therapist.id,
                "|".join(sorted(therapist.competences)),
                "|".join(sorted(therapist.languages)),
                *_cells(shift),
            )
            for week, therapist in _staff(weeks)
            for shift in _sorted(therapist.shifts)
        ),
    )


def locations_csv(weeks: Sequence[LocationWeek]) -> str:
    """The locations, once each, as they stand in the last of the weeks."""
    last = {week.location.code: week for week in weeks}
    return _csv(
        LOCATIONS,
        (
            (
                *(one.location.code, one.location.name, one.location.address),
                *(one.location.postcode, str(one.location.lat), str(one.location.lon)),
                "|".join(map(_cell, one.rooms)),
                "no" if one.closed else "yes",
            )
            for _, one in sorted(last.items())
        ),
    )


def newest(weeks: Sequence[LocationWeek]) -> list[LocationWeek]:
    """The newest version of each location's week, in order of week and code."""
    found: dict[tuple[str, str], LocationWeek] = {}
    for week in weeks:
        key = (week.week, week.location.code)
        if key not in found or week.version >= found[key].version:
            found[key] = week
    return [found[key] for key in sorted(found)]


def _staff(weeks: Sequence[LocationWeek]) -> Iterator[tuple[LocationWeek, Therapist]]:
    for week in weeks:
        if not week.closed:
            for therapist in week.therapists:
                yield week, therapist


def _sorted(shifts: Sequence[Shift]) -> list[Shift]:
    return sorted(shifts, key=lambda shift: shift.start)


def _span(shift: Shift) -> Span:
    begin, finish = (instant.astimezone(DENMARK).time() for instant in (shift.start, shift.end))
    return Span(local_date(shift.start).weekday(), begin, finish, 0)


def _cells(shift: Shift) -> tuple[str, str, str]:
    span = _span(shift)
    day = local_date(shift.start).isoformat()
    return day, f"{span.begin:%H:%M}", f"{span.finish:%H:%M}"


def _csv(heads: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=",", lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _room(room: Room) -> str:
    name = _quoted(room.name or room.code)
    if not room.equipment:
        return name
    equipment = ", ".join(map(_quoted, sorted(room.equipment)))
    return f"{{ name = {name}, equipment = [{equipment}] }}"


def _cell(room: Room) -> str:
    name = room.name or room.code
    return f"{name} ({', '.join(sorted(room.equipment))})" if room.equipment else name


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's is one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
