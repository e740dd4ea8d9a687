"""The receipt: MedCom's Acknowledgement for FHIR, XCTL03 and XCTL02 for GGOP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from lxml import etree

from deploy.demo.documents import ggop_plan, ruddi_fhir, ruddi_ggop
from services.referral.documents import Outcome, read, receipt
from services.referral.plan import Format, Original, Problem

HOLBAEK = ("451000016003", "Holbæk Kommune")
AT = datetime(2022, 5, 23, 22, 30, tzinfo=UTC)
WRONG = Problem(element="ServiceRequest.category", code="value", text="Typen <x> & Ødelagt.")
KNOWN = Problem(
    element="MessageHeader.id",
    code="informational",
    text="Dokumentet er modtaget før.",
    severity="information",
)
NS = {"r": "http://rep.oio.dk/sundcom.dk/medcom.dk/xml/schemas/2005/08/07/"}


def answer(document: bytes, outcome: Outcome, problems: Sequence[Problem] = ()) -> bytes:
    """The receipt for a document that could be read."""
    reading = read(document)
    value, content_type = receipt(
        reading.format,
        outcome,
        document_id=reading.document_id,
        sender_sor=reading.sender_sor,
        receiver=HOLBAEK,
        problems=problems,
        at=AT,
        receipt_id="r1",
        original=reading.original,
    )
    expected = "application/fhir+json" if reading.format is Format.FHIR else "application/xml"
    assert content_type == expected
    return value


def resources(value: bytes) -> dict[str, dict[str, Any]]:
    bundle = orjson.loads(value)
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "message")
    assert bundle["entry"][0]["resource"]["resourceType"] == "MessageHeader"
    return {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}


def only(found: dict[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    [one] = [resource for resource in found.values() if resource["resourceType"] == kind]
    return one


def test_an_acknowledgement_answers_the_message_header() -> None:
    found = resources(answer(ruddi_fhir(), "ok"))
    header = only(found, "MessageHeader")
    assert header["eventCoding"]["code"] == "acknowledgement-message"
    assert header["response"] == {
        "identifier": "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22",
        "code": "ok",
    }
    sender = found[header["sender"]["reference"]]
    [destination] = header["destination"]
    receiver = found[destination["receiver"]["reference"]]
    assert [i["value"] for i in sender["identifier"]] == ["451000016003", "5790000121526"]
    assert [i["value"] for i in receiver["identifier"]] == ["227871000016001", "5790001382445"]
    assert destination["extension"][0]["valueCoding"]["code"] == "primary"
    assert "OperationOutcome" not in {one["resourceType"] for one in found.values()}


def test_provenance_names_the_answered_message_and_the_actor() -> None:
    found = resources(answer(ruddi_fhir(), "ok"))
    provenance, header = only(found, "Provenance"), only(found, "MessageHeader")
    assert [target["reference"] for target in provenance["target"]] == [f"urn:uuid:{header['id']}"]
    assert provenance["agent"] == [{"who": header["sender"]}]
    assert provenance["activity"]["coding"][0]["code"] == "acknowledgement"
    [entity] = provenance["entity"]
    assert entity["what"]["reference"] == "MessageHeader/152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22"
    assert provenance["recorded"] == "2022-05-23T22:30:00Z"
    assert provenance["occurredDateTime"] == "2022-05-24T00:30:00+02:00"


@pytest.mark.parametrize("outcome", ["fatal-error", "transient-error"])
@pytest.mark.parametrize("problems", [(), (WRONG,)])
def test_an_error_always_has_an_operation_outcome(
    outcome: Outcome, problems: Sequence[Problem]
) -> None:
    found = resources(answer(ruddi_fhir(), outcome, problems))
    header, details = only(found, "MessageHeader"), only(found, "OperationOutcome")
    assert header["response"]["code"] == outcome
    assert header["response"]["details"]["reference"] == f"urn:uuid:{details['id']}"
    assert details["issue"]


def test_each_issue_names_element_code_and_text() -> None:
    [issue] = only(resources(answer(ruddi_fhir(), "fatal-error", (WRONG,))), "OperationOutcome")[
        "issue"
    ]
    assert issue["severity"] == "error"
    assert issue["code"] == "value"
    assert issue["expression"] == ["ServiceRequest.category"]
    assert issue["details"]["text"] == WRONG.text
    assert issue["details"]["coding"][0]["code"] == "MSG_Datatype_Wrong"


def test_a_duplicate_is_ok_with_information() -> None:
    found = resources(answer(ruddi_fhir(), "ok", (KNOWN,)))
    [issue] = only(found, "OperationOutcome")["issue"]
    assert issue["severity"] == "information"


def test_narratives_are_escaped() -> None:
    details = only(resources(answer(ruddi_fhir(), "fatal-error", (WRONG,))), "OperationOutcome")
    assert "&lt;x&gt; &amp;" in details["text"]["div"]
    etree.fromstring(details["text"]["div"])


def test_equal_ids_give_equal_receipts() -> None:
    for document in (ruddi_fhir(), ruddi_ggop()):
        assert answer(document, "ok") == answer(document, "ok")


def test_a_positive_receipt_is_xctl03() -> None:
    root = etree.fromstring(answer(ruddi_ggop(), "ok"))
    assert root.tag == f"{{{NS['r']}}}Emessage"
    assert root.findtext("r:PositiveReceipt/r:Letter/r:VersionCode", None, NS) == "XC0330Q"
    assert root.findtext("r:PositiveReceipt/r:Letter/r:StatisticalCode", None, NS) == "XCTL03"
    original = root.find("r:PositiveReceipt/r:OriginalEmessage", NS)
    assert original is not None
    assert original.findtext("r:OriginalEnvelopeIdentifier", None, NS) == "GGOP2022052301"
    assert original.findtext("r:OriginalSender/r:EANIdentifier", None, NS) == "5790001382445"
    letter = "r:OriginalLetter/r:OriginalLetterIdentifier"
    assert original.findtext(letter, None, NS) == "GGOP2022052301"
    assert root.findtext("r:Envelope/r:Sent/r:Date", None, NS) == "2022-05-24", "local time"


def test_a_negative_receipt_is_xctl02_and_names_the_element() -> None:
    root = etree.fromstring(answer(ruddi_ggop(), "fatal-error", (WRONG,)))
    letter = root.find("r:NegativeReceipt/r:OriginalEmessage/r:OriginalLetter", NS)
    assert letter is not None
    assert root.findtext("r:NegativeReceipt/r:Letter/r:StatisticalCode", None, NS) == "XCTL02"
    assert letter.findtext("r:RefuseCode", None, NS) == "syntaksfejl"
    assert letter.findtext("r:RefuseText", None, NS) == f"{WRONG.element}: {WRONG.text}"


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (("/Emessage", "not-supported"), "problem_med_version"),
        (
            ("/Emessage/RehabilitationPlan/Receiver/Identifier", "not-found"),
            "problem_med_modtagerID",
        ),
        (("/", "structure"), "syntaksfejl"),
        (("/Emessage", "duplicate"), "ikke_specificeret"),
    ],
)
def test_the_refuse_code_is_one_of_medcoms(problem: tuple[str, str], code: str) -> None:
    element, kind = problem
    wrong = Problem(element=element, code=kind, text="Nej.")
    root = etree.fromstring(answer(ruddi_ggop(), "fatal-error", (wrong,)))
    assert [found.text for found in root.iter(f"{{{NS['r']}}}RefuseCode")] == [code]


def test_local_elements_hold_the_problems_for_programs() -> None:
    root = etree.fromstring(answer(ruddi_ggop(), "transient-error", (WRONG,)))
    local = root.find("r:Local_Elements", NS)
    assert local is not None
    answered, issue = local
    assert answered.get("outcome") == "transient-error"
    assert (issue.get("code"), issue.get("element")) == ("value", "ServiceRequest.category")


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-8"])
def test_the_receipt_has_the_letters_encoding(encoding: str) -> None:
    value = answer(ggop_plan(encoding=encoding), "ok")
    assert value.startswith(f"<?xml version='1.0' encoding='{encoding}'?>".encode())
    assert HOLBAEK[1].encode(encoding) in value
    arrow = Problem(element="/", code="value", text="→")
    etree.fromstring(answer(ggop_plan(encoding=encoding), "fatal-error", (arrow,)))


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("outcome", ["ok", "fatal-error", "transient-error"])
def test_a_document_without_any_name_is_answered_too(form: Format, outcome: Outcome) -> None:
    value, _ = receipt(
        form,
        outcome,
        document_id=None,
        sender_sor=None,
        receiver=("", ""),
        problems=(),
        at=AT,
        receipt_id="",
        original=Original(),
    )
    if form is Format.FHIR:
        assert only(resources(value), "MessageHeader")["response"]["identifier"] == "unknown"
    else:
        letter = etree.fromstring(value).iter(f"{{{NS['r']}}}OriginalLetterIdentifier")
        assert [found.text for found in letter] == ["ukendt"]
