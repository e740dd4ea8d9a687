"""All events that this service writes, by topic, and the examples of those that stand apart."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from services.referral import assessment_wire, drop_ins
from services.referral.action_plan import wire as action_plan
from services.referral.evaluation import wire as evaluation
from services.referral.events import CITIZENS, GP_STATUS, REFERRALS
from services.referral.events_citizen import CITIZEN_RECORDED, SealedRecord
from services.referral.events_limit import (
    FreeChoiceOpenedWire,
    FreeChoiceTaken,
    FreeChoiceWaived,
    LimitAtRiskWire,
    LimitMissedWire,
    ReferralHandedOver,
)
from services.referral.events_order import OrderChangedWire, OrderPlacedWire, OrderWithdrawnWire
from services.referral.events_referral import (
    ReferralCitizenChanged,
    ReferralClosed,
    ReferralPaused,
    ReferralReceived,
    ReferralReopened,
    ReferralResumed,
    ReferralRevised,
)
from services.referral.events_status import GpStatus, ReferralStatus
from services.referral.events_worklist import WorklistClosedWire, WorklistOpenedWire
from services.referral.portfolio import wire as portfolio
from shared import journal
from shared.journal import StaffCalled

STAFF_CALLS: Final = "referral.staff-calls"
"""What staff did over HTTP, for this service alone: a restored database does it again."""

PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    REFERRALS: {
        model.event_type: model
        for model in (
            ReferralReceived,
            ReferralRevised,
            ReferralClosed,
            ReferralReopened,
            ReferralCitizenChanged,
            ReferralPaused,
            ReferralResumed,
            OrderPlacedWire,
            OrderChangedWire,
            OrderWithdrawnWire,
            LimitAtRiskWire,
            LimitMissedWire,
            FreeChoiceOpenedWire,
            FreeChoiceTaken,
            FreeChoiceWaived,
            ReferralHandedOver,
            WorklistOpenedWire,
            WorklistClosedWire,
        )
    }
    | assessment_wire.PRODUCED[REFERRALS]
    | action_plan.PRODUCED[REFERRALS],
    CITIZENS: {CITIZEN_RECORDED: SealedRecord},
    "provider.{provider}.orders": {
        model.event_type: model
        for model in (
            OrderPlacedWire,
            OrderChangedWire,
            OrderWithdrawnWire,
            ReferralPaused,
            ReferralResumed,
        )
    },
    GP_STATUS: {GpStatus.event_type: GpStatus},
    "hospital.{hospital}.status": {ReferralStatus.event_type: ReferralStatus},
    "sender.{sender}.status": {ReferralStatus.event_type: ReferralStatus},
    STAFF_CALLS: {StaffCalled.event_type: StaffCalled},
    **portfolio.PRODUCED,
    **evaluation.PRODUCED,
    **drop_ins.PRODUCED,
}
EXAMPLES: Final[tuple[BaseModel, ...]] = (
    assessment_wire.EXAMPLE,
    portfolio.EXAMPLE,
    *evaluation.EXAMPLES,
    drop_ins.EXAMPLE,
    *action_plan.EXAMPLES,
    journal.EXAMPLE,
)
"""Of events that no referral's story gives; what they say is made up."""
