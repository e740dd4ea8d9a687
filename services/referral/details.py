"""What a document says beyond planning: kept sealed, for the record's keeper and the citizen alone.

Standard library only. The record on `citizens` holds what is needed to reach somebody; dates and
type stand in the referral. Everything else that was read lies here, so that nothing of a document
is lost after its topic's 30 days.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from services.referral.plan import Plan
from services.referral.request import Request


def details_of(document: Plan | Request) -> dict[str, Any]:
    """Everything that was read and stands nowhere else; plain values, empty ones left out."""
    found: dict[str, Any] = {
        "sender": document.sender_sor,
        "sender_name": document.sender_name,
        "diagnoses": document.diagnoses,
        "icf": [asdict(one) for one in document.icf],
        "narrative": {k: v for k, v in asdict(document.narrative).items() if v is not None},
        "contacts": [asdict(one) for one in document.contacts],
        "consent": document.consent,
        "custody": [one.name for one in document.relatives if one.custody],
        "gp_deselected": document.gp is None if isinstance(document, Plan) else None,
        "earlier_numbers": document.person.earlier_cprs,
        "transport": document.transport,
        "vulnerable": document.vulnerable,
    }
    if isinstance(document, Plan):
        found["authored"] = document.authored
        found["deadline_text"] = document.deadline_text
    else:
        found["asked_for"] = document.programme
    return {key: value for key, value in found.items() if value not in (None, (), [], {}, "")}
