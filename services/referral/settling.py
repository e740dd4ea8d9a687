"""What settles by itself of what a human was to look at. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import datetime

from services.referral.facts import WorkClosed
from services.referral.referral import Referral
from services.referral.signature import ITSELF
from services.referral.terms import WorkReason


def settling(
    referral: Referral, reasons: Set[str], decision: str, now: datetime
) -> Iterator[WorkClosed]:
    """Closes the referral's open entries of these reasons; `decision` says what settled them."""
    for reason, about in referral.work:
        if reason in reasons:
            yield WorkClosed(
                referral_id=referral.referral_id,
                reason=WorkReason(reason),
                about=about,
                decision=decision,
                by=ITSELF,
                at=now,
            )
