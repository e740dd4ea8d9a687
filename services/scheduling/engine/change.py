"""When capacity is gone: all whose session cannot stay are planned anew together.

Illness, a closed room, a location closed for a day or for good, a longer leave: each is less supply
(`without`). `replan` then gives as many as possible a session, moves as few citizens as possible
from the time and place they were told of (a told session that is lost counts as a move, and the
vulnerable weigh more), and among such plans takes the one of least price. At the same time and
place somebody else may take over: the citizen need not be told of that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from services.scheduling.engine.flow import assign
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Plan, Requests, Supply
from services.scheduling.engine.network import Held
from services.scheduling.engine.price import Price

FEWEST_MOVES = 100_000_000
"""Metres: a move that is dearer than any day or way, so that their number comes first."""


class Cause(StrEnum):
    """Why somebody has no session after a change."""

    NO_COMPETENCE = "no-competence"  # nobody who is left can do it
    NOT_WHEN_WANTED = "not-when-wanted"  # nobody who can is there at a time and place that suits
    TAKEN = "taken"  # all such times are given to others


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The plan after a change, row by row: who must be told of a `moved` session, for whom only the
    staff changed (`restaffed`), and why who had or wanted a session has none (`unplaced`)."""

    plan: Plan
    moved: Bools
    restaffed: Bools
    unplaced: dict[int, Cause]


def without(
    supply: Supply,
    *,
    taker: int | None = None,
    place: int | None = None,
    first: int | None = None,
    last: int | None = None,
    therapists: int | None = None,
    rooms: int | None = None,
) -> Supply:
    """The supply less what is gone from day `first` to `last` (both included; None: all along).

    Without `therapists` and `rooms` all therapists are gone, of one class and at one place where
    those are given: an illness, a leave, a closed location. With a number, so many of each slot's
    therapists or rooms are gone at most. Raises `InvalidInputError` for what is not there.
    """
    for name, number, many in (
        ("class", taker, len(supply.capacity)),
        ("place", place, supply.places),
    ):
        if number is not None and not 0 <= number < many:
            raise InvalidInputError(f"there is no {name} {number}")
    if rooms is not None and taker is not None:
        raise InvalidInputError("rooms belong to no class of therapists")
    if min(therapists or 0, rooms or 0) < 0:
        raise InvalidInputError("fewer than none cannot be gone")
    start = 0 if first is None else max(0, first - supply.first_day)
    end = len(supply.days) if last is None else max(start, last + 1 - supply.first_day)
    at = slice(None) if place is None else slice(place, place + 1)
    who = slice(None) if taker is None else slice(taker, taker + 1)
    capacity, spaces = supply.capacity.copy(), supply.rooms.copy()
    if rooms is not None:
        left = spaces[at, start:end]
        spaces[at, start:end] = np.maximum(left - rooms, 0)
    if therapists is not None or rooms is None:
        staff = capacity[who, at, start:end]
        gone = staff if therapists is None else therapists
        capacity[who, at, start:end] = np.maximum(staff - gone, 0)
    return replace(supply, capacity=capacity, rooms=spaces)


def replan(
    requests: Requests, supply: Supply, told: Plan, price: Price, *, move: int = FEWEST_MOVES
) -> Change:
    """Plans all rows anew on what is left, `told` being where they are now (-1: nowhere yet).

    `supply` is all that is there for these rows, the places they hold included where those still
    are. With a smaller `move` (metres) a told session also moves where that saves more than it.
    Rows must be in ascending order of id; the same input always gives the same plan.
    """
    # No session at all must stay dearer than any number of moves that would make room for one.
    never = price.of_never(requests.weight) + move * (1 + int(told.booked.sum()))
    plan = assign(requests, supply, price, never=never, held=Held(plan=told, move=move)).plan
    same_time = (plan.place == told.place) & (plan.day == told.day) & (plan.slot == told.slot)
    kept = told.booked & plan.booked & same_time
    return Change(
        plan=plan,
        moved=told.booked & plan.booked & ~same_time,
        restaffed=kept & (plan.taker != told.taker),
        unplaced={
            row: _cause(requests, supply, row) for row in np.flatnonzero(~plan.booked).tolist()
        },
    )


def _cause(requests: Requests, supply: Supply, row: int) -> Cause:
    able = supply.may[requests.kind[row]]
    if not supply.capacity[able].any():
        return Cause.NO_COMPETENCE
    return Cause.TAKEN if _suits(requests, supply, row).any() else Cause.NOT_WHEN_WANTED


def _suits(requests: Requests, supply: Supply, row: int) -> Bools:
    """The (class, place, day, slot) that the citizen could have alone."""
    r, days = requests, supply.days
    on = (days >= r.earliest[row]) & (days <= r.last[row]) & (r.weekdays[row] >> days % 7 & 1 == 1)
    at: Ints = r.window[row] >> np.arange(supply.slots) & 1
    suits: Bools = (supply.capacity > 0) & (supply.rooms > 0)[None]
    suits &= supply.may[r.kind[row]][:, None, None, None]
    suits &= (r.metres[row] >= 0)[None, :, None, None]
    suits &= on[None, None, :, None]
    suits &= (at == 1)[None, None, None]
    return suits
