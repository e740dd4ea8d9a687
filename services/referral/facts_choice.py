"""What can happen to a referral by free choice, or by a hand-over. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.referral.referral import FreeChoiceReason
from services.referral.terms import Right, WithdrawReason


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeChoiceOpened:
    """The limit can't be held: the citizen may choose a private supplier."""

    referral_id: str
    limit: date
    reason: FreeChoiceReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceTaken:
    """The citizen chose who trains, or at which of the provider's locations."""

    referral_id: str
    right: Right
    chosen: str
    at: datetime
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceWaived:
    """The citizen was offered the free choice and prefers to wait."""

    referral_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Another provider trains from now on, perhaps for another municipality.

    `wishes`: whom the citizen wants next, should this one decline.
    """

    referral_id: str
    provider: str
    municipality: str
    wishes: tuple[str, ...]
    why: WithdrawReason
    at: datetime
