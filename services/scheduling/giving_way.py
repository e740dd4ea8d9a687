"""One citizen who is not told yet gives way: the shortest plan that lets somebody keep a limit.

Whoever would be late takes the session of one who can have another inside their own limit. This is
looked for first, because it takes a millisecond; what needs more moves is left to the exact plan
(`planning.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.scheduling.capacity import local_date
from services.scheduling.engine.calendar import Day
from services.scheduling.engine.search import Engaged, Found, Search, Site, lowest
from services.scheduling.orders import Answer, Order, Placed, Slot
from services.scheduling.planning import takes_part
from services.scheduling.proposals import Proposals


@dataclass(frozen=True, slots=True, kw_only=True)
class _Giver:
    """Whose session the newcomer could take, and what it would cost them there."""

    cost: int
    order: Order
    slot: Slot
    site: Site


def give_way(
    asks: Proposals, order: Order, held: Iterable[Placed], now: datetime
) -> dict[str, Answer]:
    """The new order's time and that of the one who gives way, by order id; empty where nobody can.

    Both lie inside their limits. Of all pairs the cheapest, taken that nobody gains by giving way.
    `held` are those who are not told; only those whose other sessions are known are asked.
    """
    diary = asks.provider.diary
    best: tuple[int, _Giver, Search, Found] | None = None
    for giver in sorted(_givers(asks, order, held, now), key=_cheapest):
        if best is not None and giver.cost >= best[0]:
            break
        if not diary.knows(giver.order.citizen_id) or not takes_part(asks, giver.order):
            continue
        search = _search(asks, giver.order, now)
        other = _least(asks, search, giver.slot)
        if other is not None and (best is None or giver.cost + other[0] < best[0]):
            best = giver.cost + other[0], giver, search, other[1]
    if best is None:
        return {}
    _, giver, search, found = best
    text = f"{search.sites[found.rank]}, {found.day.date}: gave way before being told."
    moved = search.answer(found, text, None)
    assert moved.slot is not None, "what was found is free"
    with asks.swapped((), (moved.slot,)):
        new = Answer(
            slot=giver.slot,
            distance_m=giver.site.distance_m if order.step.travels else 0,
            alternatives=asks.others(order, giver.slot, now),
            reason=f"{giver.site}, {local_date(giver.slot.start)}: somebody who was not told yet "
            f"gave way.",
            shortfall=None,
        )
    return {order.order_id: new, giver.order.order_id: moved}


def _cheapest(giver: _Giver) -> tuple[int, str]:
    return giver.cost, giver.order.order_id


def _givers(
    asks: Proposals, order: Order, held: Iterable[Placed], now: datetime
) -> Iterator[_Giver]:
    sites = {site.code: site for site in asks.seen_from(order.postcode)[0]}
    first, weights = asks.provider.terms.first_day(order, now), asks.provider.terms.weights
    minutes, competences = order.step.minutes, order.step.competences
    for placed in held:
        slot = None if placed.booking is None else placed.booking.slot
        if slot is None or placed.order.step.minutes != minutes or placed.order.later:
            continue
        on, site = local_date(slot.start), sites.get(slot.location)
        day = asks.calendar.day(slot.location, on)
        if site is None or day is None or on < first or not order.keeps_limit(slot.start):
            continue
        staff = day.staff.get(slot.therapist)
        if staff is None or not competences <= staff.competences:
            continue
        if not _wishes(asks, order, day) >> day.cell(slot.start) & 1:
            continue
        cost = weights.of_day(order, on) + weights.of_way(order, site.distance_m)
        cost += 0 if order.language in staff.languages else weights.language
        yield _Giver(cost=cost, order=placed.order, slot=slot, site=site)


def _wishes(asks: Proposals, order: Order, day: Day) -> int:
    """The cells of a day at which the citizen can begin, by their windows and where rides run."""
    rides, minutes = asks.provider.terms.rides, order.step.minutes
    suits = day.inside(order.windows, minutes)
    return suits & day.inside((rides,), minutes) if rides and order.rides_to_it else suits


def _search(asks: Proposals, order: Order, now: datetime) -> Search:
    horizon = asks.calendar.last_day()
    return Search(
        asks.calendar,
        order,
        asks.sites_of(order)[0],
        asks.provider.terms.first_day(order, now),
        horizon if order.limit is None else min(order.limit, horizon),
        Engaged(),
        asks.provider.terms.rides,
    )


def _least(asks: Proposals, search: Search, own: Slot) -> tuple[int, Found] | None:
    """The cheapest free time of the search, and how much more than its own it costs."""
    order, weights = search.order, asks.provider.terms.weights
    language = order.language
    best: tuple[int, Found] | None = None
    of_own = weights.of_day(order, local_date(own.start))
    for rank, site in enumerate(search.sites):
        way = weights.of_way(order, site.distance_m)
        of_own += way if site.code == own.location else 0
        for day in search.calendar.days(site.code, search.first, search.last):
            free = search.free(rank, day)
            if not free:
                continue
            spoken = search.free(rank, day, language)
            cost = weights.of_day(order, day.date) + way + (0 if spoken else weights.language)
            if best is None or cost < best[0]:
                best = cost, Found(rank, day, lowest(spoken or free))
    return None if best is None else (best[0] - of_own, best[1])
