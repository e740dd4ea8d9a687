"""Reads a plan from a FHIR R4 message Bundle.

Sources: MedCom's messaging profiles (medcomdk/dk-medcom-messaging and dk-medcom-core, input/fsh),
KL's § 140 profiles (hl7dk/kl-gateway-rehab 2.2.0, input/fsh/140serviceRequest.fsh) and HL7
Denmark's core (hl7dk/dk-core, input/fsh). MedCom has no FHIR form of the plan, so what these leave
open is read thus, as assumptions of ours:

- **Event.** MedCom's code system has none for a plan. `rehabilitation-plan-message` is ours; any
  other is taken where the ServiceRequest is KL's (by its type or its code Træning), except those
  that MedCom gives to other messages.
- **Sender.** The department is ServiceRequest.requester; MessageHeader.sender where that has no
  SOR.
- **Discharge date.** KL's extension PreconditionDate (slice dischargeDate); without it the end of
  the Encounter in the message, as KL takes the end of the current contact.
- **Later start for health reasons.** occurrencePeriod.start (or occurrenceDateTime), only where
  request-statusReason holds KL's code for it: elsewhere KL uses that date for the first offer.
- **Replaces.** ServiceRequest.replaces, by identifier (document id) or reference; where Provenance
  names an earlier message, that is the document.
- **Correction and revocation.** Provenance.activity modified-message or retract-message, and
  Provenance.entity.what names the earlier MessageHeader (medcomdk/dk-medcom-messaging, Provenance).
  A status of revoked or entered-in-error is a revocation too.
- **GP copy.** The destination with use cc; without one the citizen has deselected it.
- **Transport, vulnerability.** Extensions of our own on the ServiceRequest, valueBoolean.

Elements are named by FHIRPath from the resource's type.
"""

from __future__ import annotations

from typing import Final

from services.referral.documents import fhir_clinical as clinical
from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_people as people
from services.referral.documents import fhir_request as asked
from services.referral.documents import fhir_types, fields
from services.referral.documents import frame as messaging
from services.referral.documents.fields import Problems
from services.referral.documents.frame import EVENT_PATH, Frame, opened
from services.referral.plan import Format, Plan, Purpose, Unreadable

EVENT: Final = "rehabilitation-plan-message"
OTHER_EVENTS: Final = frozenset(
    {
        "empty-message",
        "care-communication-message",
        "hospital-notification-message",
        "acknowledgement-message",
        "homecareobservation-message",
    }
)
TRANSPORT: Final = "urn:dk:genvej:extension:transport"
VULNERABLE: Final = "urn:dk:genvej:extension:vulnerable"

REQUEST_PATH: Final = "Bundle.entry.resource.ofType(ServiceRequest)"
SENDER_PATH: Final = "ServiceRequest.requester"
RECEIVER_PATH: Final = messaging.RECEIVER_PATH
CITIZEN_PATH: Final = "ServiceRequest.subject"


def read_fhir(value: bytes) -> Plan | Unreadable:
    """The plan in a JSON Bundle, or everything that is wrong with it. Never raises."""
    problems = Problems()
    frame = opened(value, problems)
    return read_plan(frame) if frame is not None else nothing_of(problems)


def nothing_of(problems: Problems) -> Unreadable:
    """A document of which not even the header could be read."""
    return Unreadable(
        format=Format.FHIR, document_id=None, sender_sor=None, problems=problems.found()
    )


def read_plan(frame: Frame) -> Plan | Unreadable:
    """The plan in a message, or everything that is wrong with it."""
    return _Reader(frame).read()


class _Reader:
    """Reads one message; every step reports what it misses and goes on."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._message = frame.message
        self._problems = frame.problems

    def read(self) -> Plan | Unreadable:
        frame, message, problems = self._frame, self._message, self._problems
        within = self._request()
        request = message.read(within, fhir.ServiceRequest) if within is not None else None
        if not self._is_plan(request):
            return frame.unreadable()
        if request is None:
            if within is None:
                problems.missing(REQUEST_PATH, "Genoptræningsplanen (ServiceRequest)")
            return frame.unreadable()
        requester = people.organisation(message, request.requester)
        sender_sor, sender_name = frame.department(requester, SENDER_PATH)
        receiver = frame.address()
        asked.judge(request, problems)
        type_ = asked.type_of(request, problems)
        discharge = asked.discharge_date(message, request, problems)
        later_start = asked.later_start(request, problems)
        purpose, earlier = asked.purpose_of(frame, request, problems)
        authored = fields.day(
            request.authored_on, "ServiceRequest.authoredOn", "Planens dato", problems
        )
        patient = self._patient(request, within)
        person = people.citizen(message, patient, problems) if patient is not None else None
        relatives = people.relatives(message, patient) if patient is not None else ()
        gp = people.gp_copy(message, frame.header)
        diagnoses = asked.diagnoses(message, request, within)
        contacts, icf = clinical.contacts(message), clinical.icf(message)
        asked.bound(problems, relatives, diagnoses, icf, contacts)
        if (
            problems.found()
            or frame.document_id is None
            or sender_sor is None
            or receiver is None
            or type_ is None
            or discharge is None
            or person is None
        ):
            return frame.unreadable(sender_sor)
        return Plan(
            format=Format.FHIR,
            purpose=purpose,
            document_id=frame.document_id,
            sender_sor=sender_sor,
            sender_name=sender_name,
            receiver=receiver[0],
            receiver_kind=receiver[1],
            municipality=fields.municipality_code(
                people.number_of(frame.receiver, people.MUNICIPALITY)
            ),
            type=type_,
            discharge_date=discharge,
            later_start=later_start,
            deadline_text=None,
            authored=authored,
            replaces=earlier if purpose is Purpose.NEW else None,
            corrects=earlier if purpose is not Purpose.NEW else None,
            person=person,
            relatives=relatives,
            gp=gp,
            diagnoses=diagnoses,
            transport=asked.flag(request, TRANSPORT),
            vulnerable=asked.flag(request, VULNERABLE),
            entered_in_error=request.status == "entered-in-error",
            original=frame.original,
            icf=icf,
            contacts=contacts,
            narrative=clinical.narrative(message, request),
            consent=clinical.consent(message),
        )

    def _request(self) -> fhir_types.Json | None:
        """The plan: what the header's focus names, else the one that no other replaces."""
        focus = self._frame.focus("ServiceRequest")
        if focus is not None:
            return focus
        requests = self._message.raw_all("ServiceRequest")
        if len(requests) > 1:
            replaced = {id(found) for one in requests for found in self._replaced(one)}
            requests = [request for request in requests if id(request) not in replaced]
        if len(requests) > 1:
            self._problems.add(
                REQUEST_PATH,
                "structure",
                "Meddelelsen har flere genoptræningsplaner; send én ad gangen.",
            )
        return requests[0] if requests else None

    def _replaced(self, request: fhir_types.Json) -> list[fhir_types.Json]:
        replaces = request.get("replaces")
        references = [
            reference.get("reference")
            for reference in (replaces if isinstance(replaces, list) else ())
            if isinstance(reference, dict)
        ]
        found = [
            self._message.raw(fhir_types.Reference(reference=name))
            for name in references
            if isinstance(name, str)
        ]
        return [one for one in found if one is not None and one is not request]

    def _is_plan(self, request: fhir.ServiceRequest | None) -> bool:
        event = self._frame.event
        if event == EVENT:
            return True
        if not fields.clean(event):
            self._problems.missing(EVENT_PATH, "Meddelelsens type")
            return False
        if event not in OTHER_EVENTS and request is not None and asked.is_kl_request(request):
            return True
        self._problems.add(
            EVENT_PATH,
            "not-supported",
            f"Meddelelsestypen{fields.named(event)} understøttes ikke; "
            f'genoptræningsplaner sendes som "{EVENT}".',
        )
        profiles = request.meta.profile if request is not None and request.meta is not None else ()
        for profile in profiles[:3]:
            self._problems.add(
                "ServiceRequest.meta.profile",
                "not-supported",
                f"Profilen{fields.named(profile)} understøttes ikke.",
            )
        return False

    def _patient(
        self, request: fhir.ServiceRequest, within: fhir_types.Json | None
    ) -> fhir.Patient | None:
        found = self._message.raw(request.subject, within)
        if found is None or found.get("resourceType") != "Patient":
            self._problems.missing(CITIZEN_PATH, "Borgeren (Patient)")
        return self._message.find(request.subject, fhir.Patient, within)
