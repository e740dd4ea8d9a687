"""Our events about a referral's limit, and about who trains when it cannot be held."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from services.referral.events import AboutReferral, Instant
from services.referral.referral import FreeChoiceReason
from services.referral.terms import Right, WithdrawReason
from shared.envelope import TYPE_PREFIX


class LimitAtRiskWire(AboutReferral):
    """Few days are left before the limit, and no session is offered."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}limit.at-risk.v1"

    limit: date


class LimitMissedWire(AboutReferral):
    """The limit has passed without an offer inside it."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}limit.missed.v1"

    limit: date


class FreeChoiceOpenedWire(AboutReferral):
    """The limit can't be held, so the citizen may choose a private supplier."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.opened.v1"

    limit: date
    reason: FreeChoiceReason


class FreeChoiceTaken(AboutReferral):
    """The citizen chose who trains; order.withdrawn and order.placed follow."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.taken.v1"

    right: Right = Field(
        description="own, another municipality's institution, or a private supplier's"
    )
    chosen: str = Field(description="Code of the provider")
    location: str | None = Field(
        default=None,
        description="Code of the provider's location, where one was chosen; then order.changed "
        "follows; else left out",
        exclude_if=lambda value: value is None,
    )
    at: Instant


class FreeChoiceWaived(AboutReferral):
    """The citizen was offered the free choice and prefers to wait for the municipality."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.waived.v1"

    at: Instant


class ReferralHandedOver(AboutReferral):
    """From now on `provider` trains, for `municipality`. The limit is the same."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.handed-over.v1"

    reason: WithdrawReason
    limit: date | None
    at: Instant
