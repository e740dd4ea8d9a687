"""Our events about a referral's beginning, changes, pauses and end."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from services.referral.events import AboutReferral, Instant
from services.referral.plan import PlanType
from services.referral.programme_terms import Basis
from services.referral.referral import CloseReason
from shared.envelope import TYPE_PREFIX


class ReferralReceived(AboutReferral):
    """A hospital's plan was accepted."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.received.v1"

    basis: Basis = Field(
        default=Basis.HOSPITAL,
        description="On what ground: a hospital's plan, or a referral by others",
    )
    hospital: str = Field(
        description="SOR of the hospital on whose topic the plan came; on other grounds the "
        "sender's code"
    )
    document_id: str
    type: PlanType | None = Field(description="Of a hospital's plan; null on other grounds")
    programme: str | None = Field(
        default=None,
        description="On other grounds: the programme chosen; left out where none is yet",
        exclude_if=lambda value: value is None,
    )
    discharge_date: date = Field(description="On other grounds the day of the referral")
    later_start: date | None
    received_at: Instant
    limit: date | None = Field(description="Last day for a first session; null: no limit")
    free_choice: bool = Field(description="Whether the type gives free choice past the limit")
    replaces: str | None = Field(description="Referral id of the plan that this one replaces")


class ReferralRevised(AboutReferral):
    """The hospital corrected the plan's dates."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.revised.v1"

    changed: tuple[str, ...]
    discharge_date: date
    later_start: date | None
    limit: date | None
    revised_at: Instant


class ReferralClosed(AboutReferral):
    """The referral ended before its course."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.closed.v1"

    reason: CloseReason
    closed_at: Instant


class ReferralReopened(AboutReferral):
    """The end was an error; order.placed follows where something is ordered."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.reopened.v1"

    at: Instant


class ReferralCitizenChanged(AboutReferral):
    """Its citizen turned out to be another (`citizen_id`), by a human's decision; or that decision
    was an error, and the citizen is who it was before."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.citizen-changed.v1"

    at: Instant


class ReferralPaused(AboutReferral):
    """The citizen is in hospital again: nothing is booked until referral.resumed."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.paused.v1"

    reason: Literal["readmitted"] = "readmitted"
    limit: date | None = Field(description="The limit that stood when the clock was stopped")
    at: Instant


class ReferralResumed(AboutReferral):
    """The course goes on: the citizen is home again, or was never away."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.resumed.v1"

    reason: Literal["discharged", "never-readmitted"]
    discharge_date: date | None = Field(description="Of the readmission; null: there was none")
    limit: date | None = Field(description="Last day for a first session; null: no limit")
    earliest: date = Field(description="First day that may be offered")
    at: Instant
