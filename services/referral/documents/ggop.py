"""Reads a plan from MedCom's GGOP XML (Den gode genoptræningsplan).

No schema of GGOP 1.0.4 is public. The element names are those of a public transformation of the
format; MedCom's public schemas of the same family (glasdam/edifact_converter,
data/xml/Schemas/2006/07/01: LetterType, Sender, Receiver, Reference) give the parts that both
share. Elements are found by local name, in any order and with any prefix; unknown ones are passed
over. What isn't public is read thus, as assumptions of ours:

- **Discharge date.** CurrentHospitalContact/End where a sender has it, else ExpectedEnd (KL's
  fallback "Aktuel_kontakt_slutdato"). ExpectedEndText is text for humans and never a date.
- **Sender.** Sender/Identifier with IdentifierCode "sorkode" (the family's code) or none.
- **Receiver.** Identifier as "kommunenummer", else as "sorkode", else EANIdentifier.
- **Correction.** The family's Letter/StatusCode: "rettetbrev" corrects, "annulleretbrev" takes
  back. Reference/Identifier names the earlier letter; a Reference without Identifier is an
  attachment. With "nytbrev" the earlier plan is replaced; without StatusCode it is corrected.
- **Later start.** No element is public: RehabilitationDeadline is handed on as text for a human.
- **GP copy.** GPCCReceiver; none where it holds Deselected.
- GGOP has no element for transport, language or protected address: those come from elsewhere.

Problems name elements by XPath of local names from the root.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from services.referral.documents import fields
from services.referral.documents import ggop_clinical as clinical
from services.referral.documents import ggop_people as people
from services.referral.documents.fields import Problems
from services.referral.documents.xml_tree import Node, root_of
from services.referral.plan import Format, Original, Plan, PlanType, Purpose, Unreadable

NAMESPACE: Final = "urn:oio:medcom:municipality:1."

PLAN: Final = "/Emessage/RehabilitationPlan"
DOCUMENT_ID_PATH: Final = f"{PLAN}/Letter/Identifier"
STATUS_PATH: Final = f"{PLAN}/Letter/StatusCode"
AUTHORED_PATH: Final = f"{PLAN}/Letter/Authorisation/Date"
SENDER_PATH: Final = f"{PLAN}/Sender/Identifier"
RECEIVER_PATH: Final = f"{PLAN}/Receiver/EANIdentifier"
TYPE_PATH: Final = f"{PLAN}/TypeOfRehabilitationPlan"
DISCHARGE_PATH: Final = f"{PLAN}/CurrentHospitalContact/ExpectedEnd/Date"
EARLIER_PATH: Final = f"{PLAN}/Reference/Identifier"

_SINGLE: Final = (
    "Letter",
    "Sender",
    "Receiver",
    "Patient",
    "TypeOfRehabilitationPlan",
    "CurrentHospitalContact",
)
_STATUS: Final = {
    "nytbrev": Purpose.NEW,
    "rettetbrev": Purpose.CORRECTION,
    "annulleretbrev": Purpose.REVOCATION,
}


def read_ggop(value: bytes) -> Plan | Unreadable:
    """The plan in an XML document, or everything that is wrong with it. Never raises."""
    problems = Problems()
    return read_letter(root_of(value, problems), problems)


def read_letter(root: Node | None, problems: Problems) -> Plan | Unreadable:
    """As `read_ggop`, of what is parsed already; None: it couldn't be."""
    plan = _plan(root, problems) if root is not None else None
    if root is None or plan is None:
        return Unreadable(
            format=Format.GGOP,
            document_id=None,
            sender_sor=None,
            problems=problems.found(),
            original=Original(encoding=root.encoding if root is not None else None),
        )
    return _Reader(root, plan, problems).read()


def _plan(root: Node, problems: Problems) -> Node | None:
    """The letter in the message, if it is a plan; its version is judged by its namespace."""
    if root.name != "Emessage":
        text = (
            "FHIR som XML understøttes ikke; send FHIR som JSON."
            if root.namespace == "http://hl7.org/fhir"
            else f"Dokumenttypen{fields.named(root.name)}{_within(root.namespace)} understøttes "
            'ikke; genoptræningsplaner sendes som "Emessage" med "RehabilitationPlan".'
        )
        problems.add("/", "not-supported", text)
        return None
    plans = root.all("RehabilitationPlan")
    if not plans:
        letter = next((child for child in root if child.name != "Envelope"), None)
        if letter is None:
            problems.missing(PLAN, "Genoptræningsplanen (RehabilitationPlan)")
        else:
            text = (
                f"Brevtypen{fields.named(letter.name)} understøttes ikke; kun RehabilitationPlan."
            )
            problems.add(PLAN, "not-supported", text)
        return None
    for namespace in dict.fromkeys((root.namespace, plans[0].namespace)):
        if not namespace.startswith(NAMESPACE):
            problems.add(
                PLAN,
                "not-supported",
                f"Versionen{fields.named(namespace)} understøttes ikke; kun {NAMESPACE}x.",
            )
    if len(plans) > 1:
        problems.add(PLAN, "structure", "Brevet har flere genoptræningsplaner; send én ad gangen.")
    alone(root, "RehabilitationPlan", problems)
    return plans[0]


def alone(root: Node, name: str, problems: Problems) -> None:
    """A problem for each other letter in the message: nobody here would read it."""
    for other in dict.fromkeys(child.name for child in root if child.count("Letter")):
        if other != name:
            text = f"Forsendelsen har også brevet{fields.named(other)}; send ét brev ad gangen."
            problems.add(f"/Emessage/{other}", "not-supported", text)


def _within(namespace: str) -> str:
    return f" med navnerummet{fields.named(namespace)}" if fields.named(namespace) else ""


class _Reader:
    """Reads one letter; every step reports what it misses and goes on."""

    def __init__(self, root: Node, plan: Node, problems: Problems) -> None:
        self._root = root
        self._plan = plan
        self._letter = plan.child("Letter")
        self._problems = problems

    def read(self) -> Plan | Unreadable:
        plan, letter, problems = self._plan, self._letter, self._problems
        for name in _SINGLE:
            if plan.count(name) > 1:
                problems.add(f"{PLAN}/{name}", "structure", "Elementet står flere gange.")
        document_id = fields.identifier(
            letter.text("Identifier"), DOCUMENT_ID_PATH, "Brevets id", problems
        )
        sender_sor = self._sender_sor()
        receiver = self._receiver()
        type_ = self._type()
        discharge = self._discharge()
        purpose, earlier = self._purpose()
        person = people.citizen(plan, problems)
        authored = fields.day(
            _date(letter, "Authorisation"), AUTHORED_PATH, "Planens dato", problems
        )
        relatives, diagnoses = people.relatives(plan), self._diagnoses()
        contacts, icf = clinical.contacts(plan), clinical.icf(plan)
        for count, most, element, what in (
            (len(relatives), fields.MAX_RELATIVES, "Relatives/Relative", "pårørende"),
            (len(diagnoses), fields.MAX_DIAGNOSES, "ICD10Diagnoses", "diagnoser"),
            (len(icf), fields.MAX_DIAGNOSES, "ICFClassifications", "ICF-koder"),
            (len(contacts), fields.MAX_CONTACTS, "HealthCareTeam/Member", "kontaktpersoner"),
        ):
            problems.bounded(count, most, f"{PLAN}/{element}", what)
        if (
            problems.found()
            or document_id is None
            or sender_sor is None
            or receiver is None
            or type_ is None
            or discharge is None
            or person is None
        ):
            return Unreadable(
                format=Format.GGOP,
                document_id=document_id,
                sender_sor=sender_sor,
                problems=problems.found(),
                original=self._original(),
            )
        return Plan(
            format=Format.GGOP,
            purpose=purpose,
            document_id=document_id,
            sender_sor=sender_sor,
            sender_name=people.organisation_name(plan.child("Sender")),
            receiver=receiver[0],
            receiver_kind=receiver[1],
            municipality=receiver[0] if receiver[1] == "municipality" else None,
            type=type_,
            discharge_date=discharge,
            later_start=None,
            deadline_text=plan.prose("RehabilitationDeadline"),
            authored=authored,
            replaces=earlier if purpose is Purpose.NEW else None,
            corrects=earlier if purpose is not Purpose.NEW else None,
            person=person,
            relatives=relatives,
            gp=people.gp_copy(plan),
            diagnoses=diagnoses,
            transport=False,
            vulnerable=False,
            original=self._original(),
            icf=icf,
            contacts=contacts,
            narrative=clinical.narrative(plan),
            consent=clinical.consent(plan),
        )

    def _sender_sor(self) -> str | None:
        sender = self._plan.child("Sender")
        written = sender.text("Identifier")
        code = fields.clean(sender.text("IdentifierCode")).casefold()
        found = fields.number(written)
        if written is None or code not in {"", "sorkode", "sor"}:
            self._problems.missing(SENDER_PATH, "Afsenderens SOR-nummer")
            return None
        if found is None:
            self._problems.add(SENDER_PATH, "value", "Afsenderens SOR-nummer er ikke et nummer.")
        return found

    def _receiver(self) -> tuple[str, str] | None:
        """(number, kind)."""
        found = people.receiver(self._plan.child("Receiver"))
        if found is None:
            self._problems.missing(RECEIVER_PATH, "Modtagerens EAN-, SOR- eller kommunenummer")
        return found

    def _type(self) -> PlanType | None:
        text = self._plan.text("TypeOfRehabilitationPlan")
        found = fields.plan_type(text)
        if text is None:
            self._problems.missing(TYPE_PATH, "Plantypen")
        elif found is None:
            self._problems.add(TYPE_PATH, "value", fields.UNKNOWN_TYPE)
        return found

    def _discharge(self) -> date | None:
        contact, what = self._plan.child("CurrentHospitalContact"), "Udskrivningsdatoen"
        for name in ("End", "ExpectedEnd"):
            text = _date(contact, name)
            if text is not None:
                path = f"{PLAN}/CurrentHospitalContact/{name}/Date"
                return fields.day(text, path, what, self._problems)
        if contact.text("ExpectedEndText") is not None:
            what += " (ExpectedEndText er tekst, som ikke læses som en dato)"
        self._problems.missing(DISCHARGE_PATH, what)
        return None

    def _purpose(self) -> tuple[Purpose, str | None]:
        """(purpose, document id): the id of what is corrected, taken back or replaced, if any."""
        written = self._letter.text("StatusCode")
        purpose = _STATUS.get(fields.clean(written).casefold())
        if written is not None and purpose is None:
            self._problems.add(
                STATUS_PATH, "value", "Brevets status er hverken nyt, rettet eller annulleret."
            )
        named = (reference.text("Identifier") for reference in self._plan.all("Reference"))
        earlier = next((text for text in named if text is not None), None)
        if earlier is not None:
            earlier = fields.identifier(
                earlier, EARLIER_PATH, "Det tidligere brevs id", self._problems
            )
        elif purpose in {Purpose.CORRECTION, Purpose.REVOCATION}:
            self._problems.missing(EARLIER_PATH, "Id på det brev, der rettes eller annulleres,")
        if purpose is None:
            purpose = Purpose.NEW if earlier is None else Purpose.CORRECTION
        return purpose, earlier

    def _diagnoses(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (
                "ICD10",
                fields.clean(diagnosis.text("Code"), fields.ID_LENGTH),
                fields.clean(diagnosis.text("Text"), fields.TEXT_LENGTH),
            )
            for entry in self._plan.child("ICD10Diagnoses").all("ICD10Diagnose")
            for kind in ("PrimaryDiagnosis", "SecondaryDiagnosis")
            for diagnosis in entry.all(kind)
            if diagnosis.text("Code", "Text") is not None
        )

    def _original(self) -> Original:
        def short(node: Node, name: str) -> str | None:
            return fields.optional(node.text(name), fields.ID_LENGTH)

        return Original(
            envelope=short(self._root.child("Envelope"), "Identifier"),
            version=short(self._letter, "VersionCode"),
            encoding=self._root.encoding,
            sender_ean=short(self._plan.child("Sender"), "EANIdentifier"),
            receiver_ean=short(self._plan.child("Receiver"), "EANIdentifier"),
        )


def _date(parent: Node, name: str) -> str | None:
    """The text of name/Date, or of the element itself where a sender writes the date directly."""
    node = parent.child(name)
    return node.text("Date") if node.count("Date") else parent.text(name)
