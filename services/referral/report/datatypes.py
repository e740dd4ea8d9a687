"""FHIR's data types as this report writes them. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from services.referral.report import codes
from services.referral.report.codes import DISPLAYS

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What a report leaves out on purpose: which element, and why. No personal data."""

    element: str
    reason: str


@dataclass(frozen=True, slots=True)
class Built:
    """One resource, and what was left out of it."""

    resource: Json
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class Addresses:
    """How resources are addressed: below a server's address, or as UUIDs where there is none."""

    base: str | None = None

    def full_url(self, kind: str, id_: str) -> str:
        """The entry's fullUrl."""
        return f"{self.base.rstrip('/')}/{kind}/{id_}" if self.base else f"urn:uuid:{id_}"

    def reference(self, kind: str, id_: str) -> str:
        """What another resource in the same Bundle writes to mean it."""
        return f"{kind}/{id_}" if self.base else f"urn:uuid:{id_}"


def instant(at: datetime) -> str:
    """An instant in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def coding(system: str, code: str, *, display: bool = False) -> Json:
    """A code of a system, with what its keeper calls it where that is wanted."""
    one = {"system": system, "code": str(code)}
    return {**one, "display": DISPLAYS[code]} if display else one


def concept(system: str, code: str, *, display: bool = False) -> Json:
    """The same as a CodeableConcept."""
    return {"coding": [coding(system, code, display=display)]}


def sor(number: str) -> Json:
    """An organisation's number as dk-core's SOR identifier."""
    return {"use": "official", "system": codes.SOR, "value": number}


def absent(reason: str) -> Json:
    """A primitive without its value, and why (HL7's data-absent-reason)."""
    return {"extension": [{"url": codes.ABSENT, "valueCode": reason}]}
