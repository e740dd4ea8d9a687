"""KL's § 140 delivery report: what changed in a citizen's record since the last one.

"The resources that are grouped in this bundle is one, and only one klgateway-140-citizen, together
with the content that have changed since the last reporting" (hl7dk/kl-gateway-rehab 2.2.0,
`input/pagecontent/StructureDefinition-klgateway-140-delivery-report-intro.md`). All references are
`aggregation = #bundled`, so what changed brings with it what it refers to, changed or not
(`input/pagecontent/example.md`). Pure, and standard library only.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.referral.report import codes
from services.referral.report.datatypes import Addresses, Built, Json, Withheld, instant
from services.referral.report.facts import Fact, ReportDelivered
from services.referral.report.record import record_of
from services.referral.report.resources import resources_of

_REPORTS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:kl-140-reports")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A delivery report: the FHIR resource, and what was left out of it and why.

    `withheld` says what is left out on purpose; `check.faults` says whether KL's profiles can do
    without it.
    """

    resource: Json
    withheld: tuple[Withheld, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has changed, so that there is nothing to report."""
        return len(self.resource["entry"]) == 1


def deliver(history: Sequence[Fact], *, at: datetime, base: str | None = None) -> Bundle:
    """The report made at that instant of all that changed since the last `ReportDelivered`.

    Without one it holds everything. `base` is the address of the server that keeps the resources;
    None where there is none: then they are addressed by UUID, and every id must be one. The same
    history at the same instant gives the same report. Raises Contradiction.
    """
    addresses = Addresses(base)
    now = _all(history, at, addresses)
    before = _delivered(history, addresses)
    citizen = next(iter(now))
    wanted = {citizen} | {
        url for url, one in now.items() if url not in before or before[url] != one.resource
    }
    reached = _reached(wanted, now, addresses)
    entries = [one for url, one in now.items() if url in reached]
    resource: Json = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid5(_REPORTS, f"{citizen}/{instant(at)}")),
        "meta": {"profile": [f"{codes.DEFINITION}{codes.Profile.REPORT}"]},
        "type": "collection",
        "timestamp": instant(at),
        "entry": [{"fullUrl": _url(one, addresses), "resource": one.resource} for one in entries],
    }
    return Bundle(resource, tuple(dict.fromkeys(w for one in entries for w in one.withheld)))


def _all(history: Sequence[Fact], at: datetime, addresses: Addresses) -> dict[str, Built]:
    built = resources_of(record_of(history), at, addresses)
    return {_url(one, addresses): one for one in built}


def _delivered(history: Sequence[Fact], addresses: Addresses) -> Mapping[str, Json]:
    """What the last delivered report, with those before it, had told."""
    for index in reversed(range(len(history))):
        fact = history[index]
        if isinstance(fact, ReportDelivered):
            told = _all(history[:index], fact.at, addresses)
            return {url: one.resource for url, one in told.items()}
    return {}


def _reached(wanted: set[str], now: Mapping[str, Built], addresses: Addresses) -> set[str]:
    """What is wanted, and all that it refers to."""
    by_reference = {
        addresses.reference(one.resource["resourceType"], one.resource["id"]): url
        for url, one in now.items()
    }
    reached, ahead = set(wanted), list(wanted)
    while ahead:
        for reference in references(now[ahead.pop()].resource):
            url = by_reference[reference]
            if url not in reached:
                reached.add(url)
                ahead.append(url)
    return reached


def references(tree: Any) -> Iterator[str]:
    """Every reference anywhere in a resource."""
    if isinstance(tree, dict):
        found = tree.get("reference")
        if isinstance(found, str):
            yield found
        for value in tree.values():
            yield from references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from references(value)


def _url(one: Built, addresses: Addresses) -> str:
    return addresses.full_url(one.resource["resourceType"], one.resource["id"])
