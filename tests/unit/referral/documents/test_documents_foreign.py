"""Documents of other countries, profiles and trades: each answer names what was not understood.

The samples are made up, as short as their formats allow, in the form that their guides show.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, Final

import pytest

from deploy.demo.documents import ruddi_fhir
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


def swedish_patient() -> bytes:
    """A whole message of ours, but for a citizen with a Swedish personnummer."""
    tree = json.loads(ruddi_fhir())
    for entry in tree["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            system = "http://electronichealth.se/identifier/personnummer"
            entry["resource"]["identifier"] = [{"system": system, "value": "191212121212"}]
    return json.dumps(tree).encode()


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
    "a Swedish personnummer": (swedish_patient(), "urn:oid:1.2.208.176.1.2"),
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
    "a picture": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
    "RTF": (b"{\\rtf1\\ansi Plan}", "RTF"),
    "a letter in words": ("Kære kollega, hermed en plan.".encode(), "JSON"),
    "a table": (b"cpr;navn;plan\n1;2;3\n", "JSON"),
    "UTF-16": ('{"resourceType":"Bundle"}'.encode("utf-16"), "UTF"),
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
