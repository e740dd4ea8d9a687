"""MedCom's messaging frame as a hospital writes it (medcomdk/dk-medcom-messaging)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SOR = "urn:oid:1.2.208.176.1.1"
EAN = "urn:oid:1.3.88"
CPR = "urn:oid:1.2.208.176.1.2"
X_ECPR = "urn:oid:1.2.208.176.1.6.1.1"
D_ECPR = "urn:oid:1.2.208.176.1.6.1.3"
EVENTS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-eventCodes"
ACTIVITIES = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-activityCodes"
DESTINATION_USE = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-messaging-destinationUse"
DESTINATION_USE_EXTENSION = (
    "http://medcomfhir.dk/ig/messaging/StructureDefinition/medcom-messaging-destinationUseExtension"
)

Resource = dict[str, Any]


def entry(reference: str, resource: Resource) -> Resource:
    """One entry of a Bundle, with the narrative that MedCom wants."""
    kind, _, identifier = reference.partition("/")
    narrative = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{kind} {identifier}</p></div>'
    return {
        "fullUrl": f"https://hospital.example/fhir/{reference}",
        "resource": {
            "resourceType": resource["resourceType"],
            "id": identifier,
            "text": {"status": "generated", "div": narrative},
            **resource,
        },
    }


def destination(use: str, receiver: str, sor: str | None) -> Resource:
    """Where a message goes, and as what."""
    endpoint = f"https://sor2.sum.dsdn.dk/#id={sor}" if sor else "https://sor2.sum.dsdn.dk/"
    return {
        "extension": [
            {
                "url": DESTINATION_USE_EXTENSION,
                "valueCoding": {"system": DESTINATION_USE, "code": use},
            }
        ],
        "endpoint": endpoint,
        "receiver": {"reference": receiver},
    }


def organisation(name: str | None, sor: str | None, ean: str | None) -> Resource:
    """An organisation by its numbers."""
    identifiers = [
        {"use": "official", "system": system, "value": value}
        for system, value in ((SOR, sor), (EAN, ean))
        if value is not None
    ]
    return {"resourceType": "Organization", "identifier": identifiers, "name": name}


def cpr_system(cpr: str) -> str:
    """The system of a CPR or replacement CPR, by its shape."""
    if cpr.isdigit():
        return CPR
    return X_ECPR if cpr[6:7] in "17" else D_ECPR


def instant(at: datetime) -> str:
    """An instant as FHIR writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
