"""How each happening changes a referral. Standard library only."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.referral.facts import (
    AssessmentRecorded,
    AttendanceNoted,
    CitizenChanged,
    Closed,
    Fact,
    GpTold,
    HospitalTold,
    LimitAtRisk,
    LimitMissed,
    Noted,
    NotStarted,
    OfferCounted,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Paused,
    Received,
    Reopened,
    Resumed,
    Revised,
    Started,
    WorkClosed,
    WorkOpened,
)
from services.referral.facts_choice import ChoiceTaken, ChoiceWaived, FreeChoiceOpened, HandedOver
from services.referral.referral import NoStart, Referral
from services.referral.terms import WithdrawReason


def evolve(referral: Referral, fact: Fact) -> Referral:  # noqa: PLR0911, PLR0912 - one line for each
    """The referral after a fact about it."""
    match fact:
        case Received(new):
            return new
        case Revised(discharge_date=discharge, later_start=later, limit=limit, at=at):
            referral = replace(
                referral, discharge_date=discharge, later_start=later, clock_from=fact.clock_from
            )
            return _limited(referral, limit, at)
        case CitizenChanged(citizen_id=citizen_id):
            return replace(referral, citizen_id=citizen_id)
        case Paused(at=at):
            return replace(referral, paused_at=at)
        case Resumed(clock_from=back, limit=limit, at=at):
            return _limited(replace(referral, paused_at=None, clock_from=back), limit, at)
        case Closed(reason=reason):
            return replace(referral, closed=reason)
        case Reopened():
            return replace(referral, closed=None)
        case OrderPlaced(order=order) | OrderChanged(order=order):
            programme = order.programme if referral.type is None else None
            return replace(
                referral, order_id=order.order_id, order_stands=True, programme=programme
            )
        case OrderWithdrawn():
            return replace(referral, order_stands=False)
        case LimitAtRisk():
            return replace(referral, at_risk=True)
        case LimitMissed():
            return replace(referral, missed=True)
        case FreeChoiceOpened(reason=reason):
            return replace(referral, free_choice=reason)
        case ChoiceTaken():
            return referral
        case ChoiceWaived():
            return replace(referral, no_start=NoStart.FREE_CHOICE_DECLINED)
        case HandedOver(provider=provider, municipality=municipality, wishes=wishes, why=why):
            return replace(
                referral,
                provider=provider,
                municipality=municipality,
                wishes=wishes,
                no_start=_NO_START.get(why),
            )
        case OfferCounted(day=day):
            return replace(referral, offered=tuple(sorted({*referral.offered, day})))
        case WorkOpened(reason=reason, about=about):
            return replace(referral, work=tuple(sorted({*referral.work, (reason.value, about)})))
        case WorkClosed(reason=reason, about=about):
            left = tuple(one for one in referral.work if one != (reason.value, about))
            return replace(referral, work=left)
        case Started(day=day):
            return replace(referral, started=day)
        case NotStarted():
            return replace(referral, started=None)
        case HospitalTold() | GpTold() | AssessmentRecorded() | AttendanceNoted() | Noted():
            return referral


_NO_START: Final = {
    WithdrawReason.OTHER_MUNICIPALITY: NoStart.OTHER_MUNICIPALITY,
    WithdrawReason.MOVED: NoStart.OTHER_MUNICIPALITY,
    WithdrawReason.FREE_CHOICE: NoStart.FREE_CHOICE,
}
"""What a hand-over means for a start in time; one that comes back has no reason any more."""


def _limited(referral: Referral, limit: date | None, at: datetime) -> Referral:
    """The referral under another limit; a warning about the old one says nothing of the new."""
    if limit == referral.limit:
        return referral
    is_later = limit is None or referral.limit is None or limit > referral.limit
    return replace(
        referral,
        limit=limit,
        limit_known_at=at,
        at_risk=False,
        missed=referral.missed and not is_later,
    )
