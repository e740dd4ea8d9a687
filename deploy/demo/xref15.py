"""MedCom's referral to a municipality's prevention (XREF15), as a GP's system would write it.

See services/referral/documents/xref15.py for the sources of its elements. Everything is synthetic.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from lxml import etree

NAMESPACE = "http://rep.oio.dk/medcom.dk/xml/schemas/2016/12/01/"


def xref15(
    *,
    document_id: str = "XREF2022052301",
    sender_ean: str | None = "5790000004316",
    receiver_ean: str | None = "5790000121526",
    asked: date | str | None = date(2022, 5, 23),
    sent_at: datetime = datetime(2022, 5, 23, 8, 0, tzinfo=UTC),
    revokes: str | None = None,
    status: str | None = None,
    cpr: str | None = "0201609995",
    given: str = "Einer Test",
    family: str = "Lauridsen",
    postcode: str | None = "4300",
    diagnoses: Sequence[tuple[str, str]] = (("DM545", "Lændesmerter"),),
    anamnesis: str = "Smerter i lænden gennem tre måneder.",
    version: str = "XH1530R",
    namespace: str = NAMESPACE,
    encoding: str = "ISO-8859-1",
) -> bytes:
    """A letter as bytes of XML; the defaults are a GP's of MedCom's test person Einer."""
    nsmap: dict[Any, str] = {None: namespace}
    root = etree.Element(f"{{{namespace}}}Emessage", nsmap=nsmap)

    def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
        child = etree.SubElement(parent, f"{{{namespace}}}{name}")
        child.text = text
        return child

    envelope = add(root, "Envelope")
    sent = add(envelope, "Sent")
    add(sent, "Date", sent_at.strftime("%Y-%m-%d"))
    add(sent, "Time", sent_at.strftime("%H:%M"))
    add(envelope, "Identifier", f"E{document_id}"[:14])
    letter = add(root, "MunicipalityReferral")
    header = add(letter, "Letter")
    add(header, "Identifier", document_id)
    add(header, "VersionCode", version)
    add(header, "StatisticalCode", "XREF15")
    if asked is not None:
        authorisation = add(header, "Authorisation")
        add(authorisation, "Date", str(asked))
        add(authorisation, "Time", sent_at.strftime("%H:%M"))
    add(header, "TypeCode", "XREF15")
    add(header, "StatusCode", status or ("annulleretbrev" if revokes else "nytbrev"))
    sender = add(letter, "Sender")
    if sender_ean is not None:
        add(sender, "EANIdentifier", sender_ean)
    add(sender, "OrganisationName", "Lægerne Testgade")
    receiver = add(letter, "Receiver")
    if receiver_ean is not None:
        add(receiver, "EANIdentifier", receiver_ean)
    patient = add(letter, "Patient")
    if cpr is not None:
        add(patient, "CivilRegistrationNumber", cpr)
    add(patient, "PersonSurnameName", family)
    add(patient, "PersonGivenName", given)
    if postcode is not None:
        add(patient, "StreetName", "Testgade 1")
        add(patient, "DistrictName", "Testby")
        add(patient, "PostCodeIdentifier", postcode)
    referral = add(letter, "Referral")
    for number, (code, text) in enumerate(diagnoses):
        diagnosis = add(referral, "ReferralAdditional" if number else "Refer")
        add(diagnosis, "DiagnoseCode", code)
        add(diagnosis, "DiagnoseTypeCode", "SKSdiagnosekode")
        add(diagnosis, "DiagnoseText", text)
    add(add(letter, "RelevantClinicalInformation"), "Anamnesis", anamnesis)
    if revokes is not None:
        add(add(letter, "Reference"), "Identifier", revokes)
    etree.ElementTree(root).write(written := io.BytesIO(), encoding=encoding, xml_declaration=True)
    return written.getvalue()
