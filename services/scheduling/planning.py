"""The exact plan over several orders: who takes which time, so that all together pay least.

One-slot first sessions of one length, by the engine's flow (`engine/grid.py`). Whoever it can't
take (declined times, other sessions to come from) keeps what they have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.scheduling.capacity import local_date
from services.scheduling.engine.grid import can_be_planned
from services.scheduling.orders import Answer, Order, Reason, Shortfall, Slot
from services.scheduling.proposals import Proposals, stays
from services.scheduling.solving import Wanted, cost, of_those_to_come, solve, solve_mixed

_ROUNDS: Final = 6


def takes_part(asks: Proposals, order: Order, *, equipped: bool = False) -> bool:
    """Whether the plan can hold all that the order asks for; the mixed one equipment too."""
    plain = replace(order, step=replace(order.step, equipment=frozenset())) if equipped else order
    return (
        can_be_planned(plain, order.step.minutes)
        and not order.step.gathers
        and not order.declined
        and not order.chooses
        and len({(window.begin, window.finish) for window in order.windows}) <= 1
        and not asks.provider.diary.others(order)
    )


def together(
    asks: Proposals, wanted: Sequence[Wanted], now: datetime, *, ahead: bool = False
) -> dict[str, Answer]:
    """New times by order id, where all together are better off with them; else nothing.

    All `wanted` have sessions of the same length and `takes_part` holds for each. With `ahead`
    those who are still to come are among them all.
    """
    pinned: set[str] = set()
    for _ in range(_ROUNDS):
        part = [one for one in wanted if one.order_id not in pinned]
        if not part:
            return {}
        slots = solve(asks, part, now, ahead=ahead)
        worse = {
            one.order_id
            for one in part
            if not (one.gone or one.only_inside)
            and one.slot is not None
            and _worse(one, slots.get(one.order_id))
        }
        if not worse:
            return _moves(asks, part, slots, now, ahead=ahead)
        pinned |= worse
    return {}


def mixed_together(
    asks: Proposals, wanted: Sequence[Wanted], now: datetime
) -> tuple[dict[str, Answer], float]:
    """As `together` for sessions of several lengths, or with equipment, none of them late or told.

    The share of the price that a better plan could save at most comes with it. Nothing where the
    time is too short for a plan that is better than what all have.
    """
    found = solve_mixed(asks, wanted, now)
    if found is None:
        return {}, 0.0
    slots, gap = found
    if any(_worse(one, slots.get(one.order_id)) for one in wanted if one.slot is not None):
        return {}, gap
    answers = _moves(asks, wanted, slots, now, ahead=False)
    text = f" Nothing better was left out by more than {gap:.1%} of the price."
    return {
        order_id: replace(answer, reason=answer.reason + text)
        for order_id, answer in answers.items()
    }, gap


def _worse(one: Wanted, slot: Slot | None) -> bool:
    """Whether somebody who has a time inside the limit would lose it."""
    assert one.slot is not None, "only who has something can lose it"
    keeps = one.order.keeps_limit
    return slot is None or (keeps(one.slot.start) and not keeps(slot.start))


def _moves(
    asks: Proposals,
    part: Sequence[Wanted],
    slots: Mapping[str, Slot],
    now: datetime,
    *,
    ahead: bool,
) -> dict[str, Answer]:
    minutes = part[0].order.step.minutes
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
        change += cost(asks, one, slot) - cost(asks, one, before)
        if one.told and before is not None and before.appointment != slot.appointment:
            change += asks.provider.terms.weights.move
    if not after:
        return {}
    moved = [one for one in part if one.order_id in after]
    change -= of_those_to_come(asks, minutes, now) if ahead else 0
    with asks.swapped([one.slot for one in moved if one.slot is not None], after.values()):
        change += of_those_to_come(asks, minutes, now) if ahead else 0
        if change >= 0:
            return {}
        return {
            one.order_id: _answer(asks, one, after[one.order_id], len(part), now) for one in moved
        }


def _answer(asks: Proposals, one: Wanted, slot: Slot, many: int, now: datetime) -> Answer:
    order, before = one.order, one.slot
    sites, note = asks.seen_from(order.postcode)
    site = next(place for place in sites if place.code == slot.location)
    day = local_date(slot.start)
    among = f"least price of {many} citizens together" if many > 1 else "least price"
    reason = f"{site}, {day}: {among}.{note}"
    if one.gone and before is not None and before.appointment == slot.appointment:
        reason = stays(before, slot)
    shortfall = None
    if not order.keeps_limit(slot.start):
        text = f"No time inside the limit {order.limit}, also if others who are not told yet move."
        shortfall = Shortfall(Reason.NO_CAPACITY_INSIDE_LIMIT, text)
    return Answer(
        slot=slot,
        distance_m=site.distance_m if order.step.travels else 0,
        alternatives=asks.others(order, slot, now),
        reason=reason,
        shortfall=shortfall,
    )
