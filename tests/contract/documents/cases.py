"""The documents whose reading and receipt are kept as golden files, and every way to be refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
from lxml import etree

from deploy.demo.documents import fhir_plan, ggop_plan, ruddi_fhir, ruddi_ggop
from deploy.demo.fhir_messages import care_communication, hospital_notification
from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.xref15 import xref15
from services.referral.plan import (
    Address,
    ContactPerson,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    PlanType,
    Relative,
)

AT: Final = datetime(2022, 5, 23, 8, 0, tzinfo=UTC)
HOME: Final = Address(street="Testvej 1", suburb="Tølløse by", postcode="4340", district="Tølløse")
RELATIVE: Final = Relative(name="Else Test Lauridsen", phone="+447700900104", relation="ægtefælle")
GP: Final = GeneralPractitioner(name="Lægehuset Søndergade", ean="5790000000005")
ICF: Final = (
    IcfCode(code="d450", qualifier="3", text="Gå"),
    IcfCode(code="b280", qualifier="2", text="Smertefornemmelse"),
)
NURSE: Final = ContactPerson(
    name="Michael Test Burns",
    title="Sygeplejerske",
    organisation="Ortopædkirurgisk Afdeling",
    phone="38683868",
    email=None,
    role="team",
)
WORDS: Final = Narrative(
    safety="Må ikke støtte på venstre ben.",
    practical="Bor på 3. sal.\nIngen elevator.",
    information="Har fået øvelser med hjem.",
)
FULL: Final[dict[str, Any]] = {
    "address": HOME,
    "phone": "+447700900104",
    "relatives": (RELATIVE,),
    "gp": GP,
    "icf": ICF,
    "contacts": (NURSE,),
    "narrative": WORDS,
    "consent": True,
}

ACCEPTED: Final[dict[str, bytes]] = {
    "fhir-ruddi.json": ruddi_fhir(),
    "fhir-full.json": fhir_plan(
        **FULL,
        email="ruddi@post.example",
        language="en",
        birth_date=date(1977, 2, 15),
        transport=True,
        vulnerable=True,
        later_start=date(2022, 6, 20),
    ),
    "fhir-specialised.json": fhir_plan(type=PlanType.GENOPTRAENING_SPECIALISERET),
    "fhir-replacement-cpr.json": fhir_plan(cpr="0703921VJ4", given="Birgit", protected=True),
    "fhir-changed-cpr.json": fhir_plan(earlier_cprs=("0703921VJ4",)),
    "fhir-custody.json": fhir_plan(relatives=(replace(RELATIVE, relation="mor", custody=True),)),
    "fhir-contact-end.json": fhir_plan(discharge_date=None, contact_end="2022-05-24T14:00:00Z"),
    "fhir-replaces.json": fhir_plan(document_id="plan-2", replaces="plan-1"),
    "fhir-correction.json": fhir_plan(
        document_id="plan-3", corrects="plan-1", discharge_date=date(2022, 5, 25)
    ),
    "fhir-revocation.json": fhir_plan(document_id="plan-4", corrects="plan-1", revoked=True),
    "ggop-ruddi.xml": ruddi_ggop(),
    "ggop-ruddi-utf8.xml": ruddi_ggop("UTF-8"),
    "ggop-full.xml": ggop_plan(**FULL, deadline_text="Inden 1. juli, når skinnen er af"),
    "ggop-default-namespace.xml": ggop_plan(prefixes=False, municipality=None),
    "ggop-specialised.xml": ggop_plan(type=PlanType.REHABILITERING_SPECIALISERET),
    "ggop-replacement-cpr.xml": ggop_plan(cpr="0703921VJ4", given="Birgit"),
    "ggop-changed-cpr.xml": ggop_plan(earlier_cpr="0703921VJ4"),
    "ggop-replaces.xml": ggop_plan(document_id="BREV2", replaces="BREV1"),
    "ggop-correction.xml": ggop_plan(
        document_id="BREV3", corrects="BREV1", discharge_date=date(2022, 5, 25)
    ),
    "ggop-revocation.xml": ggop_plan(document_id="BREV4", corrects="BREV1", revoked=True),
}

MESSAGES: Final[dict[str, bytes]] = {
    "notification-admitted.json": hospital_notification(report_wanted=True),
    "notification-discharged.json": hospital_notification(
        document_id="notification-2",
        activity="discharge-inpatient-home",
        status="finished",
        ended="2022-06-09T09:45:30+02:00",
        previous="notification-1",
        history=("notification-1",),
    ),
    "notification-deceased.json": hospital_notification(
        document_id="notification-2",
        status="finished",
        ended="2022-06-09T09:45:30+02:00",
        deceased=True,
        previous="notification-1",
    ),
    "notification-cancelled.json": hospital_notification(
        document_id="notification-2",
        activity="cancel-admit-inpatient",
        status="entered-in-error",
        previous="notification-1",
        role="removal",
    ),
    "notification-leave.json": hospital_notification(
        document_id="notification-2",
        activity="start-leave-inpatient",
        status="onleave",
        leave_started="2022-06-08T14:00:00+02:00",
        previous="notification-1",
    ),
    "communication-new.json": care_communication(),
    "fhir-referral.json": fhir_referral(
        basis="municipality", referrer="back-team", programme="back-school", consent=True
    ),
    "fhir-referral-withdrawn.json": fhir_referral(document_id="b2", corrects="b1", revoked=True),
    "xref15.xml": xref15(),
    "xref15-withdrawn.xml": xref15(document_id="XREF2022052302", revokes="XREF2022052301"),
}


def _json(change: Callable[[dict[str, Any]], object], document: bytes | None = None) -> bytes:
    """The FHIR document after `change` of its resources by type; "Bundle" is the whole."""
    bundle = orjson.loads(document or ruddi_fhir())
    resources = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    change({**resources, "Bundle": bundle})
    return orjson.dumps(bundle)


def _drop(kind: str) -> bytes:
    def change(of: dict[str, Any]) -> None:
        entries = of["Bundle"]["entry"]
        entries[:] = [e for e in entries if e["resource"]["resourceType"] != kind]

    return _json(change)


def _xml(change: Callable[[etree._Element], object], document: bytes | None = None) -> bytes:
    root = etree.fromstring(document or ruddi_ggop())
    change(root)
    written = io.BytesIO()
    etree.ElementTree(root).write(written, encoding="UTF-8", xml_declaration=True)
    return written.getvalue()


def _without(name: str, document: bytes | None = None) -> bytes:
    def change(root: etree._Element) -> None:
        for element in list(root.iter(f"{{*}}{name}")):
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)

    return _xml(change, document)


def _text(name: str, text: str, document: bytes | None = None) -> bytes:
    def change(root: etree._Element) -> None:
        for element in root.iter(f"{{*}}{name}"):
            element.text = text

    return _xml(change, document)


def _in_words() -> bytes:
    def change(root: etree._Element) -> None:
        [end] = root.iter("{*}ExpectedEnd")
        end.tag = f"{end.tag}Text"

    return _xml(change)


def _twice(name: str) -> bytes:
    def change(root: etree._Element) -> None:
        [element] = root.iter(f"{{*}}{name}")
        parent = element.getparent()
        assert parent is not None
        etree.SubElement(parent, element.tag)

    return _xml(change)


_BARS: Final = "https://fhir.hl7.org.uk/StructureDefinition/BARSServiceRequest-request-referral"
_LONG: Final = "i" * 200

REFUSED_FHIR: Final[dict[str, bytes]] = {
    "empty": b"",
    "too large": b"{" + b" " * (1024 * 1024),
    "no JSON": b'{"resourceType":',
    "no UTF-8": '{"resourceType":"Bundleø"}'.encode("latin-1"),
    "no object": b"[]",
    "nested too deep": b'{"resourceType":"Bundle","x":' + b"[" * 300 + b"]" * 300 + b"}",
    "too many elements": b"[" + b"[]," * 60_000 + b"[]]",
    "too many resources": _json(lambda of: of["Bundle"].update(entry=[{}] * 1001)),
    "a key twice": b'{"resourceType":"Bundle","type":"message","type":"batch"}',
    "no Bundle": b'{"resourceType":"Patient"}',
    "HL7 v2": b"MSH|^~\\&|HIS|RIH|EKG|EKG|199904140038||REF^I12|1|P|2.5",
    "another Bundle": _json(lambda of: of["Bundle"].update(type="collection")),
    "a wrong type in the Bundle": _json(lambda of: of["Bundle"].update(entry={})),
    "a wrong type in a resource": _json(lambda of: of["Patient"].update(birthDate=1977)),
    "no MessageHeader": _drop("MessageHeader"),
    "two MessageHeaders": _json(
        lambda of: of["Bundle"]["entry"].append(
            {"resource": {"resourceType": "MessageHeader", "id": "x"}}
        )
    ),
    "no id": _json(lambda of: of["MessageHeader"].pop("id")),
    "too long an id": _json(lambda of: of["MessageHeader"].update(id=_LONG)),
    "no event": _json(lambda of: of["MessageHeader"].pop("eventCoding")),
    "another message of MedCom": fhir_plan(event="care-communication-message"),
    "another country's profile": _json(
        lambda of: (
            of["MessageHeader"].update(eventCoding={"code": "servicerequest-request"}),
            of["ServiceRequest"].update(meta={"profile": [_BARS]}, category=[], code={}),
        )
    ),
    "no ServiceRequest": _drop("ServiceRequest"),
    "two ServiceRequests": _json(
        lambda of: (
            of["MessageHeader"].pop("focus"),
            of["Bundle"]["entry"].append({"resource": {**of["ServiceRequest"], "id": "another"}}),
        )
    ),
    "no Provenance": _drop("Provenance"),
    "no Patient": _drop("Patient"),
    "one address for two": _json(
        lambda of: of["Bundle"]["entry"].append(
            {"resource": {**of["Patient"], "birthDate": "1977-02-15"}}
        )
    ),
    "no organisation": _drop("Organization"),
    "a sender without SOR": fhir_plan(sender_sor="afdelingen"),
    "a receiver without number": fhir_plan(receiver_sor=None, receiver_ean=None),
    "a receiver whose number is none": fhir_plan(receiver_sor="kommunen"),
    "no type": _json(lambda of: of["ServiceRequest"].pop("category")),
    "an unknown type": fhir_plan(type="fysioterapi"),
    "two types": _json(
        lambda of: of["ServiceRequest"]["category"].append({"text": "rehabilitering"})
    ),
    "no discharge date": fhir_plan(discharge_date=None),
    "a discharge date that is none": fhir_plan(discharge_date="2022-02-30"),
    "a discharge date out of reach": fhir_plan(discharge_date="9999-12-31"),
    "a later start without a date": _json(
        lambda of: of["ServiceRequest"].pop("occurrencePeriod"),
        fhir_plan(later_start=date(2022, 6, 20)),
    ),
    "a later start that is none": fhir_plan(later_start="om en måned"),
    "a date of writing that is none": fhir_plan(authored="i går"),
    "replaces nothing": _json(lambda of: of["ServiceRequest"].update(replaces=[{}])),
    "corrects nothing": _json(
        lambda of: of["Provenance"].pop("entity"), fhir_plan(corrects="plan-1")
    ),
    "corrects too long an id": fhir_plan(corrects=_LONG),
    "no CPR": _json(lambda of: of["Patient"].update(identifier=[])),
    "a malformed CPR": fhir_plan(cpr="3102779995"),
    "no name": _json(lambda of: of["Patient"].update(name=[])),
    "a birth date that is none": fhir_plan(birth_date="ukendt"),
    "too many relatives": fhir_plan(relatives=[RELATIVE] * 21),
    "too many diagnoses": fhir_plan(diagnoses=[("DS721", "Brud")] * 101),
    "too many functions": fhir_plan(icf=ICF * 51),
    "too many people": fhir_plan(contacts=[NURSE] * 51),
}

REFUSED_GGOP: Final[dict[str, bytes]] = {
    "too large": b"<" + b" " * (1024 * 1024),
    "not well-formed": b"<Emessage>",
    "nested too deep": b"<a>" * 300 + b"</a>" * 300,
    "too many elements": b"<a>" + b"<b/>" * 60_000 + b"</a>",
    "a DOCTYPE": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Emessage>&x;</Emessage>',
    "another encoding": '<?xml version="1.0" encoding="UTF-16"?><Emessage/>'.encode("utf-16"),
    "another document": b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
    "FHIR as XML": b'<Bundle xmlns="http://hl7.org/fhir"/>',
    "no letter": _without("RehabilitationPlan"),
    "another letter": ruddi_ggop().replace(b"RehabilitationPlan", b"DischargeLetter"),
    "another version": ruddi_ggop().replace(b"municipality:1.0.4", b"municipality:2.0.0"),
    "two plans": _twice("RehabilitationPlan"),
    "two patients": _twice("Patient"),
    "no id": _without("Letter"),
    "too long an id": ggop_plan(document_id=_LONG),
    "an unknown status": _text("StatusCode", "kladde", ggop_plan(replaces="BREV1")),
    "a sender without SOR": ggop_plan(sender_sor=None),
    "a sender whose SOR is none": ggop_plan(sender_sor="afdelingen"),
    "a receiver without number": _without("Receiver"),
    "no type": ggop_plan(type=None),
    "an unknown type": ggop_plan(type="fysioterapi"),
    "no contact": _without("CurrentHospitalContact"),
    "an end of contact in words": _in_words(),
    "an end of contact that is none": ggop_plan(discharge_date="2022-02-30"),
    "an end of contact out of reach": ggop_plan(discharge_date="9999-12-31"),
    "a date of writing that is none": ggop_plan(authored="i går"),
    "corrects nothing": _without("Reference", ggop_plan(corrects="BREV1")),
    "corrects too long an id": ggop_plan(corrects=_LONG),
    "no patient": _without("Patient"),
    "no CPR": ggop_plan(cpr=None),
    "a malformed CPR": ggop_plan(cpr="3102779995"),
    "a malformed replacement CPR": ggop_plan(cpr="0703929VJ4"),
    "no name": ggop_plan(given=None, family=None),
    "too many relatives": ggop_plan(relatives=[RELATIVE] * 21),
    "too many diagnoses": ggop_plan(diagnoses=[("DS721", "Brud")] * 101),
    "too many functions": ggop_plan(icf=ICF * 51),
    "too many people": ggop_plan(contacts=[NURSE] * 51),
}
