"""Takes a citizen's answer at a provider's desk: asks the engine where that needs it."""

from __future__ import annotations

from datetime import datetime

from services.scheduling import commands
from services.scheduling.answering import after_no, answered, asked_from
from services.scheduling.desk import Desk
from services.scheduling.orders import Alternative, Placed, session_id
from services.scheduling.responses import (
    OfferAccepted,
    OfferCancelled,
    OfferDeclined,
    OfferExchanged,
    OfferRequested,
    Response,
)
from shared.envelope import Event


def spoken_of(desk: Desk, response: Response) -> Placed | None:
    """Which of an order's sessions an answer is about; the first where it names none that was."""
    theirs = [
        placed
        for placed in desk.provider.of_referral(response.referral_id)
        if placed.order.whole == response.order_id
    ]
    theirs.sort(key=lambda placed: placed.order.number)
    if isinstance(response, OfferRequested):
        waits = (p for p in theirs if p.booking is None or not p.booking.is_told)
        return next(waits, theirs[0] if theirs else None)
    return next(
        (placed for placed in theirs if response.session_id in _made(placed)),
        theirs[0] if theirs else None,
    )


def too_early(placed: Placed | None, response: Response) -> bool:
    """Whether the answer is to an offer that has not been made here yet."""
    if placed is None:
        return True
    if isinstance(response, OfferRequested):
        return False
    booking = placed.booking
    if booking is not None and booking.session_id == response.session_id:
        return response.revision > booking.revision
    return response.session_id not in _made(placed)


def _made(placed: Placed) -> set[str]:
    """The ids of all sessions that it ever had."""
    return {session_id(placed.order.order_id, ordinal) for ordinal in range(placed.sessions)}


def take(desk: Desk, placed: Placed, response: Response, now: datetime) -> list[Event]:
    """What follows from an answer to an offer that has been made; nothing where it is overtaken."""
    order_id = placed.order.order_id
    match response:
        case OfferAccepted():
            command = commands.Accept(order_id, response.session_id, response.start)
            return desk.carry_out(command, now)
        case OfferDeclined():
            return _give_up(desk, placed, response, "declined", now)
        case OfferCancelled():
            return _give_up(desk, placed, response, "cancelled-by-citizen", now)
        case OfferExchanged():
            return _exchange(desk, placed, response, now)
        case OfferRequested():
            order = asked_from(placed.order, response.not_before)
            return desk.carry_out(commands.Ask(order, desk.asks.ask(order, now)), now)


def _give_up(
    desk: Desk,
    placed: Placed,
    response: OfferDeclined | OfferCancelled,
    why: str,
    now: datetime,
) -> list[Event]:
    booking = answered(placed, response.session_id, response.start, now)
    if booking is None:
        return []
    order = after_no(placed.order, booking.slot, response.not_before)
    answer = None if response.then == "wait" else desk.asks.ask_anew(order, booking, now)
    command = commands.GiveUp(order, response.session_id, response.start, why, answer)
    return desk.carry_out(command, now)


def _exchange(desk: Desk, placed: Placed, response: OfferExchanged, now: datetime) -> list[Event]:
    booking = answered(placed, response.session_id, response.start, now)
    if booking is None:
        return []
    length = booking.slot.length
    start = response.wanted.start
    wanted = Alternative(response.wanted.location, start, start + length)
    answer, others = desk.asks.ask_for(placed.order, booking, wanted, now)
    command = commands.Exchange(
        placed.order.order_id, response.session_id, response.start, wanted, answer, others
    )
    return desk.carry_out(command, now)
