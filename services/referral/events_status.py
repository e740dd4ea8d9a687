"""What the sender of a referral and the GP hear of the citizen's way."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from services.referral.events import Code, Instant, Wire
from services.referral.events_order import unsaid
from services.referral.referral import CloseReason
from services.referral.terms import Told
from shared.envelope import TYPE_PREFIX


class Place(Wire):
    """Where a session is held."""

    code: str
    name: str
    address: str
    postcode: str


class ReferralStatus(Wire):
    """What the hospital that sent the plan hears of its citizen's way."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.status.v1"

    referral_id: str
    document_id: str
    state: Told
    at: Instant
    start: Instant | None = None
    location: Place | None = None
    limit: date | None = None
    code: Code | None = None
    performer: str | None = Field(default=None, description="SOR of the provider")
    how: CloseReason | None = Field(
        default=None, description="With state ended: how the course ended", exclude_if=unsaid
    )


class GpStatus(ReferralStatus):
    """What the GP hears who got a copy of the plan: the same as its hospital.

    The GP knows the citizen by the copy: hospital and document id are those that stand in it.
    """

    event_type: ClassVar[str] = f"{TYPE_PREFIX}gp.status.v1"

    gp: str = Field(description="EAN of the GP: the topic's key")
    hospital: str = Field(description="SOR of the hospital that sent the plan")
