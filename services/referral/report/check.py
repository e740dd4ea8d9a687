"""What KL's § 140 profiles, and R4 below them, would find wrong with a delivery report.

Not a FHIR validator: R4's JSON form and types of what these profiles use, their cardinalities,
value sets and invariants (hl7dk/kl-gateway-rehab 2.2.0, `input/fsh/140*.fsh`; dk-core's CPR and SOR
identifiers), and that every reference is answered inside the Bundle (`aggregation = #bundled`).
Offline and pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.referral.report import codes
from services.referral.report.codes import Profile
from services.referral.report.datatypes import Json
from services.referral.report.profiles import ALLOWED, INVARIANTS, KINDS, RULES
from services.referral.report.rules import Entries, is_instant, values

_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_UUID_URL: Final = re.compile(
    r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_ANYWHERE: Final = frozenset({"resourceType", "id", "meta", "extension"})


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something that is wrong: which element of which entry, and what. No personal data."""

    element: str
    text: str


def faults(bundle: Json) -> tuple[Fault, ...]:
    """What is wrong with a delivery report; empty where nothing was found."""
    found = list(_shape("Bundle", bundle))
    if found:
        return tuple(found)
    entries = bundle.get("entry", [])
    if not all("resource" in entry for entry in entries):
        return (Fault("Bundle.entry.resource", "is missing"),)
    index = Entries(entries)
    found += _envelope(bundle, index)
    for number, entry in enumerate(entries):
        resource = entry["resource"]
        where = f"Bundle.entry[{number}].resource"
        profile = index.profile(resource)
        if profile is None or profile not in KINDS:
            found.append(Fault(where, "conforms to none of KL's profiles for a delivery report"))
            continue
        found += _address(f"{where}.{profile}", index.urls[number], resource)
        found += _resource(where, resource, profile, index)
    return tuple(sorted(found))


def _envelope(bundle: Json, index: Entries) -> Iterator[Fault]:
    wanted = [f"{codes.DEFINITION}{Profile.REPORT}"]
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "collection":
        yield Fault("Bundle.type", "a delivery report is a Bundle of type collection")
    if values(bundle, "meta.profile") != wanted:
        yield Fault("Bundle.meta.profile", f"is not {wanted[0]}")
    if not is_instant(bundle.get("timestamp"), index):
        yield Fault("Bundle.timestamp", "is no instant")
    for extra in sorted(set(bundle) - {*_ANYWHERE, "type", "timestamp", "entry"}):
        yield Fault(f"Bundle.{extra}", "is not allowed by the profile")
    kinds = [index.profile(entry["resource"]) for entry in bundle.get("entry", [])]
    if kinds.count(Profile.CITIZEN) != 1:
        yield Fault("Bundle.entry", "there is not one citizen, and one only")
    if len(set(index.urls)) != len(index.urls):
        yield Fault("Bundle.entry.fullUrl", "is not unique (bdl-7)")


def _address(name: str, url: str, resource: Json) -> Iterator[Fault]:
    kind, id_ = resource.get("resourceType"), resource.get("id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        yield Fault(f"{name}.id", "is no FHIR id")
    if not (_UUID_URL.fullmatch(url) or url.endswith(f"/{kind}/{id_}")):
        yield Fault(f"{name}.fullUrl", "is neither the resource's address nor a UUID")


def _resource(where: str, resource: Json, profile: Profile, index: Entries) -> Iterator[Fault]:
    kind, allowed, rules = KINDS[profile], ALLOWED[profile], RULES[profile]
    if resource.get("resourceType") != kind:
        yield Fault(f"{where}.resourceType", f"the profile is of {kind}")
    name = f"{where}.{profile}"
    for key in sorted(set(resource) - allowed - _ANYWHERE):
        if key.removeprefix("_") not in allowed:
            yield Fault(f"{name}.{key}", "is not allowed by the profile")
    for rule in rules:
        found = values(resource, rule.path)
        if not rule.least <= len(found) <= rule.most:
            stated = f"{rule.least}..{'*' if rule.most > 99 else rule.most}"
            yield Fault(f"{name}.{rule.path}", f"occurs {len(found)} times, {stated} is asked")
        for value in found:
            if not rule.test(value, index):
                yield Fault(f"{name}.{rule.path}", f"is no {rule.what}")
    for path, holds, text in INVARIANTS.get(profile, ()):
        if not holds(resource):
            yield Fault(f"{name}.{path}", text)


def _shape(path: str, value: Any) -> Iterator[Fault]:
    """R4's JSON form: no null, and nothing empty (ele-1)."""
    if value is None or value in ("", [], {}):
        yield Fault(path, "is empty")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _shape(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _shape(f"{path}[{number}]", inner)
