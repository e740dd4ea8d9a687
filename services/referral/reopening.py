"""A referral whose end was an error: open again, ordered again, and its hospital told.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.referral.clock import late
from services.referral.evolving import evolve
from services.referral.facts import Fact, HospitalTold, OrderPlaced, Paused, Reopened
from services.referral.identity import order_id
from services.referral.limit import earliest_start
from services.referral.order import Order
from services.referral.referral import Referral
from services.referral.terms import Told


def reopening(
    referral: Referral, order: Order | None, ordinal: int, now: datetime
) -> Iterator[Fact]:
    """Undoes the end. `order`: as it last stood, the `ordinal`-th; it is placed anew.

    The limit is the one that stood: where no day is left inside it, free choice opens at once.
    Who is still in hospital is so afterwards too.
    """
    me = referral.referral_id
    reopened = Reopened(referral_id=me, at=now)
    yield reopened
    after = evolve(referral, reopened)
    yield HospitalTold(referral_id=me, state=Told.REOPENED, at=now)
    if order is None:
        return
    soonest = earliest_start(now, referral.begins, referral.later_start)
    placed = OrderPlaced(
        referral_id=me,
        order=replace(
            order,
            order_id=order_id(me, ordinal + 1),
            earliest=max(order.earliest, soonest),
            limit=referral.limit,
        ),
    )
    yield placed
    if referral.paused_at is not None:
        yield Paused(referral_id=me, at=now)
        return
    after = evolve(after, placed)
    if after.free_choice is None and after.started is None:
        yield from late(after, now)
