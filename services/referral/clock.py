"""The statutory clock: what offers, lack of capacity and passing time lead to.

Free choice opens as soon as it is known that the limit can't be held, not when it has passed.
The offered first session counts as the start, even if it is later cancelled (KL, § 140).
Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.referral.commands import (
    Case,
    ClockCommand,
    CountOffer,
    DropOffer,
    FaceInfeasible,
    PassLimit,
    WarnOfLimit,
)
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    HospitalTold,
    LimitAtRisk,
    LimitMissed,
    Noted,
    OfferCounted,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.identity import step_id
from services.referral.limit import local_day, too_late
from services.referral.referral import FreeChoiceReason, Referral
from services.referral.settling import settling
from services.referral.terms import Note, Told, WorkReason

SETTLED_BY_AN_OFFER: Final = frozenset(
    {WorkReason.NO_CAPACITY_KNOWN, WorkReason.INFEASIBLE, WorkReason.OFFER_LOST}
)


def decide_clock(case: Case, command: ClockCommand, now: datetime) -> tuple[Fact, ...]:
    """What follows for the referral; nothing where it is closed: its order is withdrawn already."""
    referral = case.target
    if referral is None or referral.closed is not None:
        return ()
    match command:
        case CountOffer():
            return tuple(_offered(referral, command, now))
        case DropOffer():
            return tuple(_dropped(referral, command, now))
        case FaceInfeasible():
            return tuple(_infeasible(referral, command))
        case WarnOfLimit():
            return tuple(_warned(referral, command))
        case PassLimit():
            return tuple(_passed(referral, command))


def _goes_on(referral: Referral, step: str | None) -> bool:
    """Whether a session is of a course under way: no first session, and no news to a hospital."""
    if referral.started is not None:
        return True
    if step is None or referral.order_id is None:
        return False
    return step != step_id(referral.order_id, 1)


def _offered(referral: Referral, command: CountOffer, now: datetime) -> Iterator[Fact]:
    me, offer = referral.referral_id, command.offer
    if _goes_on(referral, command.step_id):
        return
    in_time_before = referral.started_in_time
    counted = OfferCounted(referral_id=me, day=local_day(offer.start))
    if counted.day not in referral.offered:
        yield counted
    referral = evolve(referral, counted)
    yield from settling(referral, SETTLED_BY_AN_OFFER, "offered", now)
    if not command.known:
        yield HospitalTold(referral_id=me, state=Told.OFFERED, at=now, offer=offer)
    if referral.waits and referral.limit is not None and counted.day > referral.limit:
        yield from _free_choice(referral, FreeChoiceReason.INFEASIBLE)
    elif referral.started_in_time and not in_time_before and referral.free_choice is not None:
        yield WorkOpened(referral_id=me, reason=WorkReason.FREE_CHOICE_TO_RECONSIDER)


def _dropped(referral: Referral, command: DropOffer, now: datetime) -> Iterator[Fact]:
    me, offer = referral.referral_id, command.offer
    if _goes_on(referral, command.step_id):
        return  # scheduling books another, or says that it can't
    yield HospitalTold(referral_id=me, state=Told.CANCELLED, at=now, offer=offer)
    if not command.by_withdrawal:
        yield WorkOpened(
            referral_id=me,
            reason=WorkReason.OFFER_LOST,
            about=f"{offer.session_id}/{offer.revision}",
        )


def _infeasible(referral: Referral, command: FaceInfeasible) -> Iterator[Fact]:
    """Unknown capacity proves nothing about the limit: a human looks, and the clock runs on."""
    me = referral.referral_id
    if not command.capacity_known:
        yield WorkOpened(referral_id=me, reason=WorkReason.NO_CAPACITY_KNOWN)
    elif referral.waits and referral.may_choose:
        yield from _free_choice(referral, FreeChoiceReason.INFEASIBLE)
    else:
        yield WorkOpened(referral_id=me, reason=WorkReason.INFEASIBLE, about=command.cause)


def _warned(referral: Referral, command: WarnOfLimit) -> Iterator[Fact]:
    """A warning about a limit that was revised since, or after free choice, says nothing."""
    silent = referral.at_risk or referral.missed or referral.free_choice is not None
    if referral.waits and referral.limit == command.limit and not silent:
        yield LimitAtRisk(referral_id=referral.referral_id, limit=command.limit)


def _passed(referral: Referral, command: PassLimit) -> Iterator[Fact]:
    if referral.waits and referral.limit == command.limit and not referral.missed:
        yield LimitMissed(referral_id=referral.referral_id, limit=command.limit)
        yield from _free_choice(referral, FreeChoiceReason.LIMIT_MISSED)


def _free_choice(referral: Referral, reason: FreeChoiceReason) -> Iterator[Fact]:
    if referral.free_choice is None and referral.may_choose and referral.limit is not None:
        yield FreeChoiceOpened(
            referral_id=referral.referral_id, limit=referral.limit, reason=reason
        )


def late(referral: Referral, now: datetime) -> Iterator[Fact]:
    """Opens free choice at once where no day is left to offer inside the limit."""
    limit, begins, later = referral.limit, referral.begins, referral.later_start
    if limit is None or not referral.may_choose or referral.started_in_time:
        return
    if too_late(now, limit, begins, later):
        yield FreeChoiceOpened(
            referral_id=referral.referral_id, limit=limit, reason=FreeChoiceReason.LATE_ARRIVAL
        )
        yield Noted(Note.TOO_LATE)
