"""Our own events on `training` as a restored database reads them back: what the log says of a
session holds, whatever the database remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import UUID5, Field

from services.scheduling import events
from services.scheduling.incoming import Code, Incoming, Instant
from services.scheduling.orders import Alternative, Booking, Order, Slot, session_id
from shared.envelope import Message

_MOST_SESSIONS: Final = 500  # of one order, moved and cancelled ones included


class PlaceSaid(Incoming):
    """A location; its code is enough."""

    code: Code


class TimeSaid(Incoming):
    """A time that was free."""

    start: Instant
    end: Instant
    location: PlaceSaid


class Said(Incoming):
    """What every event of a session holds."""

    session_id: UUID5
    order_id: Code
    referral_id: Code
    citizen_id: Code
    provider: Code
    number: int = Field(default=1, ge=1)
    start: Instant
    revision: int = Field(ge=1)


class Standing(Said):
    """The session stands, offered, moved, restated or offered anew: its whole state."""

    end: Instant
    location: PlaceSaid
    room: str | None = None
    therapist: Code
    company: list[Code] = Field(default_factory=list)
    group: str | None = None
    limit: date | None = None
    inside_limit: bool
    transport: bool
    distance_m: int | None = None
    alternatives: list[TimeSaid] = Field(default_factory=list)
    offered_at: Instant
    reason: str

    @property
    def slot(self) -> Slot:
        """Where and when; a group's seat is given out when the order is known."""
        return Slot(
            self.location.code,
            self.therapist,
            self.room,
            self.start,
            self.end,
            tuple(self.company),
            self.group or "",
        )


class Cancelled(Said):
    """The session was given up."""

    reason: str


@dataclass(frozen=True, slots=True)
class Echo:
    """What was said last of a session, and when. `done`: its order has it."""

    said: Standing | Cancelled
    at: datetime
    type: str
    body: str
    done: bool = False

    @property
    def of(self) -> tuple[str, int]:
        """The order that was placed, and which of its sessions."""
        return self.said.order_id, self.said.number


_MODELS: Final[dict[str, type[Standing | Cancelled]]] = {
    events.OFFERED: Standing,
    events.MOVED: Standing,
    events.RESTATED: Standing,
    events.REOFFERED: Standing,
    events.CANCELLED: Cancelled,
}


def heard(message: Message) -> Echo | None:
    """What one of our own events says of a session; None for any other.

    Raises ValidationError for one that nobody here has written.
    """
    return remembered(message.type, (message.value or b"").decode(), message.timestamp)


def remembered(kind: str, body: str, at: datetime, *, done: bool = False) -> Echo | None:
    """An echo from its parts."""
    model = _MODELS.get(kind)
    if model is None:
        return None
    return Echo(model.model_validate_json(body), at, kind, body, done)


def ordinal_of(order: Order, said: Said) -> int | None:
    """Which of an order's sessions, from 0, was spoken of; None where it is none of them."""
    wanted = str(said.session_id)
    numbers = range(_MOST_SESSIONS)
    return next((n for n in numbers if session_id(order.order_id, n) == wanted), None)


def booking_of(said: Standing, ordinal: int, slot: Slot) -> Booking:
    """The session as it was told."""
    return Booking(
        session_id=str(said.session_id),
        ordinal=ordinal,
        slot=slot,
        revision=said.revision,
        limit=said.limit,
        inside_limit=said.inside_limit,
        transport=said.transport,
        distance_m=said.distance_m,
        alternatives=tuple(
            Alternative(one.location.code, one.start, one.end) for one in said.alternatives
        ),
        reason=said.reason,
        offered_at=said.offered_at,
    )
