"""A referral on another ground than a hospital's plan, as a FHIR R4 message Bundle.

The frame is MedCom's messaging, the ServiceRequest is plain R4 with codes of our own (see
services/referral/documents/fhir_referral.py). Everything is synthetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from deploy.demo import fhir_clinical as clinical
from deploy.demo import fhir_frame as messaging

SKS_D = "urn:oid:1.2.208.176.2.4.12"

Resource = dict[str, Any]


def fhir_referral(
    *,
    document_id: str = "6f1c9a52-0d3e-5f5b-9f0e-1f6f0a4c7b11",
    sender_sor: str = "100000000004316",
    sender_name: str = "Lægerne Testgade",
    receiver_sor: str | None = "451000016003",
    receiver_name: str = "Holbæk Kommune",
    basis: str | None = None,
    referrer: str | None = None,
    programme: str | None = None,
    asked: date | str | None = date(2022, 5, 23),
    sent_at: datetime = datetime(2022, 5, 23, 8, 0, tzinfo=UTC),
    corrects: str | None = None,
    revoked: bool = False,
    replaces: str | None = None,
    transport: bool = False,
    cpr: str = "0201609995",
    given: str = "Einer Test",
    family: str = "Lauridsen",
    postcode: str | None = "4300",
    phone: str | None = None,
    diagnoses: Sequence[tuple[str, str]] = (("DM545", "Lændesmerter"),),
    consent: bool | None = None,
    event: str = "referral-message",
) -> bytes:
    """A referral as bytes of JSON; the defaults are a GP's of MedCom's test person Einer."""

    def ref(kind: str, name: str) -> str:
        return f"{kind}/{uuid5(NAMESPACE_URL, f'{document_id}/{kind}/{name}')}"

    sender, receiver = ref("Organization", "sender"), ref("Organization", "receiver")
    patient, request = ref("Patient", "citizen"), ref("ServiceRequest", "referral")
    header = f"MessageHeader/{document_id}"
    category = [
        {"coding": [{"system": f"urn:genvej:{kind}", "code": code}]}
        for kind, code in (("basis", basis), ("referrer", referrer))
        if code is not None
    ]
    asked_for: Resource = {
        "resourceType": "ServiceRequest",
        "status": "revoked" if revoked else "active",
        "intent": "order",
        "subject": {"reference": patient},
        "requester": {"reference": sender},
        "category": category,
        "reasonCode": [
            {"coding": [{"system": SKS_D, "code": code, "display": text}]}
            for code, text in diagnoses
        ],
    }
    if asked is not None:
        asked_for["authoredOn"] = str(asked)
    if replaces is not None:
        asked_for["replaces"] = [{"identifier": {"value": replaces}}]
    if transport:
        url = "urn:dk:genvej:extension:transport"
        asked_for["extension"] = [{"url": url, "valueBoolean": True}]
    if programme is not None:
        asked_for["code"] = {"coding": [{"system": "urn:genvej:programmes", "code": programme}]}
    activity = "new-message"
    if corrects is not None:
        activity = "retract-message" if revoked else "modified-message"
    provenance: Resource = {
        "resourceType": "Provenance",
        "target": [{"reference": header}],
        "recorded": messaging.instant(sent_at),
        "activity": {"coding": [{"system": messaging.ACTIVITIES, "code": activity}]},
        "agent": [{"who": {"reference": sender}}],
    }
    if corrects is not None:
        what = {"reference": f"MessageHeader/{corrects}"}
        provenance["entity"] = [{"role": "revision", "what": what}]
    person: Resource = {
        "resourceType": "Patient",
        "identifier": [
            {"use": "official", "system": messaging.cpr_system(cpr), "value": cpr},
        ],
        "name": [{"use": "official", "family": family, "given": given.split()}],
    }
    if phone is not None:
        person["telecom"] = [{"system": "phone", "value": phone}]
    if postcode is not None:
        person["address"] = [{"line": ["Testgade 1"], "postalCode": postcode, "city": "Testby"}]
    resources: list[tuple[str, Resource]] = [
        (
            header,
            {
                "resourceType": "MessageHeader",
                "eventCoding": {"system": messaging.EVENTS, "code": event},
                "destination": [messaging.destination("primary", receiver, receiver_sor)],
                "sender": {"reference": sender},
                "source": {"endpoint": f"https://sor2.sum.dsdn.dk/#id={sender_sor}"},
                "focus": [{"reference": request}],
            },
        ),
        (sender, messaging.organisation(sender_name, sender_sor, None)),
        (receiver, messaging.organisation(receiver_name, receiver_sor, None)),
        (patient, person),
        (request, asked_for),
        (ref("Provenance", "sent"), provenance),
    ]
    if consent is not None:
        resources.append((ref("Consent", "attendance"), clinical.consent(consent, patient)))
    bundle = {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, f"{document_id}/Bundle")),
        "type": "message",
        "timestamp": messaging.instant(sent_at),
        "entry": [messaging.entry(reference, resource) for reference, resource in resources],
    }
    return orjson.dumps(bundle)
