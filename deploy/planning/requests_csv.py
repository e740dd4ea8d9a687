"""A municipality's own past requests as CSV, one citizen a line; nothing tells who they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Final

from deploy.planning.faults import Fault, UnusableFileError
from deploy.planning.roster import parse_day, parse_time
from deploy.planning.roster_csv import Row, table
from services.scheduling.orders import Window
from services.scheduling.what_if.demand import DELIVERIES, LOCATION, Request

LIMIT_DAYS: Final = 7  # Sundhedsloven § 140: calendar days from the discharge, or the later start
_FORBIDDEN: Final = {"cpr", "name", "navn", "address", "adresse", "phone", "telefon", "email"}
_DELIVERY: Final = {
    **{"": LOCATION, "fremmøde": LOCATION, "hjemme": "home", "hjem": "home"},
    **{"skærm": "screen", "video": "screen", "telefon": "telephone"},
}
_YES: Final = {"yes", "true", "1", "ja", "sand", "x"}
_NO: Final = {"", "no", "false", "0", "nej", "falsk"}


def read(file: str, text: str) -> list[Request]:
    """Reads the file. Raises `UnusableFileError` with every line that can't be used.

    Needed are `arrived`, `discharged` and `postcode`; besides there may be `later_start`, `limit`,
    `competences`, `language`, `vulnerable`, `transport`, `weekdays`, `from`, `to`, `minutes` and
    `delivery` (location, home, screen or telephone).
    """
    faults: list[Fault] = []
    heads = {one.strip().lower() for one in re.split(r"[;,\t]", text.split("\n", 1)[0])}
    if found := sorted(heads & _FORBIDDEN):
        told = f"holds {', '.join(found)}: take out what tells who a citizen is"
        raise UnusableFileError([Fault(file, 1, told)])
    requests = [
        request
        for row in table(file, text, ("arrived", "discharged", "postcode"), faults)
        if (request := _request(file, row, faults)) is not None
    ]
    if faults:
        raise UnusableFileError(faults)
    return requests


def _request(file: str, row: Row, faults: list[Fault]) -> Request | None:
    before = len(faults)
    arrived = _date(file, row, "arrived", faults)
    discharged = _date(file, row, "discharged", faults)
    later = _date(file, row, "later_start", faults, needed=False)
    limit = _date(file, row, "limit", faults, needed=False)
    vulnerable = _flag(file, row, "vulnerable", faults)
    transport = _flag(file, row, "transport", faults)
    windows = _windows(file, row, faults)
    minutes = _minutes(file, row, faults)
    delivery = _delivery(file, row, faults)
    if len(faults) > before or arrived is None or discharged is None:
        return None
    one = timedelta(days=1)
    start = later or discharged
    return Request(
        arrived=arrived,
        earliest=max(arrived + one, discharged + one, start),
        limit=limit or start + timedelta(days=LIMIT_DAYS),
        district=row.cells.get("postcode", ""),
        competences=frozenset(_parts(row.cells.get("competences", ""))),
        language=row.cells.get("language", "") or "da",
        vulnerable=vulnerable,
        transport=transport,
        windows=windows,
        minutes=minutes,
        delivery=delivery,
        room=delivery == LOCATION,
        bedside=arrived < discharged,
    )


def _date(
    file: str, row: Row, head: str, faults: list[Fault], *, needed: bool = True
) -> date | None:
    cell = row.cells.get(head, "")
    if not cell and not needed:
        return None
    danish = re.fullmatch(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", cell)
    try:
        found = date.fromisoformat(
            f"{danish[3]}-{int(danish[2]):02d}-{int(danish[1]):02d}" if danish else cell
        )
    except ValueError:
        found = date.min
    if not 2000 <= found.year <= 2200:
        text = f"{head}: {cell!r} is no date such as 2026-11-23 or 23-11-2026"
        faults.append(Fault(file, row.line, text))
        return None
    return found


def _flag(file: str, row: Row, head: str, faults: list[Fault]) -> bool:
    cell = row.cells.get(head, "").lower()
    if cell not in _YES | _NO:
        faults.append(Fault(file, row.line, f"{head}: {cell!r} is neither yes nor no"))
    return cell in _YES


def _minutes(file: str, row: Row, faults: list[Fault]) -> int:
    """How long the session takes; 0 where that is not told."""
    cell = row.cells.get("minutes", "")
    if not cell:
        return 0
    if not re.fullmatch(r"\d{1,3}", cell) or not 5 <= int(cell) <= 600:
        faults.append(Fault(file, row.line, f"minutes: {cell!r} is no number from 5 to 600"))
        return 0
    return int(cell)


def _delivery(file: str, row: Row, faults: list[Fault]) -> str:
    cell = row.cells.get("delivery", "").lower()
    meant = _DELIVERY.get(cell, cell)
    if meant not in DELIVERIES:
        named = f"delivery: {cell!r} is none of {', '.join(DELIVERIES)}"
        faults.append(Fault(file, row.line, named))
    return meant


def _windows(file: str, row: Row, faults: list[Fault]) -> tuple[Window, ...]:
    days, begin, finish = (row.cells.get(head, "") for head in ("weekdays", "from", "to"))
    if not (days or begin or finish):
        return ()
    try:
        hours = parse_time(begin) if begin else time.min, parse_time(finish) if finish else None
        weekdays = [parse_day(part) for part in _parts(days)]
    except ValueError as error:
        faults.append(Fault(file, row.line, str(error)))
        return ()
    if hours[1] is not None and hours[1] <= hours[0]:
        faults.append(Fault(file, row.line, f"to: {finish} is not after {begin or '00:00'}"))
    if not all(isinstance(day, int) for day in weekdays):
        faults.append(Fault(file, row.line, f"weekdays: {days!r} must be like mon|wed"))
    named: list[int | None] = [day + 1 for day in weekdays if isinstance(day, int)]
    return tuple(Window(day, *hours) for day in named or [None])


def _parts(cell: str) -> Sequence[str]:
    return [part.strip() for part in re.split(r"[|/]", cell) if part.strip()]
