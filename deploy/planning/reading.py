"""Reads what planners hand in, and refuses what scheduling would refuse, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from deploy.planning import places, roster_toml
from deploy.planning.faults import Fault, UnusableFileError, read_text
from deploy.planning.places import People
from deploy.planning.roster import Roster, check


def roster_of(path: Path, competences: frozenset[str], mondays: Sequence[date]) -> Roster:
    """A roster that scheduling would accept in these weeks. Raises `UnusableFileError`."""
    roster = roster_toml.read(str(path), content_of(path))
    found = check(roster, competences, mondays)
    if found:
        raise UnusableFileError(found)
    return roster


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
