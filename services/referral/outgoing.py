"""How the domain's facts become events that others read."""

from __future__ import annotations

from dataclasses import replace

from services.referral.assessment_wire import wire_of
from services.referral.configuration import Directory
from services.referral.events import REFERRALS, AboutReferral, SignedBy
from services.referral.events_limit import (
    FreeChoiceOpenedWire,
    FreeChoiceTaken,
    FreeChoiceWaived,
    LimitAtRiskWire,
    LimitMissedWire,
    ReferralHandedOver,
)
from services.referral.events_order import (
    OrderChangedWire,
    OrderPlacedWire,
    OrderWithdrawnWire,
)
from services.referral.events_referral import (
    ReferralCitizenChanged,
    ReferralClosed,
    ReferralPaused,
    ReferralReceived,
    ReferralReopened,
    ReferralResumed,
    ReferralRevised,
)
from services.referral.events_worklist import WorklistClosedWire, WorklistOpenedWire
from services.referral.facts import (
    AssessmentRecorded,
    CitizenChanged,
    Closed,
    Fact,
    GpTold,
    HospitalTold,
    LimitAtRisk,
    LimitMissed,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Paused,
    Received,
    Reopened,
    Resumed,
    Revised,
    WorkClosed,
    WorkOpened,
)
from services.referral.facts_choice import ChoiceTaken, ChoiceWaived, FreeChoiceOpened, HandedOver
from services.referral.identity import worklist_id
from services.referral.outgoing_order import order_wire
from services.referral.outgoing_status import gp_status_event, status_event
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from shared.envelope import Event


def event_of(
    fact: Fact, referral: Referral, portfolio: Portfolio, performer: str | None = None
) -> Event | None:
    """The event that tells others of a fact; None where nobody else hears of it.

    `referral` is the state after the fact; `performer` the SOR of its provider.
    """
    if isinstance(fact, HospitalTold):
        return status_event(fact, referral, portfolio, performer)
    if isinstance(fact, GpTold):
        return gp_status_event(fact, referral, portfolio, performer)
    wire = _wire(fact, referral)
    if wire is None:
        return None
    wire = wire.model_copy(update={"municipality": referral.municipality})
    return Event(
        topic=REFERRALS,
        key=referral.provider,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json(by_alias=True).encode(),
    )


def events_of(
    fact: Fact, referral: Referral, portfolio: Portfolio, directory: Directory
) -> list[Event]:
    """All events that tell others of a fact: a private supplier reads its orders on its own topic.

    Outsiders don't read `referrals`, which is about everybody.
    """
    event = event_of(fact, referral, portfolio, directory.performers.get(referral.provider))
    if event is None:
        return []
    theirs = isinstance(fact, OrderPlaced | OrderChanged | OrderWithdrawn | Paused | Resumed)
    if not theirs or referral.provider not in directory.suppliers:
        return [event]
    topic = f"provider.{referral.provider}.orders"
    return [event, replace(event, topic=topic, key=referral.referral_id)]


def _wire(fact: Fact, referral: Referral) -> AboutReferral | None:  # noqa: PLR0911, PLR0912
    me, citizen, provider = referral.referral_id, referral.citizen_id, referral.provider
    match fact:
        case Received():
            return ReferralReceived(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                hospital=referral.hospital,
                document_id=referral.document_id,
                basis=referral.basis,
                type=referral.type,
                programme=referral.programme,
                discharge_date=referral.discharge_date,
                later_start=referral.later_start,
                received_at=referral.received_at,
                limit=referral.limit,
                free_choice=referral.may_choose,
                replaces=referral.replaces,
            )
        case Revised(changed=changed, discharge_date=discharge, later_start=later, limit=limit):
            return ReferralRevised(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                changed=changed,
                discharge_date=discharge,
                later_start=later,
                limit=limit,
                revised_at=fact.at,
            )
        case Closed(reason=closed, at=at):
            return ReferralClosed(
                referral_id=me, citizen_id=citizen, provider=provider, reason=closed, closed_at=at
            )
        case Reopened(at=at):
            return ReferralReopened(referral_id=me, citizen_id=citizen, provider=provider, at=at)
        case CitizenChanged(at=at):
            return ReferralCitizenChanged(
                referral_id=me, citizen_id=citizen, provider=provider, at=at
            )
        case Paused(at=at):
            return ReferralPaused(
                referral_id=me, citizen_id=citizen, provider=provider, limit=referral.limit, at=at
            )
        case Resumed(clock_from=back, limit=limit, earliest=earliest, at=at):
            return ReferralResumed(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                reason="never-readmitted" if back is None else "discharged",
                discharge_date=back,
                limit=limit,
                earliest=earliest,
                at=at,
            )
        case OrderPlaced(order=order):
            return order_wire(OrderPlacedWire, order, referral)
        case OrderChanged(order=order):
            return order_wire(OrderChangedWire, order, referral)
        case OrderWithdrawn(order_id=order_id, reason=why):
            return OrderWithdrawnWire(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                order_id=order_id,
                reason=why,
            )
        case LimitAtRisk(limit=at_risk):
            return LimitAtRiskWire(
                referral_id=me, citizen_id=citizen, provider=provider, limit=at_risk
            )
        case LimitMissed(limit=missed):
            return LimitMissedWire(
                referral_id=me, citizen_id=citizen, provider=provider, limit=missed
            )
        case FreeChoiceOpened(limit=lost, reason=opened):
            return FreeChoiceOpenedWire(
                referral_id=me, citizen_id=citizen, provider=provider, limit=lost, reason=opened
            )
        case ChoiceTaken(right=right, chosen=chosen, location=location, at=at):
            return FreeChoiceTaken(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                right=right,
                chosen=chosen,
                location=location,
                at=at,
            )
        case ChoiceWaived(at=at):
            return FreeChoiceWaived(referral_id=me, citizen_id=citizen, provider=provider, at=at)
        case HandedOver(why=why_over, at=at):
            return ReferralHandedOver(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                reason=why_over,
                limit=referral.limit,
                at=at,
            )
        case AssessmentRecorded():
            return wire_of(fact, referral)
        case WorkOpened(reason=why_open, about=about):
            return WorklistOpenedWire(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                entry_id=worklist_id(me, why_open, about),
                reason=why_open,
                about=about,
            )
        case WorkClosed(reason=was_open, about=about, decision=decision, by=by, at=at):
            return WorklistClosedWire(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                entry_id=worklist_id(me, was_open, about),
                reason=was_open,
                about=about,
                decision=decision,
                by=SignedBy(id=by.id, role=by.role, unit=by.unit),
                closed_at=at,
            )
        case _:
            return None
