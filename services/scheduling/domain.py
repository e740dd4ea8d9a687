"""Decides what becomes of orders. Standard library only: no clock, no random id, no I/O.

Whoever calls `decide` brings the engine's answer in the command; `decide` holds it against the
rules. A broken rule is a fault of the engine and raises; what cannot be planned is an event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.scheduling.capacity import DENMARK, local_date
from services.scheduling.orders import (
    Answer,
    Booking,
    Order,
    Placed,
    Reason,
    Shortfall,
    Slot,
    Status,
    session_id,
)
from services.scheduling.provider import Provider
from services.scheduling.rules import broken, standing


class RuleBrokenError(Exception):
    """The engine proposed what the rules forbid."""


@dataclass(frozen=True, slots=True)
class Place:
    """Book a new order. `answer` is the engine's."""

    order: Order
    answer: Answer


@dataclass(frozen=True, slots=True)
class Change:
    """An order has a new state. `answer` is None where `still_right` says to keep the session."""

    order: Order
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The provider shall no longer carry out the order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Rebook:
    """The order's session has lost its therapist, room or time."""

    order_id: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Retry:
    """Time has become free for an order without a session inside the limit."""

    order_id: str
    answer: Answer


Command = Place | Change | Withdraw | Rebook | Retry


@dataclass(frozen=True, slots=True)
class SessionOffered:
    """A session was booked and is offered to the citizen."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """A session has another time or another place."""

    order: Order
    booking: Booking
    previous: Slot


@dataclass(frozen=True, slots=True)
class SessionRestated:
    """Time and place stand; therapist, room, limit or the need of transport changed."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionCancelled:
    """A session was given up; `booking` carries the new revision."""

    order: Order
    booking: Booking
    reason: str


@dataclass(frozen=True, slots=True)
class OrderInfeasible:
    """The limit cannot be held. `first_possible` is the date of the session that was booked."""

    order: Order
    reason: Reason
    text: str
    first_possible: date | None


Event = SessionOffered | SessionMoved | SessionRestated | SessionCancelled | OrderInfeasible


@dataclass(frozen=True, slots=True)
class Decision:
    """What the order is now and what has happened."""

    placed: Placed
    events: tuple[Event, ...]


def still_right(provider: Provider, placed: Placed, order: Order, now: datetime) -> bool:
    """Whether the order's session can stay as it is under the new state `order`.

    A session that has begun stays. A late one is right only until something better is found.
    """
    booking = placed.booking
    if booking is None:
        return False
    if booking.slot.start <= now:
        return True
    return order.keeps_limit(booking.slot.start) and stands(provider, order, booking.slot)


def stands(provider: Provider, order: Order, slot: Slot) -> bool:
    """Whether a booked slot still satisfies the rules."""
    begin = slot.start.astimezone(DENMARK)
    return next(standing(provider, order, slot, begin), None) is None


def decide(provider: Provider, command: Command, now: datetime) -> Decision | None:
    """What follows from a command; None where nothing does. Changes nothing.

    Raises RuleBrokenError where the answer breaks a rule, KeyError for an unknown order.
    """
    match command:
        case Place(order, answer):
            fresh = Placed(order=order, status=Status.WAITING, booking=None, sessions=0, told=None)
            return _book(provider, fresh, answer, now)
        case Change(order, answer):
            return _change(provider, provider.orders[order.order_id], order, answer, now)
        case Withdraw(order_id):
            return _withdraw(provider.orders[order_id], now)
        case Rebook(order_id, answer):
            return _rebook(provider, provider.orders[order_id], answer, now)
        case Retry(order_id, answer):
            return _retry(provider, provider.orders[order_id], answer, now)


def _book(provider: Provider, placed: Placed, answer: Answer, now: datetime) -> Decision:
    """Books an order that has no session, or says why it must wait."""
    if placed.order.earliest < provider.terms.oldest(now):
        return _history(placed)
    said, told = _said(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        return Decision(replace(placed, status=Status.WAITING, told=told), said)
    booking = _booking(provider, placed, answer.slot, answer, now)
    after = replace(
        placed,
        status=_status(booking),
        booking=booking,
        sessions=placed.sessions + 1,
        told=told,
    )
    return Decision(after, (*said, SessionOffered(placed.order, booking)))


def _history(placed: Placed) -> Decision:
    """Closes an order that is so old that what became of it may have been deleted."""
    text = f"An order for {placed.order.earliest} is not planned any more."
    said, told = _said(placed, Shortfall(Reason.LIMIT_PASSED, text), None)
    return Decision(replace(placed, status=Status.CLOSED, told=told), said)


def _change(
    provider: Provider, placed: Placed, order: Order, answer: Answer | None, now: datetime
) -> Decision:
    """Takes over an order's new state; a limit that changed is told of anew."""
    if placed.booking is None and order.earliest < provider.terms.oldest(now):
        return _history(replace(placed, order=order))
    if placed.status is Status.CLOSED or placed.order.limit != order.limit:
        placed = replace(placed, told=None)
    placed = replace(placed, order=order)
    booking = placed.booking
    if booking is None:
        return _book(provider, placed, _given(answer), now)
    if booking.slot.start <= now:
        return Decision(placed, ())
    if answer is None:
        return _keep(placed, booking, None, now)
    if answer.shortfall is not None and stands(provider, order, booking.slot):
        return _keep(placed, booking, answer.shortfall, now)
    return _rebook(provider, placed, answer, now)


def _keep(placed: Placed, booking: Booking, shortfall: Shortfall | None, now: datetime) -> Decision:
    """Leaves the session where it is; others hear of it when limit or transport changed."""
    order = placed.order
    said, told = _said(placed, shortfall, booking.slot)
    after = replace(
        booking,
        limit=order.limit,
        inside_limit=order.keeps_limit(booking.slot.start),
        transport=order.transport,
    )
    kept = replace(placed, status=_status(after), told=told)
    if after == booking:
        return Decision(kept, said)
    after = replace(after, revision=booking.revision + 1, offered_at=now)
    return Decision(replace(kept, booking=after), (*said, SessionRestated(order, after)))


def _withdraw(placed: Placed, now: datetime) -> Decision | None:
    if placed.status is Status.CLOSED:
        return None
    closed = replace(placed, status=Status.CLOSED)
    booking = placed.booking
    if booking is None or booking.slot.start <= now:
        return Decision(closed, ())
    last = replace(booking, revision=booking.revision + 1)
    cancelled = SessionCancelled(placed.order, last, "order-withdrawn")
    return Decision(replace(closed, booking=None), (cancelled,))


def _rebook(provider: Provider, placed: Placed, answer: Answer, now: datetime) -> Decision:
    """Replaces a slot that cannot stay; where nothing is free the session is cancelled."""
    booking = placed.booking
    if booking is None:
        return _book(provider, placed, answer, now)
    said, told = _said(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        last = replace(booking, revision=booking.revision + 1)
        cancelled = SessionCancelled(placed.order, last, "capacity-gone")
        waiting = replace(placed, status=Status.WAITING, booking=None, told=told)
        return Decision(waiting, (cancelled, *said))
    after = _booking(provider, placed, answer.slot, answer, now)
    order = placed.order
    event: Event = (
        SessionRestated(order, after)
        if after.slot.appointment == booking.slot.appointment
        else SessionMoved(order, after, booking.slot)
    )
    return Decision(
        replace(placed, status=_status(after), booking=after, told=told), (*said, event)
    )


def _retry(provider: Provider, placed: Placed, answer: Answer, now: datetime) -> Decision | None:
    """Books a waiting order; a late session moves only where the limit can now be held."""
    if placed.status is Status.WAITING:
        return _book(provider, placed, answer, now)
    if placed.status is Status.LATE and answer.shortfall is None:
        return _rebook(provider, placed, answer, now)
    return None


def _booking(
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
        transport=order.transport,
        distance_m=answer.distance_m,
        alternatives=answer.alternatives,
        reason=answer.reason,
        offered_at=now,
    )


def _said(
    placed: Placed, shortfall: Shortfall | None, slot: Slot | None
) -> tuple[tuple[OrderInfeasible, ...], Reason | None]:
    """What is to be said about the limit, once for each reason, and what has been said then.

    `slot` is the session that the citizen has all the same.
    """
    if shortfall is None:
        if slot is None:
            raise RuleBrokenError("no session needs its reason")
        return (), None
    if placed.told is shortfall.reason:
        return (), shortfall.reason
    first = local_date(slot.start) if slot is not None else None
    infeasible = OrderInfeasible(placed.order, shortfall.reason, shortfall.text, first)
    return (infeasible,), shortfall.reason


def _status(booking: Booking) -> Status:
    return Status.BOOKED if booking.inside_limit else Status.LATE


def _given(answer: Answer | None) -> Answer:
    if answer is None:
        raise RuleBrokenError("an order without a session needs the engine's answer")
    return answer
