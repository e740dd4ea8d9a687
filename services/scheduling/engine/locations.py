"""Fewer, other or fuller locations: what becomes of the therapists, the rooms and the ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations

import numpy as np

from services.scheduling.engine.model import Ints, InvalidInputError, Requests, Supply

MOST_ORDERS = 6  # closures of which every order is tried


class Staff(StrEnum):
    """What becomes of the therapists of a location that closes."""

    FOLLOW = "follow to the nearest"
    SPREAD = "spread evenly"
    CUT = "cut"
    AS_GIVEN = "as given"


class Rooms(StrEnum):
    """What becomes of the rooms: the kept have their own, or are given those of the closed."""

    STAY = "stay"
    MOVE = "move with the staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Which places stay open, and how. `between[place, place]` is the way between them."""

    keep: tuple[int, ...]
    staff: Staff
    rooms: Rooms
    between: Ints

    def __post_init__(self) -> None:
        if not self.keep:
            raise InvalidInputError("cannot keep 0 locations: at least one must stay open")
        if len(set(self.keep)) != len(self.keep):
            raise InvalidInputError("a location is kept twice")
        if min(self.keep) < 0 or max(self.keep) >= len(self.between):
            raise InvalidInputError(
                f"cannot keep {len(self.keep)} of {len(self.between)} locations: one is unknown"
            )


def closing_orders(closed: Sequence[int]) -> list[tuple[int, ...]]:
    """Every order in which the places can be closed, for up to six."""
    if len(closed) > MOST_ORDERS:
        raise InvalidInputError(f"{len(closed)} closures have too many orders; at most 6 are tried")
    return list(permutations(sorted(closed)))


def changed_supply(supply: Supply, change: Change, given: Supply | None = None) -> Supply:
    """The capacity after the change; `given` is the whole of it where staff is as given."""
    if len(change.between) != supply.places:
        raise InvalidInputError("the ways between locations are of other locations")
    if change.staff is Staff.AS_GIVEN:
        if given is None:
            raise InvalidInputError("staff as given needs the capacity that is given")
        source = given
    else:
        source = supply
    capacity, rooms = source.capacity.copy(), source.rooms.copy()
    closed = [place for place in range(supply.places) if place not in change.keep]
    for place in closed:
        for_each = _destinations(change, place, source)
        for to, share in for_each:
            capacity[:, to] += share
        if change.rooms is Rooms.MOVE and for_each:
            _move_rooms(rooms, place, [to for to, _ in for_each])
        capacity[:, place] = 0
        rooms[place] = 0
    return replace(source, capacity=capacity, rooms=rooms)


def _destinations(change: Change, place: int, supply: Supply) -> list[tuple[int, Ints]]:
    free = supply.capacity[:, place]
    keep = sorted(change.keep)
    if change.staff is Staff.FOLLOW:
        return [(min(keep, key=lambda to: (change.between[place, to], to)), free)]
    if change.staff is Staff.SPREAD:
        # The hours are dealt out like cards, in order, each class and day from where it stopped.
        before = np.cumsum(free.reshape(-1)).reshape(free.shape) - free
        return [
            (to, _dealt(before + free, number, len(keep)) - _dealt(before, number, len(keep)))
            for number, to in enumerate(keep)
        ]
    return []


def _dealt(cards: Ints, player: int, players: int) -> Ints:
    """How many of the first `cards` the player has."""
    return (cards + players - 1 - player) // players


def _move_rooms(rooms: Ints, place: int, to: Sequence[int]) -> None:
    """Adds the rooms of a place to others, as evenly as whole rooms go."""
    for number, other in enumerate(to):
        rooms[other] += _dealt(rooms[place], number, len(to))


def changed_requests(requests: Requests, change: Change) -> Requests:
    """The same citizens, for whom a closed place is no longer a choice."""
    metres = np.full_like(requests.metres, -1)
    keep = list(change.keep)
    metres[:, keep] = requests.metres[:, keep]
    return replace(requests, metres=metres)
