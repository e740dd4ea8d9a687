"""Reads MedCom's referral to a municipality's prevention (XREF15, version XH1530R).

No schema of XH1530R is public. Its name, code and version stand in MedCom's register of message
definitions (medcomdk/dk-ehmi-eer, input/fsh, xref15:xh1530r: "Denne standard anvendes til
henvisning til kommunal forebyggelse"). The namespace and the elements are those of a public
transformation of the letter (aarhusstadsarkiv/convertool, medcom/XSLTs/2016/12/01:
Emessage/MunicipalityReferral with Referral/Refer and ReferralAdditional, each DiagnoseCode and
DiagnoseText, and RelevantClinicalInformation/Anamnesis); the parts that all letters share are those
of MedCom's public schemas of the family (glasdam/edifact_converter: Letter, Sender, Receiver,
Patient, Relative, Reference). Elements are found by local name, in any order; unknown ones are
passed over. What isn't public is read as in GGOP, as assumptions of ours:

- **Sender.** Sender/EANIdentifier, or Identifier with IdentifierCode "sorkode" before it.
- **Receiver.** As in GGOP.
- **Withdrawal, correction.** Letter/StatusCode "annulleretbrev" or "rettetbrev", and
  Reference/Identifier names the letter. There is no element that replaces one.
- **Offer.** The letter has no element for one: Sundhedsstyrelsen has doctors refer to a clarifying
  conversation, and the programmes' files say which one takes which diagnosis.
- MunicipalityVisitation is the receiver's own to fill in, and is passed over.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from services.referral.documents import fields
from services.referral.documents import ggop_people as people
from services.referral.documents.fields import Problems
from services.referral.documents.ggop import alone
from services.referral.documents.xml_tree import Node
from services.referral.plan import Format, Narrative, Original, Purpose, Unreadable
from services.referral.request import Request

LETTER: Final = "MunicipalityReferral"
NAMESPACE: Final = "http://rep.oio.dk/medcom.dk/xml/schemas/2016/12/01/"
VERSION: Final = "XH1530R"

ROOT: Final = f"/Emessage/{LETTER}"
DOCUMENT_ID_PATH: Final = f"{ROOT}/Letter/Identifier"
VERSION_PATH: Final = f"{ROOT}/Letter/VersionCode"
STATUS_PATH: Final = f"{ROOT}/Letter/StatusCode"
ASKED_PATH: Final = f"{ROOT}/Letter/Authorisation/Date"
SENDER_PATH: Final = f"{ROOT}/Sender/EANIdentifier"
RECEIVER_PATH: Final = f"{ROOT}/Receiver/EANIdentifier"
EARLIER_PATH: Final = f"{ROOT}/Reference/Identifier"

_SINGLE: Final = ("Letter", "Sender", "Receiver", "Patient", "Referral")
_STATUS: Final = {
    "": Purpose.NEW,
    "nytbrev": Purpose.NEW,
    "rettetbrev": Purpose.CORRECTION,
    "annulleretbrev": Purpose.REVOCATION,
}


def read_xref15(root: Node, problems: Problems) -> Request | Unreadable:
    """The referral in a letter, or everything that is wrong with it."""
    letter = root.child(LETTER)
    header = letter.child("Letter")
    _judge(root, letter, header, problems)
    document_id = fields.identifier(
        header.text("Identifier"), DOCUMENT_ID_PATH, "Brevets id", problems
    )
    original = _original(root, letter, header)
    sender = _sender(letter, problems)
    receiver = _receiver(letter, problems)
    asked = _asked(header, problems)
    purpose, earlier = _purpose(letter, header, problems)
    person = people.citizen(letter, problems, f"{ROOT}/Patient")
    relatives = people.named_relatives(letter.all("Relative"))
    diagnoses = _diagnoses(letter)
    problems.bounded(len(relatives), fields.MAX_RELATIVES, f"{ROOT}/Relative", "pårørende")
    problems.bounded(len(diagnoses), fields.MAX_DIAGNOSES, f"{ROOT}/Referral", "diagnoser")
    if (
        problems.found()
        or document_id is None
        or sender is None
        or receiver is None
        or asked is None
        or purpose is None
        or person is None
    ):
        return Unreadable(
            format=Format.XREF,
            document_id=document_id,
            sender_sor=sender,
            problems=problems.found(),
            original=original,
        )
    anamnesis = letter.child("RelevantClinicalInformation").prose("Anamnesis")
    return Request(
        format=Format.XREF,
        purpose=purpose,
        document_id=document_id,
        sender=sender,
        sender_name=people.organisation_name(letter.child("Sender")),
        receiver=receiver[0],
        receiver_kind=receiver[1],
        basis=None,
        referred_by=None,
        programme=None,
        asked=asked,
        corrects=earlier,
        person=person,
        relatives=relatives,
        gp=None,
        diagnoses=diagnoses,
        transport=False,
        vulnerable=False,
        consent=None,
        original=original,
        narrative=Narrative(health=anamnesis),
    )


def _judge(root: Node, letter: Node, header: Node, problems: Problems) -> None:
    for namespace in dict.fromkeys((root.namespace, letter.namespace)):
        if namespace != NAMESPACE:
            problems.add(
                ROOT,
                "not-supported",
                f"Versionen{fields.named(namespace)} understøttes ikke; kun {NAMESPACE}.",
            )
    version = fields.clean(header.text("VersionCode"))
    if version and version.upper() != VERSION:
        problems.add(
            VERSION_PATH,
            "not-supported",
            f"Versionen{fields.named(version)} understøttes ikke; kun {VERSION}.",
        )
    if root.count(LETTER) > 1:
        problems.add(ROOT, "structure", "Brevet har flere henvisninger; send én ad gangen.")
    alone(root, LETTER, problems)
    for name in _SINGLE:
        if letter.count(name) > 1:
            problems.add(f"{ROOT}/{name}", "structure", "Elementet står flere gange.")


def _sender(letter: Node, problems: Problems) -> str | None:
    sender = letter.child("Sender")
    by_sor = fields.clean(sender.text("IdentifierCode")).casefold() in {"sorkode", "sor"}
    sor = fields.number(sender.text("Identifier")) if by_sor else None
    found = sor or fields.number(sender.text("EANIdentifier"))
    if found is None:
        problems.missing(SENDER_PATH, "Afsenderens EAN- eller SOR-nummer")
    return found


def _receiver(letter: Node, problems: Problems) -> tuple[str, str] | None:
    found = people.receiver(letter.child("Receiver"))
    if found is None:
        problems.missing(RECEIVER_PATH, "Modtagerens EAN-, SOR- eller kommunenummer")
    return found


def _asked(header: Node, problems: Problems) -> date | None:
    authorisation = header.child("Authorisation")
    text = authorisation.text("Date") or header.text("Authorisation")
    if text is None:
        problems.missing(ASKED_PATH, "Henvisningens dato")
    return fields.day(text, ASKED_PATH, "Henvisningens dato", problems)


def _purpose(letter: Node, header: Node, problems: Problems) -> tuple[Purpose | None, str | None]:
    """(purpose, document id of the letter that it is about)."""
    purpose = _STATUS.get(fields.clean(header.text("StatusCode")).casefold())
    if purpose is None:
        problems.add(
            STATUS_PATH, "value", "Brevets status er hverken nyt, rettet eller annulleret."
        )
    if purpose in {None, Purpose.NEW}:
        return purpose, None  # what else a Reference names is an attachment
    named = (reference.text("Identifier") for reference in letter.all("Reference"))
    earlier = next((text for text in named if text is not None), None)
    what = "Id på det brev, der rettes eller annulleres,"
    return purpose, fields.identifier(earlier, EARLIER_PATH, what, problems)


def _diagnoses(letter: Node) -> tuple[tuple[str, str, str], ...]:
    referral = letter.child("Referral")
    return tuple(
        (
            fields.clean(one.text("DiagnoseTypeCode")) or "ICD10",
            fields.clean(one.text("DiagnoseCode"), fields.ID_LENGTH),
            fields.clean(one.text("DiagnoseText"), fields.TEXT_LENGTH),
        )
        for name in ("Refer", "ReferralAdditional")
        for one in referral.all(name)
        if one.text("DiagnoseCode", "DiagnoseText") is not None
    )


def _original(root: Node, letter: Node, header: Node) -> Original:
    def short(node: Node, name: str) -> str | None:
        return fields.optional(node.text(name), fields.ID_LENGTH)

    return Original(
        envelope=short(root.child("Envelope"), "Identifier"),
        version=short(header, "VersionCode"),
        encoding=root.encoding,
        sender_ean=short(letter.child("Sender"), "EANIdentifier"),
        receiver_ean=short(letter.child("Receiver"), "EANIdentifier"),
    )
