"""Who and what: derived ids that a second run gives again, and the citizen as others may know them.

Standard library only.
"""

from __future__ import annotations

import base64
import uuid
from typing import Final

CITIZEN_ID_LENGTH: Final = 26  # 130 bits in base32: nobody guesses one
_WORKLIST: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:worklist")
_REFERRALS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:referrals")


def citizen_id(digest: bytes) -> str:
    """The citizen's id from the keyed hash of the first document's source and id (32 bytes)."""
    return base64.b32encode(digest)[:CITIZEN_ID_LENGTH].decode()


def referral_id(source: str, document_id: str) -> str:
    """The referral that a document gives rise to; `source` is the SOR of the hospital."""
    return str(uuid.uuid5(_REFERRALS, f"{source}/{document_id}"))


def order_id(referral: str, ordinal: int) -> str:
    """The `ordinal`-th order of a referral, from 1."""
    return str(uuid.uuid5(_REFERRALS, f"{referral}/order/{ordinal}"))


def step_id(order: str, ordinal: int) -> str:
    """The `ordinal`-th step of an order, from 1."""
    return str(uuid.uuid5(_REFERRALS, f"{order}/step/{ordinal}"))


def worklist_id(referral: str, reason: str, about: str) -> str:
    """The worklist entry of a referral for a reason; a second run opens the same one."""
    return str(uuid.uuid5(_WORKLIST, f"{referral}/{reason}/{about}"))


def assessment_id(call: str) -> str:
    """The assessment that a call records; the same call records it again."""
    return str(uuid.uuid5(_REFERRALS, f"assessment/{call}"))


def receipt_id(source: str, document: str, content_hash: bytes, outcome: str) -> str:
    """The id of a document's receipt; the same document with the same outcome gets it again."""
    return str(uuid.uuid5(_REFERRALS, f"{source}/{document}/{content_hash.hex()}/{outcome}"))
