"""Decides a plan over several orders at once. Standard library only: no clock, no I/O.

Each takes a time that is free, or one that another of them leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations

from services.scheduling.commands import Move, Replan
from services.scheduling.facts import Decision
from services.scheduling.moves import RuleBrokenError, rebook
from services.scheduling.orders import Engagement, Placed, Slot, Status
from services.scheduling.provider import Provider


def decide_together(provider: Provider, command: Replan, now: datetime) -> Sequence[Decision]:
    """What follows from a plan, order by order. Changes nothing.

    Raises RuleBrokenError where the plan breaks a rule, KeyError for an unknown order.
    """
    every = frozenset(move.order_id for move in command.moves)
    decisions = [
        rebook(provider, _before(provider, move), move.answer, now, besides=every)
        for move in command.moves
    ]
    taken = [
        (one.placed.order.citizen_id, one.placed.booking.slot)
        for one in decisions
        if one.placed.booking is not None
    ]
    for (citizen, slot), (other, second) in _meeting(taken):
        if set(slot.staff) & set(second.staff):
            raise RuleBrokenError(f"the plan has therapist {slot.therapist} twice")
        if slot.room is not None and (slot.location, slot.room) == (second.location, second.room):
            raise RuleBrokenError(f"the plan has room {slot.room} twice")
        if citizen == other:
            raise RuleBrokenError("the plan has a citizen in two sessions at once")
    return decisions


def _before(provider: Provider, move: Move) -> Placed:
    known = provider.orders.get(move.order_id)
    if known is not None:
        return known
    if move.order is None:
        raise KeyError("an order that nobody placed")
    return Placed(order=move.order, status=Status.WAITING, booking=None, sessions=0, told=None)


def _meeting(
    taken: Iterable[tuple[str, Slot]],
) -> Iterable[tuple[tuple[str, Slot], tuple[str, Slot]]]:
    """Pairs of slots that overlap."""
    by_day: dict[object, list[tuple[str, Slot]]] = {}
    for one in taken:
        by_day.setdefault(one[1].start.date(), []).append(one)
    for of_day in by_day.values():
        for first, second in combinations(of_day, 2):
            if Engagement(None, first[1].start, first[1].end).overlaps(second[1]):
                yield first, second
