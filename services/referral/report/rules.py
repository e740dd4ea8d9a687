"""What a profile can ask of a resource: how often a path occurs, and what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from services.referral.plan import is_cpr
from services.referral.report import codes
from services.referral.report.codes import Profile
from services.referral.report.datatypes import Json

Test: TypeAlias = Callable[[Any, "Entries"], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """How often a path may occur in a resource, and what each value must be."""

    path: str
    least: int
    most: int
    test: Test
    what: str


class Entries:
    """A Bundle's resources, by what others call them."""

    def __init__(self, entries: list[Json]) -> None:
        self.urls = [str(entry.get("fullUrl", "")) for entry in entries]
        self._named: dict[str, Json] = {}
        for url, entry in zip(self.urls, entries, strict=True):
            resource = entry["resource"]
            self._named[url] = resource
            if not url.startswith("urn:"):
                self._named[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource

    def profile(self, resource: Json) -> Profile | None:
        """Which of KL's profiles a resource claims."""
        claimed = values(resource, "meta.profile")
        return next((one for one in Profile if claimed == [f"{codes.DEFINITION}{one}"]), None)

    def target(self, reference: Any) -> Json | None:
        """What a reference means, if it is here."""
        name = reference.get("reference") if isinstance(reference, dict) else None
        return self._named.get(name) if isinstance(name, str) else None


def values(tree: Any, path: str) -> list[Any]:
    """What stands at a dotted path; `extension(url)` takes the extensions with that address."""
    found = [tree]
    for step in re.findall(r"extension\([^)]*\)|[^.]+", path):
        name, _, url = step.rstrip(")").partition("(")
        inner = [one.get(name) for one in found if isinstance(one, dict)]
        flat = [v for one in inner for v in (one if isinstance(one, list) else [one])]
        found = [v for v in flat if v is not None and (not url or v.get("url") == url)]
    return found


def is_day(value: Any, _: Entries) -> bool:
    """A local date, YYYY-MM-DD."""
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_instant(value: Any, _: Entries) -> bool:
    """A date and time with its zone."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def is_sor(value: Any, _: Entries) -> bool:
    """dk-core's SOR identifier: at least eleven digits, officially used."""
    number = value.get("value") if isinstance(value, dict) else None
    return (
        isinstance(number, str)
        and re.fullmatch("[0-9]{11,}", number) is not None
        and value == {"use": "official", "system": codes.SOR, "value": number}
    )


def is_cpr_identifier(value: Any, _: Entries) -> bool:
    """dk-core's CPR identifier."""
    number = value.get("value") if isinstance(value, dict) else None
    stated = {"use": "official", "system": codes.CPR, "value": number}
    return isinstance(number, str) and is_cpr(number) and value == stated


def is_truth(value: Any, _: Entries) -> bool:
    """true or false."""
    return isinstance(value, bool)


def one_of(*words: str) -> Test:
    """One of these words."""
    return lambda value, _: value in words


def coded(system: str, allowed: Collection[str], *, bare: bool = False) -> Test:
    """A coding of that system; `bare`: the profile forbids its display."""

    def test(value: Any, _: Entries) -> bool:
        return (
            isinstance(value, dict)
            and value.get("system") == system
            and value.get("code") in allowed
            and set(value) <= ({"system", "code"} if bare else {"system", "code", "display"})
        )

    return test


def means(*profiles: Profile) -> Test:
    """A reference to something in the same Bundle under one of these profiles."""

    def test(value: Any, index: Entries) -> bool:
        target = index.target(value)
        return target is not None and index.profile(target) in profiles

    return test


def is_diagnosis(value: Any, _: Entries) -> bool:
    """A diagnosis as text, or in a code system that the profile allows."""
    if not isinstance(value, dict):
        return False
    systems = {coding.get("system") for coding in value.get("coding", ())}
    return bool(value) and not systems & codes.NOT_IN_A_FOCUS_CONDITION


def is_class(value: Any, index: Entries) -> bool:
    """An encounter's class as municipalities use it."""
    return any(coded(mode.system, {mode})(value, index) for mode in codes.Mode)
