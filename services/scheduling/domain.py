"""Decides what becomes of orders. Standard library only: no clock, no random id, no I/O.

Whoever calls `decide` brings the engine's answer in the command; `decide` holds it against the
rules. A broken rule is a fault of the engine and raises; what cannot be planned is an event.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.scheduling.answering import decide_answer
from services.scheduling.attendance import decide_course
from services.scheduling.capacity import DENMARK
from services.scheduling.commands import (
    Accept,
    Ask,
    Attend,
    Change,
    Command,
    Exchange,
    GiveUp,
    Pause,
    Place,
    Rebook,
    Regret,
    Resume,
    Retry,
    Tell,
    Withdraw,
)
from services.scheduling.facts import Decision
from services.scheduling.moves import RuleBrokenError, book, given_up, history, keep, rebook
from services.scheduling.orders import Answer, Order, Placed, Slot, Status
from services.scheduling.provider import Provider
from services.scheduling.rules import standing


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
            return book(provider, fresh, answer, now)
        case Change(order, answer):
            return _change(provider, provider.orders[order.order_id], order, answer, now)
        case Withdraw(order_id):
            return _withdraw(provider.orders[order_id], now)
        case Rebook(order_id, answer) | Retry(order_id, answer):
            placed = provider.orders[order_id]
            why = command.why if isinstance(command, Rebook) else None
            return (
                _retry(provider, placed, answer, now)
                if why is None
                else rebook(provider, placed, answer, now, why=why)
            )
        case Accept() | GiveUp() | Exchange() | Ask() | Regret():
            return decide_answer(provider, command, now)
        case Attend() | Pause() | Resume() | Tell():
            return decide_course(provider, command, now)


def _change(
    provider: Provider, placed: Placed, order: Order, answer: Answer | None, now: datetime
) -> Decision:
    """Takes over an order's new state; a limit that changed is told of anew."""
    booking = placed.booking
    if booking is None:
        return _change_waiting(provider, placed, order, answer, now)
    told = placed.told if placed.order.limit == order.limit else None
    placed = replace(placed, order=order, told=told)
    if booking.slot.start <= now:
        return Decision(placed, ())
    if answer is None:
        return keep(provider, placed, booking, None, now)
    chosen = answer.slot is not None and _comes_to_choice(order, booking.slot, answer.slot)
    if answer.shortfall is not None and not chosen and stands(provider, order, booking.slot):
        return keep(provider, placed, booking, answer.shortfall, now)
    return rebook(provider, placed, answer, now)


def _comes_to_choice(order: Order, before: Slot, after: Slot) -> bool:
    """Whether the citizen gets to the location that they chose."""
    return order.chooses and before.location != order.location == after.location


def _change_waiting(
    provider: Provider, placed: Placed, order: Order, answer: Answer | None, now: datetime
) -> Decision:
    """Takes over the new state of an order without a session; a closed one is ordered again."""
    if order.earliest < provider.terms.oldest(now):
        return history(replace(placed, order=order))
    if placed.status in (Status.HELD, Status.PAUSED):
        return Decision(replace(placed, order=order), ())
    same = placed.status is not Status.CLOSED and placed.order.limit == order.limit
    told = placed.told if same else None
    return book(provider, replace(placed, order=order, told=told), _given(answer), now)


def _withdraw(placed: Placed, now: datetime) -> Decision | None:
    if placed.status is Status.CLOSED:
        return None
    closed = replace(placed, status=Status.CLOSED)
    booking = placed.booking
    if booking is None or booking.slot.start <= now:
        return Decision(closed, ())
    events = given_up(placed.order, booking, "order-withdrawn")
    return Decision(replace(closed, booking=None), events)


def _retry(provider: Provider, placed: Placed, answer: Answer, now: datetime) -> Decision | None:
    """Books a waiting order; a late session moves only where the limit can now be held, and not
    after the citizen has accepted it."""
    if placed.status is Status.WAITING:
        return book(provider, placed, answer, now)
    accepted = placed.booking is not None and placed.booking.accepted
    if placed.status is Status.LATE and answer.shortfall is None and not accepted:
        return rebook(provider, placed, answer, now)
    return None


def _given(answer: Answer | None) -> Answer:
    if answer is None:
        raise RuleBrokenError("an order without a session needs the engine's answer")
    return answer
