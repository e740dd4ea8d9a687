"""Reads hospitals' documents and writes their receipts, whatever the format."""

from __future__ import annotations

from typing import Final

from services.referral.documents.fhir import read_fhir
from services.referral.documents.ggop import read_ggop
from services.referral.documents.receipts import Outcome, receipt
from services.referral.plan import Format, Plan, Problem, Unreadable

__all__ = ["MAX_BYTES", "Outcome", "read", "receipt"]

MAX_BYTES: Final = 1024 * 1024

_OTHERS: Final = {b"MSH|": "HL7 v2", b"UNA": "EDIFACT", b"UNB+": "EDIFACT", b"%PDF": "PDF"}


def read(value: bytes | None, content_type: str | None = None) -> Plan | Unreadable:
    """The plan in a document, or everything that keeps it from being accepted.

    Never raises, whatever the bytes. The format is what the content looks like; `content_type`
    decides only where the content doesn't show it.
    """
    start = (value or b"")[:256].lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    format_ = _format(start, (content_type or "").casefold())
    if value and len(value) > MAX_BYTES:
        return _nothing(format_, "too-long", f"Dokumentet er større end {MAX_BYTES} byte.")
    if not value or not value.strip():
        return _nothing(format_, "required", "Dokumentet er tomt.")
    for sign, other in _OTHERS.items():
        if start.startswith(sign):
            return _nothing(format_, "not-supported", f"Dokumentet er {other}, som ikke læses her.")
    if format_ is Format.FHIR:
        return read_fhir(value.removeprefix(b"\xef\xbb\xbf"))
    return read_ggop(value)


def _format(start: bytes, content_type: str) -> Format:
    if start[:1] in {b"{", b"["}:
        return Format.FHIR
    if start[:1] == b"<" or start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Format.GGOP
    return Format.GGOP if "xml" in content_type and "json" not in content_type else Format.FHIR


def _nothing(format_: Format, code: str, text: str) -> Unreadable:
    element = "Bundle" if format_ is Format.FHIR else "/"
    problem = Problem(element=element, code=code, text=text)
    return Unreadable(format=format_, document_id=None, sender_sor=None, problems=(problem,))
