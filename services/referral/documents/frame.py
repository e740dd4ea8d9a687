"""MedCom's messaging frame, the same for every message: header, sender, receiver, Provenance.

Source: medcomdk/dk-medcom-messaging, input/fsh (MessageHeader, Organization, Provenance). A message
holds the Provenances of the messages before it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_people as people
from services.referral.documents import fhir_types, fields
from services.referral.documents.bundle import MAX_ENTRIES, Message, parse
from services.referral.documents.fields import Problems
from services.referral.documents.json_tree import outermost
from services.referral.plan import Format, Original, Unreadable

HEADER_PATH: Final = "Bundle.entry.resource.ofType(MessageHeader)"
EVENT_PATH: Final = "MessageHeader.eventCoding"
RECEIVER_PATH: Final = "MessageHeader.destination.receiver"
PROVENANCE_PATH: Final = "Bundle.entry.resource.ofType(Provenance)"
EARLIER_PATH: Final = "Provenance.entity.what.reference"

_MODIFIERS: Final = (b"modifierExtension", b"implicitRules")


class Frame:
    """A message of which the header could be read."""

    def __init__(self, message: Message, header: fhir.MessageHeader, problems: Problems) -> None:
        self.message = message
        self.header = header
        self.problems = problems
        self.sender = people.organisation(message, header.sender)
        self.receiver = next(
            (
                people.organisation(message, destination.receiver)
                for destination in header.destination
                if people.use(destination) != "cc"
            ),
            None,
        )
        self.document_id = fields.identifier(
            header.id, "MessageHeader.id", "Meddelelsens id", problems
        )

    @property
    def event(self) -> str | None:
        """The event's code, or its address where the message gives one."""
        coding = self.header.event_coding
        return coding.code if coding is not None else self.header.event_uri

    @property
    def original(self) -> Original:
        """What a receipt repeats."""
        return people.original(self.sender, self.receiver)

    def focus(self, kind: str) -> fhir_types.Json | None:
        """The resource of this type that the header names, not yet read."""
        found = (self.message.raw(reference) for reference in self.header.focus)
        return next(
            (one for one in found if one is not None and one.get("resourceType") == kind), None
        )

    def address(self) -> tuple[str, str] | None:
        """(number, kind) of the receiver; None and a problem where it has none."""
        for system, kind in (
            (people.SOR, "sor"),
            (people.EAN, "ean"),
            (people.MUNICIPALITY, "municipality"),
        ):
            written = people.number_of(self.receiver, system)
            if written is not None:
                by_code = kind == "municipality"
                found = fields.municipality_code(written) if by_code else fields.number(written)
                if found is None:
                    self.problems.add(
                        RECEIVER_PATH, "value", "Modtagerens nummer er ikke et nummer."
                    )
                return (found, kind) if found is not None else None
        self.problems.missing(RECEIVER_PATH, "Modtagerens SOR- eller EAN-nummer")
        return None

    def department(
        self, department: fhir.Organization | None, element: str
    ) -> tuple[str | None, str]:
        """(SOR, name) of who sends: this department where it has a SOR, else the sender."""
        has_sor = people.number_of(department, people.SOR) is not None
        chosen = department if has_sor else self.sender
        written = people.number_of(chosen, people.SOR)
        sor = fields.number(written)
        if written is None:
            self.problems.missing(element, "Afsenderens SOR-nummer")
        elif sor is None:
            self.problems.add(element, "value", "Afsenderens SOR-nummer er ikke et nummer.")
        return sor, fields.clean(chosen.name) if chosen is not None else ""

    def provenances(self) -> list[fhir.Provenance]:
        """Those of this message; a problem where the message holds none at all.

        What a Provenance targets tells them apart; one without a target is this message's.
        """
        if self.message.count("Provenance") == 0:
            self.problems.missing(PROVENANCE_PATH, "Provenance")
        own = fields.clean(self.header.id)
        return [
            provenance
            for provenance in self.message.all(fhir.Provenance)
            if not provenance.target or document_of(provenance.target) == own
        ]

    def unreadable(self, sender_sor: str | None = None) -> Unreadable:
        """Everything that is wrong; the sender is the header's where no other is known."""
        sor = sender_sor or people.number_of(self.sender, people.SOR)
        return Unreadable(
            format=Format.FHIR,
            document_id=self.document_id,
            sender_sor=fields.number(sor),
            problems=self.problems.found(),
            original=self.original,
        )


def opened(value: bytes, problems: Problems) -> Frame | None:
    """The message in a JSON Bundle; None and problems where there is none."""
    tree = outermost(value, problems)
    if tree is None:
        return None
    kind = tree.get("resourceType")
    if kind != "Bundle":
        written = kind or tree.get("_type")  # as openEHR names what it is
        if "specversion" in tree:
            written = "CloudEvents"  # in structured mode: the document lies within
        what = fields.named(written) if isinstance(written, str) else ""
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
    modified = any(sign in value for sign in _MODIFIERS)
    if modified and isinstance(rules := tree.get("implicitRules"), str) and rules:
        problems.add(
            "Bundle.implicitRules",
            "not-supported",
            f"Reglerne{fields.named(rules)}, som dokumentet skal læses efter, kendes ikke her.",
        )
    message = Message(bundle, problems, modified=modified)
    header = _header(message, problems)
    return Frame(message, header, problems) if header is not None else None


def _header(message: Message, problems: Problems) -> fhir.MessageHeader | None:
    count = message.count("MessageHeader")
    if count == 0:
        problems.missing(HEADER_PATH, "MessageHeader")
    elif count > 1:
        problems.add(HEADER_PATH, "structure", "Meddelelsen har flere end én MessageHeader.")
        return None
    return next(iter(message.all(fhir.MessageHeader)), None)


def activities_of(provenances: Sequence[fhir.Provenance]) -> list[str]:
    """The activity codes, in the order of the Provenances."""
    return [
        coding.code
        for provenance in provenances
        if provenance.activity is not None
        for coding in provenance.activity.coding
        if coding.code
    ]


def earlier_message(provenances: Sequence[fhir.Provenance]) -> str | None:
    """The id of the message that came before; an entity that is a source is a part of this one."""
    entities = (
        entity.what
        for provenance in provenances
        for entity in provenance.entity
        if entity.what is not None and entity.role != "source"
    )
    return next((found for what in entities if (found := document_of([what]))), None)


def document_of(references: Sequence[fhir_types.Reference]) -> str | None:
    """The document id that a reference names: an identifier, or the last part of an address.

    It may be a character longer than an id can be, so that whoever takes it can tell.
    """
    for reference in references:
        written = reference.identifier.value if reference.identifier is not None else None
        if not fields.clean(written):
            name = (reference.reference or "").partition("/_history/")[0]
            written = name.removeprefix("urn:uuid:").rpartition("/")[2]
        if found := fields.clean(written, fields.ID_LENGTH + 1):
            return found
    return None


def bounded_id(found: str | None, element: str, problems: Problems) -> str | None:
    """`found`, with a problem where it is longer than an id can be."""
    if found is not None and len(found) > fields.ID_LENGTH:
        problems.add(element, "too-long", f"Id er længere end {fields.ID_LENGTH} tegn.")
    return found
