"""All events that this service writes, by topic, and the examples of those that stand apart."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from services.referral import assessment_wire, drop_ins, events
from services.referral.action_plan import wire as action_plan
from services.referral.evaluation import wire as evaluation
from services.referral.portfolio import wire as portfolio

PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    **events.PRODUCED,
    **portfolio.PRODUCED,
    **evaluation.PRODUCED,
    **drop_ins.PRODUCED,
}
PRODUCED[events.REFERRALS] = {
    **events.PRODUCED[events.REFERRALS],
    **assessment_wire.PRODUCED[events.REFERRALS],
    **action_plan.PRODUCED[events.REFERRALS],
}
EXAMPLES: Final[tuple[BaseModel, ...]] = (
    assessment_wire.EXAMPLE,
    portfolio.EXAMPLE,
    *evaluation.EXAMPLES,
    drop_ins.EXAMPLE,
    *action_plan.EXAMPLES,
)
"""Of events that no referral's story gives; what they say is made up."""
