"""Where people live and what they need: a TOML file, for a municipality without past requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.planning.faults import Fault, UnusableFileError, read_toml
from services.referral.programme_lines import Loc, line_of, lines_of
from services.scheduling.what_if.demand import DELIVERIES, LOCATION, Need, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The file: places with people, what shares of citizens need, and plans a week.

    `rides` is the share of citizens, 0 to 1, who need a ride.
    """

    places: tuple[Place, ...]
    needs: tuple[Need, ...]
    per_week: float
    rides: float


def read(file: str, text: str) -> People:
    """Reads the file. Raises `UnusableFileError` with every line that can't be used."""
    content = read_toml(file, text)
    reader = _Reader(file, lines_of(text))
    people = reader.people(content)
    if reader.faults:
        raise UnusableFileError(reader.faults)
    return people


class _Reader:
    def __init__(self, file: str, lines: Mapping[Loc, int]) -> None:
        self._file = file
        self._lines = lines
        self.faults: list[Fault] = []

    def people(self, content: Mapping[str, Any]) -> People:
        places, needs = self._tables(content, "place"), self._tables(content, "need")
        names: dict[str, Loc] = {}
        for loc, table in places:
            name = str(table.get("name", ""))
            if name in names:
                self._fault((*loc, "name"), f"{name} stands there twice")
            names[name] = loc
        return People(
            places=tuple(self._place(table, loc) for loc, table in places),
            needs=tuple(
                Need(
                    competences=frozenset(str(one) for one in table.get("competences", [])),
                    share=self._number(table, loc, "share", least=0, most=1),
                    minutes=int(self._number(table, loc, "minutes", least=0, most=600, default=0)),
                    delivery=self._delivery(table, loc),
                )
                for loc, table in needs
            ),
            per_week=self._number(content, (), "per_week", least=0, most=100_000),
            rides=self._number(content, (), "rides", least=0, most=1, default=0.0),
        )

    def _place(self, table: Mapping[str, Any], loc: Loc) -> Place:
        lat = self._number(table, loc, "lat", least=54.5, most=57.8)
        lon = self._number(table, loc, "lon", least=7.9, most=15.3)
        return Place(
            name=str(table.get("name", "")),
            at=(lat, lon),
            people=self._number(table, loc, "people", least=0, most=10_000_000),
        )

    def _delivery(self, table: Mapping[str, Any], loc: Loc) -> str:
        value = table.get("delivery", LOCATION)
        if value not in DELIVERIES:
            self._fault((*loc, "delivery"), f"delivery must be one of {', '.join(DELIVERIES)}")
        return str(value)

    def _tables(self, content: Mapping[str, Any], key: str) -> list[tuple[Loc, Mapping[str, Any]]]:
        tables = content.get(key, [])
        if (
            not isinstance(tables, list)
            or not tables
            or not all(isinstance(one, dict) for one in tables)
        ):
            self._fault((key,), f"the file needs [[{key}]] tables")
            return []
        return [((key, number), table) for number, table in enumerate(tables)]

    def _number(
        self,
        table: Mapping[str, Any],
        loc: Loc,
        key: str,
        *,
        least: float,
        most: float,
        default: float | None = None,
    ) -> float:
        value = table.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if least <= value <= most:
                return float(value)
            what = "is outside Denmark" if key in ("lat", "lon") else "is out of range"
            self._fault((*loc, key), f"{key} = {value} {what} ({least:g} to {most:g})")
        elif value is None:
            self._fault(loc, f"{key} is missing")
        else:
            self._fault((*loc, key), f"{key} must be a number")
        return 0.0

    def _fault(self, loc: Loc, text: str) -> None:
        self.faults.append(Fault(self._file, line_of(self._lines, loc), text))
