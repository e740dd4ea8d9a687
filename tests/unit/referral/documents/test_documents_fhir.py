"""What is read from a FHIR message, and what is refused in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from deploy.demo.documents import fhir_plan, ruddi_fhir
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

Tree = dict[str, Any]
ELSE = Relative(name="Else Test Lauridsen", phone="20 30 40 50", relation="ægtefælle")
HOME = Address(street="Testvej 1", suburb="Tølløse by", postcode="4340", district="Tølløse")


def accepted(document: bytes) -> Plan:
    reading = read(document, "application/fhir+json")
    assert isinstance(reading, Plan), reading
    return reading


def refused(document: bytes) -> Unreadable:
    reading = read(document, "application/fhir+json")
    assert isinstance(reading, Unreadable), reading
    return reading


def elements(document: bytes) -> list[tuple[str, str]]:
    return [(problem.element, problem.code) for problem in refused(document).problems]


def changed(change: Callable[[dict[str, Tree]], None], document: bytes | None = None) -> bytes:
    """The document after `change` of its resources, which are found by type."""
    bundle = orjson.loads(document or ruddi_fhir())
    resources = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    change({**resources, "Bundle": bundle})
    return orjson.dumps(bundle)


def organisation(bundle: Tree, name: str) -> Tree:
    found: Tree = next(
        entry["resource"] for entry in bundle["entry"] if entry["resource"].get("name") == name
    )
    return found


def test_kl_story_of_ruddi_is_read() -> None:
    plan = accepted(ruddi_fhir())
    assert plan.format is Format.FHIR
    assert plan.purpose is Purpose.NEW
    assert plan.sender_sor == "227871000016001"
    assert (plan.receiver, plan.receiver_kind) == ("451000016003", "sor")
    assert plan.type is PlanType.ALMEN
    assert (plan.authored, plan.discharge_date) == (date(2022, 5, 23), date(2022, 5, 24))
    assert (plan.person.cpr, plan.person.cpr_kind) == ("1502779995", "cpr")
    assert (plan.person.given, plan.person.family) == ("Ruddi Test", "Berggren")
    assert plan.diagnoses == (("urn:oid:1.2.208.176.2.4.12", "DS721", "Pertrokantær femurfraktur"),)
    assert plan.later_start is None


def test_everything_that_a_plan_may_say_is_read() -> None:
    gp = GeneralPractitioner(name="Lægehuset Søndergade", ean="5790000000005")
    plan = accepted(
        fhir_plan(
            address=HOME,
            phone="+447700900104",
            email="ruddi@post.example",
            language="en",
            birth_date=date(1977, 2, 15),
            relatives=(ELSE,),
            gp=gp,
            transport=True,
            vulnerable=True,
        )
    )
    assert plan.person.address == HOME
    assert (plan.person.phone, plan.person.email) == ("+447700900104", "ruddi@post.example")
    assert (plan.person.language, plan.person.birth_date) == ("en", date(1977, 2, 15))
    assert plan.relatives == (ELSE,)
    assert plan.gp == gp
    assert plan.transport
    assert plan.vulnerable


def test_entries_may_stand_in_any_order() -> None:
    bundle = orjson.loads(fhir_plan(relatives=(ELSE,), address=HOME))
    expected = accepted(orjson.dumps(bundle))
    for seed in range(5):
        random.Random(seed).shuffle(bundle["entry"])
        assert accepted(orjson.dumps(bundle)) == expected


@pytest.mark.parametrize("form", ["urn:uuid", "relative", "absolute", "version"])
def test_references_are_followed_in_every_form(form: str) -> None:
    bundle = orjson.loads(ruddi_fhir())
    for entry in bundle["entry"]:
        identifier = entry["resource"]["id"]
        if form == "urn:uuid":
            entry["fullUrl"] = f"urn:uuid:{identifier}"
        elif form == "absolute":
            entry["fullUrl"] = "https://other.example/r4/" + "/".join(
                entry["fullUrl"].rsplit("/", 2)[-2:]
            )

    def rewrite(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(reference := node.get("reference"), str):
                kind, _, identifier = reference.partition("/")
                node["reference"] = {
                    "urn:uuid": f"urn:uuid:{identifier}",
                    "relative": reference,
                    "absolute": f"https://other.example/r4/{reference}",
                    "version": f"{kind}/{identifier}/_history/2",
                }[form]
            for value in node.values():
                rewrite(value)
        elif isinstance(node, list):
            for value in node:
                rewrite(value)

    rewrite(bundle)
    assert accepted(orjson.dumps(bundle)) == accepted(ruddi_fhir())


def test_an_organisation_may_be_named_by_its_number_alone() -> None:
    def change(of: dict[str, Tree]) -> None:
        identifier = {"system": "urn:oid:1.2.208.176.1.1", "value": "227871000016001"}
        of["ServiceRequest"]["requester"] = {"identifier": identifier}

    assert accepted(changed(change)).sender_sor == "227871000016001"


def test_a_receiver_without_sor_is_known_by_ean_or_municipality() -> None:
    by_ean = accepted(fhir_plan(receiver_sor=None))
    assert (by_ean.receiver, by_ean.receiver_kind) == ("5790000121526", "ean")

    def change(of: dict[str, Tree]) -> None:
        system = "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes"
        receiver = organisation(of["Bundle"], "Holbæk Kommune")
        receiver["identifier"] = [{"system": system, "value": "0316"}]

    by_code = accepted(changed(change))
    assert (by_code.receiver, by_code.receiver_kind) == ("316", "municipality")
    assert by_code.municipality == "316"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Almen genoptræning", PlanType.ALMEN),
        ("ALMEN GENOPTRÆNING", PlanType.ALMEN),
        ("rehabilitering på specialiseret niveau", PlanType.REHABILITERING_SPECIALISERET),
        ("Genoptræning  på specialiseret niveau.", PlanType.GENOPTRAENING_SPECIALISERET),
    ],
)
def test_a_type_may_be_written_as_its_danish_name(text: str, expected: PlanType) -> None:
    assert accepted(fhir_plan(type=text)).type is expected


@pytest.mark.parametrize("type_", PlanType)
def test_each_type_has_its_kl_code(type_: PlanType) -> None:
    assert accepted(fhir_plan(type=type_)).type is type_


def test_a_level_beside_almen_is_still_almen() -> None:
    def change(of: dict[str, Tree]) -> None:
        basal = {"code": "8b962281-2ab6-4b10-9c91-4bac592d6d49"}
        of["ServiceRequest"]["category"].append({"coding": [basal]})

    assert accepted(changed(change)).type is PlanType.ALMEN


def test_two_types_are_refused() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["ServiceRequest"]["category"].append({"text": "genoptræning på specialiseret niveau"})

    assert elements(changed(change)) == [("ServiceRequest.category", "value")]


def test_without_a_discharge_date_the_end_of_the_contact_counts() -> None:
    document = fhir_plan(discharge_date=None, contact_end="2022-05-24T23:30:00Z")
    assert accepted(document).discharge_date == date(2022, 5, 25), "the day in Copenhagen"


def test_a_cancelled_contact_has_no_end() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["Encounter"]["status"] = "cancelled"

    document = fhir_plan(discharge_date=None, contact_end="2022-05-24")
    assert [code for _, code in elements(changed(change, document))] == ["required"]


def test_a_later_start_counts_only_where_it_is_required_for_health_reasons() -> None:
    assert accepted(fhir_plan(later_start="2022-06-20")).later_start == date(2022, 6, 20)

    def offered(of: dict[str, Tree]) -> None:
        of["ServiceRequest"]["occurrencePeriod"] = {"start": "2022-05-28"}

    assert accepted(changed(offered)).later_start is None


def test_a_required_later_start_must_have_its_date() -> None:
    def change(of: dict[str, Tree]) -> None:
        del of["ServiceRequest"]["occurrencePeriod"]

    document = changed(change, fhir_plan(later_start="2022-06-20"))
    assert elements(document) == [("ServiceRequest.occurrencePeriod.start", "required")]


def test_a_plan_may_replace_an_earlier_one() -> None:
    plan = accepted(fhir_plan(document_id="new", replaces="old"))
    assert (plan.purpose, plan.replaces, plan.corrects) == (Purpose.NEW, "old", None)


def test_a_replaced_request_in_the_message_is_not_a_second_plan() -> None:
    def change(of: dict[str, Tree]) -> None:
        request = of["ServiceRequest"]
        request["replaces"] = [{"reference": "ServiceRequest/old"}]
        old = {**request, "id": "old", "status": "revoked", "replaces": []}
        of["Bundle"]["entry"].insert(1, {"resource": old})
        del of["MessageHeader"]["focus"]

    plan = accepted(changed(change))
    assert (plan.purpose, plan.replaces) == (Purpose.NEW, "old")


def test_a_correction_names_the_message_that_it_corrects() -> None:
    plan = accepted(fhir_plan(document_id="second", corrects="first", discharge_date="2022-05-25"))
    assert (plan.purpose, plan.corrects) == (Purpose.CORRECTION, "first")
    assert plan.replaces is None


def test_a_revocation_names_the_message_that_it_takes_back() -> None:
    plan = accepted(fhir_plan(document_id="second", corrects="first", revoked=True))
    assert (plan.purpose, plan.corrects) == (Purpose.REVOCATION, "first")
    assert plan.entered_in_error


def test_a_correction_of_nothing_is_refused() -> None:
    def change(of: dict[str, Tree]) -> None:
        del of["Provenance"]["entity"]

    document = changed(change, fhir_plan(corrects="first"))
    assert elements(document) == [("Provenance.entity.what.reference", "required")]


def test_the_provenance_of_earlier_messages_is_history() -> None:
    """MedCom's messages hold the Provenances of the whole course, each with its own target."""

    def change(of: dict[str, Tree]) -> None:
        modified = {"coding": [{"code": "modified-message"}]}
        earlier = {
            "resourceType": "Provenance",
            "id": "history",
            "target": [{"reference": "MessageHeader/second"}],
            "activity": modified,
            "entity": [{"role": "revision", "what": {"reference": "MessageHeader/first"}}],
        }
        of["Bundle"]["entry"].insert(1, {"resource": earlier})

    assert accepted(changed(change)).purpose is Purpose.NEW
    third = accepted(changed(change, fhir_plan(document_id="third", corrects="second")))
    assert (third.purpose, third.corrects) == (Purpose.CORRECTION, "second")


def test_a_part_of_the_message_is_no_earlier_message() -> None:
    def change(of: dict[str, Tree]) -> None:
        part = {"role": "source", "what": {"identifier": {"value": "urn:uuid:part"}}}
        of["Provenance"]["entity"].insert(0, part)

    plan = accepted(changed(change, fhir_plan(document_id="second", corrects="first")))
    assert plan.corrects == "first"


def test_a_protected_address_is_never_read() -> None:
    plan = accepted(fhir_plan(address=HOME, protected=True))
    assert plan.person.protected
    assert plan.person.address is None


@pytest.mark.parametrize("cpr", ["0703921VJ4", "1206550VK9", "070392-1vj4"])
def test_replacement_cprs_are_accepted(cpr: str) -> None:
    person = accepted(fhir_plan(cpr=cpr)).person
    assert person.cpr_kind == "ecpr"
    assert person.cpr == cpr.replace("-", "").upper()


@pytest.mark.parametrize(
    "cpr", ["0201609995", "0201609996", "0504909995", "0504909989", "0201919990", "1502779995"]
)
def test_modulus_11_is_never_asked(cpr: str) -> None:
    assert accepted(fhir_plan(cpr=cpr)).person.cpr == cpr


@pytest.mark.parametrize("cpr", ["150277999", "15027799955", "3202779995", "15027799x5", "CPR"])
def test_a_malformed_cpr_is_named(cpr: str) -> None:
    document = fhir_plan(cpr=cpr, cpr_system="urn:oid:1.2.208.176.1.2")
    element = "Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value"
    assert elements(document) == [(element, "value")]


def test_a_number_of_another_country_is_no_cpr() -> None:
    document = fhir_plan(cpr="19770215-1234", cpr_system="http://electronichealth.se/identifier")
    assert [code for _, code in elements(document)] == ["not-supported", "required"]


def test_all_problems_are_collected() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["ServiceRequest"]["category"] = [{"text": "noget helt andet"}]
        of["ServiceRequest"]["extension"] = []
        of["Patient"]["identifier"] = []
        of["Patient"]["name"] = []
        of["Patient"]["birthDate"] = "i går"
        del of["MessageHeader"]["destination"]

    found = refused(changed(change))
    assert [(problem.element, problem.code) for problem in found.problems] == [
        ("MessageHeader.destination.receiver", "required"),
        ("ServiceRequest.category", "value"),
        (
            "ServiceRequest.extension("
            "'http://fhir.kl.dk/rehab/StructureDefinition/PreconditionDate').valueDate",
            "required",
        ),
        ("Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value", "required"),
        ("Patient.name.family", "required"),
        ("Patient.birthDate", "value"),
    ]
    assert found.document_id == "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22"
    assert found.sender_sor == "227871000016001"


@pytest.mark.parametrize("day", ["2022-13-01", "2022-05", "24-05-2022", "i morgen", "0001-01-01"])
def test_a_discharge_date_that_is_none_is_named(day: str) -> None:
    [(element, code)] = elements(fhir_plan(discharge_date=day))
    assert "PreconditionDate" in element
    assert code == "value"


def test_a_wrong_json_type_is_named_by_path() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["Patient"]["identifier"][0]["value"] = 1502779995

    assert elements(changed(change)) == [("Patient.identifier[0].value", "structure")]


@pytest.mark.parametrize("kind", ["MessageHeader", "ServiceRequest", "Patient", "Provenance"])
def test_a_missing_resource_is_named(kind: str) -> None:
    bundle = orjson.loads(ruddi_fhir())
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != kind]
    assert ("required") in [code for _, code in elements(orjson.dumps(bundle))]


def test_two_resources_with_one_address_are_refused() -> None:
    def change(of: dict[str, Tree]) -> None:
        other = {**of["Patient"], "birthDate": "1977-02-15"}
        url = next(
            entry["fullUrl"]
            for entry in of["Bundle"]["entry"]
            if entry["resource"]["resourceType"] == "Patient"
        )
        of["Bundle"]["entry"].append({"fullUrl": url, "resource": other})

    assert elements(changed(change)) == [("Bundle.entry.fullUrl", "structure")]


def test_the_same_resource_twice_is_one_resource() -> None:
    bundle = orjson.loads(ruddi_fhir())
    bundle["entry"] += bundle["entry"][1:]
    reading = read(orjson.dumps(bundle))
    assert isinstance(reading, Plan), reading


def test_a_key_that_stands_twice_is_refused() -> None:
    document = ruddi_fhir().replace(b'"status":"active"', b'"status":"active","status":"revoked"')
    assert elements(document) == [("Bundle", "structure")]
    spaced = document.replace(b'"status":"revoked"', b'"status" :"revoked"')
    assert elements(spaced) == [("Bundle", "structure")]
    escaped = document.replace(b'"text":', b'"x":"\\u003a","text":', 1)
    assert elements(escaped) == [("Bundle", "structure")]


def test_an_escaped_colon_is_no_error() -> None:
    document = ruddi_fhir().replace(b'"text":', b'"x":"\\u003a","text":', 1)
    assert accepted(document) == accepted(ruddi_fhir())


def test_white_space_before_a_colon_is_no_error() -> None:
    assert accepted(ruddi_fhir().replace(b'":', b'"\n:')) == accepted(ruddi_fhir())


@pytest.mark.parametrize(
    "event",
    ["care-communication-message", "hospital-notification-message", "acknowledgement-message"],
)
def test_medcoms_other_messages_are_not_plans(event: str) -> None:
    [problem] = refused(fhir_plan(event=event)).problems
    assert (problem.element, problem.code) == ("MessageHeader.eventCoding", "not-supported")
    assert event in problem.text


def test_an_unknown_event_is_taken_where_the_request_is_kls() -> None:
    assert accepted(fhir_plan(event="ggop-message")).type is PlanType.ALMEN


def test_an_unknown_event_and_profile_are_named() -> None:
    profile = "https://fhir.hl7.org.uk/StructureDefinition/BARSServiceRequest-request-referral"

    def change(of: dict[str, Tree]) -> None:
        of["ServiceRequest"]["meta"] = {"profile": [profile]}
        of["ServiceRequest"]["category"] = []
        of["ServiceRequest"]["code"] = {"text": "referral"}

    found = refused(changed(change, fhir_plan(event="servicerequest-request"))).problems
    assert [problem.code for problem in found] == ["not-supported", "not-supported"]
    assert "servicerequest-request" in found[0].text
    assert profile in found[1].text


@pytest.mark.parametrize("kind", ["collection", "transaction", "document", None])
def test_other_bundles_are_not_supported(kind: str | None) -> None:
    bundle = orjson.loads(ruddi_fhir())
    bundle["type"] = kind
    assert elements(orjson.dumps(bundle)) == [("Bundle.type", "not-supported")]


def test_no_problem_repeats_what_the_document_says_of_a_person() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["MessageHeader"]["eventCoding"]["code"] = "1502779995"
        of["ServiceRequest"]["category"] = [{"text": "1502779995 Ruddi Test Berggren"}]

    texts = " ".join(problem.text for problem in refused(changed(change)).problems)
    assert "1502779995" not in texts
    assert "Berggren" not in texts


def test_functions_words_people_and_consent_are_read() -> None:
    icf = (
        IcfCode(code="d450", qualifier="3", text="Gå"),
        IcfCode(code="b280", qualifier=None, text="Smertefornemmelse"),
    )
    nurse = ContactPerson(
        name="Michael Test Burns",
        title="Sygeplejerske",
        organisation="Ortopædkirurgisk Afdeling",
        phone="38683868",
        email="afdeling@sygehus.example",
        role="team",
    )
    words = Narrative(
        safety="Må ikke støtte på venstre ben.",
        practical="Bor på 3. sal.\nIngen elevator.",
        information="Har fået øvelser med hjem.",
    )
    document = fhir_plan(icf=icf, contacts=(nurse,), narrative=words, consent=True)
    plan = accepted(document)
    assert plan.icf == icf
    assert plan.contacts == (nurse,)
    assert plan.narrative == words
    assert plan.consent is True
    assert accepted(fhir_plan(consent=False)).consent is False
    assert accepted(ruddi_fhir()).consent is None


def test_an_icf_code_is_no_diagnosis() -> None:
    def change(of: dict[str, Tree]) -> None:
        coding = {"system": "http://hl7.org/fhir/sid/icf", "code": "d450.2", "display": "Gå"}
        of["Condition"]["code"]["coding"].append(coding)

    plan = accepted(changed(change))
    assert [code for _, code, _ in plan.diagnoses] == ["DS721"]
    assert plan.icf == (IcfCode(code="d450", qualifier="2", text="Gå"),)


def test_who_holds_custody_of_a_child_is_known() -> None:
    mother = replace(ELSE, relation="mor", custody=True)
    father = Relative(name="Einer Test Lauridsen", phone=None, relation="far", custody=True)
    assert accepted(fhir_plan(relatives=(mother, father, ELSE))).relatives == (
        mother,
        father,
        ELSE,
    )


def test_a_relation_by_code_is_read_in_danish() -> None:
    def change(of: dict[str, Tree]) -> None:
        of["Patient"]["contact"][0]["relationship"] = [{"coding": [{"code": "SPS"}]}]

    [relative] = accepted(changed(change, fhir_plan(relatives=(ELSE,)))).relatives
    assert relative.relation == "ægtefælle"


def test_a_changed_cpr_links_old_and_new() -> None:
    person = accepted(fhir_plan(earlier_cprs=("0703921VJ4", "1502779989"))).person
    assert person.cpr == "1502779995"
    assert set(person.earlier_cprs) == {"0703921VJ4", "1502779989"}


def test_an_old_record_that_is_linked_gives_its_number() -> None:
    def change(of: dict[str, Tree]) -> None:
        number = {"system": "urn:oid:1.2.208.176.1.6.1.1", "value": "0703921VJ4"}
        old = {"resourceType": "Patient", "id": "old", "identifier": [number]}
        of["Bundle"]["entry"].append({"resource": old})
        of["Patient"]["link"] = [{"other": {"reference": "Patient/old"}, "type": "replaces"}]

    assert accepted(changed(change)).person.earlier_cprs == ("0703921VJ4",)


def test_a_requester_may_be_a_person_in_a_role() -> None:
    def change(of: dict[str, Tree]) -> None:
        organisation = of["ServiceRequest"]["requester"]
        role = {"resourceType": "PractitionerRole", "id": "r", "organization": organisation}
        of["Bundle"]["entry"].append({"resource": role})
        of["ServiceRequest"]["requester"] = {"reference": "PractitionerRole/r"}

    assert accepted(changed(change)).sender_sor == "227871000016001"


def test_more_relatives_than_anybody_has_are_refused() -> None:
    assert elements(fhir_plan(relatives=[ELSE] * 21)) == [("Patient.contact", "too-long")]


def test_text_is_cleaned_of_what_no_database_takes() -> None:
    plan = accepted(fhir_plan(family="Berg\x00gren\u2028 \ud7ff"))
    assert plan.person.family == "Berg gren \ud7ff"
