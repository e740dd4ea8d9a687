"""A roster as a TOML file: `[[location]]`, `[[therapist]]`, `[[duty]]`."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any, Final

from deploy.planning.faults import Fault, UnusableFileError, read_toml
from deploy.planning.roster import Duty, Hall, Hours, Place, Roster, Span, parse_day, parse_time
from services.referral.programme_lines import Loc, line_of, lines_of
from services.scheduling.capacity import Location

_TOP: Final = {"provider", "source", "location", "therapist", "duty"}
_LOCATION: Final = {"code", "name", "address", "postcode", "lat", "lon", "rooms", "open"}
_THERAPIST: Final = {"id", "location", "competences", "languages", "hours"}
_DUTY: Final = {"therapist", "unit", "share"}
_MISSING: Final = object()


def read(file: str, text: str) -> Roster:
    """Reads a roster. Raises `UnusableFileError` with every line that can't be read."""
    content = read_toml(file, text)
    reader = _Reader(file, lines_of(text))
    roster = reader.roster(content)
    if reader.faults:
        raise UnusableFileError(reader.faults)
    return roster


class _Reader:
    def __init__(self, file: str, lines: Mapping[Loc, int]) -> None:
        self._file = file
        self._lines = lines
        self.faults: list[Fault] = []

    def roster(self, content: Mapping[str, Any]) -> Roster:
        self._known(content, (), _TOP)
        return Roster(
            file=self._file,
            provider=self._text(content, (), "provider"),
            source=self._text(content, (), "source"),
            places=tuple(
                self._place(table, loc) for loc, table in self._tables(content, "location")
            ),
            hours=tuple(
                self._hours(table, loc) for loc, table in self._tables(content, "therapist")
            ),
            duties=tuple(self._duty(table, loc) for loc, table in self._tables(content, "duty")),
        )

    def _place(self, table: Mapping[str, Any], loc: Loc) -> Place:
        self._known(table, loc, _LOCATION)
        is_open = table.get("open", True)
        if not isinstance(is_open, bool):
            self._fault((*loc, "open"), "open must be true or false")
        return Place(
            location=Location(
                code=self._text(table, loc, "code"),
                name=self._text(table, loc, "name"),
                address=self._text(table, loc, "address", ""),
                postcode=self._text(table, loc, "postcode", ""),
                lat=self._number(table, loc, "lat"),
                lon=self._number(table, loc, "lon"),
            ),
            rooms=tuple(self._rooms(table, loc)),
            lines=self._lines_of(loc, _LOCATION),
            open=bool(is_open),
        )

    def _rooms(self, table: Mapping[str, Any], loc: Loc) -> list[Hall]:
        """Names, or tables of a name and equipment."""
        value = table.get("rooms", [])
        if not isinstance(value, list) or not all(isinstance(one, str | dict) for one in value):
            text = 'rooms must be a list of names, or of { name = "Sal", equipment = ["barre"] }'
            self._fault((*loc, "rooms"), text)
            return []
        found = []
        for number, one in enumerate(value):
            if isinstance(one, str):
                found.append(Hall(one))
                continue
            at = (*loc, "rooms", number)
            self._known(one, at, {"name", "equipment"})
            equipment = frozenset(self._texts(one, at, "equipment", ()))
            found.append(Hall(self._text(one, at, "name"), equipment))
        return found

    def _hours(self, table: Mapping[str, Any], loc: Loc) -> Hours:
        self._known(table, loc, _THERAPIST)
        return Hours(
            therapist=self._text(table, loc, "id"),
            location=self._text(table, loc, "location"),
            competences=frozenset(self._texts(table, loc, "competences", ())),
            languages=frozenset(self._texts(table, loc, "languages", ("da",))),
            spans=tuple(self._spans(table, loc)),
            lines=self._lines_of(loc, _THERAPIST),
        )

    def _spans(self, table: Mapping[str, Any], loc: Loc) -> list[Span]:
        text = self._text(table, loc, "hours", "")
        line = line_of(self._lines, (*loc, "hours"))
        found = []
        for part in filter(None, (one.strip() for one in text.split(","))):
            try:
                day, hours = part.split(None, 1)
                begin, finish = hours.split("-", 1) if "-" in hours else hours.split("–", 1)
            except ValueError:
                self._fault((*loc, "hours"), f"{part!r} is not like mon 08:00-10:00")
                continue
            try:
                found.append(Span(parse_day(day), parse_time(begin), parse_time(finish), line))
            except ValueError as error:
                self._fault((*loc, "hours"), f"{part!r}: {error}")
        return found

    def _duty(self, table: Mapping[str, Any], loc: Loc) -> Duty:
        self._known(table, loc, _DUTY)
        return Duty(
            therapist=self._text(table, loc, "therapist"),
            unit=self._text(table, loc, "unit"),
            share=self._number(table, loc, "share"),
            line=line_of(self._lines, loc),
        )

    def _tables(self, content: Mapping[str, Any], key: str) -> list[tuple[Loc, Mapping[str, Any]]]:
        tables = content.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self._fault((key,), f"{key} must be tables, each under [[{key}]]")
            return []
        return [((key, number), table) for number, table in enumerate(tables)]

    def _known(self, table: Mapping[str, Any], loc: Loc, keys: set[str]) -> None:
        for key in table.keys() - keys:
            self._fault((*loc, key), f"{key} is no key here; known are {', '.join(sorted(keys))}")

    def _text(
        self, table: Mapping[str, Any], loc: Loc, key: str, default: object = _MISSING
    ) -> str:
        value = table.get(key, default)
        if value is _MISSING:
            self._fault(loc, f"{key} is missing")
        elif not isinstance(value, str):
            self._fault((*loc, key), f"{key} must be a text in quotes")
        else:
            return value
        return ""

    def _texts(
        self, table: Mapping[str, Any], loc: Loc, key: str, default: tuple[str, ...]
    ) -> list[str]:
        value = table.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._fault((*loc, key), f'{key} must be a list of texts, such as ["one", "two"]')
            return []
        return value

    def _number(self, table: Mapping[str, Any], loc: Loc, key: str) -> float:
        value = table.get(key, _MISSING)
        if value is _MISSING:
            self._fault(loc, f"{key} is missing")
        elif isinstance(value, bool) or not isinstance(value, int | float) or isnan(value):
            self._fault((*loc, key), f"{key} must be a number")
        else:
            return float(value)
        return 0.0

    def _lines_of(self, loc: Loc, keys: set[str]) -> dict[str, int]:
        own = {key: self._lines[*loc, key] for key in keys if (*loc, key) in self._lines}
        return {"": line_of(self._lines, loc), **own}

    def _fault(self, loc: Loc, text: str) -> None:
        self.faults.append(Fault(self._file, line_of(self._lines, loc), text))
