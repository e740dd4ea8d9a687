"""MedCom's XCTL03 (positive) and XCTL02 (negative): the receipt for a GGOP letter.

Source: MedCom's schemas as published in glasdam/edifact_converter, data/xml/Schemas/2005/08/07:
EMessage, PositiveReceipt, NegativeReceipt and ValueLists (version codes XC0330Q and XC0230Q,
RefuseCode). What they leave open, or have no place for, is written thus:

- A negative receipt names each element and what is wrong with it in RefuseText, a line each.
- `Local_Elements`, which the schema allows after a letter with any content, holds the same as
  elements of our own (urn:dk:genvej:receipt), also for information in a positive receipt, which
  has no place for text.
- There is no transient error: a letter that waits is answered XCTL02 with "ikke_specificeret", and
  a text and an outcome in Local_Elements that say so.
- Numbers that the letter did not hold are written as "ukendt". Sender and receiver are its EANs,
  or else their SOR.
- Our own identifiers have the 14 characters that the schema allows; the letter's own are repeated
  whole, because a shortened one names nothing.

The receipt has the letter's encoding.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from services.referral.documents.fields import COPENHAGEN
from services.referral.plan import Original, Problem

CONTENT_TYPE: Final = "application/xml"
NAMESPACE: Final = "http://rep.oio.dk/sundcom.dk/medcom.dk/xml/schemas/2005/08/07/"
DETAILS: Final = "urn:dk:genvej:receipt"
UNKNOWN: Final = "ukendt"

_WAITS: Final = "Brevet kan ikke behandles endnu. Send det ikke igen; svaret kommer."
_REFUSE_CODES: Final = {
    "not-supported": "problem_med_version",
    "structure": "syntaksfejl",
    "security": "syntaksfejl",
    "required": "syntaksfejl",
    "value": "syntaksfejl",
    "too-long": "syntaksfejl",
}


def xctl(
    outcome: str,
    *,
    document_id: str | None,
    sender_sor: str | None,
    receiver: tuple[str, str],
    problems: Sequence[Problem],
    at: datetime,
    receipt_id: str,
    original: Original,
) -> tuple[bytes, str]:
    """See `receipts.receipt`."""
    positive = outcome == "ok"
    kind, version, statistics = (
        ("PositiveReceipt", "XC0330Q", "XCTL03")
        if positive
        else ("NegativeReceipt", "XC0230Q", "XCTL02")
    )
    local = at.astimezone(COPENHAGEN)
    us = _text(original.receiver_ean or receiver[0] or UNKNOWN)
    them = _text(original.sender_ean or sender_sor or UNKNOWN)
    refusal = "" if positive else _refusal(outcome, problems)
    encoding = original.encoding if original.encoding in {"ISO-8859-1", "UTF-8"} else "UTF-8"
    body = (
        f"<?xml version='1.0' encoding='{encoding}'?>\n"
        f'<Emessage xmlns="{NAMESPACE}">'
        f"<Envelope><Sent><Date>{local:%Y-%m-%d}</Date><Time>{local:%H:%M}</Time></Sent>"
        f"<Identifier>{_own_id(receipt_id, 'envelope')}</Identifier>"
        "<AcknowledgementCode>minuspositivkvitt</AcknowledgementCode></Envelope>"
        f"<{kind}>"
        f"<Letter><Identifier>{_own_id(receipt_id, 'letter')}</Identifier>"
        f"<VersionCode>{version}</VersionCode><StatisticalCode>{statistics}</StatisticalCode>"
        "</Letter>"
        f"<Sender><EANIdentifier>{us}</EANIdentifier></Sender>"
        f"<Receiver><EANIdentifier>{them}</EANIdentifier></Receiver>"
        "<OriginalEmessage>"
        f"<OriginalEnvelopeIdentifier>{_text(original.envelope or UNKNOWN)}"
        "</OriginalEnvelopeIdentifier>"
        f"<OriginalSender><EANIdentifier>{them}</EANIdentifier></OriginalSender>"
        f"<OriginalReceiver><EANIdentifier>{us}</EANIdentifier></OriginalReceiver>"
        "<OriginalLetter>"
        f"<OriginalLetterIdentifier>{_text(document_id or UNKNOWN)}</OriginalLetterIdentifier>"
        f"<OriginalVersionCode>{_text(original.version or UNKNOWN)}</OriginalVersionCode>"
        f"{refusal}</OriginalLetter></OriginalEmessage></{kind}>"
        f"{_details(outcome, receiver[1], problems)}</Emessage>\n"
    )
    return body.encode(encoding, errors="xmlcharrefreplace"), CONTENT_TYPE


def _refusal(outcome: str, problems: Sequence[Problem]) -> str:
    code = "ikke_specificeret"
    lines = [_WAITS] if outcome == "transient-error" else []
    if problems and outcome != "transient-error":
        code = _REFUSE_CODES.get(problems[0].code, code)
        if problems[0].code in {"not-found", "required"} and "/Receiver" in problems[0].element:
            code = "problem_med_modtagerID"
    lines += [f"{problem.element}: {problem.text}" for problem in problems]
    text = "<Break/>".join(map(_text, lines)) or "Brevet kan ikke behandles."
    return f"<RefuseCode>{code}</RefuseCode><RefuseText>{text}</RefuseText>"


def _details(outcome: str, name: str, problems: Sequence[Problem]) -> str:
    issues = "".join(
        f'<Issue xmlns="{DETAILS}" severity={quoteattr(problem.severity)} '
        f"code={quoteattr(problem.code)} element={quoteattr(problem.element)}>"
        f"{_text(problem.text)}</Issue>"
        for problem in problems
    )
    answered = f'<Answer xmlns="{DETAILS}" outcome={quoteattr(outcome)} by={quoteattr(name)}/>'
    return f"<Local_Elements>{answered}{issues}</Local_Elements>"


def _own_id(receipt_id: str, part: str) -> str:
    digest = sha256(f"{part}/{receipt_id}".encode()).digest()
    return b32encode(digest).decode()[:14]


def _text(text: str) -> str:
    return escape(text)
