"""The exact plan over several orders: who takes which time, so that all together pay least.

One-slot first sessions of one length, by the engine's flow (`engine/grid.py`). Whoever it can't
take (declined times, other sessions to come from) keeps what they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from services.scheduling.capacity import local_date
from services.scheduling.engine.grid import Grid, can_be_planned, day_number, lay_out
from services.scheduling.engine.model import Requests
from services.scheduling.engine.online import Site
from services.scheduling.engine.price import Price
from services.scheduling.engine.replan import Replan
from services.scheduling.orders import Answer, Order, Reason, Shortfall, Slot
from services.scheduling.proposals import Proposals

NEVER: Final = 100_000_000
"""Metres that no session at all costs."""
_ROUNDS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order that takes part. `slot` is what it has, if anything; `gone`: it can't stay there.

    `only_inside`: it keeps its slot unless it can have one inside its limit.
    """

    order: Order
    slot: Slot | None
    gone: bool = False
    only_inside: bool = False


def takes_part(asks: Proposals, order: Order) -> bool:
    """Whether the plan can hold all that the order asks for."""
    return (
        can_be_planned(order, order.step.minutes)
        and not order.step.gathers
        and not order.declined
        and len({(window.begin, window.finish) for window in order.windows}) <= 1
        and not asks.provider.diary.others(order)
    )


def together(asks: Proposals, wanted: Sequence[Wanted], now: datetime) -> dict[str, Answer]:
    """New times by order id, where all together are better off with them; else nothing.

    All `wanted` have sessions of the same length and `takes_part` holds for each.
    """
    pinned: set[str] = set()
    for _ in range(_ROUNDS):
        part = [one for one in wanted if one.order.order_id not in pinned]
        if not part:
            return {}
        slots = _planned(asks, part, now)
        worse = {
            one.order.order_id
            for one in part
            if not (one.gone or one.only_inside)
            and one.slot is not None
            and _worse(one, slots.get(one.order.order_id))
        }
        if not worse:
            return _moves(asks, part, slots, now)
        pinned |= worse
    return {}


def _worse(one: Wanted, slot: Slot | None) -> bool:
    """Whether somebody who has a time inside the limit would lose it."""
    assert one.slot is not None, "only who has something can lose it"
    keeps = one.order.keeps_limit
    return slot is None or (keeps(one.slot.start) and not keeps(slot.start))


def _planned(asks: Proposals, part: Sequence[Wanted], now: datetime) -> Mapping[str, Slot]:
    terms = asks.provider.terms
    orders = [replace(one.order, earliest=terms.first_day(one.order, now)) for one in part]
    first = min(order.earliest for order in orders)
    freed = [one.slot for one in part if one.slot is not None and not one.only_inside]
    with asks.swapped(freed):
        grid = lay_out(
            asks.calendar,
            orders,
            {order.order_id: _priced_sites(asks, order) for order in orders},
            first=first,
            minutes=part[0].order.step.minutes,
        )
        policy = Replan(price=_price(asks))
        requests = _requests(asks, grid, {o.order.order_id for o in part if o.only_inside})
        return grid.slots(policy(day_number(first) - 1, requests, grid.supply))


def _requests(asks: Proposals, grid: Grid, only_inside: set[str]) -> Requests:
    table = grid.requests
    inside = np.array([order.order_id in only_inside for order in grid.orders], np.bool_)
    vulnerable = np.array([order.vulnerable for order in grid.orders], np.bool_)
    weight = np.where(vulnerable, asks.provider.terms.weights.vulnerable, 1)
    return replace(table, last=np.where(inside, table.limit, table.last), weight=weight)


def _price(asks: Proposals) -> Price:
    weights = asks.provider.terms.weights
    return Price(late=weights.late, late_day=weights.late_day, waited_day=weights.waited_day)


def _priced_sites(asks: Proposals, order: Order) -> tuple[Site, ...]:
    """The locations with what the way there costs, in place of its length."""
    sites, _ = asks.seen_from(order.postcode)
    of_way = asks.provider.terms.weights.of_way
    return tuple(replace(site, distance_m=of_way(order, site.distance_m)) for site in sites)


def _cost(asks: Proposals, order: Order, slot: Slot | None) -> int:
    weights = asks.provider.terms.weights
    if slot is None:
        return NEVER * (weights.vulnerable if order.vulnerable else 1)
    sites, _ = asks.seen_from(order.postcode)
    site = next((one for one in sites if one.code == slot.location), None)
    day = local_date(slot.start)
    cost = weights.of_day(order, day) + weights.of_way(order, site.distance_m if site else None)
    there = asks.calendar.day(slot.location, day)
    staff = there.staff.get(slot.therapist) if there is not None else None
    understood = staff is None or order.language in staff.languages
    return cost if understood else cost + weights.language


def _moves(
    asks: Proposals, part: Sequence[Wanted], slots: Mapping[str, Slot], now: datetime
) -> dict[str, Answer]:
    after: dict[str, Slot] = {}
    change = 0
    for one in part:
        order = one.order
        slot = slots.get(order.order_id)
        if slot is None or slot == one.slot:
            continue
        if one.only_inside and not order.keeps_limit(slot.start):
            continue
        after[order.order_id] = slot
        before = None if one.gone else one.slot
        change += _cost(asks, order, slot) - _cost(asks, order, before)
    if change >= 0:
        return {}
    moved = [one for one in part if one.order.order_id in after]
    with asks.swapped([one.slot for one in moved if one.slot is not None], after.values()):
        return {
            one.order.order_id: _answer(asks, one.order, after[one.order.order_id], len(part), now)
            for one in moved
        }


def _answer(asks: Proposals, order: Order, slot: Slot, many: int, now: datetime) -> Answer:
    sites, note = asks.seen_from(order.postcode)
    site = next(one for one in sites if one.code == slot.location)
    day = local_date(slot.start)
    among = f"least price of {many} citizens together" if many > 1 else "least price"
    shortfall = None
    if not order.keeps_limit(slot.start):
        text = f"No time inside the limit {order.limit}, also if others who are not told yet move."
        shortfall = Shortfall(Reason.NO_CAPACITY_INSIDE_LIMIT, text)
    return Answer(
        slot=slot,
        distance_m=site.distance_m if order.step.travels else 0,
        alternatives=asks.others(order, slot, now),
        reason=f"{site}, {day}: {among}.{note}",
        shortfall=shortfall,
    )
