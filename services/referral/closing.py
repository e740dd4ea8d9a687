"""How a referral ends, whatever ends it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.referral.facts import Closed, Fact, HospitalTold, OrderWithdrawn
from services.referral.referral import CloseReason, Referral
from services.referral.terms import Told, WithdrawReason


def closing(
    referral: Referral, reason: CloseReason, why: WithdrawReason, now: datetime
) -> Iterator[Fact]:
    """The end, the order withdrawn where it stands, and the hospital told."""
    me = referral.referral_id
    yield Closed(referral_id=me, reason=reason, at=now)
    if referral.order_stands and referral.order_id is not None:
        yield OrderWithdrawn(referral_id=me, order_id=referral.order_id, reason=why)
    yield HospitalTold(referral_id=me, state=Told.ENDED, at=now)
