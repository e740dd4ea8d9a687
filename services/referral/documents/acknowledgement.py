"""MedCom's Acknowledgement: the receipt for a FHIR message.

Source: medcomdk/dk-medcom-acknowledgement, input/fsh (MessageHeader.response with the id of the
answered MessageHeader; an OperationOutcome unless the code is ok, and allowed then too; Provenance
with activity acknowledgement; no cc; narratives) and medcomdk/dk-medcom-terminology (details).
Where the answered message gave no EAN, the organisation has its SOR alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from services.referral.documents.fields import COPENHAGEN
from services.referral.plan import Original, Problem

CONTENT_TYPE: Final = "application/fhir+json"
UNKNOWN: Final = "unknown"

_NAMESPACE: Final = UUID("5a0f6c1e-8f5b-5d2c-9a27-3d7c6a1f4e10")
_TERMINOLOGY: Final = "http://medcomfhir.dk/ig/terminology/CodeSystem/"
_USE_EXTENSION: Final = (
    "http://medcomfhir.dk/ig/messaging/StructureDefinition/medcom-messaging-destinationUseExtension"
)
_PROFILES: Final = "http://medcomfhir.dk/ig/"
_MEDCOM_ISSUES: Final = f"{_TERMINOLOGY}medcom-acknowledgement-error-codes"
_HL7_ISSUES: Final = "http://terminology.hl7.org/CodeSystem/operation-outcome"
_ISSUES: Final = {
    "not-supported": (_MEDCOM_ISSUES, "MSG_RECEIVER_UNABLE_TO_RECEIVE_MSG_TYPE"),
    "too-long": (_MEDCOM_ISSUES, "MSG_Element_To_Long"),
    "value": (_MEDCOM_ISSUES, "MSG_Datatype_Wrong"),
    "structure": (_HL7_ISSUES, "MSG_BAD_SYNTAX"),
    "duplicate": (_HL7_ISSUES, "MSG_DUPLICATE_ID"),
    "not-found": (_HL7_ISSUES, "MSG_NO_MATCH"),
}
_RECEIVER_ISSUES: Final = {
    "not-found": (_MEDCOM_ISSUES, "MSG_Receiver_Identifier_UNKNOWN"),
    "required": (_MEDCOM_ISSUES, "MSG_Receiver_Identifier_MISSING"),
}
_TRANSIENT: Final = Problem(
    element="Bundle",
    code="transient",
    text="Meddelelsen kan ikke behandles endnu. Send den ikke igen; svaret kommer.",
)
_FATAL: Final = Problem(element="Bundle", code="processing", text="Meddelelsen kan ikke behandles.")

Resource = dict[str, Any]


def acknowledgement(
    outcome: str,
    *,
    document_id: str | None,
    sender_sor: str | None,
    receiver: tuple[str, str],
    problems: Sequence[Problem],
    at: datetime,
    receipt_id: str,
    original: Original,
) -> tuple[bytes, str]:
    """See `receipts.receipt`."""
    base = uuid5(_NAMESPACE, receipt_id)

    def name(part: str) -> str:
        return f"urn:uuid:{uuid5(base, part)}"

    header, sender, receiving = name("MessageHeader"), name("sender"), name("receiver")
    answered = document_id or UNKNOWN
    if outcome != "ok" and not problems:
        problems = (_TRANSIENT if outcome == "transient-error" else _FATAL,)
    response: Resource = {"identifier": answered, "code": outcome}
    entries = [
        (
            header,
            {
                "resourceType": "MessageHeader",
                "meta": _profile(
                    "acknowledgement/StructureDefinition/medcom-messaging-acknowledgementHeader"
                ),
                "eventCoding": _coding("messaging-eventCodes", "acknowledgement-message"),
                "destination": [
                    {
                        "extension": [
                            {
                                "url": _USE_EXTENSION,
                                "valueCoding": _coding("messaging-destinationUse", "primary"),
                            }
                        ],
                        "endpoint": _endpoint(sender_sor),
                        "receiver": {"reference": receiving},
                    }
                ],
                "sender": {"reference": sender},
                "source": {"endpoint": _endpoint(receiver[0])},
                "response": response,
            },
            f"Kvittering for meddelelse {answered}: {outcome}.",
        ),
        _organisation(sender, receiver[0], original.receiver_ean, receiver[1]),
        _organisation(receiving, sender_sor, original.sender_ean, None),
        (
            name("Provenance"),
            {
                "resourceType": "Provenance",
                "target": [{"reference": header}],
                "occurredDateTime": at.astimezone(COPENHAGEN).isoformat(timespec="seconds"),
                "recorded": _instant(at),
                "activity": {"coding": [_coding("messaging-activityCodes", "acknowledgement")]},
                "agent": [{"who": {"reference": sender}}],
                "entity": [
                    {"role": "revision", "what": {"reference": f"MessageHeader/{answered}"}}
                ],
            },
            f"Kvittering sendt for MessageHeader/{answered}.",
        ),
    ]
    if problems:
        details = name("OperationOutcome")
        response["details"] = {"reference": details}
        entries.append(
            (
                details,
                {
                    "resourceType": "OperationOutcome",
                    "issue": [_issue(problem) for problem in problems],
                },
                " ".join(problem.text for problem in problems),
            )
        )
    bundle = {
        "resourceType": "Bundle",
        "id": str(uuid5(base, "Bundle")),
        "meta": _profile("acknowledgement/StructureDefinition/medcom-messaging-acknowledgement"),
        "type": "message",
        "timestamp": _instant(at),
        "entry": [_entry(*entry) for entry in entries],
    }
    return orjson.dumps(bundle), CONTENT_TYPE


def _entry(address: str, resource: Resource, narrative: str) -> Resource:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(narrative)}</p></div>'
    return {
        "fullUrl": address,
        "resource": {
            "resourceType": resource["resourceType"],
            "id": address.removeprefix("urn:uuid:"),
            "text": {"status": "generated", "div": div},
            **resource,
        },
    }


def _organisation(
    address: str, sor: str | None, ean: str | None, name: str | None
) -> tuple[str, Resource, str]:
    systems = (("urn:oid:1.2.208.176.1.1", sor), ("urn:oid:1.3.88", ean))
    resource: Resource = {
        "resourceType": "Organization",
        "identifier": [
            {"use": "official", "system": system, "value": value}
            for system, value in systems
            if value
        ],
    }
    if name:
        resource["name"] = name
    numbers = f"SOR {sor or 'ukendt'}, EAN {ean or 'ukendt'}"
    return address, resource, f"{name or 'Afsenderen af den besvarede meddelelse'}, {numbers}."


def _issue(problem: Problem) -> Resource:
    issues = _RECEIVER_ISSUES if "destination" in problem.element else _ISSUES
    details: Resource = {"text": problem.text}
    known = issues.get(problem.code) or _ISSUES.get(problem.code)
    if known is not None:
        details["coding"] = [{"system": known[0], "code": known[1]}]
    return {
        "severity": problem.severity,
        "code": problem.code,
        "details": details,
        "expression": [problem.element],
    }


def _coding(system: str, code: str) -> Resource:
    return {"system": f"{_TERMINOLOGY}medcom-{system}", "code": code}


def _profile(path: str) -> Resource:
    return {"profile": [_PROFILES + path]}


def _endpoint(sor: str | None) -> str:
    return f"https://sor2.sum.dsdn.dk/#id={sor or UNKNOWN}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
