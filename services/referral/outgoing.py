"""How the domain's facts become events that others read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.referral import order, programme
from services.referral.assessment_wire import wire_of
from services.referral.configuration import Directory
from services.referral.events import GP_STATUS, REFERRALS, STEPS, AboutReferral, Code, SignedBy
from services.referral.events_limit import (
    FreeChoiceOpenedWire,
    FreeChoiceTaken,
    FreeChoiceWaived,
    LimitAtRiskWire,
    LimitMissedWire,
    ReferralHandedOver,
)
from services.referral.events_order import (
    Days,
    Leader,
    OrderChangedWire,
    OrderPlacedWire,
    OrderWithdrawnWire,
    Step,
    Window,
)
from services.referral.events_referral import (
    ReferralClosed,
    ReferralPaused,
    ReferralReceived,
    ReferralReopened,
    ReferralResumed,
    ReferralRevised,
)
from services.referral.events_status import GpStatus, Place, ReferralStatus
from services.referral.events_worklist import WorklistClosedWire, WorklistOpenedWire
from services.referral.facts import (
    AssessmentRecorded,
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
from services.referral.identity import step_id, worklist_id
from services.referral.order import Order
from services.referral.programme import Basis
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from services.referral.terms import Told
from shared.envelope import Event


def topic_of(basis: Basis, source: str, what: str) -> str:
    """A topic of whoever sent the document: hospitals have theirs, all others are senders."""
    kind = "hospital" if basis is Basis.HOSPITAL else "sender"
    return f"{kind}.{source}.{what}"


def event_of(
    fact: Fact, referral: Referral, portfolio: Portfolio, performer: str | None = None
) -> Event | None:
    """The event that tells others of a fact; None where nobody else hears of it.

    `referral` is the state after the fact; `performer` the SOR of its provider.
    """
    if isinstance(fact, HospitalTold):
        return _status(fact, referral, portfolio, performer)
    if isinstance(fact, GpTold):
        return _gp_status(fact, referral, portfolio, performer)
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
    theirs = isinstance(fact, OrderPlaced | OrderChanged | OrderWithdrawn)
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
            return _order(OrderPlacedWire, order, referral)
        case OrderChanged(order=order):
            return _order(OrderChangedWire, order, referral)
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
        case ChoiceTaken(right=right, chosen=chosen, at=at):
            return FreeChoiceTaken(
                referral_id=me,
                citizen_id=citizen,
                provider=provider,
                right=right,
                chosen=chosen,
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


def _window(window: order.Window) -> Window:
    return Window(
        weekday=window.weekday,
        from_=f"{window.begin:%H:%M}" if window.begin is not None else None,
        to=f"{window.end:%H:%M}" if window.end is not None else None,
    )


def _order(
    wire: type[OrderPlacedWire | OrderChangedWire], order: Order, referral: Referral
) -> OrderPlacedWire | OrderChangedWire:
    steps = tuple(
        wire_step(order.programme, step, step_id(order.order_id, ordinal))
        for ordinal, step in order.ordered
    )
    return wire(
        order_id=order.order_id,
        referral_id=referral.referral_id,
        citizen_id=referral.citizen_id,
        provider=referral.provider,
        programme=order.programme,
        earliest=order.earliest,
        limit=order.limit,
        bedside=order.bedside,
        vulnerable=order.vulnerable,
        postcode=order.postcode,
        language=order.language,
        transport=order.transport,
        windows=tuple(_window(one) for one in order.windows),
        steps=steps,
    )


def wire_step(programme_id: str, step: programme.Step, id_: str) -> Step:
    """A step as an order carries it: all that whoever plans it needs to know of it."""
    return Step(
        step_id=id_,
        kind=step.kind,
        code=_code(programme_id, step),
        count=step.count,
        minutes=step.minutes,
        delivery=step.delivery,
        competences=step.competences,
        seats=step.seats.most,
        room=step.room,
        seats_min=step.seats.least if step.seats.most > 1 else None,
        spacing=_days(step.spacing),
        after=_days(step.after),
        leaders=_leaders(step),
        equipment=step.equipment,
        consent=step.consent,
    )


def _days(days: programme.Days | None) -> Days | None:
    return Days(min_days=days.least, max_days=days.most) if days is not None else None


def _leaders(step: programme.Step) -> tuple[Leader, ...]:
    usual = programme.Leader(role=programme.Role.STAFF, competences=step.competences)
    if step.leaders == (usual,):
        return ()
    return tuple(
        Leader(role=one.role, count=one.count, competences=one.competences) for one in step.leaders
    )


def _code(programme_id: str, step: programme.Step) -> Code:
    if step.code is None:
        return Code(system=STEPS, code=f"{programme_id}/{step.id}", display=step.name.da)
    return Code(system=step.code.system, code=step.code.code, display=step.code.display)


def _offered(referral: Referral, portfolio: Portfolio) -> Code | None:
    """What a session is offered for: the first step of what the plan began."""
    day = referral.discharge_date
    terms = portfolio.standing(referral.type, referral.programme, day)
    return _code(terms.programme.id, terms.steps[0]) if terms and terms.steps else None


def _status(
    fact: HospitalTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> Event:
    wire = ReferralStatus(**_told(fact, referral, portfolio, performer))
    return Event(
        topic=topic_of(referral.basis, referral.hospital, "status"),
        key=referral.referral_id,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json().encode(),
    )


def _gp_status(
    fact: GpTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> Event:
    assert referral.gp is not None, "a GP who is told is known"
    told = _told(fact.told, referral, portfolio, performer)
    wire = GpStatus(**told, gp=referral.gp, hospital=referral.hospital)
    return Event(
        topic=GP_STATUS,
        key=referral.gp,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json().encode(),
    )


def _told(
    fact: HospitalTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> dict[str, Any]:
    offer, place = fact.offer, None
    if offer is not None and offer.location is not None:
        code, name, address, postcode = offer.location
        place = Place(code=code, name=name, address=address, postcode=postcode)
    return {
        "referral_id": referral.referral_id,
        "document_id": referral.document_id,
        "state": fact.state,
        "at": fact.at,
        "start": offer.start if offer else None,
        "location": place,
        "limit": referral.limit,
        "code": _offered(referral, portfolio) if offer else None,
        "performer": performer if offer else None,
        "how": referral.closed if fact.state is Told.ENDED else None,
    }
