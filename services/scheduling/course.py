"""An order's sessions after its first, each as an order of its own. Standard library only."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from services.scheduling.capacity import local_date
from services.scheduling.orders import Answer, Days, Order, Placed, Reason, Shortfall, Status

_SESSIONS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:later-sessions")
BETWEEN: Final = Days(1, 14)
"""Days from one session of a step to the next, where the order says nothing."""
AFTER: Final = Days(1, 28)
"""Days from the end of a step to the next, where the order says nothing."""

NOT_YET: Final = Answer(
    slot=None,
    distance_m=None,
    alternatives=(),
    reason="It follows the sessions before it.",
    shortfall=Shortfall(Reason.NO_CAPACITY_KNOWN, "It follows the sessions before it."),
)
"""What a later session gets until the ones before it have their times."""


def later_sessions(order: Order) -> tuple[Order, ...]:
    """The sessions after the first, in their sequence; ids that a second run gives again."""
    found: list[Order] = []
    number = 0
    for step in (order.step, *order.following):
        for nth in range(step.count):
            number += 1
            if number == 1:
                continue
            gap = (step.spacing or BETWEEN) if nth else (step.after or AFTER)
            found.append(
                replace(
                    order,
                    order_id=str(uuid.uuid5(_SESSIONS, f"{order.order_id}/{step.step_id}/{nth}")),
                    of=order.order_id,
                    number=number,
                    gap=gap,
                    limit=None,
                    bedside=False,
                    step=replace(step, count=1),
                    following=(),
                    not_before=None,
                    declined=(),
                )
            )
    return tuple(found)


def earliest_after(placed: Order, previous: date) -> date:
    """The first day on which a session may follow the one before it."""
    gap = placed.gap or BETWEEN
    return previous + timedelta(days=gap.least)


def kept_until(first: Placed, later: list[Placed]) -> tuple[date | None, int]:
    """The day of the last session in the sequence that can stay, and how many later ones do.

    None where the first has no time yet: the others wait for it.
    """
    if first.booking is None or first.status in (Status.HELD, Status.PAUSED, Status.CLOSED):
        return None, 0
    previous = local_date(first.booking.slot.start)
    for count, placed in enumerate(later):
        if placed.booking is None:
            return previous, count
        day = local_date(placed.booking.slot.start)
        if day < earliest_after(placed.order, previous):
            return previous, count
        previous = day
    return previous, len(later)
