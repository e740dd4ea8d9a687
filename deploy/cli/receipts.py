"""Reads receipts in both formats, as a sender would."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from lxml import etree

DETAILS: Final = "{urn:dk:genvej:receipt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One problem that a receipt states: where, and what is wrong."""

    element: str
    text: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt says. `outcome` is ok, fatal-error or transient-error."""

    outcome: str
    document_id: str
    problems: tuple[Stated, ...]

    def as_object(self) -> dict[str, Any]:
        """The receipt as plain values."""
        return asdict(self)


def read_receipt(value: bytes) -> Receipt:
    """Reads a MedCom Acknowledgement (FHIR JSON) or an XCTL receipt (XML).

    Raises ValueError (JSON), etree.XMLSyntaxError or LookupError where it is neither.
    """
    return _fhir(json.loads(value)) if value.lstrip()[:1] == b"{" else _xctl(value)


def _fhir(bundle: dict[str, Any]) -> Receipt:
    resources = [entry["resource"] for entry in bundle["entry"]]
    header = next(r for r in resources if r["resourceType"] == "MessageHeader")
    issues = [
        issue
        for r in resources
        if r["resourceType"] == "OperationOutcome"
        for issue in r.get("issue", ())
    ]
    return Receipt(
        outcome=header["response"]["code"],
        document_id=header["response"]["identifier"],
        problems=tuple(
            Stated(
                element=", ".join(issue.get("expression", ())),
                text=issue.get("details", {}).get("text", issue["code"]),
                severity=issue["severity"],
            )
            for issue in issues
        ),
    )


def _xctl(value: bytes) -> Receipt:
    root = etree.fromstring(value)
    answer = root.find(f".//{DETAILS}Answer")
    letter = root.find(".//{*}OriginalLetterIdentifier")
    if answer is None or letter is None:
        raise LookupError("the XML is no receipt")
    return Receipt(
        outcome=answer.get("outcome", ""),
        document_id=letter.text or "",
        problems=tuple(
            Stated(
                element=issue.get("element", ""),
                text=issue.text or "",
                severity=issue.get("severity", ""),
            )
            for issue in root.iter(f"{DETAILS}Issue")
        ),
    )
