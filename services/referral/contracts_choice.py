"""Examples of the free choice, as it is published."""

from __future__ import annotations

from datetime import UTC, date, datetime

from services.referral.events_limit import FreeChoiceTaken, FreeChoiceWaived, ReferralHandedOver
from services.referral.events_referral import ReferralCitizenChanged, ReferralReopened
from services.referral.terms import Right, WithdrawReason
from shared.envelope import TYPE_PREFIX

_AT = datetime(2022, 5, 27, 8, 0, tzinfo=UTC)
_REFERRAL = "2b0c9ba1-6a35-5c0f-9f1a-6d1f6f6b7a10"
_ORDER = "7d3cf1b6-5b0e-5c55-8d5a-0f5e1c9b2a44"
_CITIZEN = "MFZGKMZTGQ2TKNRXHA4TAYLCMM"
_SUPPLIER = "fysioterapi-randers"


def examples() -> dict[str, bytes]:
    """By name without prefix."""
    taken = FreeChoiceTaken(
        referral_id=_REFERRAL,
        citizen_id=_CITIZEN,
        provider="730",
        municipality="730",
        right=Right.PRIVATE,
        chosen=_SUPPLIER,
        at=_AT,
    )
    waived = FreeChoiceWaived(
        referral_id=_REFERRAL, citizen_id=_CITIZEN, provider="730", municipality="730", at=_AT
    )
    over = ReferralHandedOver(
        referral_id=_REFERRAL,
        citizen_id=_CITIZEN,
        provider=_SUPPLIER,
        municipality="730",
        reason=WithdrawReason.FREE_CHOICE,
        limit=date(2022, 5, 31),
        at=_AT,
    )
    again = ReferralReopened(
        referral_id=_REFERRAL, citizen_id=_CITIZEN, provider="730", municipality="730", at=_AT
    )
    changed = ReferralCitizenChanged(
        referral_id=_REFERRAL, citizen_id=_CITIZEN, provider="730", municipality="730", at=_AT
    )
    named = {one.event_type: one for one in (taken, waived, over, again, changed)}
    return {
        name.removeprefix(TYPE_PREFIX): one.model_dump_json().encode()
        for name, one in named.items()
    }
