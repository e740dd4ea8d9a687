"""What nobody should send: it is refused, named, and costs little."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from services.referral.documents import MAX_BYTES, read
from services.referral.plan import Format, Plan, Unreadable

OPEN, CLOSE = b'{"resourceType":"Bundle","type":"message","entry":', b"}"
BOMB = b"".join(
    [
        b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">',
        *(
            b'<!ENTITY %c "%s">' % (name, b"&%c;" % before * 10)
            for before, name in zip(b"abcdefgh", b"bcdefghi", strict=True)
        ),
        b"]><Emessage>&i;</Emessage>",
    ]
)


def only_problem(document: bytes | None, content_type: str = "") -> tuple[str, str]:
    reading = read(document, content_type)
    assert isinstance(reading, Unreadable), reading
    [problem] = reading.problems
    return problem.element, problem.code


@pytest.mark.parametrize("document", [None, b"", b" \r\n\t", b"\xef\xbb\xbf"])
def test_nothing_is_refused(document: bytes | None) -> None:
    assert only_problem(document) in {("Bundle", "required"), ("Bundle", "structure")}
    assert only_problem(document, "application/xml") in {("/", "required"), ("/", "structure")}


@pytest.mark.parametrize("start", [b"{", b"<", b" "])
def test_too_large_is_refused_unread(start: bytes) -> None:
    assert only_problem(start + b" " * MAX_BYTES)[1] == "too-long"


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        BOMB.replace(b"<Emessage>&i;</Emessage>", b'<Emessage x="&i;&i;&i;"/>'),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Emessage/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Emessage>&x;</Emessage>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><Emessage/>',
        b"<!DOCTYPE Emessage><Emessage/>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><Emessage/>'.encode("utf-16"),
    ],
)
def test_a_doctype_is_refused_and_named(document: bytes) -> None:
    assert only_problem(document) == ("/", "security")


def test_a_doctype_in_front_of_a_valid_letter_is_refused() -> None:
    declaration, _, letter = ruddi_ggop("utf-8").partition(b"?>")
    document = declaration + b'?><!DOCTYPE x [<!ENTITY y "z">]>' + letter
    assert only_problem(document) == ("/", "security")


def test_no_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("almen genoptræning", encoding="utf-8")
    document = (
        ruddi_ggop("utf-8")
        .replace("Almen genoptræning".encode(), b"&secret;")
        .replace(b"?>", f'?><!DOCTYPE x [<!ENTITY secret SYSTEM "{secret}">]>'.encode(), 1)
    )
    assert only_problem(document) == ("/", "security")


@pytest.mark.parametrize("depth", [260, 1_100, 20_000, 200_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    assert only_problem(OPEN + b"[" * depth + b"]" * depth + CLOSE)[1] in {"structure", "too-long"}
    nested = b"<a>" * depth + b"</a>" * depth
    if len(nested) < MAX_BYTES:
        assert only_problem(nested)[1] in {"structure", "too-long"}


def test_very_many_elements_are_refused() -> None:
    assert only_problem(OPEN + b"[" + b"{}," * 60_000 + b"{}]" + CLOSE)[1] == "too-long"
    assert only_problem(OPEN + b"[" + b"{}," * 2_000 + b"{}]" + CLOSE)[1] == "too-long"
    assert only_problem(b"<a>" + b"<b/>" * 60_000 + b"</a>")[1] == "too-long"


def test_a_million_wrong_values_are_one_problem() -> None:
    bundle = orjson.loads(ruddi_fhir())
    patient = next(
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    )
    patient["name"][0]["given"] = [1] * 400_000
    assert only_problem(orjson.dumps(bundle))[1] == "structure"


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"resourceType":"Bundle","type":"message","entry":[{"resource":{"id":"\\ud800"}}]}',
        '{"resourceType":"Bundleæ"}'.encode("latin-1"),
        b"\x00\x01\x02",
        b"NaN",
        b"<Emessage>",
        b"<Emessage>&undefined;</Emessage>",
        b"<Emessage></Other>",
        b"<",
        b"\xff\xfe",
    ],
)
def test_broken_documents_are_refused(document: bytes) -> None:
    assert only_problem(document)[1] == "structure"


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (b"MSH|^~\\&|HIS|RIH|EKG|EKG|199904140038||REF^I12|1|P|2.5", "HL7 v2"),
        (b"UNA:+.? 'UNB+UNOC:3+5790000121526:14", "EDIFACT"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_other_formats_are_named(document: bytes, named: str) -> None:
    reading = read(document)
    assert isinstance(reading, Unreadable)
    assert named in reading.problems[0].text
    assert reading.problems[0].code == "not-supported"


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/octet-stream", "\x00ø", "text/xml"]
)
def test_the_content_shows_the_format_whatever_the_header_says(content_type: str | None) -> None:
    for document, form in ((ruddi_fhir(), Format.FHIR), (ruddi_ggop(), Format.GGOP)):
        for lead in (b"", b"\n  "):
            if lead and form is Format.GGOP:
                continue  # an XML declaration must come first
            reading = read(lead + document, content_type)
            assert isinstance(reading, Plan)
            assert reading.format is form


def test_a_byte_order_mark_is_no_error() -> None:
    assert isinstance(read(b"\xef\xbb\xbf" + ruddi_fhir()), Plan)
    assert isinstance(read(b"\xef\xbb\xbf" + ruddi_ggop("utf-8")), Plan)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [("application/xml", Format.GGOP), ("application/fhir+json", Format.FHIR), ("", Format.FHIR)],
)
def test_where_the_content_shows_nothing_the_header_decides(
    content_type: str, form: Format
) -> None:
    assert read(b"?", content_type).format is form
