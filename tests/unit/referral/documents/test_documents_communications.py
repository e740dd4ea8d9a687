"""What is read from MedCom's CareCommunication."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest

from deploy.demo.fhir_messages import Part, care_communication
from services.referral.dialogue import Author, CareMessage, Step
from services.referral.documents import read_any
from services.referral.plan import Unreadable

ASKED = Part(id="urn:uuid:1", at=datetime(2022, 5, 24, 9, 0, tzinfo=UTC), text="Hvornår?\nHilsen")
ANSWERED = Part(
    id="urn:uuid:2",
    at=datetime(2022, 5, 24, 10, 0, tzinfo=UTC),
    text="Den 28. maj.",
    author="Emma Test Larsen",
    role="Fysioterapeut",
    phone="72363636",
)
CONTENT = b"%PDF-1.7 noget"
FILE = Part(id="urn:uuid:3", at=ASKED.at, title="Øvelser", data=b64encode(CONTENT).decode("ascii"))


def accepted(document: bytes) -> CareMessage:
    reading = read_any(document, "application/fhir+json")
    assert isinstance(reading, CareMessage), reading
    return reading


def elements(document: bytes) -> list[tuple[str, str]]:
    reading = read_any(document, "application/fhir+json")
    assert isinstance(reading, Unreadable), reading
    return [(problem.element, problem.code) for problem in reading.problems]


def test_a_new_message_is_read() -> None:
    message = accepted(care_communication(parts=(ASKED,), stay="stay-1"))
    assert (message.step, message.previous) == (Step.NEW, None)
    assert message.thread == "urn:uuid:b2eb3d0e-5de5-4de9-b2a3-0ff321ad1c3a"
    assert (message.category, message.topic) == ("training", "Genoptræning")
    assert (message.cpr, message.cpr_kind) == ("1502779995", "cpr")
    assert message.stays == ("stay-1",)
    assert not message.urgent
    [segment] = message.segments
    assert segment.text == "Hvornår?\nHilsen"
    assert segment.at == ASKED.at
    assert segment.author == Author(
        name="Michael Test Burns", role="Sygeplejerske", phone="38683868"
    )
    assert segment.new


def test_a_reply_holds_the_whole_thread_and_says_what_is_new() -> None:
    message = accepted(
        care_communication(
            document_id="second",
            activity="reply-message",
            previous="first",
            parts=(ANSWERED, ASKED),
            new=(ANSWERED.id,),
            history=("first",),
        )
    )
    assert (message.step, message.previous) == (Step.REPLY, "first")
    assert [(one.segment_id, one.new) for one in message.segments] == [
        (ANSWERED.id, True),
        (ASKED.id, False),
    ]


def test_where_nothing_is_said_to_be_new_all_is() -> None:
    message = accepted(care_communication(parts=(ASKED, ANSWERED), new=()))
    assert all(segment.new for segment in message.segments)


def test_an_attachment_is_described_and_its_content_left_out() -> None:
    link = Part(id="urn:uuid:4", at=ASKED.at, title="Vejledning", url="https://sundhed.example")
    message = accepted(care_communication(parts=(ASKED, FILE, link)))
    file, page = message.attachments
    assert (file.title, file.content_type, file.size) == (
        "Øvelser",
        "application/pdf",
        len(CONTENT),
    )
    assert (page.url, page.size) == ("https://sundhed.example", 0)
    assert CONTENT.decode() not in repr(message)


def test_a_forwarded_message_and_its_priority() -> None:
    message = accepted(
        care_communication(
            activity="forward-message",
            previous="first",
            category="regarding-referral",
            priority="asap",
        )
    )
    assert message.step is Step.FORWARD
    assert message.urgent


def test_a_replacement_cpr_is_accepted() -> None:
    message = accepted(care_communication(cpr="0703921VJ4"))
    assert (message.cpr, message.cpr_kind) == ("0703921VJ4", "ecpr")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (care_communication(thread=None), ("Communication.identifier.value", "required")),
        (care_communication(category=None), ("Communication.category.coding.code", "required")),
        (care_communication(parts=(FILE,)), ("Communication.payload.contentString", "required")),
        (
            care_communication(activity="reply-message"),
            ("Provenance.entity.what.reference", "required"),
        ),
        (care_communication(activity="sing"), ("Provenance.activity", "not-supported")),
        (care_communication(parts=(ASKED,) * 201), ("Communication.payload", "too-long")),
        (
            care_communication(cpr="3102779995"),
            ("Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value", "value"),
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(document: bytes, expected: tuple[str, str]) -> None:
    assert elements(document) == [expected]
