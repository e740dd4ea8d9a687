"""Reads MedCom's Acknowledgement: what a hospital answers to a message of ours.

Source: medcomdk/dk-medcom-acknowledgement, input/fsh (MessageHeader.response). One is
never acknowledged itself.
"""

from __future__ import annotations

from typing import Final

from services.referral.dialogue import Acknowledged
from services.referral.documents import fields
from services.referral.documents.frame import Frame
from services.referral.plan import Unreadable

EVENT: Final = "acknowledgement-message"
RESPONSE_PATH: Final = "MessageHeader.response"
_CODES: Final = frozenset({"ok", "fatal-error", "transient-error"})


def read_acknowledgement(frame: Frame) -> Acknowledged | Unreadable:
    """The acknowledgement in a message, or everything that is wrong with it."""
    response = frame.header.response
    answered = fields.clean(response.identifier if response else None, fields.ID_LENGTH)
    code = fields.clean(response.code if response else None)
    if not answered:
        frame.problems.missing(f"{RESPONSE_PATH}.identifier", "Id på den besvarede meddelelse")
    if code not in _CODES:
        frame.problems.add(f"{RESPONSE_PATH}.code", "value", "Svarets kode kendes ikke.")
    if frame.problems.found() or frame.document_id is None:
        return frame.unreadable()
    return Acknowledged(document_id=frame.document_id, answered=answered, code=code)
