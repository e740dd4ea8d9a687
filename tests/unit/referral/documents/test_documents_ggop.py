"""What is read from GGOP XML, and what is refused in it."""

from __future__ import annotations

import io
from datetime import date

import pytest
from lxml import etree

from deploy.demo.documents import ggop_plan, ruddi_ggop
from services.referral.documents import read
from services.referral.plan import (
    Address,
    ContactPerson,
    Format,
    GeneralPractitioner,
    IcfCode,
    Narrative,
    Plan,
    PlanType,
    Purpose,
    Relative,
    Unreadable,
)

PLAN = "/Emessage/RehabilitationPlan"
MESSAGE = "{urn:oio:medcom:municipality:1.0.4}"
PARTS = "{urn:oio:medcom:municipality:1.0.0}"
ELSE = Relative(name="Else Test Lauridsen", phone="+447700900104", relation="pårørende")
HOME = Address(street="Søndergade 3", suburb=None, postcode="4300", district="Holbæk")


def accepted(document: bytes) -> Plan:
    reading = read(document, "application/xml")
    assert isinstance(reading, Plan), reading
    return reading


def elements(document: bytes) -> list[tuple[str, str]]:
    reading = read(document, "application/xml")
    assert isinstance(reading, Unreadable), reading
    return [(problem.element, problem.code) for problem in reading.problems]


def without(name: str, document: bytes | None = None) -> bytes:
    """The document without every element of this local name."""
    root = etree.fromstring(document or ruddi_ggop())
    for element in list(root.iter(f"{{*}}{name}")):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return bytes(etree.tostring(root))


def test_kl_story_of_ruddi_is_read() -> None:
    plan = accepted(ruddi_ggop())
    assert plan.format is Format.GGOP
    assert plan.purpose is Purpose.NEW
    assert plan.document_id == "GGOP2022052301"
    assert plan.sender_sor == "227871000016001"
    assert plan.sender_name == "Sygehus, Ortopædkirurgisk Afdeling"
    assert (plan.receiver, plan.receiver_kind) == ("316", "municipality")
    assert plan.municipality == "316"
    assert plan.type is PlanType.ALMEN
    assert (plan.authored, plan.discharge_date) == (date(2022, 5, 23), date(2022, 5, 24))
    assert (plan.person.cpr, plan.person.cpr_kind) == ("1502779995", "cpr")
    assert (plan.person.given, plan.person.family) == ("Ruddi Test", "Berggren")
    assert plan.diagnoses == (("ICD10", "DS721", "Pertrokantær femurfraktur"),)
    assert plan.gp is None, "deselected"


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8", "windows-1252"])
def test_the_declared_encoding_is_honoured(encoding: str) -> None:
    plan = accepted(ggop_plan(encoding=encoding, family="Ærøskøbing"))
    assert plan.person.family == "Ærøskøbing"
    assert plan.original is not None
    assert (plan.original.encoding or "").upper() == encoding.upper()


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-7", "EBCDIC-CP-DK", "x-no-such"])
def test_other_encodings_are_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><Emessage/>'
    document = text.encode("utf-16" if encoding == "UTF-16" else "ascii")
    [(element, code)] = elements(document)
    assert element == "/"
    assert code in {"structure", "not-supported"}


def test_everything_that_a_plan_may_say_is_read() -> None:
    gp = GeneralPractitioner(name="Lægehuset Søndergade", ean="5790000000005")
    plan = accepted(
        ggop_plan(
            address=HOME,
            phone="+447700900104",
            relatives=(ELSE,),
            gp=gp,
            deadline_text="Inden 1. juli, når skinnen er af",
            diagnoses=(("DS721", "Pertrokantær femurfraktur"), ("DI109", "Hypertension")),
        )
    )
    assert plan.person.address == HOME
    assert plan.person.phone == "+447700900104"
    assert plan.relatives == (ELSE,)
    assert plan.gp == gp
    assert plan.deadline_text == "Inden 1. juli, når skinnen er af"
    assert [code for _, code, _ in plan.diagnoses] == ["DS721", "DI109"]


def test_a_date_in_the_deadline_text_is_never_guessed() -> None:
    plan = accepted(ggop_plan(deadline_text="2022-07-01"))
    assert plan.later_start is None
    assert plan.deadline_text == "2022-07-01"


def test_order_prefixes_comments_and_unknown_elements_do_not_matter() -> None:
    expected = accepted(ruddi_ggop())
    root = etree.fromstring(ggop_plan(prefixes=False))
    plan = root.find(f"{MESSAGE}RehabilitationPlan")
    assert plan is not None
    plan[:] = [etree.Element(f"{MESSAGE}Unknown"), etree.Comment("?"), *reversed(plan)]
    for element in plan:
        if isinstance(element.tag, str):
            element[:] = list(reversed(element))
    document = io.BytesIO()
    etree.ElementTree(root).write(document, encoding="ISO-8859-1", xml_declaration=True)
    assert accepted(document.getvalue()) == expected


def test_formatted_text_keeps_its_words() -> None:
    root = etree.fromstring(ggop_plan(deadline_text="x"))
    [text] = root.iter(f"{MESSAGE}RehabilitationDeadline")
    text.text = "Start først når"
    etree.SubElement(text, f"{PARTS}Break").tail = "skinnen er af"
    assert accepted(bytes(etree.tostring(root))).deadline_text == "Start først når\nskinnen er af"


@pytest.mark.parametrize("type_", PlanType)
@pytest.mark.parametrize("form", [str.lower, str.upper, str.title])
def test_each_type_is_read_in_any_case(type_: PlanType, form: object) -> None:
    assert callable(form)
    root = etree.fromstring(ggop_plan(type=type_))
    [element] = root.iter(f"{MESSAGE}TypeOfRehabilitationPlan")
    element.text = form(element.text or "")
    assert accepted(bytes(etree.tostring(root))).type is type_


def test_the_actual_end_of_the_contact_comes_before_the_expected() -> None:
    root = etree.fromstring(ruddi_ggop())
    [contact] = root.iter(f"{MESSAGE}CurrentHospitalContact")
    end = etree.SubElement(contact, f"{MESSAGE}End")
    etree.SubElement(end, f"{MESSAGE}Date").text = "2022-05-25+02:00"
    assert accepted(bytes(etree.tostring(root))).discharge_date == date(2022, 5, 25)


def test_a_text_for_the_expected_end_is_no_date() -> None:
    root = etree.fromstring(without("ExpectedEnd"))
    [contact] = root.iter(f"{MESSAGE}CurrentHospitalContact")
    etree.SubElement(contact, f"{MESSAGE}ExpectedEndText").text = "24. maj"
    reading = read(bytes(etree.tostring(root)))
    assert isinstance(reading, Unreadable)
    [problem] = reading.problems
    assert problem.element == f"{PLAN}/CurrentHospitalContact/ExpectedEnd/Date"
    assert "ExpectedEndText" in problem.text


def test_a_new_letter_that_names_an_earlier_one_replaces_it() -> None:
    plan = accepted(ggop_plan(document_id="B", replaces="A"))
    assert (plan.purpose, plan.replaces, plan.corrects) == (Purpose.NEW, "A", None)


@pytest.mark.parametrize("status", [True, False])
def test_a_corrected_letter_names_what_it_corrects(status: bool) -> None:
    document = ggop_plan(document_id="B", corrects="A")
    plan = accepted(document if status else without("StatusCode", document))
    assert (plan.purpose, plan.corrects, plan.replaces) == (Purpose.CORRECTION, "A", None)


def test_an_annulled_letter_names_what_it_takes_back() -> None:
    plan = accepted(ggop_plan(document_id="B", corrects="A", revoked=True))
    assert (plan.purpose, plan.corrects) == (Purpose.REVOCATION, "A")


def test_a_correction_of_nothing_is_refused() -> None:
    document = without("Reference", ggop_plan(corrects="A"))
    assert elements(document) == [(f"{PLAN}/Reference/Identifier", "required")]


def test_an_attachment_is_no_correction() -> None:
    root = etree.fromstring(ruddi_ggop())
    plan = root.find(f"{MESSAGE}RehabilitationPlan")
    assert plan is not None
    reference = etree.SubElement(plan, f"{MESSAGE}Reference")
    etree.SubElement(reference, f"{MESSAGE}RefDescription").text = "Røntgenbillede"
    assert accepted(bytes(etree.tostring(root))).purpose is Purpose.NEW


def test_functions_words_people_and_consent_are_read() -> None:
    icf = (
        IcfCode(code="d450", qualifier="3", text="Gå"),
        IcfCode(code="b280", qualifier=None, text="Smertefornemmelse"),
    )
    people = tuple(
        ContactPerson(
            name=f"{name} Test",
            title="Overlæge",
            organisation="Ortopædkirurgisk Afdeling",
            phone="38683868",
            email="afdeling@sygehus.example",
            role=role,
        )
        for name, role in (
            ("Alma", "signed"),
            ("Bo", "co-writer"),
            ("Cæcilie", "team"),
            ("Dagny", "team"),
            ("Ejvind", "region"),
            ("Frida", "municipality"),
        )
    )
    words = Narrative(
        safety="Må ikke støtte på venstre ben.",
        practical="Bor på 3. sal.\nIngen elevator.",
        information="Har fået øvelser med hjem.",
        health="Opereret 17. maj.",
        ability="Går med rollator.",
        need="Styrke og balance.\n\nGodt potentiale.",
        journal="Uddrag af journalen.",
    )
    plan = accepted(ggop_plan(icf=icf, contacts=people, narrative=words, consent=True))
    assert plan.icf == icf
    assert plan.contacts == people
    assert plan.narrative == words
    assert plan.consent is True


@pytest.mark.parametrize(
    ("written", "expected"),
    [("ja", True), ("TRUE", True), ("nej", False), ("false", False), ("måske", None), (None, None)],
)
def test_consent_is_yes_no_or_unknown(written: str | None, expected: bool | None) -> None:
    assert accepted(ggop_plan(consent=written)).consent is expected


def test_words_are_never_cut_short() -> None:
    words = Narrative(need="Lang tekst. " * 2_000 + "Slut")
    assert (accepted(ggop_plan(narrative=words)).narrative.need or "").endswith("Slut")


def test_a_cpr_after_a_replacement_cpr_links_both() -> None:
    person = accepted(ggop_plan(earlier_cpr="0703921VJ4")).person
    assert (person.cpr, person.earlier_cprs) == ("1502779995", ("0703921VJ4",))


def test_another_number_beside_the_cpr_is_no_earlier_cpr() -> None:
    assert accepted(ggop_plan(earlier_cpr="PAS 1234567")).person.earlier_cprs == ()


def test_a_receiver_is_known_by_sor_or_ean() -> None:
    by_sor = accepted(ggop_plan(receiver_sor="451000016003"))
    assert (by_sor.receiver, by_sor.receiver_kind) == ("451000016003", "sor")
    by_ean = accepted(ggop_plan(municipality=None))
    assert (by_ean.receiver, by_ean.receiver_kind) == ("5790000121526", "ean")
    assert by_ean.municipality is None


def test_a_sender_known_by_another_number_than_sor_is_refused() -> None:
    root = etree.fromstring(ruddi_ggop())
    code = root.find(f".//{MESSAGE}Sender/{MESSAGE}IdentifierCode")
    assert code is not None
    code.text = "sygehusafdelingsnummer"
    assert elements(bytes(etree.tostring(root))) == [(f"{PLAN}/Sender/Identifier", "required")]


@pytest.mark.parametrize("cpr", ["0703921VJ4", "1206550VK9"])
def test_replacement_cprs_are_accepted(cpr: str) -> None:
    person = accepted(ggop_plan(cpr=cpr)).person
    assert (person.cpr, person.cpr_kind) == (cpr, "ecpr")


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("Letter", f"{PLAN}/Letter/Identifier"),
        ("Sender", f"{PLAN}/Sender/Identifier"),
        ("Receiver", f"{PLAN}/Receiver/EANIdentifier"),
        ("Patient", f"{PLAN}/Patient"),
        ("CivilRegistrationNumber", f"{PLAN}/Patient/CivilRegistrationNumber"),
        ("TypeOfRehabilitationPlan", f"{PLAN}/TypeOfRehabilitationPlan"),
        ("CurrentHospitalContact", f"{PLAN}/CurrentHospitalContact/ExpectedEnd/Date"),
        ("RehabilitationPlan", PLAN),
    ],
)
def test_a_missing_element_is_named_by_xpath(name: str, element: str) -> None:
    assert elements(without(name)) == [(element, "required")]


def test_all_problems_are_collected() -> None:
    document = ggop_plan(
        cpr="12", type="fysioterapi", discharge_date="snart", sender_sor=None, authored="i går"
    )
    assert elements(document) == [
        (f"{PLAN}/Sender/Identifier", "required"),
        (f"{PLAN}/TypeOfRehabilitationPlan", "value"),
        (f"{PLAN}/CurrentHospitalContact/ExpectedEnd/Date", "value"),
        (f"{PLAN}/Patient/CivilRegistrationNumber", "value"),
        (f"{PLAN}/Letter/Authorisation/Date", "value"),
    ]


def test_an_element_that_may_stand_once_stands_once() -> None:
    root = etree.fromstring(ruddi_ggop())
    plan = root.find(f"{MESSAGE}RehabilitationPlan")
    assert plan is not None
    other = etree.SubElement(plan, f"{MESSAGE}Patient")
    etree.SubElement(other, f"{PARTS}CivilRegistrationNumber").text = "0201609995"
    assert elements(bytes(etree.tostring(root))) == [(f"{PLAN}/Patient", "structure")]


def test_another_version_is_named() -> None:
    document = ruddi_ggop().replace(b"municipality:1.0.4", b"municipality:2.0.0")
    reading = read(document)
    assert isinstance(reading, Unreadable)
    [problem] = reading.problems
    assert (problem.element, problem.code) == (PLAN, "not-supported")
    assert "urn:oio:medcom:municipality:2.0.0" in problem.text


def test_another_letter_is_named() -> None:
    document = ruddi_ggop().replace(b"RehabilitationPlan", b"DischargeLetter")
    reading = read(document)
    assert isinstance(reading, Unreadable)
    [problem] = reading.problems
    assert (problem.element, problem.code) == (PLAN, "not-supported")
    assert "DischargeLetter" in problem.text


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>', "urn:hl7-org:v3"),
        (b'<Bundle xmlns="http://hl7.org/fhir"/>', "JSON"),
    ],
)
def test_other_documents_are_named(document: bytes, named: str) -> None:
    reading = read(document)
    assert isinstance(reading, Unreadable)
    [problem] = reading.problems
    assert problem.code == "not-supported"
    assert named in problem.text
