"""What a referral does with a hospital's document: `decide` for plans, corrections, revocations.

Standard library only. Offers and the statutory clock are decided in `clock`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from services.referral.authority import for_the_region, moved_over, ours, told_for_whom
from services.referral.clock import decide_clock, late
from services.referral.closing import closing
from services.referral.commands import (
    Case,
    Command,
    CorrectPlan,
    Field,
    Refusal,
    RevokePlan,
    TakePlan,
    Wait,
)
from services.referral.evolving import evolve
from services.referral.facts import (
    Closed,
    Fact,
    Noted,
    OrderChanged,
    OrderPlaced,
    Received,
    Revised,
    WorkClosed,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.identity import order_id
from services.referral.limit import earliest_start, limit_of, local_day
from services.referral.order import Order
from services.referral.plan import Plan
from services.referral.referral import CloseReason, FreeChoiceReason, Referral
from services.referral.request import Request
from services.referral.routing import several
from services.referral.side_by_side import beside_the_last
from services.referral.terms import Note, WithdrawReason, WorkReason

FURTHEST_AHEAD: Final = timedelta(days=366)


def decide(case: Case, command: Command, now: datetime) -> tuple[Fact, ...] | Refusal | Wait:
    """What follows from a command: facts in the order in which they happen, or why not.

    `now` is the instant of what is decided on (the broker took the message; the timer fell due),
    so that a second run decides the same.
    """
    match command:
        case TakePlan():
            return _implausible(command.plan, now) or _take(case, command, now)
        case CorrectPlan():
            return _implausible(command.plan, now) or _correct(case, command, now)
        case RevokePlan():
            return _revoke(case, command, now)
        case _:
            return decide_clock(case, command, now)


def _implausible(plan: Plan, now: datetime) -> Refusal | None:
    furthest = local_day(now) + FURTHEST_AHEAD
    if plan.discharge_date > furthest:
        return Refusal(
            Field.DISCHARGE, "value", "Udskrivningsdatoen ligger mere end et år ude i fremtiden."
        )
    if plan.later_start is not None and plan.later_start > furthest:
        return Refusal(
            Field.LATER_START, "value", "Den senere start ligger mere end et år ude i fremtiden."
        )
    return None


def _take(case: Case, command: TakePlan, now: datetime) -> tuple[Fact, ...] | Refusal:
    plan, replaced = command.plan, case.target
    if plan.replaces == plan.document_id:
        return Refusal(Field.REPLACES, "value", "Planen kan ikke erstatte sig selv.")
    if replaced is not None and replaced.citizen_id != command.citizen_id:
        return Refusal(
            Field.REPLACES, "value", "Den plan, som skal erstattes, gælder en anden borger."
        )
    return tuple(_accepted(case, command, now))


def _accepted(case: Case, command: TakePlan, now: datetime) -> Iterator[Fact]:
    plan, terms, replaced = command.plan, command.terms, case.target
    if replaced is not None and replaced.closed is None:
        yield from closing(replaced, CloseReason.REVOKED, WithdrawReason.REPLACED, now)
    rule = terms.law.limit
    provider = command.route.provider if command.route else command.municipality.provider
    limit = limit_of(rule, plan.discharge_date, plan.later_start)
    referral = Referral(
        referral_id=command.referral_id,
        citizen_id=command.citizen_id,
        hospital=command.hospital,
        document_id=plan.document_id,
        municipality=command.municipality.code,
        provider=provider or command.municipality.provider,
        type=plan.type,
        discharge_date=plan.discharge_date,
        later_start=plan.later_start,
        received_at=now,
        limit=limit,
        may_choose=rule is not None and rule.free_choice,
        limit_known_at=now,
        replaces=replaced.referral_id if replaced else None,
        replaces_document=plan.replaces,
        gp=plan.gp.ean if plan.gp is not None else None,
    )
    yield Received(referral)
    if case.successor is not None:
        yield Closed(referral_id=referral.referral_id, reason=CloseReason.REVOKED, at=now)
        yield Noted(Note.ALREADY_REPLACED)
        return
    day, municipality = plan.discharge_date, command.municipality
    if not terms.steps:
        yield Noted(Note.HOSPITAL_LEVEL)
    elif not ours(terms.programme, day, municipality):
        yield from for_the_region(referral, terms.programme)
    elif provider is None:
        yield from _nobody_offers(referral, terms.programme.id)
    else:
        yield OrderPlaced(referral_id=referral.referral_id, order=_order(referral, command, now))
        yield from told_for_whom(terms.programme, day)
        yield from late(referral, now)
        yield from several(referral.referral_id, command.route, terms.programme.id)
    yield from _for_humans(case, command, referral)


def _nobody_offers(referral: Referral, programme: str) -> Iterator[Fact]:
    """A human finds another offer; where there is a limit, it is known that it can't be held."""
    me, limit = referral.referral_id, referral.limit
    yield WorkOpened(referral_id=me, reason=WorkReason.NOT_ESTABLISHED, about=programme)
    yield Noted(Note.NOT_ESTABLISHED)
    if limit is not None and referral.may_choose:
        yield FreeChoiceOpened(referral_id=me, limit=limit, reason=FreeChoiceReason.INFEASIBLE)


def _for_humans(case: Case, command: TakePlan, referral: Referral) -> Iterator[Fact]:
    plan, replaced = command.plan, case.target
    me = referral.referral_id
    gone = replaced.referral_id if replaced is not None else None
    yield from beside_the_last(referral, (one for one in case.others if one.referral_id != gone))
    if plan.replaces is not None and replaced is None:
        yield WorkOpened(referral_id=me, reason=WorkReason.REPLACED_UNKNOWN)
        yield Noted(Note.REPLACED_UNKNOWN)
    if plan.deadline_text:
        yield WorkOpened(referral_id=me, reason=WorkReason.DEADLINE_TEXT)
        yield Noted(Note.DEADLINE_TEXT)
    if plan.municipality is not None and plan.municipality != command.municipality.code:
        yield WorkOpened(referral_id=me, reason=WorkReason.OTHER_MUNICIPALITY)
        yield Noted(Note.OTHER_MUNICIPALITY)


def _correct(case: Case, command: CorrectPlan, now: datetime) -> tuple[Fact, ...] | Refusal | Wait:
    referral = named(case, command.plan)
    if not isinstance(referral, Referral):
        return referral
    if referral.closed is not None:
        return Refusal(Field.CORRECTS, "value", "Den plan, som skal rettes, er trukket tilbage.")
    if referral.citizen_id != command.citizen_id:
        return another_citizen()
    if referral.type is not command.plan.type:
        return Refusal(
            Field.TYPE,
            "value",
            "Typen kan ikke rettes: send en ny plan, som erstatter den gamle.",
        )
    if referral.municipality != command.municipality.code:
        return Refusal(
            Field.RECEIVER,
            "value",
            "Modtageren kan ikke rettes: send en ny plan, som erstatter den gamle.",
        )
    return tuple(_corrected(referral, case.order, command, now))


def _corrected(
    referral: Referral, order: Order | None, command: CorrectPlan, now: datetime
) -> Iterator[Fact]:
    plan = command.plan
    begins = max(plan.discharge_date, referral.clock_from or plan.discharge_date)
    limit = limit_of(command.terms.law.limit, begins, plan.later_start)
    after = {
        "discharge_date": plan.discharge_date,
        "later_start": plan.later_start,
        "limit": limit,
    }
    changed = tuple(name for name, value in after.items() if getattr(referral, name) != value)
    if not changed:
        yield Noted(Note.NOTHING_CHANGED)
        return
    me = referral.referral_id
    revised = Revised(
        referral_id=me,
        changed=changed,
        discharge_date=plan.discharge_date,
        later_start=plan.later_start,
        limit=limit,
        clock_from=referral.clock_from,
        at=now,
    )
    yield revised
    before, referral = referral.discharge_date, evolve(referral, revised)
    where = tuple(moved_over(referral, command.terms.programme, before, command.municipality, now))
    yield from where
    if any(isinstance(fact, WorkClosed) for fact in where) and not referral.order_stands:
        yield OrderPlaced(referral_id=me, order=_order(referral, command, now))
    elif referral.order_stands:
        newest = _order(referral, command, now)
        # What was decided since about the steps stays.
        kept = (
            newest
            if order is None
            else replace(
                newest,
                programme=order.programme,
                steps=order.steps,
                consented=order.consented,
                vulnerable=order.vulnerable or newest.vulnerable,
                transport=order.transport or newest.transport,
                windows=order.windows,
            )
        )
        yield OrderChanged(referral_id=me, order=kept)
    if referral.free_choice is None:
        yield from late(referral, now)
    else:
        yield WorkOpened(referral_id=me, reason=WorkReason.FREE_CHOICE_TO_RECONSIDER)
    if plan.deadline_text:
        yield WorkOpened(referral_id=me, reason=WorkReason.DEADLINE_TEXT, about=plan.document_id)
        yield Noted(Note.DEADLINE_TEXT)


def _revoke(case: Case, command: RevokePlan, now: datetime) -> tuple[Fact, ...] | Refusal | Wait:
    referral = named(case, command.plan)
    if not isinstance(referral, Referral):
        return referral
    if referral.citizen_id != command.citizen_id:
        return another_citizen()
    if referral.closed is not None:
        return (Noted(Note.ALREADY_CLOSED),)
    if command.plan.entered_in_error:
        reason, why = CloseReason.ENTERED_IN_ERROR, WithdrawReason.ENTERED_IN_ERROR
    else:
        reason, why = CloseReason.REVOKED, WithdrawReason.REVOKED
    return tuple(closing(referral, reason, why, now))


def named(case: Case, plan: Plan | Request) -> Referral | Refusal | Wait:
    """The referral that a correction or revocation is about."""
    if case.target is not None:
        return case.target
    if plan.corrects is None or plan.corrects == plan.document_id:
        return Refusal(
            Field.CORRECTS, "required", "Dokumentet nævner ikke, hvilken plan det vedrører."
        )
    if case.refused:
        return Refusal(
            Field.CORRECTS, "not-found", "Den plan, som dokumentet vedrører, blev afvist."
        )
    return Wait(plan.corrects)


def another_citizen() -> Refusal:
    """Who writes of an earlier document must write of the same person."""
    return Refusal(
        Field.CITIZEN, "value", "Den plan, som dokumentet vedrører, gælder en anden borger."
    )


def _order(referral: Referral, command: TakePlan | CorrectPlan, now: datetime) -> Order:
    plan, terms = command.plan, command.terms
    assert terms.steps, "an order stands only where something is ordered here"
    return Order(
        order_id=referral.order_id or order_id(referral.referral_id, 1),
        programme=terms.programme.id,
        steps=terms.steps,
        earliest=earliest_start(now, referral.begins, referral.later_start),
        limit=referral.limit,
        bedside=_at_bedside(referral.received_at, referral.discharge_date),
        vulnerable=plan.vulnerable,
        postcode=command.residence.postcode,
        language=command.residence.language,
        transport=plan.transport,
    )


def _at_bedside(received_at: datetime, discharge: date) -> bool:
    """Whether the plan came before the day of discharge, so that a nurse can hand over the time."""
    return local_day(received_at) < discharge
