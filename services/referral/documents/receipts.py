"""The answer to a document, in its sender's format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from services.referral.documents.acknowledgement import acknowledgement
from services.referral.documents.xctl import xctl
from services.referral.plan import Format, Original, Problem

Outcome = Literal["ok", "fatal-error", "transient-error"]


def receipt(
    format: Format,  # noqa: A002
    outcome: Outcome,
    *,
    document_id: str | None,
    sender_sor: str | None,
    receiver: tuple[str, str],
    problems: Sequence[Problem],
    at: datetime,
    receipt_id: str,
    original: Original | None = None,
) -> tuple[bytes, str]:
    """A receipt as (bytes, content type).

    `document_id` and `sender_sor` are the document's; None where they could not be read.
    `receiver`: SOR and name of who received the document and answers now. `at`: when it was
    decided, with an offset. `receipt_id`: any text; equal ids give equal receipts. `original`: what
    the document said of itself, from the Plan or Unreadable.
    """
    write = acknowledgement if format is Format.FHIR else xctl
    return write(
        outcome,
        document_id=document_id,
        sender_sor=sender_sor,
        receiver=receiver,
        problems=problems,
        at=at,
        receipt_id=receipt_id,
        original=original or Original(),
    )
