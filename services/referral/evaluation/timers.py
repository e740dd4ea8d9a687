"""The timers that ask forms: which ones a fact sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.referral.evaluation.evaluation import due_after
from services.referral.facts import Fact
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from shared.handling import SetTimer

ASK: Final = "evaluation.ask"


def timers_of(happened: Iterable[tuple[Fact, Referral]], portfolio: Portfolio) -> list[SetTimer]:
    """One timer for each moment whose forms are to be asked."""
    return [
        SetTimer(
            kind=ASK,
            key=f"{referral.referral_id}/{due.moment}",
            due=due.at,
            partition_key=referral.provider,
            data=due.moment.value.encode(),
        )
        for fact, referral in happened
        for due in due_after(fact, referral.received_at, portfolio.programmes)
    ]
