"""The engine's data: who waits for a first session, what is free, and what was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EVERY_WEEKDAY = 0b1111111
MOST_SLOTS = 62  # a window is a mask in a 64-bit number


class InvalidInputError(ValueError):
    """What was given cannot be planned with; the message says which part and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Citizens who wait for a first session, one row each, in ascending order of `ids`.

    `weekdays` and `window` are masks (bit 0 is Monday, or the day's first slot); `last` is the last
    day that may be booked at all; `metres[row, place]` is below zero where the place is no choice.
    """

    ids: Ints
    earliest: Ints
    limit: Ints
    last: Ints
    kind: Ints
    weekdays: Ints
    window: Ints
    weight: Ints
    metres: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Ints | Bools) -> Requests:
        """The chosen rows, in the order chosen."""
        return Requests(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def in_order(self) -> Requests:
        """The same requests in ascending order of id, whatever order they came in."""
        return self.take(np.argsort(self.ids, kind="stable"))

    @staticmethod
    def joined(parts: Sequence[Requests]) -> Requests:
        """The rows of all parts, one part after the other."""
        return Requests(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Requests)
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What is free: `capacity[class, place, day, slot]` therapists and `rooms[place, day, slot]`.

    The first day of both arrays is `first_day`. `may[kind, class]` tells who can take whom.
    """

    first_day: int
    capacity: Ints
    rooms: Ints
    may: Bools

    def __post_init__(self) -> None:
        classes, places, days, slots = self.capacity.shape
        if self.rooms.shape != (places, days, slots):
            raise InvalidInputError("rooms and capacity differ in places, days or slots")
        if self.may.shape[1] != classes:
            raise InvalidInputError("the table of who can take whom lacks a class of therapists")
        if slots > MOST_SLOTS:
            raise InvalidInputError(f"a day has {slots} slots; at most {MOST_SLOTS} can be planned")
        if (self.capacity < 0).any() or (self.rooms < 0).any():
            raise InvalidInputError("capacity or rooms below zero")

    @property
    def places(self) -> int:
        """How many places there are."""
        return int(self.capacity.shape[1])

    @property
    def days(self) -> Ints:
        """The days covered."""
        return np.arange(self.first_day, self.first_day + self.capacity.shape[2])

    @property
    def slots(self) -> int:
        """How many slots a day's grid has."""
        return int(self.capacity.shape[3])

    def between(self, first: int, last: int) -> Supply:
        """The days from `first` to `last`, both included; days outside the supply are left out."""
        start = max(0, first - self.first_day)
        end = max(start, last + 1 - self.first_day)
        return replace(
            self,
            first_day=self.first_day + start,
            capacity=self.capacity[:, :, start:end],
            rooms=self.rooms[:, start:end],
        )

    def less(self, plan: Plan) -> Supply:
        """What is left of it under the plan; raises `InvalidInputError` below zero."""
        capacity, rooms = self.capacity.copy(), self.rooms.copy()
        held = plan.booked
        day = plan.day[held] - self.first_day
        np.subtract.at(capacity, (plan.taker[held], plan.place[held], day, plan.slot[held]), 1)
        np.subtract.at(rooms, (plan.place[held], day, plan.slot[held]), 1)
        return replace(self, capacity=capacity, rooms=rooms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where and when each request is planned, row by row; -1 in all four where it is not.

    `taker` is the class of the therapist; which therapist of that class is a free choice.
    """

    taker: Ints
    place: Ints
    day: Ints
    slot: Ints

    @property
    def booked(self) -> Bools:
        """Which rows have a session."""
        return self.day >= 0

    def take(self, rows: Ints | Bools) -> Plan:
        """The chosen rows, in the order chosen."""
        return Plan(
            taker=self.taker[rows],
            place=self.place[rows],
            day=self.day[rows],
            slot=self.slot[rows],
        )

    @staticmethod
    def joined(parts: Sequence[Plan]) -> Plan:
        """The rows of all parts, one part after the other."""
        return Plan(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Plan)
            }
        )

    @staticmethod
    def empty(size: int) -> Plan:
        """Nobody planned."""
        return Plan(
            taker=np.full(size, -1),
            place=np.full(size, -1),
            day=np.full(size, -1),
            slot=np.full(size, -1),
        )
