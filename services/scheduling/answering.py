"""What follows from a citizen's answer to an offer. Standard library only: no clock, no I/O.

An answer speaks of a session and of the time that the citizen knew of. Where that session has
begun, is gone, or has moved since, the answer is overtaken: the citizen has been told of the newer
time, and nothing follows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.scheduling.commands import Accept, Ask, Exchange, GiveUp, Regret
from services.scheduling.facts import Decision, SessionMoved, SessionReoffered
from services.scheduling.moves import book, booking_of, given_up, rebook, say, status_of
from services.scheduling.orders import Alternative, Booking, Order, Placed, Slot, Status
from services.scheduling.provider import Provider
from services.scheduling.telling import decide_telling

_TAKEN: Final = "The time that the citizen asked for is taken; the one booked stands."


def after_no(order: Order, slot: Slot, not_before: date | None) -> Order:
    """The order of a citizen who does not want a time, and none before a date."""
    return replace(
        asked_from(order, not_before), declined=(*order.declined, (slot.start, slot.end))
    )


def asked_from(order: Order, not_before: date | None) -> Order:
    """The order of a citizen who wants no time before a date; None takes an earlier wish back."""
    return replace(order, not_before=not_before)


def carried(before: Order, after: Order) -> Order:
    """An order's new state with what the citizen has answered to the one before."""
    return replace(after, not_before=before.not_before, declined=before.declined)


def answered(placed: Placed, session_id: str, start: datetime, now: datetime) -> Booking | None:
    """The booking that an answer speaks of; None where it is overtaken."""
    booking = placed.booking
    if booking is None or (booking.session_id, booking.slot.start) != (session_id, start):
        return None
    if not booking.is_told:
        return None
    return booking if start > now and placed.status is not Status.CLOSED else None


def decide_answer(
    provider: Provider, command: Accept | GiveUp | Exchange | Ask | Regret, now: datetime
) -> Decision | None:
    """See `domain.decide`."""
    placed = provider.orders[command.order_id]
    match command:
        case Accept():
            return _accept(placed, command, now)
        case GiveUp():
            return _give_up(provider, placed, command, now)
        case Exchange():
            return _exchange(provider, placed, command, now)
        case Ask():
            return _ask(provider, placed, command, now)
        case Regret():
            return _offer_again(placed, command.others, command.why, now)


def _accept(placed: Placed, command: Accept, now: datetime) -> Decision | None:
    """The citizen comes. A session after the limit is then no longer moved forward."""
    booking = answered(placed, command.session_id, command.start, now)
    if booking is None or booking.accepted:
        return None
    return Decision(replace(placed, booking=replace(booking, accepted=True)), ())


def _give_up(provider: Provider, placed: Placed, command: GiveUp, now: datetime) -> Decision | None:
    """The time is free for others; the citizen gets another one, or none until they ask."""
    booking = answered(placed, command.session_id, command.start, now)
    if booking is None:
        return None
    placed = replace(placed, order=command.order)
    if command.answer is not None:
        return rebook(provider, placed, command.answer, now, why=command.why)
    held = replace(placed, status=Status.HELD, booking=None, told=None)
    return Decision(held, given_up(placed.order, booking, command.why))


def _exchange(
    provider: Provider, placed: Placed, command: Exchange, now: datetime
) -> Decision | None:
    """Another of the offered times where it is still free; else a new offer beside the session."""
    booking = answered(placed, command.session_id, command.start, now)
    if booking is None:
        return None
    answer = command.answer
    if answer is None or answer.slot is None or command.wanted not in booking.alternatives:
        return _offer_again(placed, command.others, _TAKEN, now)
    events, told = say(placed, answer.shortfall, answer.slot)
    after = replace(booking_of(provider, placed, answer.slot, answer, now), accepted=True)
    moved = SessionMoved(placed.order, after, booking.slot)
    return Decision(
        replace(placed, status=status_of(after), booking=after, told=told), (*events, moved)
    )


def _offer_again(
    placed: Placed, others: tuple[Alternative, ...], why: str, now: datetime
) -> Decision | None:
    """The session stands; whoever has been told of it is told what else is free."""
    booking = placed.booking
    if booking is None or booking.slot.start <= now:
        return None
    after = replace(booking, alternatives=others, reason=why)
    if after == booking:
        return None  # the newest offer says it already
    if not booking.is_told:
        return Decision(replace(placed, booking=after), ())
    after = replace(after, revision=booking.revision + 1, offered_at=now)
    return Decision(replace(placed, booking=after), (SessionReoffered(placed.order, after),))


def _ask(provider: Provider, placed: Placed, command: Ask, now: datetime) -> Decision | None:
    """Who waits gets a time, who is held one hears of it; who has been told of theirs, or whose
    order was withdrawn, does not get another."""
    if placed.booking is not None:
        return decide_telling(placed, placed.booking.alternatives, now)
    if placed.status not in (Status.HELD, Status.WAITING):
        return None
    return book(provider, replace(placed, order=command.order), command.answer, now, at_once=True)
