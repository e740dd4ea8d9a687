"""The moves of a session that decisions are made of. Standard library only: no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.scheduling.capacity import local_date
from services.scheduling.facts import (
    Decision,
    Event,
    OrderInfeasible,
    SessionCancelled,
    SessionMoved,
    SessionOffered,
    SessionRestated,
)
from services.scheduling.orders import (
    Answer,
    Booking,
    Placed,
    Reason,
    Shortfall,
    Slot,
    Status,
    session_id,
)
from services.scheduling.provider import Provider
from services.scheduling.rules import broken


class RuleBrokenError(Exception):
    """The engine proposed what the rules forbid."""


def book(provider: Provider, placed: Placed, answer: Answer, now: datetime) -> Decision:
    """Books an order that has no session, or says why it must wait."""
    if placed.order.earliest < provider.terms.oldest(now):
        return history(placed)
    said, told = say(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        return Decision(replace(placed, status=Status.WAITING, told=told), said)
    booking = booking_of(provider, placed, answer.slot, answer, now)
    after = replace(
        placed,
        status=status_of(booking),
        booking=booking,
        sessions=placed.sessions + 1,
        told=told,
    )
    return Decision(after, (*said, SessionOffered(placed.order, booking)))


def history(placed: Placed) -> Decision:
    """Closes an order that is so old that what became of it may have been deleted."""
    text = f"An order for {placed.order.earliest} is not planned any more."
    said, told = say(placed, Shortfall(Reason.LIMIT_PASSED, text), None)
    return Decision(replace(placed, status=Status.CLOSED, told=told), said)


def keep(placed: Placed, booking: Booking, shortfall: Shortfall | None, now: datetime) -> Decision:
    """Leaves the session where it is; others hear of it when limit or transport changed."""
    order = placed.order
    said, told = say(placed, shortfall, booking.slot)
    after = replace(
        booking,
        limit=order.limit,
        inside_limit=order.keeps_limit(booking.slot.start),
        transport=order.transport and order.step.travels,
    )
    kept = replace(placed, status=status_of(after), told=told)
    if after == booking:
        return Decision(kept, said)
    after = replace(after, revision=booking.revision + 1, offered_at=now)
    return Decision(replace(kept, booking=after), (*said, SessionRestated(order, after)))


def rebook(
    provider: Provider,
    placed: Placed,
    answer: Answer,
    now: datetime,
    why: str = "capacity-gone",
) -> Decision:
    """Replaces a slot that cannot stay; where nothing is free the session is cancelled."""
    booking = placed.booking
    if booking is None:
        return book(provider, placed, answer, now)
    said, told = say(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        last = replace(booking, revision=booking.revision + 1)
        cancelled = SessionCancelled(placed.order, last, why)
        waiting = replace(placed, status=Status.WAITING, booking=None, told=told)
        return Decision(waiting, (cancelled, *said))
    after = booking_of(provider, placed, answer.slot, answer, now)
    order = placed.order
    event: Event = (
        SessionRestated(order, after)
        if after.slot.appointment == booking.slot.appointment
        else SessionMoved(order, after, booking.slot)
    )
    return Decision(
        replace(placed, status=status_of(after), booking=after, told=told), (*said, event)
    )


def booking_of(
    provider: Provider, placed: Placed, slot: Slot, answer: Answer, now: datetime
) -> Booking:
    """A slot as the next revision of the order's session, or as its next session."""
    order, before = placed.order, placed.booking
    rule = broken(provider, order, slot, now, before.slot if before else None)
    if rule is not None:
        raise RuleBrokenError(rule)
    inside = order.keeps_limit(slot.start)
    if inside is not (answer.shortfall is None):
        raise RuleBrokenError("a session after the limit, and only that, needs its reason")
    ordinal = before.ordinal if before else placed.sessions
    return Booking(
        session_id=session_id(order.order_id, ordinal),
        ordinal=ordinal,
        slot=slot,
        revision=before.revision + 1 if before else 1,
        limit=order.limit,
        inside_limit=inside,
        transport=order.transport and order.step.travels,
        distance_m=answer.distance_m,
        alternatives=answer.alternatives,
        reason=answer.reason,
        offered_at=now,
        accepted=before is not None
        and before.accepted
        and before.slot.appointment == slot.appointment,
    )


def say(
    placed: Placed, shortfall: Shortfall | None, slot: Slot | None
) -> tuple[tuple[OrderInfeasible, ...], Reason | None]:
    """What is to be said about the limit, once for each reason, and what has been said then.

    `slot` is the session that the citizen has all the same.
    """
    if shortfall is None:
        if slot is None:
            raise RuleBrokenError("no session needs its reason")
        return (), None
    if placed.told is shortfall.reason or shortfall.reason is Reason.CITIZEN_ASKED:
        return (), shortfall.reason
    first = local_date(slot.start) if slot is not None else None
    infeasible = OrderInfeasible(placed.order, shortfall.reason, shortfall.text, first)
    return (infeasible,), shortfall.reason


def status_of(booking: Booking) -> Status:
    """Where an order with this session stands."""
    return Status.BOOKED if booking.inside_limit else Status.LATE
