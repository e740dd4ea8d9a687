"""The first session for one citizen, at once: `propose` is the entry.

The time of least price (`priced.py`, by the municipality's `weights.py`), with room kept for those
who are still to come (`limits.py`). Of equal prices the earlier day, then the nearer location; on a
day those who speak the citizen's language, then those with the fewest competences (the rarer ones
are kept for those who need them), then the earlier time, then ids. The same calendar and order
always give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.scheduling.capacity import local_date
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.priced import Expected, Rule, least_price
from services.scheduling.engine.search import (
    NOTHING_ELSE,
    ONE_DAY,
    Engaged,
    Found,
    Search,
    Site,
    pick,
)
from services.scheduling.orders import Alternative, Answer, Order, Reason, Shortfall, Slot, Window
from services.scheduling.weights import WEIGHTS, Weights

__all__ = [
    "NOTHING_ELSE",
    "Engaged",
    "Expected",
    "Site",
    "other_times",
    "propose",
    "same_time",
    "that_time",
]


def propose(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    note: str = "",
    engaged: Engaged = NOTHING_ELSE,
    weights: Weights = WEIGHTS,
    expected: Expected | None = None,
    today: date | None = None,
    rides: Window | None = None,
) -> Answer:
    """The time of least price for an order from `first` on; `sites` come nearest first.

    Room is kept for the orders that are `expected` to come after `today` (the day before `first`
    where it is not given); without a number of those, a share of each day, `weights.reserve`, is.
    Who needs a ride is booked within the hours of `rides`. `note` is added to the reason (that the
    postcode is unknown, say). Never raises: where nothing is free the answer has no slot and says
    why.
    """
    horizon = calendar.last_day()
    last = horizon if order.limit is None else min(order.limit, horizon)
    rule = Rule(weights, expected, first - ONE_DAY if today is None else today)
    inside = Search(calendar, order, sites, first, last, engaged, rides)
    found = least_price(inside, rule)
    if found is not None:
        return inside.answer(found[0], found[1] + note, None)
    shortfall = inside.shortfall()
    after = first if order.limit is None else max(first, order.limit + ONE_DAY)
    later = Search(calendar, order, sites, after, horizon, engaged, rides)
    found = least_price(later, rule)
    if found is None:
        return Answer(
            slot=None, distance_m=None, alternatives=(), reason=shortfall.text, shortfall=shortfall
        )
    why = f"{shortfall.text} First possible after it: {sites[found[0].rank]}."
    return later.answer(found[0], why + note, shortfall)


def that_time(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    wanted: Alternative,
    engaged: Engaged = NOTHING_ELSE,
    rides: Window | None = None,
) -> Answer | None:
    """The answer that books the time and place that the citizen asks for; None where it is taken.

    `first` is the first day that may be booked.
    """
    on = local_date(wanted.start)
    rank = next((n for n, site in enumerate(sites) if site.code == wanted.location), None)
    day = calendar.day(wanted.location, on)
    if rank is None or day is None or on < first:
        return None
    inside = order.keeps_limit(wanted.start)
    horizon = calendar.last_day()
    last = horizon if order.limit is None or not inside else min(order.limit, horizon)
    search = Search(calendar, order, sites, first, last, engaged, rides)
    cell = day.cell(wanted.start)
    if cell < 0 or day.instant(cell) != wanted.start or not search.is_free(rank, day, cell):
        return None
    shortfall = None
    if not inside:
        text = f"The citizen chose a time after the limit {order.limit}."
        shortfall = Shortfall(Reason.CITIZEN_ASKED, text)
    return search.answer(Found(rank, day, cell), "The citizen chose this time.", shortfall)


def other_times(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    slot: Slot,
    engaged: Engaged = NOTHING_ELSE,
    rides: Window | None = None,
) -> tuple[Alternative, ...]:
    """Up to two times that are free now beside the one that is booked, from `first` on."""
    rank = next((n for n, site in enumerate(sites) if site.code == slot.location), None)
    day = calendar.day(slot.location, local_date(slot.start))
    if rank is None or day is None:
        return ()
    horizon = calendar.last_day()
    inside = order.limit is not None and order.keeps_limit(slot.start)
    last = min(order.limit, horizon) if inside and order.limit is not None else horizon
    search = Search(calendar, order, sites, first, last, engaged, rides)
    return search.alternatives(Found(rank, day, day.cell(slot.start)))


def same_time(calendar: Calendar, order: Order, slot: Slot) -> Slot | None:
    """The same time and place with whoever can, the same therapist and room where they can."""
    day = calendar.day(slot.location, local_date(slot.start))
    if day is None:
        return None
    cell = day.cell(slot.start)
    if day.instant(cell) != slot.start:
        return None
    picked = pick(day, order, cell, slot)
    return picked and Slot(slot.location, picked[0], picked[1], slot.start, slot.end)
