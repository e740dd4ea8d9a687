"""When a citizen is told of their session. Until then it is held, and may be moved silently.

Standard library only: no clock, no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from services.scheduling.capacity import DENMARK, local_date
from services.scheduling.facts import Decision, SessionOffered
from services.scheduling.orders import Alternative, Order, Placed, Slot
from services.scheduling.provider import SAME_EVENING, Terms

EVENING: Final = time(18)
"""When a day's telling begins: the day's orders have come, and the plan over them is made."""
DECIDED: Final = 2
"""Open days before its session, in the evening, it is decided whether a group is held."""
_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 6


def due(terms: Terms, order: Order, slot: Slot, since: datetime, now: datetime) -> bool:
    """Whether the citizen is to be told now of a session that has been held `since`.

    At once: a plan that came before discharge (the hospital tells at the bedside), a time after the
    limit (there is a choice to make). No later than the evening before the referral's clock would
    call its limit at risk.
    """
    if order.bedside or not order.keeps_limit(slot.start):
        return True
    if terms.tell == SAME_EVENING:
        return next_evening(since) <= now
    evening = last_evening(now)
    if order.limit is not None and (order.limit - evening).days <= terms.at_risk_days + 1:
        return True
    return local_date(slot.start) <= open_days_after(terms, evening, terms.tell)


def decide_telling(
    placed: Placed, alternatives: tuple[Alternative, ...], now: datetime
) -> Decision | None:
    """Tells the citizen of the session that is held for them."""
    booking = placed.booking
    if booking is None or booking.is_told or booking.slot.start <= now:
        return None
    after = replace(booking, revision=1, alternatives=alternatives, offered_at=now)
    return Decision(replace(placed, booking=after), (SessionOffered(placed.order, after),))


def last_evening(now: datetime) -> date:
    """The date of the last evening that has begun."""
    local = now.astimezone(DENMARK)
    return local.date() if local.time() >= EVENING else local.date() - _ONE_DAY


def next_evening(since: datetime) -> datetime:
    """The first evening after an instant."""
    return datetime.combine(last_evening(since) + _ONE_DAY, EVENING, DENMARK)


def open_days_after(terms: Terms, evening: date, days: int) -> date:
    """The last of so many open days after an evening."""
    on, left = evening, days
    while left:
        on += _ONE_DAY
        if on.isoweekday() < _SATURDAY and not terms.public_holiday(on):
            left -= 1
    return on


def decided_until(terms: Terms, now: datetime) -> date:
    """The last day of whose groups it has been decided whether they are held."""
    return open_days_after(terms, last_evening(now), DECIDED)


def opens_from(terms: Terms, order: Order, now: datetime) -> date:
    """The first day on which a new group may open for an order: others must have time to join."""
    if order.step.seats_min <= 1:
        return date.min
    return decided_until(terms, now) + timedelta(days=1)
