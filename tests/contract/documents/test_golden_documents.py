"""Golden files: what hospitals' documents look like, how they are read, how they are answered.

Run with GENVEJ_GOLDEN=write to write them anew after a deliberate change, and read the difference.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from services.referral.documents import Readable, read, read_any, receipt
from services.referral.plan import Format, Plan, Problem, Unreadable
from tests.contract.documents.cases import ACCEPTED, AT, MESSAGES, REFUSED_FHIR, REFUSED_GGOP

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("GENVEJ_GOLDEN") == "write"
DOCUMENTS = {**ACCEPTED, **MESSAGES}
HOLBAEK = ("451000016003", "Holbæk Kommune")
REFUSED = {"fhir": REFUSED_FHIR, "ggop": REFUSED_GGOP}


def golden(name: str, value: bytes) -> bytes:
    """The file's content; written first where that was asked for."""
    path = GOLDEN / name
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    assert path.exists(), f"{name} is missing: run with GENVEJ_GOLDEN=write"
    return path.read_bytes()


def shown(reading: Readable) -> bytes:
    """A reading as JSON that a human can compare."""
    text = json.dumps(asdict(reading), ensure_ascii=False, indent=1, default=str)
    return f"{text}\n".encode()


def pretty(value: bytes, form: Format) -> bytes:
    if form is Format.FHIR:
        return orjson.dumps(
            orjson.loads(value), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )
    return value


def answer(reading: Plan | Unreadable, problems: tuple[Problem, ...], outcome: Any) -> bytes:
    value, _ = receipt(
        reading.format,
        outcome,
        document_id=reading.document_id,
        sender_sor=reading.sender_sor,
        receiver=HOLBAEK,
        problems=problems,
        at=AT,
        receipt_id="golden",
        original=reading.original,
    )
    return value


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_written_as_its_golden_file(name: str) -> None:
    value = DOCUMENTS[name]
    form = Format.FHIR if name.endswith(".json") else Format.GGOP
    kept = golden(f"documents/{name}", pretty(value, form))
    assert pretty(value, form) == kept


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_golden_document_is_read_as_its_golden_reading(name: str) -> None:
    value = DOCUMENTS[name] if WRITE else (GOLDEN / "documents" / name).read_bytes()
    reading = read_any(value)
    assert not isinstance(reading, Unreadable), reading
    assert isinstance(reading, Plan) == (name in ACCEPTED)
    assert shown(reading) == golden(f"readings/{name}.txt", shown(reading))


@pytest.mark.parametrize("form", REFUSED)
def test_each_refusal_says_what_its_golden_file_says(form: str) -> None:
    found = {}
    for case, document in REFUSED[form].items():
        reading = read(document)
        assert isinstance(reading, Unreadable), case
        assert reading.format == form, case
        found[case] = [
            {"element": problem.element, "code": problem.code, "text": problem.text}
            for problem in reading.problems
        ]
    text = f"{json.dumps(found, ensure_ascii=False, indent=1)}\n".encode()
    assert text == golden(f"refusals.{form}.json", text)


NOTE = Problem(
    element="MessageHeader.id",
    code="duplicate",
    text="Dokumentet er modtaget før.",
    severity="information",
)
WAITS = Problem(
    element="Provenance.entity.what.reference",
    code="not-found",
    text="Den plan, som dokumentet vedrører, er ikke modtaget endnu.",
)


@pytest.mark.parametrize("name", ["fhir-ruddi.json", "ggop-ruddi.xml"])
@pytest.mark.parametrize(
    ("outcome", "problems"),
    [("ok", ()), ("ok", (NOTE,)), ("transient-error", (WAITS,)), ("fatal-error", (WAITS, NOTE))],
    ids=["ok", "ok-noted", "transient-error", "fatal-error"],
)
def test_a_receipt_is_written_as_its_golden_file(
    name: str, outcome: str, problems: tuple[Problem, ...], request: pytest.FixtureRequest
) -> None:
    reading = read(ACCEPTED[name])
    value = pretty(answer(reading, problems, outcome), reading.format)
    case = request.node.callspec.id.removesuffix(f"-{name}")
    assert value == golden(f"receipts/{case}.{name}", value)


def test_every_kind_of_problem_has_a_golden_refusal() -> None:
    codes = {
        problem.code
        for documents in REFUSED.values()
        for document in documents.values()
        if isinstance(reading := read(document), Unreadable)
        for problem in reading.problems
    }
    assert codes == {"required", "value", "structure", "too-long", "not-supported", "security"}


def test_golden_documents_name_only_test_persons() -> None:
    for path in (GOLDEN / "documents").iterdir():
        value = path.read_bytes()
        if path.suffix == ".xml":
            value = etree.tostring(etree.fromstring(value), encoding="UTF-8")
        text = value.decode()
        assert "Berggren" in text or "Lauridsen" in text, path.name
        assert any(one in text for one in ("1502779995", "0703921VJ4", "0201609995")), path.name
