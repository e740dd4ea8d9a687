"""A rehabilitation plan as MedCom's GGOP XML, as a hospital would write it.

No schema of GGOP 1.0.4 is public. Element names and namespaces are those that a public
transformation of the format names, and MedCom's public schemas of the same family (glasdam/
edifact_converter, data/xml/Schemas/2006/07/01) give the shape of the parts they share. Everything
is synthetic.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from lxml import etree

from services.referral.plan import (
    Address,
    ContactPerson,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    PlanType,
    Relative,
)

MESSAGE = "urn:oio:medcom:municipality:1.0.4"
PARTS = "urn:oio:medcom:municipality:1.0.0"

TYPE_NAMES = {
    PlanType.ALMEN: "Almen genoptræning",
    PlanType.REHABILITERING_SPECIALISERET: "Rehabilitering på specialiseret niveau",
    PlanType.GENOPTRAENING_SPECIALISERET: "Genoptræning på specialiseret niveau",
}


def ggop_plan(
    *,
    document_id: str = "GGOP2022052301",
    sender_sor: str | None = "227871000016001",
    sender_name: str = "Ortopædkirurgisk Afdeling",
    sender_ean: str = "5790001382445",
    receiver_sor: str | None = None,
    receiver_ean: str = "5790000121526",
    receiver_name: str = "Holbæk Kommune",
    municipality: str | None = "316",
    type: PlanType | str | None = PlanType.ALMEN,  # noqa: A002
    discharge_date: date | str | None = date(2022, 5, 24),
    contact_start: date | str | None = date(2022, 5, 16),
    deadline_text: str | None = None,
    authored: date | str | None = date(2022, 5, 23),
    sent_at: datetime = datetime(2022, 5, 23, 8, 0, tzinfo=UTC),
    replaces: str | None = None,
    corrects: str | None = None,
    revoked: bool = False,
    cpr: str | None = "1502779995",
    given: str | None = "Ruddi Test",
    family: str | None = "Berggren",
    address: Address | None = None,
    phone: str | None = None,
    relatives: Sequence[Relative] = (),
    gp: GeneralPractitioner | None = None,
    diagnoses: Sequence[tuple[str, str]] = (("DS721", "Pertrokantær femurfraktur"),),
    icf: Sequence[IcfCode] = (),
    contacts: Sequence[ContactPerson] = (),
    narrative: Narrative | None = None,
    consent: bool | str | None = True,
    earlier_cpr: str | None = None,
    encoding: str = "ISO-8859-1",
    prefixes: bool = True,
) -> bytes:
    """A plan as bytes of XML; the defaults are KL's story of Ruddi.

    `municipality`: code; written as the receiver's Identifier where `receiver_sor` is None.
    `gp`: who gets a copy; None is written as Deselected. `prefixes`: namespace prefixes, or
    default namespaces. What GGOP has no element for (later start, language, transport, e-mail of
    the citizen) has no argument. Dates may be given as text, to write a date that is none.
    """
    nsmap: dict[Any, str] = {"m" if prefixes else None: MESSAGE, "p": PARTS}
    root = etree.Element(f"{{{MESSAGE}}}Emessage", nsmap=nsmap)
    _envelope(root, document_id, sent_at)
    plan = _child(root, MESSAGE, "RehabilitationPlan")
    letter = _child(plan, MESSAGE, "Letter")
    _text(letter, MESSAGE, "Identifier", document_id)
    if authored is not None:
        authorisation = _child(letter, MESSAGE, "Authorisation")
        _text(authorisation, MESSAGE, "Date", str(authored))
        _text(authorisation, MESSAGE, "Time", sent_at.strftime("%H:%M"))
    if corrects is not None or replaces is not None:
        status = "nytbrev"
        if corrects is not None:
            status = "annulleretbrev" if revoked else "rettetbrev"
        _text(letter, MESSAGE, "StatusCode", status)

    sender = _organisation(plan, "Sender", sender_ean, sender_sor, "sorkode")
    _text(sender, PARTS, "OrganisationName", "Sygehus")
    _text(sender, PARTS, "DepartmentName", sender_name)
    code = (receiver_sor, "sorkode") if receiver_sor else (municipality, "kommunenummer")
    receiver = _organisation(plan, "Receiver", receiver_ean, *code)
    _text(receiver, PARTS, "OrganisationName", receiver_name)
    _gp_copy(plan, gp)
    _patient(
        plan,
        cpr=cpr,
        earlier_cpr=earlier_cpr,
        given=given,
        family=family,
        address=address,
        phone=phone,
    )
    if consent is not None:
        _text(plan, MESSAGE, "ConsentInformed", str(consent).lower())
    if relatives:
        people = _child(plan, MESSAGE, "Relatives")
        for relative in relatives:
            _relative(people, relative)
    name = TYPE_NAMES[type] if isinstance(type, PlanType) else type
    _text(plan, MESSAGE, "TypeOfRehabilitationPlan", name)
    _text(plan, MESSAGE, "RehabilitationDeadline", deadline_text)
    _contact(plan, contact_start, discharge_date)
    _diagnoses(plan, diagnoses)
    _functions(plan, icf)
    _contacts(plan, sender, contacts)
    _narrative(plan, narrative or Narrative())
    earlier = corrects or replaces
    if earlier is not None:
        _text(_child(plan, MESSAGE, "Reference"), MESSAGE, "Identifier", earlier)
    tree = etree.ElementTree(root)
    written = io.BytesIO()
    tree.write(written, encoding=encoding, xml_declaration=True)
    return written.getvalue()


def ruddi_ggop(encoding: str = "ISO-8859-1") -> bytes:
    """KL's story of Ruddi (see `fhir_plan.ruddi_fhir`) as the XML that hospitals send today."""
    return ggop_plan(encoding=encoding)


def _child(parent: etree._Element, namespace: str, name: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}")


def _text(parent: etree._Element, namespace: str, name: str, text: str | None) -> None:
    if text is not None:
        _child(parent, namespace, name).text = text


def _envelope(root: etree._Element, document_id: str, sent_at: datetime) -> None:
    envelope = _child(root, PARTS, "Envelope")
    sent = _child(envelope, PARTS, "Sent")
    _text(sent, PARTS, "Date", sent_at.strftime("%Y-%m-%d"))
    _text(sent, PARTS, "Time", sent_at.strftime("%H:%M"))
    _text(envelope, PARTS, "Identifier", f"K{document_id}"[-14:])
    _text(envelope, PARTS, "AcknowledgementCode", "pluspositivkvitt")


def _gp_copy(plan: etree._Element, gp: GeneralPractitioner | None) -> None:
    copy = _child(plan, MESSAGE, "GPCCReceiver")
    if gp is None:
        _child(copy, MESSAGE, "Deselected")
    else:
        to = _child(copy, MESSAGE, "CCReceiver")
        _text(to, PARTS, "EANIdentifier", gp.ean)
        _text(to, PARTS, "OrganisationName", gp.name)


def _contact(plan: etree._Element, start: date | str | None, end: date | str | None) -> None:
    contact = _child(plan, MESSAGE, "CurrentHospitalContact")
    for name, day in (("Start", start), ("ExpectedEnd", end)):
        if day is not None:
            _text(_child(contact, MESSAGE, name), MESSAGE, "Date", str(day))


def _diagnoses(plan: etree._Element, diagnoses: Sequence[tuple[str, str]]) -> None:
    if not diagnoses:
        return
    codes = _child(plan, MESSAGE, "ICD10Diagnoses")
    for n, (code, display) in enumerate(diagnoses):
        entry = _child(codes, MESSAGE, "ICD10Diagnose")
        kind = _child(entry, MESSAGE, "SecondaryDiagnosis" if n else "PrimaryDiagnosis")
        _text(kind, MESSAGE, "Code", code)
        _text(kind, MESSAGE, "Text", display)


def _functions(plan: etree._Element, icf: Sequence[IcfCode]) -> None:
    if not icf:
        return
    group = _child(plan, MESSAGE, "ICFClassifications")
    for function in icf:
        entry = _child(group, MESSAGE, "ICFClassification")
        code = _child(entry, MESSAGE, "ICFCode")
        _text(code, MESSAGE, "Code", function.code)
        _text(code, MESSAGE, "Text", function.text)
        if function.qualifier is not None:
            _text(_child(entry, MESSAGE, "ICFGradient"), MESSAGE, "Code", function.qualifier)


def _contacts(
    plan: etree._Element, sender: etree._Element, contacts: Sequence[ContactPerson]
) -> None:
    team = None
    for contact in contacts:
        if contact.role in {"signed", "co-writer"}:
            name = "SignedBy" if contact.role == "signed" else "CoWriter"
            element = _child(sender, MESSAGE, name)
        elif contact.role == "team":
            team = team if team is not None else _child(plan, MESSAGE, "HealthCareTeam")
            element = _child(team, MESSAGE, "Member")
        else:
            name = "ContactCounty" if contact.role == "region" else "ContactMunicipality"
            element = _child(plan, MESSAGE, name)
        given, _, family = contact.name.rpartition(" ")
        _text(element, MESSAGE, "PersonGivenName", given or None)
        _text(element, MESSAGE, "PersonSurnameName", family)
        _text(element, MESSAGE, "PersonTitle", contact.title)
        _text(element, PARTS, "DepartmentName", contact.organisation)
        _text(element, PARTS, "TelephoneSubscriberIdentifier", contact.phone)
        _text(element, MESSAGE, "EmailAddressIdentifier", contact.email)


def _narrative(plan: etree._Element, narrative: Narrative) -> None:
    for namespace, name, text in (
        (MESSAGE, "PatientSafetyAspects", narrative.safety),
        (MESSAGE, "PracticalInformation", narrative.practical),
        (MESSAGE, "InformationForPatientAndRelatives", narrative.information),
        (PARTS, "PatientHealthSummary", narrative.health),
        (MESSAGE, "AbilityAtDischargeSummary", narrative.ability),
        (MESSAGE, "RehabilitationNeedAndPotential", narrative.need),
    ):
        if text is not None:
            first, *others = text.split("\n")
            element = _child(plan, namespace, name)
            element.text = first
            for line in others:
                _child(element, PARTS, "Break").tail = line
    if narrative.journal is not None:
        excerpt = _child(plan, MESSAGE, "JournalExcerpt")
        _text(excerpt, MESSAGE, "Comment", narrative.journal)


def _organisation(
    plan: etree._Element, name: str, ean: str, identifier: str | None, code: str
) -> etree._Element:
    element = _child(plan, MESSAGE, name)
    _text(element, PARTS, "EANIdentifier", ean)
    if identifier is not None:
        _text(element, PARTS, "Identifier", identifier)
        _text(element, MESSAGE, "IdentifierCode", code)
    return element


def _patient(
    plan: etree._Element,
    *,
    cpr: str | None,
    earlier_cpr: str | None,
    given: str | None,
    family: str | None,
    address: Address | None,
    phone: str | None,
) -> None:
    patient = _child(plan, MESSAGE, "Patient")
    if cpr is not None:
        element = "CivilRegistrationNumber" if cpr.isdigit() else "AlternativeIdentifier"
        _text(patient, PARTS, element, cpr)
    _text(patient, PARTS, "AlternativeIdentifier", earlier_cpr)
    _text(patient, PARTS, "PersonSurnameName", family)
    _text(patient, PARTS, "PersonGivenName", given)
    if address is not None:
        _text(patient, PARTS, "StreetName", address.street)
        _text(patient, PARTS, "SuburbName", address.suburb)
        _text(patient, PARTS, "DistrictName", address.district)
        _text(patient, PARTS, "PostCodeIdentifier", address.postcode)
    _text(patient, PARTS, "TelephoneSubscriberIdentifier", phone)


def _relative(people: etree._Element, relative: Relative) -> None:
    element = _child(people, MESSAGE, "Relative")
    _text(element, PARTS, "RelationCode", relative.relation)
    given, _, family = relative.name.rpartition(" ")
    _text(element, PARTS, "PersonSurnameName", family)
    _text(element, PARTS, "PersonGivenName", given or None)
    if relative.phone is not None:
        telephone = _child(element, MESSAGE, "TelephoneSubscriber")
        _text(telephone, MESSAGE, "TelephoneSubscriberCode", "mobil")
        _text(telephone, PARTS, "TelephoneSubscriberIdentifier", relative.phone)
