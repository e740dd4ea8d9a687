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
from services.referral.documents import fields
from services.referral.documents.bundle import MAX_ENTRIES, Message, parse
from services.referral.documents.fields import Problems
from services.referral.documents.json_tree import outermost
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

HEADER_PATH: Final = "Bundle.entry.resource.ofType(MessageHeader)"
REQUEST_PATH: Final = "Bundle.entry.resource.ofType(ServiceRequest)"
EVENT_PATH: Final = "MessageHeader.eventCoding"
SENDER_PATH: Final = "ServiceRequest.requester"
RECEIVER_PATH: Final = "MessageHeader.destination.receiver"
CITIZEN_PATH: Final = "ServiceRequest.subject"


def read_fhir(value: bytes) -> Plan | Unreadable:
    """The plan in a JSON Bundle, or everything that is wrong with it. Never raises."""
    problems = Problems()
    message = _message(value, problems)
    header = _header(message, problems) if message is not None else None
    if message is None or header is None:
        return Unreadable(
            format=Format.FHIR, document_id=None, sender_sor=None, problems=problems.found()
        )
    return _Reader(message, header, problems).read()


def _message(value: bytes, problems: Problems) -> Message | None:
    tree = outermost(value, problems)
    if tree is None:
        return None
    kind = tree.get("resourceType")
    if kind != "Bundle":
        what = fields.named(kind) if isinstance(kind, str) else ""
        problems.add(
            "Bundle",
            "not-supported",
            f"Dokumentet{what} er ikke en FHIR-meddelelse (Bundle af typen message).",
        )
        return None
    bundle = parse(tree, fhir.Bundle, "Bundle", problems)
    if bundle is None:
        return None
    if bundle.type != "message":
        problems.add(
            "Bundle.type",
            "not-supported",
            f"Bundle-typen{fields.named(bundle.type)} understøttes ikke; kun message.",
        )
        return None
    if len(bundle.entry) > MAX_ENTRIES:
        problems.add("Bundle.entry", "too-long", f"Flere end {MAX_ENTRIES} ressourcer.")
        return None
    return Message(bundle, problems)


def _header(message: Message, problems: Problems) -> fhir.MessageHeader | None:
    count = message.count("MessageHeader")
    if count == 0:
        problems.missing(HEADER_PATH, "MessageHeader")
    elif count > 1:
        problems.add(HEADER_PATH, "structure", "Meddelelsen har flere end én MessageHeader.")
        return None
    return next(iter(message.all(fhir.MessageHeader)), None)


class _Reader:
    """Reads one message; every step reports what it misses and goes on."""

    def __init__(self, message: Message, header: fhir.MessageHeader, problems: Problems) -> None:
        self._message = message
        self._header = header
        self._problems = problems
        self._sender = people.organisation(message, header.sender)
        self._receiver = next(
            (
                people.organisation(message, destination.receiver)
                for destination in header.destination
                if people.use(destination) != "cc"
            ),
            None,
        )

    def read(self) -> Plan | Unreadable:
        message, problems = self._message, self._problems
        document_id = fields.identifier(
            self._header.id, "MessageHeader.id", "Meddelelsens id", problems
        )
        within = self._request()
        request = message.read(within, fhir.ServiceRequest) if within is not None else None
        if not self._is_plan(request):
            return self._unreadable(document_id, people.number_of(self._sender, people.SOR))
        if request is None:
            if within is None:
                problems.missing(REQUEST_PATH, "Genoptræningsplanen (ServiceRequest)")
            return self._unreadable(document_id, people.number_of(self._sender, people.SOR))
        sender_sor, sender_name = self._department(request)
        receiver = self._address()
        type_ = asked.type_of(request, problems)
        discharge = asked.discharge_date(message, request, problems)
        later_start = asked.later_start(request, problems)
        purpose, earlier = asked.purpose_of(message, self._header.id, request, problems)
        authored = fields.day(
            request.authored_on, "ServiceRequest.authoredOn", "Planens dato", problems
        )
        patient = self._patient(request, within)
        person = people.citizen(message, patient, problems) if patient is not None else None
        relatives = people.relatives(message, patient) if patient is not None else ()
        gp = people.gp_copy(message, self._header)
        diagnoses = asked.diagnoses(message, request, within)
        contacts, icf = clinical.contacts(message), clinical.icf(message)
        for count, most, element, what in (
            (len(relatives), fields.MAX_RELATIVES, "Patient.contact", "pårørende"),
            (len(diagnoses), fields.MAX_DIAGNOSES, "ServiceRequest.reasonReference", "diagnoser"),
            (len(icf), fields.MAX_DIAGNOSES, "Observation.code", "ICF-koder"),
            (len(contacts), fields.MAX_CONTACTS, "PractitionerRole", "kontaktpersoner"),
        ):
            problems.bounded(count, most, element, what)
        if (
            problems.found()
            or document_id is None
            or sender_sor is None
            or receiver is None
            or type_ is None
            or discharge is None
            or person is None
        ):
            return self._unreadable(document_id, sender_sor)
        return Plan(
            format=Format.FHIR,
            purpose=purpose,
            document_id=document_id,
            sender_sor=sender_sor,
            sender_name=sender_name,
            receiver=receiver[0],
            receiver_kind=receiver[1],
            municipality=fields.municipality_code(
                people.number_of(self._receiver, people.MUNICIPALITY)
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
            original=people.original(self._sender, self._receiver),
            icf=icf,
            contacts=contacts,
            narrative=clinical.narrative(message, request),
            consent=clinical.consent(message),
        )

    def _unreadable(self, document_id: str | None, sender_sor: str | None) -> Unreadable:
        return Unreadable(
            format=Format.FHIR,
            document_id=document_id,
            sender_sor=fields.number(sender_sor),
            problems=self._problems.found(),
            original=people.original(self._sender, self._receiver),
        )

    def _request(self) -> fhir.Json | None:
        """The plan: what the header's focus names, else the one that no other replaces."""
        for reference in self._header.focus:
            focus = self._message.raw(reference)
            if focus is not None and focus.get("resourceType") == "ServiceRequest":
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

    def _replaced(self, request: fhir.Json) -> list[fhir.Json]:
        replaces = request.get("replaces")
        references = [
            reference.get("reference")
            for reference in (replaces if isinstance(replaces, list) else ())
            if isinstance(reference, dict)
        ]
        found = [
            self._message.raw(fhir.Reference(reference=name))
            for name in references
            if isinstance(name, str)
        ]
        return [one for one in found if one is not None and one is not request]

    def _is_plan(self, request: fhir.ServiceRequest | None) -> bool:
        coding = self._header.event_coding
        event = coding.code if coding is not None else self._header.event_uri
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

    def _department(self, request: fhir.ServiceRequest) -> tuple[str | None, str]:
        requester = people.organisation(self._message, request.requester)
        has_sor = people.number_of(requester, people.SOR) is not None
        department = requester if has_sor else self._sender
        written = people.number_of(department, people.SOR)
        sor = fields.number(written)
        if written is None:
            self._problems.missing(SENDER_PATH, "Afsenderens SOR-nummer")
        elif sor is None:
            self._problems.add(SENDER_PATH, "value", "Afsenderens SOR-nummer er ikke et nummer.")
        return sor, fields.clean(department.name) if department is not None else ""

    def _address(self) -> tuple[str, str] | None:
        """(number, kind) of the receiver."""
        for system, kind in (
            (people.SOR, "sor"),
            (people.EAN, "ean"),
            (people.MUNICIPALITY, "municipality"),
        ):
            written = people.number_of(self._receiver, system)
            if written is not None:
                by_code = kind == "municipality"
                found = fields.municipality_code(written) if by_code else fields.number(written)
                if found is None:
                    self._problems.add(
                        RECEIVER_PATH, "value", "Modtagerens nummer er ikke et nummer."
                    )
                return (found, kind) if found is not None else None
        self._problems.missing(RECEIVER_PATH, "Modtagerens SOR- eller EAN-nummer")
        return None

    def _patient(
        self, request: fhir.ServiceRequest, within: fhir.Json | None
    ) -> fhir.Patient | None:
        found = self._message.raw(request.subject, within)
        if found is None or found.get("resourceType") != "Patient":
            self._problems.missing(CITIZEN_PATH, "Borgeren (Patient)")
        return self._message.find(request.subject, fhir.Patient, within)
