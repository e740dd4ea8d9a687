"""Documents of other countries, profiles and trades: each answer names what was not understood.

The samples are made up, as short as their formats allow, in the form that their guides show.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import re
import zlib
from typing import Any, Final

import pytest

from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from deploy.demo.xref15 import xref15
from services.referral.documents import read_any, receipt
from services.referral.plan import Unreadable
from tests.unit.referral.documents.test_documents_mutations import AT


def message(event: dict[str, Any], **more: Any) -> bytes:
    """A Bundle of type message, as any country's messaging guide has it."""
    header = {"resourceType": "MessageHeader", "id": "m1", **event, **more}
    return json.dumps(
        {"resourceType": "Bundle", "type": "message", "entry": [{"resource": header}]}
    ).encode()


def bundle(kind: str, profile: str) -> bytes:
    content = {"resourceType": "Bundle", "type": kind, "meta": {"profile": [profile]}, "entry": []}
    return json.dumps(content).encode()


def changed(kind: str, **parts: Any) -> bytes:
    """A whole message of ours, but for parts of its resources of one type."""
    tree = json.loads(ruddi_fhir())
    for entry in tree["entry"]:
        if entry["resource"]["resourceType"] == kind:
            entry["resource"] |= parts
    return json.dumps(tree).encode()


def numbered(system: str, value: str) -> bytes:
    """A whole message of ours, but for a citizen with another country's number."""
    return changed("Patient", identifier=[{"system": system, "value": value}])


def in_characters(name: str) -> bytes:
    """A plan in XML that says, and is, another character set."""
    text = ruddi_ggop().decode("iso-8859-1")
    return re.sub(r"encoding=.[A-Za-z0-9-]+.", f'encoding="{name}"', text, count=1).encode(name)


def with_letter(document: bytes, name: str) -> bytes:
    """A message that holds another letter, too."""
    letter = f"<{name}><Letter><Identifier>1</Identifier></Letter></{name}></".encode()
    before, closing, after = document.rpartition(b"</")
    assert closing
    return before + letter + after


MODIFIER: Final = [{"url": "http://example.org/negated", "valueBoolean": True}]


# name: (document, what the answer must name)
FOREIGN: Final[dict[str, tuple[bytes, str]]] = {
    "NHS BaRS (England)": (
        message(
            {
                "eventCoding": {
                    "system": "https://fhir.nhs.uk/CodeSystem/message-events-bars",
                    "code": "servicerequest-request",
                }
            }
        ),
        "servicerequest-request",
    ),
    "an event by its address": (
        message({"eventUri": "http://example.org/events/referral"}),
        "http://example.org/events/referral",
    ),
    "MedCom's HomeCareObservation": (
        message({"eventCoding": {"code": "homecareobservation-message"}}),
        "homecareobservation-message",
    ),
    "FHIR STU3, which names its event otherwise": (
        message({"event": {"code": "referral"}}),
        "MessageHeader.eventCoding",
    ),
    "KBV prescription (Germany)": (
        bundle("document", "https://fhir.kbv.de/StructureDefinition/KBV_PR_ERP_Bundle"),
        "document",
    ),
    "International Patient Summary": (
        bundle("document", "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"),
        "document",
    ),
    "US Core, to be stored": (
        bundle("transaction", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"),
        "transaction",
    ),
    "KL's delivery report": (
        bundle("collection", "http://fhir.kl.dk/rehab/StructureDefinition/klgateway-140-report"),
        "collection",
    ),
    "a ServiceRequest alone": (b'{"resourceType":"ServiceRequest"}', "ServiceRequest"),
    "a Swedish personnummer": (
        numbered("http://electronichealth.se/identifier/personnummer", "191212121212"),
        "http://electronichealth.se/identifier/personnummer",
    ),
    "a Norwegian fødselsnummer": (
        numbered("urn:oid:2.16.578.1.12.4.1.4.1", "13116900216"),
        "urn:oid:2.16.578.1.12.4.1.4.1",
    ),
    "a German KVNR": (
        numbered("http://fhir.de/sid/gkv/kvid-10", "A123456789"),
        "http://fhir.de/sid/gkv/kvid-10",
    ),
    "UK Core's NHS number": (
        numbered("https://fhir.nhs.uk/Id/nhs-number", "9000000009"),
        "https://fhir.nhs.uk/Id/nhs-number",
    ),
    "US Core's social security number": (
        numbered("http://hl7.org/fhir/sid/us-ssn", "123-45-6789"),
        "http://hl7.org/fhir/sid/us-ssn",
    ),
    "a modifier that turns a request round": (
        changed("ServiceRequest", modifierExtension=MODIFIER),
        "http://example.org/negated",
    ),
    "a modifier within a part of a resource": (
        changed("Patient", contact=[{"modifierExtension": MODIFIER}]),
        "Patient.modifierExtension",
    ),
    "rules of one's own": (
        changed("ServiceRequest", implicitRules="http://example.org/rules"),
        "http://example.org/rules",
    ),
    "what is not to be done": (
        changed("ServiceRequest", doNotPerform=True),
        "ServiceRequest.doNotPerform",
    ),
    "a draft": (changed("ServiceRequest", status="draft"), "draft"),
    "a suggestion": (changed("ServiceRequest", intent="proposal"), "proposal"),
    "a type in SNOMED CT": (
        changed(
            "ServiceRequest",
            category=[{"coding": [{"system": "http://snomed.info/sct", "code": "52052004"}]}],
        ),
        "ServiceRequest.category",
    ),
    "CloudEvents in structured mode": (
        b'{"specversion":"1.0","type":"x","source":"y","id":"1","data":{}}',
        "CloudEvents",
    ),
    "a plan and another letter in one": (
        with_letter(ruddi_ggop(), "DischargeLetter"),
        "DischargeLetter",
    ),
    "a referral and another letter in one": (with_letter(xref15(), "BinaryLetter"), "BinaryLetter"),
    "openEHR": (b'{"_type":"COMPOSITION","archetype_node_id":"x"}', "COMPOSITION"),
    "JSON of one's own": (b'{"patient":"x","diagnosis":"y"}', "Bundle"),
    "a list": (b"[1,2]", "JSON-objekt"),
    "newline-delimited FHIR": (b'{"resourceType":"Patient"}\n{"resourceType":"Patient"}', "JSON"),
    "Hodemelding (Norway)": (
        b'<MsgHead xmlns="http://www.kith.no/xmlstds/msghead/2006-05-24"/>',
        "MsgHead",
    ),
    "C-CDA (USA)": (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "ClinicalDocument"),
    "ELGA (Austria), with its stylesheet": (
        b'<?xml version="1.0"?><?xml-stylesheet href="x"?>'
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
        "urn:hl7-org:v3",
    ),
    "RIVTA (Sweden) in SOAP": (
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"/>',
        "Envelope",
    ),
    "FHIR as XML": (b'<Bundle xmlns="http://hl7.org/fhir"/>', "FHIR som XML"),
    "MedCom's closing note XDIS15": (
        b'<Emessage xmlns="http://rep.oio.dk/medcom.dk/xml/schemas/2016/12/01/">'
        b"<MunicipalityLetter/></Emessage>",
        "MunicipalityLetter",
    ),
    "MedCom's physiotherapy referral XREF07": (
        b'<Emessage xmlns="http://rep.oio.dk/sundcom.dk/medcom.dk/xml/schemas/2007/02/01/">'
        b"<PhysiotherapyReferral/></Emessage>",
        "PhysiotherapyReferral",
    ),
    "MedCom's hospital referral XREF01": (
        b'<Emessage xmlns="http://rep.oio.dk/sundcom.dk/medcom.dk/xml/schemas/2006/07/01/">'
        b"<HospitalReferral/></Emessage>",
        "HospitalReferral",
    ),
    "MedCom's discharge letter XDIS01": (
        b'<Emessage xmlns="http://rep.oio.dk/sundcom.dk/medcom.dk/xml/schemas/2006/07/01/">'
        b"<DischargeLetter/></Emessage>",
        "DischargeLetter",
    ),
    "HL7 v2 as XML": (b'<REF_I12 xmlns="urn:hl7-org:v2xml"/>', "REF_I12"),
    "XML of no namespace": (b"<Henvisning/>", "Henvisning"),
    "a web page": (b"<!DOCTYPE html><html><body/></html>", "DOCTYPE"),
    "HL7 v2": (b"MSH|^~\\&|HIS|X|Y|Z|20220523||REF^I12|1|P|2.5\r", "HL7 v2"),
    "HL7 v2 in its transport's frame": (b"\x0bMSH|^~\\&|HIS\r\x1c\r", "HL7 v2"),
    "an HL7 v2 batch": (b"FHS|^~\\&|HIS\rBHS|^~\\&|HIS\r", "HL7 v2"),
    "EDIFACT": (b"UNB+UNOC:3+5790001382445:14+5790000121526:14'", "EDIFACT"),
    "EDIFACT with its signs": (b"UNA:+.? 'UNB+UNOC:3'", "EDIFACT"),
    "X12 (USA)": (b"ISA*00*          *00*          *ZZ*", "X12"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "a ZIP file, or an office document": (b"PK\x03\x04\x14\x00", "ZIP"),
    "gzip": (gzip.compress(b"{}"), "gzip"),
    "zlib": (zlib.compress(b"{}"), "zlib"),
    "bzip2": (bz2.compress(b"{}"), "bzip2"),
    "xz": (lzma.compress(b"{}"), "xz"),
    "a tar archive": (b"plan.xml" + b"\x00" * 249 + b"ustar\x0000" + b"\x00" * 248, "tar"),
    "DICOM": (b"\x00" * 128 + b"DICM", "DICOM"),
    "an Office document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
    "Avro": (b"Obj\x01\x04", "Avro"),
    "multipart": (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n{}\r\n--x--\r\n',
        "multipart",
    ),
    "an e-mail": (b"From: a@post.example\r\nTo: b@post.example\r\n\r\nHej", "e-mail"),
    "base64": (base64.b64encode(ruddi_fhir()), "base64"),
    "hexadecimal": (ruddi_ggop().hex().encode(), "hex"),
    "xDT (Germany)": (b"0138000020\r\n", "xDT"),
    "HPRIM (France)": (b"H|^~\\&|x", "HPRIM"),
    "a picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    "RTF": (b"{\\rtf1\\ansi Plan}", "RTF"),
    "a letter in words": ("Kære kollega, hermed en plan.".encode(), "JSON"),
    "a table": (b"cpr;navn;plan\n1;2;3\n", "JSON"),
    "UTF-16": ('{"resourceType":"Bundle"}'.encode("utf-16"), "UTF-16"),
    "UTF-16 without its mark": ('{"resourceType":"Bundle"}'.encode("utf-16-le"), "UTF-16"),
    "UTF-32": ('{"resourceType":"Bundle"}'.encode("utf-32"), "UTF-32"),
    "XML in ISO-8859-15": (in_characters("iso-8859-15"), "iso-8859-15"),
    "XML in UTF-16": (in_characters("utf-16"), "utf-16"),
    "XML in another character set than it says": (
        ruddi_ggop().replace(b"ISO-8859-1", b"UTF-8"),
        "tegnsæt",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_answer_names_what_was_not_understood(name: str) -> None:
    document, named = FOREIGN[name]
    reading = read_any(document)
    assert isinstance(reading, Unreadable), reading
    assert all(problem.code != "informational" for problem in reading.problems)
    told = " ".join(f"{problem.element} {problem.text}" for problem in reading.problems)
    assert named in told, told
    value, content_type = receipt(
        reading.format,
        "fatal-error",
        document_id=reading.document_id,
        sender_sor=reading.sender_sor,
        receiver=("", ""),
        problems=reading.problems,
        at=AT,
        receipt_id=name,
        original=reading.original,
    )
    assert value
    assert content_type in {"application/fhir+json", "application/xml"}
