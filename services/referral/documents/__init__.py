"""Reads hospitals' documents and writes their receipts, whatever the format."""

from __future__ import annotations

from typing import Final

from services.referral.documents.fhir import read_fhir
from services.referral.documents.ggop import read_ggop
from services.referral.documents.receipts import Outcome, receipt
from services.referral.plan import Format, Plan, Problem, Unreadable

__all__ = ["MAX_BYTES", "Outcome", "read", "receipt"]

MAX_BYTES: Final = 1024 * 1024


def read(value: bytes | None, content_type: str | None = None) -> Plan | Unreadable:
    """The plan in a document, or everything that keeps it from being accepted.

    Never raises, whatever the bytes. The format is what the content looks like; `content_type`
    decides only where the content doesn't show it.
    """
    format_ = _format(value or b"", content_type or "")
    if not value or not value.strip():
        return _nothing(format_, "required", "Dokumentet er tomt.")
    if len(value) > MAX_BYTES:
        return _nothing(format_, "too-long", f"Dokumentet er større end {MAX_BYTES} byte.")
    if format_ is Format.FHIR:
        return read_fhir(value.removeprefix(b"\xef\xbb\xbf"))
    return read_ggop(value)


def _format(value: bytes, content_type: str) -> Format:
    start = value[:256].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x00")[:1]
    if start == b"<":
        return Format.GGOP
    if start in {b"{", b"["}:
        return Format.FHIR
    kind = content_type.casefold()
    return Format.GGOP if "xml" in kind and "json" not in kind else Format.FHIR


def _nothing(format_: Format, code: str, text: str) -> Unreadable:
    element = "Bundle" if format_ is Format.FHIR else "/"
    problem = Problem(element=element, code=code, text=text)
    return Unreadable(format=format_, document_id=None, sender_sor=None, problems=(problem,))
