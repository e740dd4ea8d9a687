"""Who would get which slot, were several orders planned at once: the engine asked in its own terms.

Nothing here judges whether the plan is worth it (`planning.py`) or allowed (`decide_together`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

import numpy as np

from services.scheduling.capacity import local_date
from services.scheduling.engine import change
from services.scheduling.engine.bonds import lay_out_bonds
from services.scheduling.engine.forecast import Forecast
from services.scheduling.engine.grid import Grid, day_number, lay_out
from services.scheduling.engine.model import Requests
from services.scheduling.engine.network import Held
from services.scheduling.engine.online import Site
from services.scheduling.engine.price import Price
from services.scheduling.engine.replan import Replan
from services.scheduling.orders import Order, Slot
from services.scheduling.proposals import Proposals

NEVER: Final = 100_000_000
"""Metres that no session at all costs."""
MIXED_GAP: Final = 0.005
"""The share of the price that the mixed program may leave to be saved."""
MIXED_SECONDS: Final = 2.0
"""So long it looks at most; the plan is then the best that it has found."""
_DAYS_AHEAD: Final = 14
_PATTERNS: Final = 600
"""Past orders that a forecast draws from: enough that their shares are right to some per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order that takes part. `slot` is what it has, if anything; `gone`: it can't stay there.

    `only_inside`: it has a slot after its limit (a new order: `otherwise`), and keeps that unless
    it can have one inside. `told`: the citizen knows of the slot, and moving them has its price.
    """

    order: Order
    slot: Slot | None
    gone: bool = False
    only_inside: bool = False
    told: bool = False
    otherwise: Slot | None = None

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.order.order_id


def solve(
    asks: Proposals, part: Sequence[Wanted], now: datetime, *, ahead: bool
) -> Mapping[str, Slot]:
    """The slots of the plan by order id; an order without one has none. All sessions are of one
    length. Told sessions that are gone are planned with fewest moves; else with `ahead` those who
    are still to come are planned for too, as far as the provider's history tells."""
    terms = asks.provider.terms
    orders = [replace(one.order, earliest=terms.first_day(one.order, now)) for one in part]
    today = local_date(now)
    first = terms.earliest(now) if ahead else min(order.earliest for order in orders)
    minutes = part[0].order.step.minutes
    like = patterns(asks, minutes, today) if ahead else []
    freed = [one.slot for one in part if one.slot is not None and not one.only_inside]
    before = {one.order_id: one.slot for one in part if one.slot is not None}
    told = {one.order_id: one.slot for one in part if one.told and one.slot is not None}
    with asks.swapped(freed):
        grid = _grid(asks, orders, like, first, minutes)
        requests = _requests(asks, grid, {o.order_id for o in part if o.only_inside})
        known = grid.plan_of(told)
        if any(one.gone for one in part):
            plan = change.replan(requests, grid.supply, known, _price(asks)).plan
        else:
            held = Held(plan=known, move=terms.weights.move) if told else None
            policy = Replan(price=_price(asks), forecast=_forecast(asks, grid, minutes, today))
            evening = day_number(today) if ahead else day_number(first) - 1
            of = {one.order_id: one for one in part}
            never = [cost(asks, of[order.order_id]) for order in grid.orders]
            plan = policy(
                evening, requests, grid.supply, held=held, never=np.array(never, np.int64)
            )
        return grid.slots(plan, before)


def solve_mixed(
    asks: Proposals, part: Sequence[Wanted], now: datetime
) -> tuple[Mapping[str, Slot], float] | None:
    """As `solve` for sessions of several lengths and with equipment, by the mixed program, and its
    gap; None where it found no plan in its time."""
    terms = asks.provider.terms
    orders = [replace(one.order, earliest=terms.first_day(one.order, now)) for one in part]
    with asks.swapped([one.slot for one in part if one.slot is not None]):
        bonds = lay_out_bonds(
            asks.calendar,
            orders,
            {order.order_id: priced_sites(asks, order) for order in orders},
            first=min(order.earliest for order in orders),
            weight=terms.weights.vulnerable,
            rides=terms.rides,
        )
        found = bonds.solve(_price(asks), gap=MIXED_GAP, seconds=MIXED_SECONDS)
        slots = None if found is None else bonds.slots(found.plan)
    return None if found is None or slots is None else (slots, found.gap)


def on_grid(asks: Proposals, lost: Sequence[Wanted], now: datetime) -> set[str]:
    """The orders whose slots lie where the plan can put sessions; all are of one length."""
    minutes = lost[0].order.step.minutes
    orders = [one.order for one in lost]
    grid = _grid(asks, orders, (), asks.provider.terms.earliest(now), minutes)
    known = grid.plan_of({one.order_id: one.slot for one in lost if one.slot is not None})
    return {grid.orders[row].order_id for row in np.flatnonzero(known.booked).tolist()}


def cost(asks: Proposals, one: Wanted, slot: Slot | None = None) -> int:
    """What it costs, in metres, that an order has a slot; without one, that the plan leaves it out:
    a late order then stays where it is."""
    weights, order = asks.provider.terms.weights, one.order
    if slot is None and one.only_inside:
        slot = one.slot or one.otherwise
    if slot is None:
        return NEVER * (weights.vulnerable if order.vulnerable else 1)
    sites, _ = asks.seen_from(order.postcode)
    site = next((one for one in sites if one.code == slot.location), None)
    day = local_date(slot.start)
    price = weights.of_day(order, day) + weights.of_way(order, site.distance_m if site else None)
    there = asks.calendar.day(slot.location, day)
    staff = there.staff.get(slot.therapist) if there is not None else None
    understood = staff is None or order.language in staff.languages
    return price if understood else price + weights.language


def of_those_to_come(asks: Proposals, minutes: int, now: datetime) -> int:
    """What those who are still to come are likely to cost on what is free now, in metres."""
    today = local_date(now)
    like = patterns(asks, minutes, today)
    if not like:
        return 0
    grid = _grid(asks, (), like, asks.provider.terms.earliest(now), minutes)
    policy = Replan(price=_price(asks), forecast=_forecast(asks, grid, minutes, today))
    return policy.of_those_to_come(day_number(today), grid.supply)


def patterns(asks: Proposals, minutes: int, today: date) -> list[Order]:
    """Past orders as if they had come today, evenly taken."""
    return asks.history.patterns(minutes, today, _PATTERNS)


def _grid(
    asks: Proposals, orders: Sequence[Order], like: Sequence[Order], first: date, minutes: int
) -> Grid:
    alike: dict[object, tuple[Site, ...]] = {}
    sites = {}
    for order in (*orders, *like):
        key = order.postcode, order.transport, order.step.delivery
        if key not in alike:
            alike[key] = priced_sites(asks, order)
        sites[order.order_id] = alike[key]
    rides = asks.provider.terms.rides
    return lay_out(
        asks.calendar, orders, sites, first=first, minutes=minutes, like=like, rides=rides
    )


def _forecast(asks: Proposals, grid: Grid, minutes: int, today: date) -> Forecast | None:
    if not len(grid.like):
        return None
    number = day_number(today)
    like = _weighed(asks, grid.like, np.array(grid.like.weight) > 1)
    return Forecast(
        by_weekday=asks.history.by_weekday(asks.history.alike(minutes)),
        pattern=replace(
            like,
            earliest=like.earliest - number,
            limit=like.limit - number,
            last=like.last - number,
        ),
        days_ahead=_DAYS_AHEAD,
    )


def _requests(asks: Proposals, grid: Grid, only_inside: set[str]) -> Requests:
    table = grid.requests
    inside = np.array([order.order_id in only_inside for order in grid.orders], np.bool_)
    vulnerable = np.array([order.vulnerable for order in grid.orders], np.bool_)
    last = np.where(inside, table.limit, table.last)
    return _weighed(asks, replace(table, last=last), vulnerable)


def _weighed(asks: Proposals, table: Requests, vulnerable: np.typing.NDArray[np.bool_]) -> Requests:
    return replace(table, weight=np.where(vulnerable, asks.provider.terms.weights.vulnerable, 1))


def _price(asks: Proposals) -> Price:
    weights = asks.provider.terms.weights
    return Price(late=weights.late, late_day=weights.late_day, waited_day=weights.waited_day)


def priced_sites(asks: Proposals, order: Order) -> tuple[Site, ...]:
    """The locations with what the way there costs, in place of its length."""
    sites, _ = asks.seen_from(order.postcode)
    of_way = asks.provider.terms.weights.of_way
    return tuple(replace(site, distance_m=of_way(order, site.distance_m)) for site in sites)
