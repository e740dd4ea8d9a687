"""Whom referral deals with, read from files: municipalities and hospitals.

Each file is checked as a whole when the service starts; an error names the file and the key.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from services.referral.choosable import Provider
from services.referral.commands import Municipality
from services.referral.programme_terms import REFERRERS, Basis, Referrer
from shared.files import Watched, first_fault, read_toml
from shared.settings import SettingsError
from shared.topics import Cluster, ClusterFileError, Party, load

_LOG: Final = logging.getLogger("services.referral")
INTAKE: Final = "hospital.{hospital}.referrals"
OTHERS: Final = "sender.{sender}.referrals"


class ConfigurationError(SettingsError):
    """A file can't be used; the message names file, key and reason."""


class _Provider(BaseModel):
    """The municipality's own training unit: what else stands in its table is others' business."""

    code: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    sor: str | None = Field(default=None, pattern=r"^[0-9]+$")


class _Municipality(BaseModel):
    """The keys that this service reads of a municipality's file."""

    code: str = Field(pattern=r"^[0-9]{3}$")
    name: str
    sor: str = Field(pattern=r"^[0-9]+$")
    ean: str = Field(pattern=r"^[0-9]{13}$")
    at_risk_days: int = Field(default=3, ge=0, le=30)
    phone: str = ""
    runs_for_region: frozenset[str] = frozenset()
    provider: _Provider = _Provider()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A hospital, or another sender, and the numbers of all that may send on its topic.

    `sor` is the party's code: a hospital's SOR number (itself among the senders), another sender's
    code. `kind` is the first word of its topics. `bases`: the grounds on which it may refer.
    `referrers`: who refers, by the number of the department that sends.
    """

    sor: str
    name: str
    senders: frozenset[str]
    kind: str = "hospital"
    bases: frozenset[Basis] = frozenset({Basis.HOSPITAL})
    referrers: Mapping[str, Referrer] = field(default_factory=dict)

    def topic(self, what: str) -> str:
        """A topic of its own: receipts, status."""
        return f"{self.kind}.{self.sor}.{what}"


class _Department(BaseModel):
    sor: str = Field(pattern=r"^[0-9]+$")
    referrer: Referrer | None = None


class _HospitalAttributes(BaseModel):
    departments: tuple[_Department, ...] = ()


class _SenderAttributes(_HospitalAttributes):
    basis: frozenset[Basis] = Field(min_length=1)
    sor: str = Field(pattern=r"^[0-9]+$")
    ean: str | None = Field(default=None, pattern=r"^[0-9]{13}$")


class Hospitals:
    """The hospitals that the cluster file declares, by intake topic.

    Reads the file anew when it has changed, so that a new hospital or department needs no restart;
    a file that can't be used then changes nothing. Raises ConfigurationError and ClusterFileError
    where the first reading fails.
    """

    def __init__(self, path: Path) -> None:
        self._watched = Watched(
            [path],
            lambda: _hospitals(load(path)),
            faults=(ClusterFileError, ConfigurationError),
            what="hospitals",
            log=_LOG,
        )

    def refresh(self) -> None:
        """Looks whether the file has changed; costs one stat."""
        self._watched.refresh()

    def of(self, topic: str) -> Hospital | None:
        """The hospital whose intake topic this is."""
        return self._watched.found.get(topic)


def _hospitals(cluster: Cluster) -> dict[str, Hospital]:
    found: dict[str, Hospital] = {}
    codes: dict[str, str] = {}
    for topic in cluster.expand([INTAKE, OTHERS]):
        party = topic.party
        assert party is not None, "a family's topics each have their party"
        model = _HospitalAttributes if party.kind == "hospital" else _SenderAttributes
        try:
            attributes = model.model_validate(party.attributes)
        except ValidationError as error:
            raise ConfigurationError(f"{party.kind} {party.code}: {first_fault(error)}") from None
        if codes.setdefault(party.code, party.kind) != party.kind:
            raise ConfigurationError(f"{party.kind} {party.code}: a hospital has this code")
        found[topic.name] = _sender(party, attributes)
    return found


def _sender(party: Party, attributes: _HospitalAttributes) -> Hospital:
    departments = [one.sor for one in attributes.departments]
    if not isinstance(attributes, _SenderAttributes):
        senders = frozenset((party.code, *departments))
        return Hospital(sor=party.code, name=party.name, senders=senders)
    if Basis.HOSPITAL in attributes.basis:
        raise ConfigurationError(f"sender {party.code}: basis: hospitals have topics of their own")
    for index, one in enumerate(attributes.departments):
        allowed = frozenset().union(*(REFERRERS[basis] for basis in attributes.basis))
        if one.referrer is not None and one.referrer not in allowed:
            raise ConfigurationError(
                f"sender {party.code}: departments.{index}.referrer: {one.referrer} can't refer on "
                "its basis"
            )
    numbers = (attributes.sor, attributes.ean, *departments)
    return Hospital(
        sor=party.code,
        name=party.name,
        senders=frozenset(number for number in numbers if number is not None),
        kind="sender",
        bases=attributes.basis,
        referrers={one.sor: one.referrer for one in attributes.departments if one.referrer},
    )


@dataclass(frozen=True, slots=True)
class Directory:
    """The municipalities that plans may be sent to, by each name that a document may use."""

    by_code: Mapping[str, Municipality]
    by_sor: Mapping[str, Municipality]
    by_ean: Mapping[str, Municipality]
    performers: Mapping[str, str]  # provider code → SOR of the unit that gives the training
    suppliers: Mapping[str, Provider] = field(default_factory=dict)  # private ones, by code

    def find(self, kind: str, receiver: str) -> Municipality | None:
        """The municipality behind "sor", "ean" or "municipality" and its number, if it is here."""
        index = {"sor": self.by_sor, "ean": self.by_ean, "municipality": self.by_code}.get(kind)
        return index.get(receiver) if index is not None else None


def directory(folder: Path) -> Directory:
    """Reads one TOML file per municipality. Raises ConfigurationError."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder (GENVEJ_MUNICIPALITIES)")
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ConfigurationError(f"{folder}: holds no municipality (GENVEJ_MUNICIPALITIES)")
    performers: dict[str, str] = {}
    found: list[Municipality] = []
    for path in files:
        read = read_toml(path, _Municipality, ConfigurationError)
        provider = read.provider.code or read.code
        performers[provider] = read.provider.sor or read.sor
        found.append(
            Municipality(
                code=read.code,
                name=read.name,
                sor=read.sor,
                ean=read.ean,
                provider=provider,
                at_risk_days=read.at_risk_days,
                phone=read.phone,
                runs_for_region=read.runs_for_region,
            )
        )
    return directory_of(found, performers)


def check_programmes(directory: Directory, known: Collection[str]) -> None:
    """Raises ConfigurationError where a municipality runs a programme that isn't there."""
    for one in directory.by_code.values():
        for id_ in sorted(one.runs_for_region - set(known)):
            raise ConfigurationError(f"{one.name}: runs_for_region: there is no programme {id_}")


def directory_of(found: Sequence[Municipality], performers: Mapping[str, str]) -> Directory:
    """Indexes municipalities. Raises ConfigurationError where two share a code, SOR or EAN."""

    def by(key: str) -> dict[str, Municipality]:
        index: dict[str, Municipality] = {}
        for one in found:
            other = index.setdefault(getattr(one, key), one)
            if other is not one:
                raise ConfigurationError(f"{one.name} and {other.name} have the same {key}")
        return index

    return Directory(by("code"), by("sor"), by("ean"), performers)
