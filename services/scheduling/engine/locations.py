"""Fewer, other or fuller locations: what becomes of the therapists and the rooms, week by week."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations

from services.scheduling.capacity import LocationWeek, Therapist
from services.scheduling.engine.model import InvalidInputError

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
    """Which locations stay open, by code, and how. `between[a, b]` is the way between two."""

    keep: tuple[str, ...]
    staff: Staff
    rooms: Rooms
    between: Mapping[tuple[str, str], int]

    def __post_init__(self) -> None:
        if not self.keep:
            raise InvalidInputError("cannot keep 0 locations: at least one must stay open")
        if len(set(self.keep)) != len(self.keep):
            raise InvalidInputError("a location is kept twice")


def closing_orders(closed: Sequence[int]) -> list[tuple[int, ...]]:
    """Every order in which the places can be closed, for up to six."""
    if len(closed) > MOST_ORDERS:
        raise InvalidInputError(f"{len(closed)} closures have too many orders; at most 6 are tried")
    return list(permutations(sorted(closed)))


def changed_week(
    weeks: Sequence[LocationWeek], change: Change, given: Sequence[LocationWeek] | None = None
) -> list[LocationWeek]:
    """One calendar week of every location after the change, by code; a closed one says so.

    `given` is the whole of that week where staff is as given. Raises `InvalidInputError`.
    """
    if change.staff is Staff.AS_GIVEN:
        if given is None:
            raise InvalidInputError("staff as given needs the capacity that is given")
        weeks = _as_given(weeks, given)
    of = {week.location.code: week for week in weeks}
    if unknown := sorted(set(change.keep) - of.keys()):
        raise InvalidInputError(f"cannot keep {', '.join(unknown)}: it is unknown")
    after = {code: of[code] for code in sorted(change.keep)}
    for code in sorted(of.keys() - after.keys()):
        to = _destinations(change, code)
        if change.staff is Staff.FOLLOW:
            after[to[0]] = _joined(after[to[0]], of[code].therapists)
        elif change.staff is Staff.SPREAD:
            for number, part in enumerate(_dealt(of[code].therapists, len(to))):
                after[to[number]] = _joined(after[to[number]], part)
        if change.rooms is Rooms.MOVE:
            for number, room in enumerate(of[code].rooms):
                there = after[to[number % len(to)]] if to else None
                if there is not None:
                    moved = replace(room, code=f"{code}/{room.code}")
                    after[there.location.code] = replace(there, rooms=(*there.rooms, moved))
    for code in of.keys() - set(change.keep):
        after[code] = replace(of[code], rooms=(), therapists=(), closed=True)
    return [after[code] for code in sorted(after)]


def _as_given(
    weeks: Sequence[LocationWeek], given: Sequence[LocationWeek]
) -> Sequence[LocationWeek]:
    """The given hours; a location of which nothing is given has nobody."""
    of = {week.location.code: week for week in given}
    return [of.get(week.location.code, replace(week, therapists=())) for week in weeks]


def _destinations(change: Change, code: str) -> Sequence[str]:
    """Where the staff of a closed location goes: to the nearest kept one, to all, or nowhere."""
    keep = sorted(change.keep)
    if change.staff is Staff.FOLLOW:
        return [min(keep, key=lambda to: (change.between[code, to], to))]
    return keep if change.staff is Staff.SPREAD else []


def _dealt(therapists: Iterable[Therapist], players: int) -> list[list[Therapist]]:
    """Shifts dealt out like cards, in order of therapist and time, so that all get as many."""
    parts: list[list[Therapist]] = [[] for _ in range(players)]
    number = 0
    for one in sorted(therapists, key=lambda each: each.id):
        for shift in sorted(one.shifts, key=lambda each: each.start):
            parts[number % players].append(replace(one, shifts=(shift,), duties=()))
            number += 1
    return parts


def _joined(week: LocationWeek, more: Iterable[Therapist]) -> LocationWeek:
    """A location's week with others' hours; whoever works there already is there for longer."""
    staff = {one.id: one for one in week.therapists}
    for one in more:
        known = staff.get(one.id)
        shifts = one.shifts if known is None else (*known.shifts, *one.shifts)
        staff[one.id] = replace(one if known is None else known, shifts=shifts)
    return replace(week, therapists=tuple(staff.values()), closed=False)
