"""A roster as CSV, as spreadsheets write it: one file of hours, one of locations.

Separated by semicolons (then with decimal commas, as in Denmark), commas or tabs; the heads may be
Danish or English. A list in a cell is separated by "|" or "/".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.planning.faults import Fault, UnusableFileError
from deploy.planning.roster import Duty, Hall, Hours, Place, Roster, Span, parse_day, parse_time
from services.scheduling.capacity import Location

_HEADS: Final[Mapping[str, str]] = {
    **{name: name for name in ("location", "therapist", "competences", "languages", "day")},
    **{name: name for name in ("from", "to", "code", "name", "address", "postcode", "lat", "lon")},
    **{name: name for name in ("rooms", "open", "unit", "share")},
    **{"lokation": "location", "sted": "location", "terapeut": "therapist"},
    **{"kompetencer": "competences", "sprog": "languages", "dag": "day", "dato": "day"},
    **{"date": "day", "fra": "from", "til": "to", "kode": "code", "navn": "name"},
    **{"adresse": "address", "postnr": "postcode", "postnummer": "postcode"},
    **{"breddegrad": "lat", "længdegrad": "lon", "rum": "rooms", "åben": "open"},
    **{"enhed": "unit", "andel": "share"},
    **{"modtaget": "arrived", "udskrevet": "discharged", "senere_start": "later_start"},
    **{"senere start": "later_start", "frist": "limit", "sårbar": "vulnerable"},
    **{"kørsel": "transport", "ugedage": "weekdays", "minutter": "minutes", "form": "delivery"},
}
_YES: Final = {"", "yes", "true", "1", "ja", "sand"}
_NO: Final = {"no", "false", "0", "nej", "falsk"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its cells by head, in English, and where it stands."""

    cells: Mapping[str, str]
    line: int


def read(
    hours: tuple[str, str],
    locations: tuple[str, str],
    *,
    provider: str,
    source: str,
    duties: tuple[str, str] | None = None,
) -> Roster:
    """Reads a roster from (file, text) pairs. Raises `UnusableFileError`, line by line."""
    faults: list[Fault] = []
    places = list(_places(*locations, faults))
    staff = list(_hours(*hours, faults))
    shares = list(_duties(*duties, faults)) if duties else []
    if faults:
        raise UnusableFileError(faults)
    return Roster(
        file=hours[0],
        provider=provider,
        source=source,
        places=tuple(places),
        hours=tuple(staff),
        duties=tuple(shares),
        places_file=locations[0],
        duties_file=duties[0] if duties else hours[0],
    )


def table(file: str, text: str, needed: Sequence[str], faults: list[Fault]) -> Iterator[Row]:
    """The rows of a CSV; a head that is missing, or a row with too many cells, is a fault."""
    first = text.split("\n", 1)[0]
    mark = max(";,\t", key=first.count)
    rows = csv.reader(text.split("\n"), delimiter=mark, strict=True)
    try:
        heads = [_HEADS.get(one.strip().lower(), one.strip().lower()) for one in next(rows, [])]
        missing = [name for name in needed if name not in heads]
        if missing:
            faults.append(Fault(file, 1, f"lacks the head {', '.join(missing)}"))
            return
        twice = sorted({name for name in heads if heads.count(name) > 1 and name})
        if twice:
            faults.append(Fault(file, 1, f"has the head {', '.join(twice)} twice"))
            return
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(heads):
                text_ = f"has {len(cells)} cells, and there are {len(heads)} heads"
                faults.append(Fault(file, rows.line_num, text_))
                continue
            told = dict(zip(heads, (cell.strip() for cell in cells), strict=False))
            if mark == ";":
                told = {
                    name: cell.replace(",", ".") if name in ("lat", "lon", "share") else cell
                    for name, cell in told.items()
                }
            yield Row(told, rows.line_num)
    except csv.Error as error:
        faults.append(Fault(file, rows.line_num, f"is no CSV: {error}"))


def _places(file: str, text: str, faults: list[Fault]) -> Iterator[Place]:
    seen: dict[str, int] = {}
    for row in table(file, text, ("code", "name", "lat", "lon", "rooms"), faults):
        code = row.cells.get("code", "")
        if code in seen:
            faults.append(Fault(file, row.line, f"{code} stands on line {seen[code]} too"))
            continue
        seen[code] = row.line
        is_open = row.cells.get("open", "").lower()
        if is_open not in _YES | _NO:
            faults.append(Fault(file, row.line, f"open: {is_open!r} is neither yes nor no"))
        yield Place(
            location=Location(
                code=code,
                name=row.cells.get("name", ""),
                address=row.cells.get("address", ""),
                postcode=row.cells.get("postcode", ""),
                lat=_number(file, row, "lat", faults),
                lon=_number(file, row, "lon", faults),
            ),
            rooms=tuple(_hall(text) for text in _list(row.cells.get("rooms", ""))),
            lines={"": row.line},
            open=is_open not in _NO,
        )


def _hours(file: str, text: str, faults: list[Fault]) -> Iterator[Hours]:
    """One entry for each therapist at a location, whatever lines their hours stand on."""
    of: dict[tuple[str, str], list[Row]] = {}
    needed = ("location", "therapist", "competences", "day", "from", "to")
    for row in table(file, text, needed, faults):
        of.setdefault((row.cells["location"], row.cells.get("therapist", "")), []).append(row)
    for (location, therapist), rows in of.items():
        first = rows[0]
        for row in rows[1:]:
            for head in ("competences", "languages"):
                if set(_list(row.cells.get(head, ""))) != set(_list(first.cells.get(head, ""))):
                    text_ = f"{therapist} has other {head} here than on line {first.line}"
                    faults.append(Fault(file, row.line, text_))
        yield Hours(
            therapist=therapist,
            location=location,
            competences=frozenset(_list(first.cells.get("competences", ""))),
            languages=frozenset(_list(first.cells.get("languages", "")) or ["da"]),
            spans=tuple(span for row in rows if (span := _span(file, row, faults)) is not None),
            lines={"": first.line},
        )


def _span(file: str, row: Row, faults: list[Fault]) -> Span | None:
    told = [row.cells.get(head, "") for head in ("day", "from", "to")]
    if not any(told):
        return None  # somebody without hours of their own: on a duty, or away
    try:
        return Span(parse_day(told[0]), parse_time(told[1]), parse_time(told[2]), row.line)
    except ValueError as error:
        faults.append(Fault(file, row.line, str(error)))
        return None


def _duties(file: str, text: str, faults: list[Fault]) -> Iterator[Duty]:
    for row in table(file, text, ("therapist", "unit", "share"), faults):
        yield Duty(
            therapist=row.cells.get("therapist", ""),
            unit=row.cells.get("unit", ""),
            share=_number(file, row, "share", faults),
            line=row.line,
        )


def _number(file: str, row: Row, head: str, faults: list[Fault]) -> float:
    cell = row.cells.get(head, "")
    if not re.fullmatch(r"-?\d{1,9}(\.\d{1,12})?", cell):
        faults.append(Fault(file, row.line, f"{head}: {cell!r} is no number"))
        return 0.0
    return float(cell)


def _hall(text: str) -> Hall:
    """A room as "Sal", or with its equipment as "Sal (barre, trappe)"."""
    found = re.fullmatch(r"(.*?)\s*\(([^()]*)\)", text)
    if found is None:
        return Hall(text)
    return Hall(found[1], frozenset(filter(None, map(str.strip, found[2].split(",")))))


def _list(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[|/]", cell) if part.strip()]
