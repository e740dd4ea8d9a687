"""Synthetic hospital documents, for demo, tests and benches.

`fhir_plan` and `ggop_plan` write one plan from keyword arguments; `ruddi_fhir` and `ruddi_ggop` are
KL's story; `documents` and `drafts` draw many valid ones; `morning` mixes in what goes wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from deploy.demo.drafts import Document, Draft, content_type_of, document, draft, drafts, write
from deploy.demo.fhir_plan import fhir_plan, ruddi_fhir
from deploy.demo.ggop_plan import ggop_plan, ruddi_ggop
from deploy.demo.senders import Hospital, Municipality, hospitals, municipalities
from deploy.demo.stories import RUDDI_ID, morning

__all__ = [
    "RUDDI_ID",
    "Document",
    "Draft",
    "Hospital",
    "Municipality",
    "document",
    "documents",
    "draft",
    "drafts",
    "fhir_plan",
    "ggop_plan",
    "hospitals",
    "morning",
    "municipalities",
    "ruddi_fhir",
    "ruddi_ggop",
    "write",
]


def documents(
    seed: int,
    count: int,
    senders: Sequence[Hospital],
    receivers: Sequence[Municipality],
    day: date,
) -> list[tuple[str, str, bytes, str]]:
    """Valid plans as (hospital's SOR, content type, document, "accepted"), half of them GGOP."""
    return [
        (one.hospital.sor, content_type_of(one), write(one), "accepted")
        for one in drafts(seed, count, senders, receivers, day)
    ]
