"""What `decide` is asked to do. Standard library only.

A command carries the engine's answer where it needs one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.scheduling.orders import Alternative, Answer, Attendance, Order


class _WithOrder:
    """A command that carries its whole order."""

    __slots__ = ()
    order: Order

    @property
    def order_id(self) -> str:
        """The order's id."""
        return self.order.order_id


@dataclass(frozen=True, slots=True)
class Place:
    """Book a new order. `answer` is the engine's."""

    order: Order
    answer: Answer


@dataclass(frozen=True, slots=True)
class Change:
    """An order has a new state. `answer` is None where `still_right` says to keep the session."""

    order: Order
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The provider shall no longer carry out the order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Rebook:
    """The order's session has lost its therapist, room or time; `why`, where it is given up."""

    order_id: str
    answer: Answer
    why: str = "capacity-gone"


@dataclass(frozen=True, slots=True)
class Retry:
    """Time has become free for an order without a session inside the limit."""

    order_id: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Accept:
    """The citizen says yes to the session that begins at `start`."""

    order_id: str
    session_id: str
    start: datetime


@dataclass(frozen=True, slots=True)
class GiveUp(_WithOrder):
    """The citizen does not want the session that begins at `start`.

    `order` is as it is after that answer (see `after_no`). `answer` is the engine's, None where
    the citizen wants to wait. `why` is "declined" or "cancelled-by-citizen".
    """

    order: Order
    session_id: str
    start: datetime
    why: str
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The citizen wants another of the offered times instead of the session at `start`.

    `answer` books it, None where it is taken; `others` are the times that are free then.
    """

    order_id: str
    session_id: str
    start: datetime
    wanted: Alternative
    answer: Answer | None
    others: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Ask(_WithOrder):
    """A citizen who waits wants a time now. `order` is as it is after that."""

    order: Order
    answer: Answer


@dataclass(frozen=True, slots=True)
class Regret:
    """The citizen can't be trained where they chose: the session stands. `why` says so, `others`
    are the times that are free."""

    order_id: str
    why: str
    others: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Attend:
    """Somebody writes down whether the citizen came to a session."""

    order_id: str
    session_id: str
    attendance: Attendance


@dataclass(frozen=True, slots=True)
class Pause:
    """The referral rests: its time is free for others, and nothing is booked until it goes on."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Resume(_WithOrder):
    """A paused order goes on. `order` has its new dates; `answer` is the engine's."""

    order: Order
    answer: Answer


@dataclass(frozen=True, slots=True)
class Tell:
    """It is time to tell the citizen; `alternatives` are what else is free now."""

    order_id: str
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """One order's part of a plan over several."""

    order_id: str
    answer: Answer
    order: Order | None = None  # where it is new


@dataclass(frozen=True, slots=True)
class Replan:
    """Several orders at once take each other's or free times. Each has a slot."""

    moves: tuple[Move, ...]


Command = (
    Place
    | Change
    | Withdraw
    | Rebook
    | Retry
    | Accept
    | GiveUp
    | Exchange
    | Ask
    | Regret
    | Attend
    | Pause
    | Resume
    | Tell
)
