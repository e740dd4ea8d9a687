"""The contract of what is written to hospitals: MedCom's CareCommunication, not a model of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from services.referral.dialogue import Author, Segment, Step
from services.referral.documents.care_writing import (
    Earlier,
    Organisation,
    Patient,
    Written,
    communication,
)

_ASKED: Final = Segment(
    segment_id="urn:uuid:24d01288-ad36-4af2-96a8-fd1432dadee1",
    at=datetime(2022, 5, 24, 9, 0, tzinfo=UTC),
    author=Author(name="Michael Test Burns", role="Sygeplejerske", phone="38683868"),
    text="Hvornår begynder træningen?",
    new=False,
)
_ANSWERED: Final = Segment(
    segment_id="urn:uuid:9e2b8e4a-6f0f-5b7c-8d61-2f7f4f0f6a11",
    at=datetime(2022, 5, 24, 9, 40, tzinfo=UTC),
    author=Author(name="Karen Prøve", role="visitator", phone="72 36 36 36"),
    text="Lørdag den 28. maj kl. 9.\nRuddi har fået besked.",
    new=True,
)
EXAMPLE: Final = Written(
    document_id="d5bd2111-2576-48d3-84d4-8be0297a038d",
    thread="urn:uuid:b2eb3d0e-5de5-4de9-b2a3-0ff321ad1c3a",
    category="training",
    topic="Genoptræning",
    urgent=False,
    sender=Organisation(sor="451000016003", ean="5790000121526", name="Holbæk Kommune"),
    receiver=Organisation(
        sor="227871000016001", ean="5790001382445", name="Ortopædkirurgisk afdeling"
    ),
    patient=Patient(cpr="1502779995", given="Ruddi Test", family="Berggren"),
    segments=(_ASKED, _ANSWERED),
    earlier=(
        Earlier(
            document_id="42cb9200-f421-4d08-8391-7d51a2503cb4",
            step=Step.NEW,
            ours=False,
            at=_ASKED.at,
        ),
    ),
    at=_ANSWERED.at,
)


def example() -> bytes:
    """The municipality answers a nurse's question."""
    return communication(EXAMPLE)


def schema() -> dict[str, Any]:
    """What every message has; MedCom's profile says the rest."""
    header = {
        "type": "object",
        "properties": {
            "resourceType": {"const": "MessageHeader"},
            "eventCoding": {
                "type": "object",
                "properties": {"code": {"const": "care-communication-message"}},
                "required": ["code"],
            },
        },
        "required": ["resourceType", "eventCoding"],
    }
    entry = {"type": "object", "properties": {"resource": header}, "required": ["resource"]}
    return {
        "description": "MedCom's CareCommunication (content type application/fhir+json).",
        "type": "object",
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "message"},
            "entry": {"type": "array", "prefixItems": [entry], "minItems": 1},
        },
        "required": ["resourceType", "type", "entry"],
    }
