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
    Order,
    Placed,
    Reason,
    Shortfall,
    Slot,
    Status,
    session_id,
)
from services.scheduling.provider import Provider
from services.scheduling.rules import broken
from services.scheduling.telling import due


class RuleBrokenError(Exception):
    """The engine proposed what the rules forbid."""


def book(
    provider: Provider,
    placed: Placed,
    answer: Answer,
    now: datetime,
    *,
    at_once: bool = False,
    besides: frozenset[str] = frozenset(),
) -> Decision:
    """Books an order that has no session, or says why it must wait.

    The citizen is told when it is time (`telling.due`): `at_once` where they are on the telephone,
    and where they have heard already that the limit can't be held.
    """
    if placed.order.earliest < provider.terms.oldest(now):
        return history(placed)
    at_once = at_once or placed.told is not None
    said, told = say(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        return Decision(replace(placed, status=Status.WAITING, told=told), said)
    booking = booking_of(
        provider, placed, answer.slot, answer, now, at_once=at_once, besides=besides
    )
    after = replace(
        placed,
        status=status_of(booking),
        booking=booking,
        sessions=placed.sessions + 1,
        told=told,
    )
    return Decision(after, (*said, *first_told(placed.order, booking)))


def first_told(order: Order, booking: Booking) -> tuple[Event, ...]:
    """The offer, where the citizen is told with this booking."""
    return (SessionOffered(order, booking),) if booking.is_told else ()


def given_up(order: Order, booking: Booking, why: str) -> tuple[Event, ...]:
    """What is said of a session that is no more; nothing where nobody was told of it."""
    if not booking.is_told:
        return ()
    return (SessionCancelled(order, replace(booking, revision=booking.revision + 1), why),)


def history(placed: Placed) -> Decision:
    """Closes an order that is so old that what became of it may have been deleted."""
    text = f"An order for {placed.order.earliest} is not planned any more."
    said, told = say(placed, Shortfall(Reason.LIMIT_PASSED, text), None)
    return Decision(replace(placed, status=Status.CLOSED, told=told), said)


def keep(
    provider: Provider,
    placed: Placed,
    booking: Booking,
    shortfall: Shortfall | None,
    now: datetime,
) -> Decision:
    """Leaves the session where it is; others hear of it when limit or transport changed."""
    order = placed.order
    said, told = say(placed, shortfall, booking.slot)
    after = replace(
        booking,
        limit=order.limit,
        inside_limit=order.keeps_limit(booking.slot.start),
        transport=order.rides_to_it,
    )
    kept = replace(placed, status=status_of(after), told=told)
    if booking.is_told and after == booking:
        return Decision(kept, said)
    if booking.is_told:
        after = replace(after, revision=booking.revision + 1, offered_at=now)
        return Decision(replace(kept, booking=after), (*said, SessionRestated(order, after)))
    if due(provider.terms, order, after.slot, booking.offered_at, now):
        after = replace(after, revision=1, offered_at=now)
    return Decision(replace(kept, booking=after), (*said, *first_told(order, after)))


def rebook(
    provider: Provider,
    placed: Placed,
    answer: Answer,
    now: datetime,
    *,
    why: str = "capacity-gone",
    besides: frozenset[str] = frozenset(),
) -> Decision:
    """Replaces a slot that cannot stay; where nothing is free the session is cancelled.

    `besides` are orders that change with this one: what they have now is free.
    """
    booking = placed.booking
    if booking is None:
        return book(provider, placed, answer, now, besides=besides)
    order = placed.order
    said, told = say(placed, answer.shortfall, answer.slot)
    if answer.slot is None:
        waiting = replace(placed, status=Status.WAITING, booking=None, told=told)
        return Decision(waiting, (*given_up(order, booking, why), *said))
    after = booking_of(provider, placed, answer.slot, answer, now, besides=besides)
    events: tuple[Event, ...]
    if not booking.is_told:
        events = first_told(order, after)
    elif after.slot.appointment == booking.slot.appointment:
        events = (SessionRestated(order, after),)
    else:
        events = (SessionMoved(order, after, booking.slot),)
    return Decision(
        replace(placed, status=status_of(after), booking=after, told=told), (*said, *events)
    )


def booking_of(
    provider: Provider,
    placed: Placed,
    slot: Slot,
    answer: Answer,
    now: datetime,
    *,
    at_once: bool = False,
    besides: frozenset[str] = frozenset(),
) -> Booking:
    """A slot as the next revision of the order's session, or as its next session."""
    order, before = placed.order, placed.booking
    was_told = before is not None and before.is_told
    rule = broken(
        provider, order, slot, now, before.slot if before and was_told else None, besides=besides
    )
    if rule is not None:
        raise RuleBrokenError(rule)
    inside = order.keeps_limit(slot.start)
    if inside is not (answer.shortfall is None):
        raise RuleBrokenError("a session after the limit, and only that, needs its reason")
    since = now if before is None or was_told else before.offered_at
    told = was_told or at_once or due(provider.terms, order, slot, since, now)
    return Booking(
        session_id=session_id(order.order_id, before.ordinal if before else placed.sessions),
        ordinal=before.ordinal if before else placed.sessions,
        slot=slot,
        revision=(before.revision if before else 0) + 1 if told else 0,
        limit=order.limit,
        inside_limit=inside,
        transport=order.rides_to_it,
        distance_m=answer.distance_m,
        alternatives=answer.alternatives,
        reason=answer.reason,
        offered_at=now if told else since,
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
    if placed.order.later and shortfall.reason is Reason.NO_CAPACITY_KNOWN:
        return (), None  # rosters do not reach so far yet
    if placed.told is shortfall.reason or shortfall.reason is Reason.CITIZEN_ASKED:
        return (), shortfall.reason
    first = local_date(slot.start) if slot is not None else None
    infeasible = OrderInfeasible(placed.order, shortfall.reason, shortfall.text, first)
    return (infeasible,), shortfall.reason


def status_of(booking: Booking) -> Status:
    """Where an order with this session stands."""
    return Status.BOOKED if booking.inside_limit else Status.LATE
