"""MedCom's VANSEnvelope at the door: opened, answered, and refused where it can't be opened."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from deploy.demo.documents import ruddi_ggop
from services.gateway.vans import NEWEST, Envelope, Fault, opened, taken, wrapped
from services.referral.documents import receipt
from services.referral.plan import Format

NOW = datetime(2022, 5, 23, 6, tzinfo=UTC)
ENVELOPE_ID = "068dadff-12bb-406d-8c86-083974dc0180"
MESSAGE_ID = "168dadff-12bb-406d-8c86-083974dc0180"


def an_envelope(document: bytes = b"<Emessage/>", namespace: str = NEWEST) -> bytes:
    """A message in the schema's order, as a VANS supplier would hand it over."""
    data = base64.encodebytes(document).decode()
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<VANSEnvelope xmlns="{namespace}">
  <SenderID EndPointType="EAN">5790001382445</SenderID>
  <ReceiverID EndPointType="EAN">5790000121526</ReceiverID>
  <EnvelopeIdentifier>{ENVELOPE_ID}</EnvelopeIdentifier>
  <SentDateTime>2022-05-23T08:00:00</SentDateTime>
  <Message>
    <MetaInformation>
      <Identifier>{MESSAGE_ID}</Identifier>
      <Document>
        <Format>XML</Format>
        <Name>MCM:GGOP1</Name>
        <SizeInBytes>{len(document)}</SizeInBytes>
      </Document>
      <Transport><Type>reliable</Type><TransformMessage>false</TransformMessage></Transport>
    </MetaInformation>
    <Data>{data}</Data>
  </Message>
</VANSEnvelope>""".encode()


def texts(value: bytes) -> dict[str, str]:
    """The text of each element by its local name; of those that stand twice, the last."""
    return {
        element.tag.rpartition("}")[2]: (element.text or "").strip()
        for element in ET.fromstring(value).iter()  # noqa: S314 - our own
    }


def found(value: bytes) -> Envelope:
    envelope = opened(value, NOW)
    assert isinstance(envelope, Envelope), envelope
    return envelope


@pytest.mark.parametrize("version", ["1.0.3", "1.0.4"])
def test_what_lies_in_an_envelope_is_taken_out_byte_for_byte(version: str) -> None:
    namespace = f"urn:oio:medcom:vans-envelope:{version}"
    assert found(an_envelope(ruddi_ggop(), namespace)).document == ruddi_ggop()


@pytest.mark.parametrize("value", [b"", b"{}", ruddi_ggop(), b"<a>VANSEnvelope</a>", b"\xff\xfe"])
def test_what_comes_without_an_envelope_is_left_as_it_is(value: bytes) -> None:
    assert opened(value, NOW) is None


def test_that_a_message_has_come_is_said_to_whom_it_came_from() -> None:
    answer = taken(found(an_envelope()), NOW)
    said = texts(answer)
    assert (said["SenderID"], said["ReceiverID"]) == ("5790000121526", "5790001382445")
    assert said["OriginalEnvelopeIdentifier"] == ENVELOPE_ID
    assert (said["Identifier"], said["Name"]) == (MESSAGE_ID, "MCM:GGOP1")
    assert "PositiveMessage" in said
    assert said["EnvelopeIdentifier"] != ENVELOPE_ID
    refused = opened(answer, NOW)
    assert isinstance(refused, Fault)
    assert "kvittering" in refused.text


@pytest.mark.parametrize(
    ("form", "outcome", "called"),
    [
        (Format.GGOP, "ok", ("XML", "MCM:XCTL03", "XC0330Q")),
        (Format.GGOP, "fatal-error", ("XML", "MCM:XCTL02", "XC0230Q")),
        (Format.FHIR, "ok", ("HL7", "MCM:FCTL#ok", "2.0.0")),
        (Format.FHIR, "fatal-error", ("HL7", "MCM:FCTL#fatal-error", "2.0.0")),
    ],
)
def test_the_documents_own_receipt_goes_back_in_an_envelope(
    form: Format, outcome: str, called: tuple[str, str, str]
) -> None:
    own, _ = receipt(
        form,
        outcome,  # type: ignore[arg-type]
        document_id="d",
        sender_sor="1",
        receiver=("451000016003", "Holbæk Kommune"),
        problems=(),
        at=NOW,
        receipt_id="r",
        original=None,
    )
    answer = wrapped(found(an_envelope()), own, NOW)
    again = found(answer)
    assert again.document == own
    said = texts(answer)
    assert (said["Format"], said["Name"], said["Version"]) == called
    assert said["SizeInBytes"] == str(len(own))
    assert (again.receiver.text, again.sender.text) == ("5790001382445", "5790000121526")
    assert (said.get("ServiceTag") == "application/fhir+json") is (form is Format.FHIR)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (an_envelope(b""), "Message/Data mangler"),
        (an_envelope().replace(b"<Data>", b"<Data>#"), "ikke base64"),
        (an_envelope().replace(MESSAGE_ID.encode(), b"1"), "UUID"),
        (an_envelope().replace(b"ReceiverID", b"Other"), "ReceiverID"),
        (an_envelope(namespace="urn:oio:medcom:vans-envelope:2"), "version"),
        (an_envelope()[:-5], "velformet"),
        (b"<!DOCTYPE a>" + an_envelope()[39:], "DOCTYPE"),
    ],
)
def test_an_envelope_that_cant_be_opened_is_refused_with_the_reason(
    value: bytes, named: str
) -> None:
    fault = opened(value, NOW)
    assert isinstance(fault, Fault)
    assert named in fault.text
    said = texts(fault.receipt)
    assert said["Description"] == fault.text
    assert {"NegativeMessage", "NegativeVans"} & said.keys()
