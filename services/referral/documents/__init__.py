"""Reads hospitals' documents and writes their receipts, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from services.referral.dialogue import Acknowledged, CareMessage
from services.referral.documents import (
    answer,
    care_communication,
    fhir_referral,
    hospital_notification,
    xref15,
)
from services.referral.documents.fhir import nothing_of, read_fhir, read_plan
from services.referral.documents.fields import Problems
from services.referral.documents.frame import Frame, opened
from services.referral.documents.ggop import read_ggop, read_letter
from services.referral.documents.receipts import Outcome, receipt
from services.referral.documents.sniffing import foreign, wide
from services.referral.documents.xml_tree import root_of
from services.referral.plan import Format, Plan, Problem, Unreadable
from services.referral.request import Request
from services.referral.stay import HospitalNotification

Readable: TypeAlias = Plan | Request | HospitalNotification | CareMessage

__all__ = ["MAX_BYTES", "Outcome", "read", "read_any", "read_intake", "receipt"]

MAX_BYTES: Final = 1024 * 1024


def read(value: bytes | None, content_type: str | None = None) -> Plan | Unreadable:
    """The plan in a document, or everything that keeps it from being accepted.

    Never raises, whatever the bytes. The format is what the content looks like; `content_type`
    decides only where the content doesn't show it.
    """
    sniffed = _sniffed(value, content_type)
    if isinstance(sniffed, Unreadable):
        return sniffed
    form, document = sniffed
    return read_fhir(document) if form is Format.FHIR else read_ggop(document)


def read_any(value: bytes | None, content_type: str | None = None) -> Readable | Unreadable:
    """As `read`; and referrals on other grounds, HospitalNotification and CareCommunication too."""
    found = read_intake(value, content_type)
    if isinstance(found, Acknowledged):
        return _nothing(Format.FHIR, "not-supported", "Dokumentet er en kvittering.")
    return found


def read_intake(
    value: bytes | None, content_type: str | None = None
) -> Readable | Acknowledged | Unreadable:
    """As `read_any`; and hospitals' receipts for our own messages, which are never answered."""
    sniffed = _sniffed(value, content_type)
    if isinstance(sniffed, Unreadable):
        return sniffed
    form, document = sniffed
    problems = Problems()
    if form is Format.GGOP:
        root = root_of(document, problems)
        if root is not None and root.count(xref15.LETTER):
            return xref15.read_xref15(root, problems)
        return read_letter(root, problems)
    frame = opened(document, problems)
    if frame is None:
        return nothing_of(problems)
    if frame.event == answer.EVENT:
        return answer.read_acknowledgement(frame)
    return _READERS.get(frame.event or "", read_plan)(frame)


_READERS: Final[Mapping[str, Callable[[Frame], Readable | Unreadable]]] = {
    hospital_notification.EVENT: hospital_notification.read_notification,
    care_communication.EVENT: care_communication.read_communication,
    fhir_referral.EVENT: fhir_referral.read_referral,
}


def _sniffed(value: bytes | None, content_type: str | None) -> tuple[Format, bytes] | Unreadable:
    """(format, document) of what is worth reading."""
    start = (value or b"")[:256].lstrip(b"\xef\xbb\xbf \t\r\n\x00\x0b")
    form = _format(start, (content_type or "").casefold())
    if value and len(value) > MAX_BYTES:
        return _nothing(form, "too-long", f"Dokumentet er større end {MAX_BYTES} byte.")
    if not value or not value.strip():
        return _nothing(form, "required", "Dokumentet er tomt.")
    if (characters := wide(start)) is not None:
        text = f"Dokumentet er {characters}; JSON skal være UTF-8."
        return _nothing(Format.FHIR, "not-supported", text)
    if (other := foreign(value, start)) is not None:
        return _nothing(form, "not-supported", f"Dokumentet er {other}, som ikke læses her.")
    if form is Format.FHIR:
        return form, value.removeprefix(b"\xef\xbb\xbf")
    return form, value


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
