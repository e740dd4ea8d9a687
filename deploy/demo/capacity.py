"""What the demo municipalities can offer: rosters as TOML, stated week by week.

A roster's week repeats: each therapist has the same hours every week, less what is a public
holiday (scheduling itself leaves those out).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

FOLDER: Final = Path(__file__).parent / "capacity"
CONTENT_TYPE: Final = "application/json"
TYPE: Final = "dk.genvej.capacity.stated.v1"

_COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class RosterError(Exception):
    """A roster file can't be used; the message names the file and the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One location's whole state for one week, as its roster system publishes it."""

    source: str
    provider: str
    location: str
    week: str
    version: int
    value: bytes

    @property
    def topic(self) -> str:
        """The roster system's own topic."""
        return f"roster.{self.source}.capacity"


def rosters(folder: Path = FOLDER) -> dict[str, Path]:
    """The roster files of a folder by provider code."""
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def statements(path: Path, since: date, weeks: int, version: int = 1) -> Iterator[Statement]:
    """A roster for each location and ISO week, from the week of `since` on.

    Raises RosterError.
    """
    try:
        roster = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RosterError(f"{path}: {error}") from None
    monday = since - timedelta(days=since.weekday())
    for number in range(weeks):
        start = monday + timedelta(weeks=number)
        for location in roster.get("location", ()):
            yield _statement(path, roster, location, start, version)


def _statement(
    path: Path, roster: Mapping[str, Any], location: Mapping[str, Any], monday: date, version: int
) -> Statement:
    year, number, _ = monday.isocalendar()
    week = f"{year}-W{number:02d}"
    try:
        code = str(location["code"])
        body = {
            "provider": roster["provider"],
            "location": {name: value for name, value in location.items() if name != "rooms"},
            "week": week,
            "version": version,
            "rooms": [
                {"code": f"{code}-{index}", "name": name}
                for index, name in enumerate(location["rooms"], 1)
            ],
            "therapists": [
                {
                    "id": therapist["id"],
                    "competences": therapist["competences"],
                    "languages": therapist["languages"],
                    "shifts": list(_shifts(path, therapist, monday)),
                    "duties": [
                        {"unit": duty["unit"], "share": duty["share"]}
                        for duty in roster.get("duty", ())
                        if duty["therapist"] == therapist["id"]
                    ],
                }
                for therapist in roster.get("therapist", ())
                if therapist["location"] == code
            ],
            "closed": False,
        }
        return Statement(
            source=roster["source"],
            provider=roster["provider"],
            location=code,
            week=week,
            version=version,
            value=json.dumps(body, ensure_ascii=False).encode(),
        )
    except KeyError as error:
        raise RosterError(f"{path}: an entry lacks {error}") from None


def _shifts(path: Path, therapist: Mapping[str, Any], monday: date) -> Iterator[dict[str, str]]:
    """The hours "mon 08:00-10:00, wed 12:00-14:00" of a week as instants."""
    for part in filter(None, therapist["hours"].split(",")):
        try:
            name, hours = part.split()
            begin, end = (time.fromisoformat(clock) for clock in hours.split("-"))
            day = monday + timedelta(days=_DAYS.index(name))
        except ValueError:
            raise RosterError(
                f"{path}: therapist {therapist['id']}: {part.strip()!r} is not like mon 08:00-10:00"
            ) from None
        yield {"start": _instant(day, begin), "end": _instant(day, end)}


def _instant(day: date, clock: time) -> str:
    local = datetime.combine(day, clock, _COPENHAGEN)
    return local.astimezone(UTC).isoformat().replace("+00:00", "Z")
