"""What has happened to orders and sessions, as decisions say it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.scheduling.orders import Booking, Order, Placed, Reason, Slot


@dataclass(frozen=True, slots=True)
class SessionOffered:
    """A session was booked and is offered to the citizen."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """A session has another time or another place."""

    order: Order
    booking: Booking
    previous: Slot


@dataclass(frozen=True, slots=True)
class SessionRestated:
    """Time and place stand; therapist, room, limit or the need of transport changed."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionReoffered:
    """The session stands; the time that was asked for instead is taken, others are free."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class SessionCancelled:
    """A session was given up; `booking` carries the new revision."""

    order: Order
    booking: Booking
    reason: str


@dataclass(frozen=True, slots=True)
class SessionAttended:
    """Whether the citizen came; `booking` has it in its attendance."""

    order: Order
    booking: Booking


@dataclass(frozen=True, slots=True)
class OrderInfeasible:
    """The limit cannot be held. `first_possible` is the date of the session that was booked."""

    order: Order
    reason: Reason
    text: str
    first_possible: date | None


Event = (
    SessionOffered
    | SessionMoved
    | SessionRestated
    | SessionReoffered
    | SessionCancelled
    | SessionAttended
    | OrderInfeasible
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the order is now and what has happened."""

    placed: Placed
    events: tuple[Event, ...]
