"""Our events about what a human has to look at."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from services.referral.events import AboutReferral, Instant, SignedBy
from services.referral.terms import WorkReason
from shared.envelope import TYPE_PREFIX


class WorklistOpenedWire(AboutReferral):
    """Rules do not decide this: a human has to look at it."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}worklist.opened.v1"

    entry_id: str
    reason: WorkReason
    about: str = Field(description="Tells entries of one reason apart: an id, or a code")


class WorklistClosedWire(AboutReferral):
    """What a human had to look at is settled. What they wrote beside it stays with the keeper."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}worklist.closed.v1"

    entry_id: str
    reason: WorkReason
    about: str
    decision: str = Field(description="How it was settled, and so why it is closed")
    by: SignedBy
    closed_at: Instant
