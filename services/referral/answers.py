"""What a hospital hears of its document: the receipt, in the document's own format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, Protocol

from services.referral.arrival import Readable
from services.referral.commands import Field, Refusal
from services.referral.dialogue import Acknowledged
from services.referral.plan import Format, Original, Problem, Unreadable
from services.referral.terms import Note

Read = Callable[[bytes | None, str | None], Readable | Acknowledged | Unreadable]


Verdict = Literal["ok", "fatal-error", "transient-error"]


class Acknowledge(Protocol):
    """Writes a receipt in the format of the document: its bytes and their content type."""

    def __call__(
        self,
        form: Format,
        outcome: Verdict,
        /,
        *,
        document_id: str | None,
        sender_sor: str | None,
        receiver: tuple[str, str],
        problems: Sequence[Problem],
        at: datetime,
        receipt_id: str,
        original: Original | None,
    ) -> tuple[bytes, str]:
        """`receiver` is the SOR and name of who got the document and answers it now."""
        ...


FOREIGN_SENDER: Final = Refusal(
    Field.SENDER, "forbidden", "Afsenderen må ikke sende på dette sygehus' kanal."
)
FOREIGN_HEADER: Final = replace(FOREIGN_SENDER, field=Field.MESSAGE_SENDER)
WRONG_CHANNEL: Final = Refusal(
    Field.DOCUMENT,
    "not-supported",
    "Genoptræningsplaner og sygehusenes meddelelser sendes på sygehusets egen kanal, andre "
    "henvisninger på henviserens.",
)
WRONG_BASIS: Final = Refusal(
    Field.BASIS, "forbidden", "Afsenderen henviser ikke på dette grundlag."
)
NO_BASIS: Final = Refusal(
    Field.BASIS, "required", "Henvisningens grundlag mangler: afsenderen har flere."
)
UNKNOWN_RECEIVER: Final = Refusal(
    Field.RECEIVER, "not-found", "Modtageren er ikke en kommune, som modtager planer her."
)
NOT_YET: Final = Refusal(
    Field.DOCUMENT, "value", "Tidspunktet ligger mere end to døgn ude i fremtiden."
)
NO_REFERRAL: Final = Refusal(
    Field.CITIZEN,
    "not-found",
    "Borgeren har intet genoptræningsforløb her, så ingen læser meddelelsen. Ring til kommunen.",
)
OTHERS_THREAD: Final = Refusal(
    Field.CITIZEN, "value", "Korrespondancen med dette id gælder en anden borger."
)
ID_TAKEN: Final = Refusal(
    Field.DOCUMENT_ID, "duplicate", "Et andet dokument med samme id er allerede modtaget."
)
NEVER_CAME: Final = Refusal(
    Field.CORRECTS, "not-found", "Den plan, som dokumentet vedrører, er aldrig modtaget."
)
_GGOP: Final = "/Emessage/RehabilitationPlan"
_XREF: Final = "/Emessage/MunicipalityReferral"
# The same words for an element as `documents` has for it; a test holds them together.
ELEMENTS: Final[Mapping[Format, Mapping[Field, str]]] = {
    Format.FHIR: {
        Field.DOCUMENT: "Bundle",
        Field.DOCUMENT_ID: "MessageHeader.id",
        Field.SENDER: "ServiceRequest.requester",
        Field.ATTACHMENT: "Communication.payload.contentAttachment",
        Field.MESSAGE_SENDER: "MessageHeader.sender",
        Field.RECEIVER: "MessageHeader.destination.receiver",
        Field.TYPE: "ServiceRequest.category",
        Field.CITIZEN: "Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value",
        Field.DISCHARGE: "ServiceRequest.extension("
        "'http://fhir.kl.dk/rehab/StructureDefinition/PreconditionDate').valueDate",
        Field.LATER_START: "ServiceRequest.occurrencePeriod.start",
        Field.DEADLINE_TEXT: "ServiceRequest.occurrencePeriod.start",
        Field.REPLACES: "ServiceRequest.replaces",
        Field.CORRECTS: "Provenance.entity.what.reference",
        Field.BASIS: "ServiceRequest.category",
        Field.PROGRAMME: "ServiceRequest.code",
        Field.CONSENT: "Consent.status",
    },
    Format.GGOP: {
        Field.DOCUMENT: _GGOP,
        Field.DOCUMENT_ID: f"{_GGOP}/Letter/Identifier",
        Field.SENDER: f"{_GGOP}/Sender/Identifier",
        Field.ATTACHMENT: _GGOP,
        Field.MESSAGE_SENDER: f"{_GGOP}/Sender/Identifier",
        Field.RECEIVER: f"{_GGOP}/Receiver/EANIdentifier",
        Field.TYPE: f"{_GGOP}/TypeOfRehabilitationPlan",
        Field.CITIZEN: f"{_GGOP}/Patient/CivilRegistrationNumber",
        Field.DISCHARGE: f"{_GGOP}/CurrentHospitalContact/ExpectedEnd/Date",
        Field.LATER_START: f"{_GGOP}/RehabilitationDeadline",
        Field.DEADLINE_TEXT: f"{_GGOP}/RehabilitationDeadline",
        Field.REPLACES: f"{_GGOP}/Reference/Identifier",
        Field.CORRECTS: f"{_GGOP}/Reference/Identifier",
        Field.BASIS: f"{_GGOP}/Sender",
        Field.PROGRAMME: _GGOP,
        Field.CONSENT: f"{_GGOP}/ConsentInformed",
    },
    Format.XREF: {
        Field.DOCUMENT: _XREF,
        Field.ATTACHMENT: _XREF,
        Field.DOCUMENT_ID: f"{_XREF}/Letter/Identifier",
        Field.SENDER: f"{_XREF}/Sender/EANIdentifier",
        Field.MESSAGE_SENDER: f"{_XREF}/Sender/EANIdentifier",
        Field.RECEIVER: f"{_XREF}/Receiver/EANIdentifier",
        Field.TYPE: _XREF,
        Field.CITIZEN: f"{_XREF}/Patient/CivilRegistrationNumber",
        Field.DISCHARGE: f"{_XREF}/Letter/Authorisation/Date",
        Field.LATER_START: _XREF,
        Field.DEADLINE_TEXT: _XREF,
        Field.REPLACES: f"{_XREF}/Reference/Identifier",
        Field.CORRECTS: f"{_XREF}/Reference/Identifier",
        Field.BASIS: f"{_XREF}/Sender",
        Field.PROGRAMME: _XREF,
        Field.CONSENT: _XREF,
    },
}
_NOTES: Final[Mapping[Note, tuple[Field, str]]] = {
    Note.HOSPITAL_LEVEL: (
        Field.TYPE,
        "Planen er modtaget. Genoptræning på specialiseret niveau foregår på sygehuset: "
        "kommunen bestiller intet, og der løber ingen frist.",
    ),
    Note.SECOND_PLAN: (
        Field.CITIZEN,
        "Borgeren har allerede en gældende plan. Begge gælder, og kommunen ser på dem.",
    ),
    Note.DEADLINE_TEXT: (
        Field.DEADLINE_TEXT,
        "Teksten om frist læses af en medarbejder. Fristen regnes fra udskrivningsdatoen.",
    ),
    Note.REPLACED_UNKNOWN: (
        Field.REPLACES,
        "Den plan, som skal erstattes, er ikke modtaget. Den nye plan gælder.",
    ),
    Note.OTHER_MUNICIPALITY: (
        Field.RECEIVER,
        "Planen nævner en anden kommune end modtageren. Modtageren ser på den.",
    ),
    Note.ALREADY_REPLACED: (
        Field.DOCUMENT,
        "En senere plan har allerede erstattet denne plan. Den er modtaget og afsluttet.",
    ),
    Note.ALREADY_CLOSED: (Field.CORRECTS, "Planen er allerede trukket tilbage."),
    Note.NOTHING_CHANGED: (
        Field.DOCUMENT,
        "Rettelsen er modtaget. Den ændrer hverken datoer eller det, der er bestilt.",
    ),
    Note.SAME_PERSON: (
        Field.DOCUMENT,
        "Dokumentet siger, at to borgere her er den samme; en medarbejder ser på det.",
    ),
    Note.PAUSED: (Field.DOCUMENT, "Borgerens forløb er sat på pause."),
    Note.RESUMED: (Field.DOCUMENT, "Borgerens forløb er genoptaget."),
    Note.DISCHARGE_KNOWN: (Field.DOCUMENT, "Udskrivningsdatoen er noteret på borgerens plan."),
    Note.DECEASED: (Field.DOCUMENT, "Borgerens forløb er afsluttet."),
    Note.DEATH_TAKEN_BACK: (
        Field.DOCUMENT,
        "Dødsfaldet er taget tilbage. En medarbejder tager stilling til borgerens forløb.",
    ),
    Note.PROGRAMME_TO_CHOOSE: (
        Field.PROGRAMME,
        "Henvisningen er modtaget. Visitationen vælger tilbuddet sammen med borgeren.",
    ),
    Note.ATTACHMENTS: (
        Field.ATTACHMENT,
        "Teksten er modtaget. Vedhæftede filer kan desværre ikke modtages her: skriv indholdet i "
        "teksten, eller ring til kommunen.",
    ),
    Note.TOO_LATE: (
        Field.DISCHARGE,
        "Planen kom så sent, at ingen dag inden for fristen kan tilbydes. "
        "Borgeren har frit valg af leverandør.",
    ),
    Note.REGION_RESPONSIBLE: (
        Field.TYPE,
        "Dokumentet er modtaget. På den dag, der tæller, er regionen ansvarlig for tilbuddet, og "
        "kommunen driver det ikke for regionen, så vidt det er oplyst: intet er bestilt endnu, og "
        "en medarbejder afklarer, hvem der giver det.",
    ),
    Note.RUN_FOR_REGION: (
        Field.TYPE,
        "Dokumentet er modtaget. Regionen er ansvarlig for tilbuddet, og kommunen driver det for "
        "regionen.",
    ),
    Note.NOT_ESTABLISHED: (
        Field.TYPE,
        "Planen er modtaget. Tilbuddet er hverken etableret hos kommunen eller hos dem, den har "
        "aftale med: en medarbejder finder et andet.",
    ),
}


def refused(form: Format, refusal: Refusal) -> Problem:
    """What is wrong, for the sender."""
    return Problem(
        element=ELEMENTS[form][refusal.field],
        code=refusal.code,
        text=refusal.text,
    )


def waits(form: Format) -> Problem:
    """That the document is kept until its original comes."""
    return Problem(
        element=ELEMENTS[form][Field.CORRECTS],
        code="not-found",
        text="Den plan, som dokumentet vedrører, er ikke modtaget endnu. Dokumentet venter på den.",
    )


def noted(form: Format, notes: Iterable[Note]) -> tuple[Problem, ...]:
    """What the sender is told beside the ok, each once."""
    return tuple(
        Problem(
            element=ELEMENTS[form][_NOTES[note][0]],
            code="informational",
            text=_NOTES[note][1],
            severity="information",
        )
        for note in dict.fromkeys(notes)
    )


def unreadable_id(form: Format, topic: str, partition: int, offset: int) -> Problem:
    """Which record is meant, where the document's own id can't be read."""
    return Problem(
        element=ELEMENTS[form][Field.DOCUMENT_ID],
        code="value",
        text=f"Dokumentets id kan ikke læses. Det drejer sig om {topic}/{partition}/{offset}.",
        severity="information",
    )
