"""Who comes on one seed: the same citizens for every choice of locations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from services.scheduling.engine.grid import day_number
from services.scheduling.engine.model import Bools, Ints, InvalidInputError
from services.scheduling.history import WEEKS, Came
from services.scheduling.orders import Order, Step
from services.scheduling.what_if.demand import Request
from services.scheduling.what_if.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One stretch of days: whose order comes when. `like[n]` is the request that the n-th order is
    like, a row of the world's. `before` came in the weeks before, of which the desk expects more.
    """

    orders: tuple[Order, ...]
    came: tuple[date, ...]
    like: Ints
    before: tuple[Came, ...] = ()

    def __len__(self) -> int:
        return len(self.orders)

    def take(self, chosen: Bools) -> Case:
        """The chosen citizens."""
        rows = np.flatnonzero(chosen).tolist()
        return Case(
            orders=tuple(self.orders[row] for row in rows),
            came=tuple(self.came[row] for row in rows),
            like=self.like[rows],
            before=self.before,
        )


def draw(
    world: World, *, first: date, days: int, seed: int, growth: float = 1.0
) -> tuple[Case, Bools, Bools]:
    """The citizens of one seed, which of them come today, and which with the growth.

    With a growth above 1 the same citizens come as without, and others besides; below 1 some stay
    away. Raises `InvalidInputError`.
    """
    if days < 1:
        raise InvalidInputError("a simulation needs at least one day of arrivals")
    if not 0 < growth <= 10:
        raise InvalidInputError("the number of plans can change to between 0 and 10 times")
    chance = np.random.Generator(np.random.PCG64([seed, day_number(first), days]))
    most = max(1.0, growth)
    came, like = _arrivals(world, first, days, most, chance)
    ticket = chance.random(len(like)) * most
    earlier = first - timedelta(weeks=WEEKS)
    chance = np.random.Generator(np.random.PCG64([seed, day_number(earlier)]))
    known = _case(world, *_arrivals(world, earlier, 7 * WEEKS, 1.0, chance), "before ")
    before = tuple(Came(on, one) for on, one in zip(known.came, known.orders, strict=True))
    case = replace(_case(world, came, like), before=before)
    return case, ticket < 1.0, ticket < growth


def _arrivals(
    world: World, first: date, days: int, most: float, chance: np.random.Generator
) -> tuple[list[date], Ints]:
    """The days on which somebody comes, and whom they are like, at `most` times today's rate."""
    day = np.arange(days)
    weekday = (first.weekday() + day) % 7
    count = chance.poisson(most * np.array(world.by_weekday)[weekday])
    on = np.repeat(day, count)
    like: Ints = (chance.random(len(on)) * len(world.like)).astype(np.int64)
    return [first + timedelta(days=number) for number in on.tolist()], like


def past(world: World) -> Case:
    """The requests as they came."""
    like: Ints = np.arange(len(world.like))
    return _case(world, [one.arrived for one in world.like], like)


def _case(world: World, came: list[date], like: Ints, prefix: str = "") -> Case:
    return Case(
        orders=tuple(
            order_like(world.like[row], on, f"{prefix}{number:06d}")
            for number, (on, row) in enumerate(zip(came, like.tolist(), strict=True))
        ),
        came=tuple(came),
        like=like,
    )


def order_like(one: Request, on: date, name: str) -> Order:
    """The order of somebody like that who comes on a day."""
    by = on - one.arrived
    return Order(
        order_id=name,
        referral_id=name,
        citizen_id=name,
        provider="",
        earliest=one.earliest + by,
        limit=None if one.limit is None else one.limit + by,
        vulnerable=one.vulnerable,
        postcode=one.district,
        language=one.language,
        transport=one.transport,
        windows=one.windows,
        bedside=one.bedside,
        step=Step(
            step_id="first",
            minutes=one.minutes,
            competences=one.competences,
            room=one.room,
            delivery=one.delivery,
            equipment=one.equipment,
        ),
    )
