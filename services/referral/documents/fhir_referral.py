"""Reads a referral on another ground than a hospital's plan from a FHIR R4 message Bundle.

MedCom has no FHIR form of such referrals, so the frame is MedCom's messaging
(medcomdk/dk-medcom-messaging) around a plain R4 ServiceRequest, with these codes of our own:

- **Event** `referral-message`.
- **Ground**: ServiceRequest.category, system `urn:genvej:basis`: gp, municipality, self, relative.
  A sender who refers on one ground alone may leave it out.
- **Who refers**: ServiceRequest.performerType is another's; ours is ServiceRequest.category, system
  `urn:genvej:referrer` (therapist, back-team …); left out, the sending department says it.
- **Programme**: ServiceRequest.code, system `urn:genvej:programmes`, the id of a programme's file;
  left out, the municipality chooses.
- **Who shall attend** is ServiceRequest.subject: where a relative refers, the relative, with an own
  number and an own Consent.
- **Withdrawal, correction, replacement** as with plans: Provenance retract-message (or a status of
  revoked or entered-in-error), modified-message, or ServiceRequest.replaces;
  Provenance.entity.what names the earlier message.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from services.referral.documents import fhir_clinical as clinical
from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_people as people
from services.referral.documents import fhir_request as asked
from services.referral.documents import fhir_types, fields
from services.referral.documents.fields import Problems
from services.referral.documents.frame import Frame
from services.referral.plan import Format, Purpose, Unreadable
from services.referral.programme_terms import Basis, Referrer
from services.referral.request import Request

EVENT: Final = "referral-message"
BASIS: Final = "urn:genvej:basis"
REFERRER: Final = "urn:genvej:referrer"
PROGRAMMES: Final = "urn:genvej:programmes"
TRANSPORT: Final = "urn:dk:genvej:extension:transport"
VULNERABLE: Final = "urn:dk:genvej:extension:vulnerable"

REQUEST_PATH: Final = "Bundle.entry.resource.ofType(ServiceRequest)"
SENDER_PATH: Final = "ServiceRequest.requester"
CITIZEN_PATH: Final = "ServiceRequest.subject"
CATEGORY_PATH: Final = "ServiceRequest.category"
PROGRAMME_PATH: Final = "ServiceRequest.code"
ASKED_PATH: Final = "ServiceRequest.authoredOn"

Code = TypeVar("Code", bound=StrEnum)


def read_referral(frame: Frame) -> Request | Unreadable:
    """The referral in a message, or everything that is wrong with it."""
    message, problems = frame.message, frame.problems
    within = _request(frame)
    request = message.read(within, fhir.ServiceRequest) if within is not None else None
    if request is None:
        if within is None:
            problems.missing(REQUEST_PATH, "Henvisningen (ServiceRequest)")
        return frame.unreadable()
    sender_sor, sender_name = frame.department(
        people.organisation(message, request.requester), SENDER_PATH
    )
    receiver = frame.address()
    asked.judge(request, problems)
    purpose, earlier = asked.purpose_of(frame, request, problems)
    day = fields.day(request.authored_on, ASKED_PATH, "Henvisningens dato", problems)
    if not fields.clean(request.authored_on):
        problems.missing(ASKED_PATH, "Henvisningens dato")
    basis = _coded(request, BASIS, Basis, "Henvisningens grundlag", problems)
    if basis is Basis.HOSPITAL:
        problems.add(
            CATEGORY_PATH, "value", "Et sygehus henviser med en genoptræningsplan, ikke sådan."
        )
    referrer = _coded(request, REFERRER, Referrer, "Henviseren", problems)
    programme = _programme(request, problems)
    found = message.raw(request.subject, within)
    if found is None or found.get("resourceType") != "Patient":
        problems.missing(CITIZEN_PATH, "Borgeren (Patient)")
    patient = message.find(request.subject, fhir.Patient, within)
    person = people.citizen(message, patient, problems) if patient is not None else None
    relatives = people.relatives(message, patient) if patient is not None else ()
    diagnoses = asked.diagnoses(message, request, within)
    contacts, icf = clinical.contacts(message), clinical.icf(message)
    asked.bound(problems, relatives, diagnoses, icf, contacts)
    if (
        problems.found()
        or frame.document_id is None
        or sender_sor is None
        or receiver is None
        or day is None
        or person is None
    ):
        return frame.unreadable(sender_sor)
    return Request(
        format=Format.FHIR,
        purpose=purpose,
        document_id=frame.document_id,
        sender=sender_sor,
        sender_name=sender_name,
        receiver=receiver[0],
        receiver_kind=receiver[1],
        basis=basis,
        referred_by=referrer,
        programme=programme,
        asked=day,
        corrects=earlier if purpose is not Purpose.NEW else None,
        replaces=earlier if purpose is Purpose.NEW else None,
        person=person,
        relatives=relatives,
        gp=people.gp_copy(message, frame.header),
        diagnoses=diagnoses,
        transport=asked.flag(request, TRANSPORT),
        vulnerable=asked.flag(request, VULNERABLE),
        consent=clinical.consent(message),
        entered_in_error=request.status == "entered-in-error",
        original=frame.original,
        icf=icf,
        contacts=contacts,
        narrative=clinical.narrative(message, request),
    )


def _request(frame: Frame) -> fhir_types.Json | None:
    focus = frame.focus("ServiceRequest")
    if focus is not None:
        return focus
    requests = frame.message.raw_all("ServiceRequest")
    if len(requests) > 1:
        frame.problems.add(
            REQUEST_PATH, "structure", "Meddelelsen har flere henvisninger; send én ad gangen."
        )
    return requests[0] if requests else None


def _coded(
    request: fhir.ServiceRequest, system: str, codes: type[Code], what: str, problems: Problems
) -> Code | None:
    """The one code of ours in the category; None where there is none."""
    written = {
        fields.clean(coding.code)
        for concept in request.category
        for coding in concept.coding
        if coding.system == system
    }
    if not written:
        return None
    known = [code for code in codes if code.value in written]
    if len(written) == 1 and known:
        return known[0]
    problems.add(CATEGORY_PATH, "value", f"{what} er ikke én af: {', '.join(codes)}.")
    return None


def _programme(request: fhir.ServiceRequest, problems: Problems) -> str | None:
    coding = request.code.coding if request.code is not None else ()
    written = [fields.clean(one.code, 61) for one in coding if one.system == PROGRAMMES]
    if len(written) > 1:
        problems.add(PROGRAMME_PATH, "structure", "Henvisningen nævner flere tilbud.")
    return next((one for one in written if one), None)
