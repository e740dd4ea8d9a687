"""Reads what planners hand in, and refuses what scheduling would refuse, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from deploy.planning import places, requests_csv, roster_csv, roster_toml
from deploy.planning.faults import Fault, UnusableFileError, read_text
from deploy.planning.places import People
from deploy.planning.roster import Roster, check, stated
from services.scheduling.staffing import Breach, Rule, breaches
from services.scheduling.what_if.demand import Request


def roster_of(
    path: Path,
    *,
    locations: Path | None = None,
    duties: Path | None = None,
    provider: str = "",
    source: str = "",
) -> Roster:
    """A roster as it can be read: TOML, or CSV with its locations in a file of their own.

    `provider` and `source` are those of a CSV, which names neither. Raises `UnusableFileError`.
    """
    if path.suffix.lower() != ".csv":
        return roster_toml.read(str(path), content_of(path))
    if locations is None:
        text = "hours in a CSV need their locations: --locations FILE"
        raise UnusableFileError([Fault(str(path), 1, text)])
    return roster_csv.read(
        (str(path), content_of(path)),
        (str(locations), content_of(locations)),
        provider=provider,
        source=source,
        duties=None if duties is None else (str(duties), content_of(duties)),
    )


def accepted(roster: Roster, competences: frozenset[str], mondays: Sequence[date]) -> Roster:
    """The roster, where scheduling would accept it. Raises `UnusableFileError`."""
    found = check(roster, competences, mondays)
    if found:
        raise UnusableFileError(found)
    return roster


def broken(roster: Roster, rules: Sequence[Rule], monday: date) -> Iterator[tuple[Breach, int]]:
    """The staffing rules that a week breaks, each with the line that it is best mended at."""
    found = breaches(rules, [one.week for one in stated(roster, monday)])
    for one in found:
        lines = [duty.line for duty in roster.duties if one.about in (duty.unit, duty.therapist)]
        yield one, min(lines, default=1)


def requests_of(path: Path) -> list[Request]:
    """Past requests. Raises `UnusableFileError`."""
    return requests_csv.read(str(path), content_of(path))


def people_of(path: Path) -> People:
    """Where people live. Raises `UnusableFileError`."""
    return places.read(str(path), content_of(path))


def content_of(path: Path) -> str:
    """The text of a file. Raises `UnusableFileError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnusableFileError([Fault(str(path), 1, str(error.strerror))]) from None
    return read_text(str(path), content)
