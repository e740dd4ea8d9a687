"""What scheduling is configured with (GENVEJ_SCHEDULING_…), and each municipality's terms."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field

from shared.settings import ServiceSettings, SettingsError

COMPETENCES: Final = frozenset(
    {"almen", "avanceret", "specialiseret", "neurologi", "håndterapi", "ryg", "børn", "hjerte"}
)
"""What programmes may ask a therapist for, where a municipality names no list of its own."""


class SchedulingSettings(ServiceSettings):
    """Settings of this service alone; `shared.settings` holds the rest."""

    service: ClassVar[str] = "scheduling"

    municipalities: Path = Field(description="Folder with one TOML file for each municipality")
    notice_days: int = Field(
        default=1,
        ge=0,
        le=30,
        description="Days ahead that a session is booked at least; 1 is the next day that is open",
    )


@dataclass(frozen=True, slots=True)
class Municipality:
    """How a municipality's provider plans: its table [scheduling] in the municipality's file."""

    provider: str
    notice_days: int
    competences: frozenset[str]


def read_municipalities(folder: Path, notice_days: int) -> Mapping[str, Municipality]:
    """The municipalities by provider code; `notice_days` holds where a file says nothing.

    Raises SettingsError, naming file and key.
    """
    found: dict[str, Municipality] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is no TOML file: {error}") from None
        one = _municipality(path, content, notice_days)
        found[one.provider] = one
    if not found:
        raise SettingsError(f"{folder} holds no municipality; put a file like 730.toml there")
    return found


def _municipality(path: Path, content: Mapping[str, Any], notice_days: int) -> Municipality:
    tables = {key: content.get(key, {}) for key in ("provider", "scheduling")}
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {key} must be a table")
    code = tables["provider"].get("code", content.get("code"))
    if not isinstance(code, str) or not code:
        raise SettingsError(f"{path} lacks code")
    terms = tables["scheduling"]
    days = terms.get("notice_days", notice_days)
    if type(days) is not int or days < 0:
        raise SettingsError(f"{path}: scheduling.notice_days must be a whole number of days")
    names = terms.get("competences", sorted(COMPETENCES))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"{path}: scheduling.competences must be a list of names")
    return Municipality(code, days, frozenset(names))
