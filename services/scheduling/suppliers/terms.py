"""What a supplier carries out, what is said of it and what follows, in words.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from services.scheduling.facts import Event
from services.scheduling.orders import Booking, Order


class Standing(StrEnum):
    """Where an order stands."""

    STANDS = "stands"
    RESTS = "rests"  # the citizen is in hospital
    DECLINED = "declined"
    ENDED = "ended"  # withdrawn, or its referral was closed


class State(StrEnum):
    """What a supplier says of a session."""

    PLANNED = "planned"
    CANCELLED = "cancelled"
    ATTENDED = "attended"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a supplier trains."""

    code: str
    name: str
    address: str
    postcode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A session as it was stated last. `said` is the supplier's own revision of it."""

    booking: Booking
    place: Place
    said: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """An order that a supplier carries out, and its sessions by their number (from 1)."""

    order: Order
    standing: Standing = Standing.STANDS
    sessions: Mapping[int, Stated] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Take:
    """The order's whole state, as it was placed or changed."""

    order: Order


@dataclass(frozen=True, slots=True)
class End:
    """The order was withdrawn, or its referral closed."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The citizen is in hospital again."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """The citizen is home again; None leaves a date as it was."""

    earliest: date | None
    limit: date | None


@dataclass(frozen=True, slots=True)
class Decline:
    """The provider won't carry the order out."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSession:
    """The whole state of the order's `number`-th session.

    `start` is None where it is as it was; `minutes` None: as long as was ordered; `place` None: as
    it was. `reason`: of a cancellation. `by` wrote down who came, `at` this instant.
    """

    number: int
    state: State
    start: datetime | None
    minutes: int | None
    place: Place | None
    reason: str
    revision: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderDeclined:
    """The provider won't carry the order out."""

    order: Order
    reason: str


Command = Take | End | Rest | GoOn | Decline | StateSession


@dataclass(frozen=True, slots=True)
class Refusal:
    """It can't be so: the element of the statement, and why, without people."""

    element: str
    reason: str


@dataclass(frozen=True, slots=True)
class Happened:
    """What the order is now, and what has happened."""

    carried: Carried
    events: tuple[Event | OrderDeclined, ...] = ()
