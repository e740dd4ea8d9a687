"""What scheduling is configured with (GENVEJ_SCHEDULING_…), and each municipality's terms."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field

from services.scheduling.holidays import public_holiday
from services.scheduling.orders import Window
from services.scheduling.provider import AT_ONCE, SAME_EVENING, Terms
from services.scheduling.staffing import Rule
from services.scheduling.weights import WEIGHTS, Weights
from shared.files import Watched
from shared.settings import ServiceSettings, SettingsError
from shared.topics import Cluster, ClusterFileError, load

_LOG: Final = logging.getLogger("services.scheduling")

COMPETENCES: Final = frozenset(
    {"almen", "avanceret", "specialiseret", "neurologi", "håndterapi", "ryg", "børn", "hjerte"}
    | {"smerte", "mestring", "vedligehold", "beskæftigelse"}
)
"""What programmes may ask a therapist for, where a municipality names no list of its own."""


_WEIGHTS: Final = {
    "late_km": "late",
    "late_day_km": "late_day",
    "waited_day_km": "waited_day",
    "language_km": "language",
    "move_km": "move",
    "vulnerable": "vulnerable",
    "ride": "ride",
    "reserve": "reserve",
}
_SAME_EVENING: Final = "same-evening"
_MOST: Final = 100_000
_MOST_KEPT: Final = 0.4
_BOUNDS: Final = {"ride": "1 or more", "reserve": f"at most {_MOST_KEPT}"}


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
    transfer_minutes: int = Field(
        default=60,
        ge=0,
        le=600,
        description="Minutes that a citizen needs from a session at one place to one at another",
    )
    tell: int = Field(
        default=2,
        ge=1,
        le=AT_ONCE,
        description="Open days before the session at which a citizen is told of it",
    )
    plan_minutes: int = Field(
        default=10,
        ge=1,
        le=24 * 60,
        description="Minutes from one plan over all who have not been told to the next",
    )
    keep_days: int = Field(
        default=365,
        ge=60,
        le=36500,
        description="Days after which past sessions, their orders and past capacity are deleted",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    """How a municipality's provider plans: its table [scheduling] in the municipality's file."""

    provider: str = ""
    notice_days: int = 1
    transfer_minutes: int = 60
    competences: frozenset[str] = COMPETENCES
    weights: Weights = WEIGHTS
    staffing: tuple[Rule, ...] = ()
    tell: int = 2
    at_risk_days: int = 3
    rides: Window | None = None


def terms_of(one: Municipality, kept: timedelta = timedelta(days=365)) -> Terms:
    """A municipality's terms as decisions see them; orders are `kept` for so long."""
    transfer = timedelta(minutes=one.transfer_minutes)
    return Terms(
        public_holiday,
        one.notice_days,
        transfer,
        kept,
        one.weights,
        one.tell,
        one.at_risk_days,
        one.rides,
    )


def read_municipalities(folder: Path, otherwise: Municipality) -> Mapping[str, Municipality]:
    """The municipalities by provider code; `otherwise` holds where a file says nothing.

    Raises SettingsError, naming file and key.
    """
    found: dict[str, Municipality] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is no TOML file: {error}") from None
        one = _municipality(path, content, otherwise)
        found[one.provider] = one
    if not found:
        raise SettingsError(f"{folder} holds no municipality; put a file like 730.toml there")
    return found


def _municipality(path: Path, content: Mapping[str, Any], otherwise: Municipality) -> Municipality:
    tables = {key: content.get(key, {}) for key in ("provider", "scheduling")}
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {key} must be a table")
    code = tables["provider"].get("code", content.get("code"))
    if not isinstance(code, str) or not code:
        raise SettingsError(f"{path} lacks code")
    terms = tables["scheduling"]
    days = terms.get("notice_days", otherwise.notice_days)
    if type(days) is not int or days < 0:
        raise SettingsError(f"{path}: scheduling.notice_days must be a whole number of days")
    minutes = terms.get("transfer_minutes", otherwise.transfer_minutes)
    if type(minutes) is not int or minutes < 0:
        raise SettingsError(f"{path}: scheduling.transfer_minutes must be a whole number")
    names = terms.get("competences", sorted(otherwise.competences))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"{path}: scheduling.competences must be a list of names")
    return Municipality(
        provider=code,
        notice_days=days,
        transfer_minutes=minutes,
        competences=frozenset(names),
        tell=_tell(path, terms.get("tell", otherwise.tell)),
        at_risk_days=_days(path, content.get("at_risk_days", otherwise.at_risk_days)),
        weights=_weights(path, terms.get("weights", {}), otherwise.weights),
        rides=_rides(path, terms.get("rides")),
        staffing=_staffing(path, terms.get("staffing", [])),
    )


def _rides(path: Path, value: object) -> Window | None:
    """The hours in which citizens are driven: {from = "08:00", to = "15:00"}."""
    if value is None:
        return None
    hint = f'{path}: scheduling.rides must be hours, {{from = "08:00", to = "15:00"}}'
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        raise SettingsError(hint)
    try:
        begin, finish = (time.fromisoformat(str(value[name])) for name in ("from", "to"))
    except ValueError:
        raise SettingsError(hint) from None
    if begin >= finish or begin.tzinfo is not None or finish.tzinfo is not None:
        raise SettingsError(hint)
    return Window(None, begin, finish)


def _staffing(path: Path, tables: object) -> tuple[Rule, ...]:
    """A municipality's staffing rules: [[scheduling.staffing]] of name, units, least, most."""
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise SettingsError(f"{path}: scheduling.staffing must be tables, [[scheduling.staffing]]")
    rules: list[Rule] = []
    known: set[str] = set()
    for number, table in enumerate(tables):
        where = f"{path}: scheduling.staffing[{number}]"
        units, name = table.get("units"), table.get("name", "")
        least, most = table.get("least", 0.0), table.get("most", table.get("least"))
        if not isinstance(units, list) or not all(isinstance(u, str) and u for u in units):
            raise SettingsError(f"{where}.units must be a list of names")
        if twice := sorted(set(units) & known):
            raise SettingsError(f"{where}.units: {', '.join(twice)} has a rule already")
        numbers = all(type(one) in (int, float) for one in (least, most))
        if not numbers or not 0 <= least <= most <= 100:
            raise SettingsError(f"{where}: least and most must be numbers, 0 <= least <= most")
        known |= set(units)
        rules.append(Rule(name=str(name), units=tuple(units), least=least, most=most))
    return tuple(rules)


def _tell(path: Path, value: object) -> int:
    """Open days before the session at which citizens are told, or SAME_EVENING."""
    if value == _SAME_EVENING:
        return SAME_EVENING
    if type(value) is not int or not 1 <= value <= AT_ONCE:
        raise SettingsError(
            f"{path}: scheduling.tell must be a whole number of open days from 1 to {AT_ONCE}, "
            f'or "{_SAME_EVENING}"'
        )
    return value


def _days(path: Path, value: object) -> int:
    if type(value) is not int or value < 0:
        raise SettingsError(f"{path}: at_risk_days must be a whole number of days")
    return value


def _weights(path: Path, table: object, otherwise: Weights) -> Weights:
    """A municipality's weights, in kilometres in the file."""
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: scheduling.weights must be a table")
    given: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{path}: scheduling.weights.{key}"
        name = _WEIGHTS.get(key)
        if name is None:
            raise SettingsError(f"{where} is no weight; known are {', '.join(sorted(_WEIGHTS))}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            raise SettingsError(f"{where} must be a number from 0 to {_MOST}")
        if key.endswith("_km"):
            given[name] = round(value * 1000)
        elif key == "vulnerable" and (not isinstance(value, int) or value < 1):
            raise SettingsError(f"{where} must be a whole number, 1 or more")
        elif (key == "ride" and value < 1) or (key == "reserve" and value > _MOST_KEPT):
            raise SettingsError(f"{where} must be {_BOUNDS[key]}")
        else:
            given[name] = value
    return replace(otherwise, **given)


class Sources:
    """The roster systems that the cluster file declares, and whom they may speak for.

    Reads the file anew when it has changed, so that a new roster system needs no restart; a file
    that can't be used then changes nothing. Raises ClusterFileError where the first reading fails.
    """

    def __init__(self, path: Path) -> None:
        self._watched = Watched(
            [path],
            lambda: _speak_for(load(path)),
            faults=(ClusterFileError,),
            what="rosters",
            log=_LOG,
        )

    def refresh(self) -> None:
        """Looks whether the file has changed; costs one stat."""
        self._watched.refresh()

    def providers(self, source: str) -> frozenset[str]:
        """The provider codes that a roster system may speak for; none for an unknown one."""
        return self._watched.found.get(source, frozenset())


def _speak_for(cluster: Cluster) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for party in cluster.of_kind("source"):
        providers = party.attributes.get("providers", [])
        if not isinstance(providers, list) or not all(isinstance(p, str) for p in providers):
            raise ClusterFileError(f"source {party.code}: providers must be a list of codes")
        found[party.code] = frozenset(providers)
    return found
