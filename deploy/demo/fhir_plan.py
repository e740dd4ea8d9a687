"""A rehabilitation plan as a FHIR R4 message Bundle, as a hospital would write it.

MedCom has no FHIR form of the plan yet, so this is MedCom's messaging frame (medcomdk/
dk-medcom-messaging: Bundle of type message, MessageHeader first, Provenance, organisations with SOR
and EAN, a narrative on each resource) around a ServiceRequest shaped as KL's § 140 profile
(hl7dk/kl-gateway-rehab, input/fsh/140serviceRequest.fsh). Everything is synthetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from deploy.demo import fhir_clinical as clinical
from deploy.demo import fhir_frame as messaging
from services.referral.plan import (
    Address,
    ContactPerson,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    PlanType,
    Relative,
)

SKS_D = "urn:oid:1.2.208.176.2.4.12"
KL_CODES = "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes"
DISCHARGE_DATE = "http://fhir.kl.dk/rehab/StructureDefinition/PreconditionDate"
STATUS_REASON = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
LATER_START = "a8632e22-bf0c-4f5a-92a7-70977ba104d5"
TRANSPORT = "urn:dk:genvej:extension:transport"
VULNERABLE = "urn:dk:genvej:extension:vulnerable"

TYPE_CODES = {
    PlanType.ALMEN: ("ffd81f78-352e-4589-a195-5350dd1df2a4", "almen"),
    PlanType.REHABILITERING_SPECIALISERET: (
        "83c89857-8fb8-4163-97b1-eb1a56345c29",
        "rehabilitering",
    ),
    PlanType.GENOPTRAENING_SPECIALISERET: (
        "0c8e2bfc-1350-45d1-90da-c07e2645d073",
        "specialiseret",
    ),
}

Resource = dict[str, Any]


def fhir_plan(
    *,
    document_id: str = "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22",
    sender_sor: str = "227871000016001",
    sender_name: str = "Ortopædkirurgisk Afdeling",
    sender_ean: str = "5790001382445",
    receiver_sor: str | None = "451000016003",
    receiver_ean: str | None = "5790000121526",
    receiver_name: str = "Holbæk Kommune",
    type: PlanType | str = PlanType.ALMEN,  # noqa: A002
    discharge_date: date | str | None = date(2022, 5, 24),
    contact_end: date | str | None = None,
    later_start: date | str | None = None,
    authored: date | str | None = date(2022, 5, 23),
    sent_at: datetime = datetime(2022, 5, 23, 8, 0, tzinfo=UTC),
    replaces: str | None = None,
    corrects: str | None = None,
    revoked: bool = False,
    cpr: str = "1502779995",
    cpr_system: str | None = None,
    given: str = "Ruddi Test",
    family: str = "Berggren",
    birth_date: date | str | None = None,
    address: Address | None = None,
    protected: bool = False,
    phone: str | None = None,
    email: str | None = None,
    language: str | None = None,
    relatives: Sequence[Relative] = (),
    gp: GeneralPractitioner | None = None,
    diagnoses: Sequence[tuple[str, str]] = (("DS721", "Pertrokantær femurfraktur"),),
    transport: bool = False,
    vulnerable: bool = False,
    icf: Sequence[IcfCode] = (),
    contacts: Sequence[ContactPerson] = (),
    narrative: Narrative | None = None,
    consent: bool | None = None,
    earlier_cprs: Sequence[str] = (),
    event: str = "rehabilitation-plan-message",
) -> bytes:
    """A plan as bytes of JSON; the defaults are KL's story of Ruddi.

    `type`: a type, or any text, which then stands as text without a code.
    `cpr_system`: found from the number's shape where None. `gp`: who gets a copy; None is
    deselected. `replaces` and `corrects` name an earlier document id; `revoked` takes `corrects`
    back. Dates may be given as text, to write a date that is none. Of a narrative, FHIR has places
    for safety, practical words and information.
    """

    def ref(kind: str, name: str) -> str:
        return f"{kind}/{uuid5(NAMESPACE_URL, f'{document_id}/{kind}/{name}')}"

    sender, receiver = ref("Organization", "sender"), ref("Organization", "receiver")
    patient, request = ref("Patient", "citizen"), ref("ServiceRequest", "plan")
    conditions = [ref("Condition", str(n)) for n in range(len(diagnoses))]
    gp_organisation = ref("Organization", "gp")
    header = f"MessageHeader/{document_id}"
    earlier = corrects or replaces

    destinations = [messaging.destination("primary", receiver, receiver_sor)]
    if gp is not None:
        destinations.append(messaging.destination("cc", gp_organisation, None))
    resources: list[tuple[str, Resource]] = [
        (
            header,
            {
                "resourceType": "MessageHeader",
                "eventCoding": {"system": messaging.EVENTS, "code": event},
                "destination": destinations,
                "sender": {"reference": sender},
                "source": {"endpoint": f"https://sor2.sum.dsdn.dk/#id={sender_sor}"},
                "focus": [{"reference": request}],
            },
        ),
        (sender, messaging.organisation(sender_name, sender_sor, sender_ean)),
        (receiver, messaging.organisation(receiver_name, receiver_sor, receiver_ean)),
        (
            patient,
            _patient(
                cpr=cpr,
                cpr_system=cpr_system,
                given=given,
                family=family,
                birth_date=birth_date,
                address=address,
                protected=protected,
                phone=phone,
                email=email,
                language=language,
                relatives=relatives,
                earlier_cprs=earlier_cprs,
            ),
        ),
        (
            request,
            _request(
                type_=type,
                discharge_date=discharge_date,
                later_start=later_start,
                authored=authored,
                replaces=replaces,
                revoked=revoked,
                patient=patient,
                sender=sender,
                conditions=conditions,
                transport=transport,
                vulnerable=vulnerable,
            ),
        ),
        (
            ref("Provenance", "sent"),
            _provenance(header, sender, sent_at, revoked=revoked, corrects=corrects, of=earlier),
        ),
    ]
    for reference, (code, display) in zip(conditions, diagnoses, strict=True):
        resources.append((reference, _condition(code, display, patient)))
    if contact_end is not None:
        resources.append((ref("Encounter", "contact"), _encounter(patient, contact_end)))
    if gp is not None:
        resources.append((gp_organisation, messaging.organisation(gp.name, None, gp.ean)))
    for n, function in enumerate(icf):
        resources.append((ref("Observation", str(n)), clinical.function(function, patient)))
    for n, contact in enumerate(contacts):
        person = ref("Practitioner", str(n))
        resources.append((person, clinical.practitioner(contact)))
        resources.append((ref("PractitionerRole", str(n)), clinical.role(contact, person, sender)))
    if narrative is not None:
        clinical.say(narrative, resources, request, ref("Flag", "safety"), patient)
    if consent is not None:
        resources.append((ref("Consent", "exchange"), clinical.consent(consent, patient)))
    bundle = {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, f"{document_id}/Bundle")),
        "type": "message",
        "timestamp": messaging.instant(sent_at),
        "entry": [messaging.entry(reference, resource) for reference, resource in resources],
    }
    return orjson.dumps(bundle)


def ruddi_fhir() -> bytes:
    """KL's story (input/pagecontent/example.md): received 23 May 2022, discharge 24 May, almen."""
    return fhir_plan()


def _patient(
    *,
    cpr: str,
    cpr_system: str | None,
    given: str,
    family: str,
    birth_date: date | str | None,
    address: Address | None,
    protected: bool,
    phone: str | None,
    email: str | None,
    language: str | None,
    relatives: Sequence[Relative],
    earlier_cprs: Sequence[str],
) -> Resource:
    numbers = [("official", cpr_system or messaging.cpr_system(cpr), cpr)]
    numbers += [("old", messaging.cpr_system(old), old) for old in earlier_cprs]
    patient: Resource = {
        "resourceType": "Patient",
        "identifier": [
            {"use": use, "system": system, "value": value} for use, system, value in numbers
        ],
        "name": [{"use": "official", "family": family, "given": given.split()}],
        "telecom": [
            {"system": system, "value": value}
            for system, value in (("phone", phone), ("email", email))
            if value is not None
        ],
    }
    if protected:
        confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
        patient["meta"] = {"security": [{"system": confidentiality, "code": "R"}]}
    if birth_date is not None:
        patient["birthDate"] = str(birth_date)
    if address is not None:
        lines = [address.street, *([address.suburb] if address.suburb else [])]
        patient["address"] = [
            {"line": lines, "postalCode": address.postcode, "city": address.district}
        ]
    if language is not None:
        coding = {"system": "urn:ietf:bcp:47", "code": language}
        patient["communication"] = [{"language": {"coding": [coding]}, "preferred": True}]
    if relatives:
        patient["contact"] = [_contact(relative) for relative in relatives]
    return patient


def _contact(relative: Relative) -> Resource:
    contact: Resource = {"name": {"text": relative.name}}
    ways = {"phone": relative.phone, "email": relative.email}
    telecom = [{"system": system, "value": value} for system, value in ways.items() if value]
    if telecom:
        contact["telecom"] = telecom
    if relative.relation is not None:
        contact["relationship"] = [{"text": relative.relation}]
    if relative.custody:
        system = "http://hl7.dk/fhir/core/CodeSystem/dk-relatedperson-relationshipcodes"
        coding = {"system": system, "code": "PARAUTH"}
        contact.setdefault("relationship", []).append({"coding": [coding]})
    return contact


def _request(
    *,
    type_: PlanType | str,
    discharge_date: date | str | None,
    later_start: date | str | None,
    authored: date | str | None,
    replaces: str | None,
    revoked: bool,
    patient: str,
    sender: str,
    conditions: Sequence[str],
    transport: bool,
    vulnerable: bool,
) -> Resource:
    extensions: list[Resource] = []
    if discharge_date is not None:
        extensions.append({"url": DISCHARGE_DATE, "valueDate": str(discharge_date)})
    if later_start is not None:
        reason = {"coding": [{"system": KL_CODES, "code": LATER_START, "display": "Udskudt"}]}
        extensions.append({"url": STATUS_REASON, "valueCodeableConcept": reason})
    for url, value in ((TRANSPORT, transport), (VULNERABLE, vulnerable)):
        if value:
            extensions.append({"url": url, "valueBoolean": True})
    category: Resource = {"text": str(type_)}
    if isinstance(type_, PlanType):
        code, display = TYPE_CODES[type_]
        category = {"coding": [{"system": KL_CODES, "code": code, "display": display}]}
    training = {
        "system": KL_CODES,
        "code": "7fc66c15-0cb3-4c89-9e18-f3a01e6a6592",
        "display": "Træning",
    }
    request: Resource = {
        "resourceType": "ServiceRequest",
        "extension": extensions,
        "status": "entered-in-error" if revoked else "active",
        "intent": "plan",
        "category": [category],
        "code": {"coding": [training]},
        "subject": {"reference": patient},
        "requester": {"reference": sender},
        "reasonReference": [{"reference": condition} for condition in conditions],
    }
    if later_start is not None:
        request["occurrencePeriod"] = {"start": str(later_start)}
    if authored is not None:
        request["authoredOn"] = str(authored)
    if replaces is not None:
        request["replaces"] = [{"identifier": {"value": replaces}}]
    return request


def _condition(code: str, display: str, patient: str) -> Resource:
    clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": clinical, "code": "active"}]},
        "code": {"coding": [{"system": SKS_D, "code": code, "display": display}]},
        "subject": {"reference": patient},
    }


def _encounter(patient: str, end: date | str) -> Resource:
    act_code = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": act_code, "code": "IMP"},
        "subject": {"reference": patient},
        "period": {"end": str(end)},
    }


def _provenance(
    header: str, sender: str, at: datetime, *, revoked: bool, corrects: str | None, of: str | None
) -> Resource:
    activity = "new-message"
    if corrects is not None:
        activity = "retract-message" if revoked else "modified-message"
    provenance: Resource = {
        "resourceType": "Provenance",
        "target": [{"reference": header}],
        "occurredDateTime": at.isoformat(),
        "recorded": messaging.instant(at),
        "activity": {"coding": [{"system": messaging.ACTIVITIES, "code": activity}]},
        "agent": [{"who": {"reference": sender}}],
    }
    if of is not None:
        entity = {"role": "revision", "what": {"reference": f"MessageHeader/{of}"}}
        provenance["entity"] = [entity]
    return provenance
