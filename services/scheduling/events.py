"""This service's own events as they travel (wire models), and how decisions become them.

Instants are ISO-8601 in UTC with Z; dates are Danish dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from services.scheduling import facts
from services.scheduling.orders import Booking, Order
from shared.envelope import TYPE_PREFIX, Event

TRAINING: Final = "training"
CAPACITY: Final = "capacity"
CAPACITY_STATUS: Final = "capacity-status"
RECEIPTS: Final = "roster.{source}.receipts"


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


_RESPONSIBLE: Final[str] = Field(
    default="",
    description="Who writes to the citizen, where a private supplier trains; else left out",
    exclude_if=lambda value: value == "",
)


class Place(_Wire):
    """Where a session takes place."""

    code: str
    name: str
    address: str
    postcode: str


class Time(_Wire):
    """A time at a location."""

    start: datetime
    end: datetime
    location: Place


class SessionOffered(_Wire):
    """A session was booked and is offered; `alternatives` are free now but not held."""

    session_id: str
    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = _RESPONSIBLE
    step_id: str
    number: int = Field(description="Which of the order's sessions it is, from 1")
    start: datetime
    end: datetime
    location: Place
    room: str | None
    therapist: str = Field(description="The roster's opaque id")
    company: list[str] = Field(description="Others who lead it too, by the roster's ids")
    group: str | None = Field(description="What citizens of one group have in common; else null")
    delivery: str
    limit: date | None
    inside_limit: bool
    transport: bool
    distance_m: int | None = Field(description="Metres by car, null where unknown")
    alternatives: list[Time]
    offered_at: datetime
    revision: int
    reason: str = Field(description="Why this time, for planners")


class SessionMoved(SessionOffered):
    """A session has another time or another place."""

    previous: Time


class SessionRestated(SessionOffered):
    """Time and place stand, so the citizen needs no message; therapist, room, limit or the need of
    transport changed."""


class SessionReoffered(SessionOffered):
    """The session stands, and the citizen is told of it again: the time that they asked for instead
    is taken, and `alternatives` are free now."""


class SessionCancelled(_Wire):
    """A session was given up."""

    session_id: str
    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = _RESPONSIBLE
    step_id: str
    number: int = Field(description="Which of the order's sessions it was, from 1")
    start: datetime
    reason: str = Field(
        description="order-withdrawn, capacity-gone, group-too-small, declined, "
        "cancelled-by-citizen or paused"
    )
    revision: int


class SessionAttended(_Wire):
    """Whether the citizen came to a session. Said again, the newest counts."""

    session_id: str
    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = _RESPONSIBLE
    step_id: str
    number: int = Field(description="Which of the order's sessions it is, from 1")
    start: datetime
    attended: bool
    reason: str | None = Field(description="Why not, where that was said")
    by: str = Field(description="The member of staff who wrote it down, by id")
    at: datetime


class OrderInfeasible(_Wire):
    """The limit cannot be held; said as soon as it is known, once for each reason."""

    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    limit: date | None
    reason: str = Field(
        description="no-capacity-inside-limit, no-competence, limit-passed or no-capacity-known"
    )
    text: str = Field(description="For planners")
    first_possible: date | None


class CapacityAnswer(_Wire):
    """What became of a roster's statement: capacity.accepted or capacity.refused."""

    event_id: str
    location: str | None
    week: str | None
    version: int | None
    reason: str | None = Field(description="null where accepted")
    element: str | None = Field(description="Such as therapists[2].shifts[0].end")
    problems: list[Mapping[str, str]] = Field(
        default=[], description="Everything that was found, as element and reason"
    )


class CapacityAccepted(CapacityAnswer):
    """The statement is used."""

    staffing: list[Mapping[str, str]] = Field(
        default=[],
        description="Staffing rules that the week breaks, as rule, about, problem and proposal; "
        "said when all of the provider's locations have stated the week",
    )


class CapacityRefused(CapacityAnswer):
    """The statement is not used; what was stated before still holds."""


class CapacityStatus(_Wire):
    """How full a location is in a week. Minutes are therapists' minutes."""

    provider: str
    location: str
    week: str
    supply_minutes: int
    booked_minutes: int
    free_minutes: int
    next_free: datetime | None = Field(description="The next start with an hour, a room and notice")
    backlog: int = Field(
        description="Orders without a session inside the limit that are nearest to here and whose "
        "limit falls in this week"
    )
    as_of: datetime


def kind(name: str) -> str:
    """The full CloudEvents type of one of this service's events."""
    return f"{TYPE_PREFIX}{name}.v1"


OFFERED: Final = kind("session.offered")
MOVED: Final = kind("session.moved")
RESTATED: Final = kind("session.restated")
REOFFERED: Final = kind("session.reoffered")
CANCELLED: Final = kind("session.cancelled")
ATTENDED: Final = kind("session.attended")
INFEASIBLE: Final = kind("order.infeasible")
STATED: Final = kind("capacity.stated")
ACCEPTED: Final = kind("capacity.accepted")
REFUSED: Final = kind("capacity.refused")
STATUS: Final = kind("capacity.status")


class Placed(Protocol):
    """A place that can be told."""

    @property
    def code(self) -> str:
        """What tells it from its provider's others."""

    @property
    def name(self) -> str:
        """As citizens know it."""

    @property
    def address(self) -> str:
        """Street and number, empty where unknown."""

    @property
    def postcode(self) -> str:
        """Empty where unknown."""


def place(location: Placed) -> Place:
    """A location as it travels."""
    return Place(
        code=location.code,
        name=location.name,
        address=location.address,
        postcode=location.postcode,
    )


def training(event: facts.Event, locations: Mapping[str, Placed], municipality: str = "") -> Event:
    """A decision's event for the topic `training`; see `_RESPONSIBLE` for `municipality`."""
    data: BaseModel
    match event:
        case facts.SessionOffered(order, booking):
            name, data = OFFERED, SessionOffered(**_offer(order, booking, locations))
        case facts.SessionMoved(order, booking, previous):
            then = Time(
                start=previous.start,
                end=previous.end,
                location=place(locations[previous.location]),
            )
            name = MOVED
            data = SessionMoved(**_offer(order, booking, locations), previous=then)
        case facts.SessionRestated(order, booking):
            name, data = RESTATED, SessionRestated(**_offer(order, booking, locations))
        case facts.SessionReoffered(order, booking):
            name, data = REOFFERED, SessionReoffered(**_offer(order, booking, locations))
        case facts.SessionCancelled(order, booking, reason):
            name, data = CANCELLED, _cancelled(order, booking, reason)
        case facts.SessionAttended(order, booking):
            name, data = ATTENDED, _attended(order, booking)
        case facts.OrderInfeasible(order, reason, text, first_possible):
            name = INFEASIBLE
            data = OrderInfeasible(
                **_about(order),
                limit=order.limit,
                reason=reason.value,
                text=text,
                first_possible=first_possible,
            )
    data = data.model_copy(update={"municipality": municipality} if municipality else None)
    value = data.model_dump_json().encode()
    return Event(
        topic=TRAINING, key=order.provider, type=name, subject=order.referral_id, value=value
    )


def _about(order: Order) -> dict[str, Any]:
    """Whose order it is: what everything that is said of one begins with."""
    return {
        "order_id": order.whole,
        "referral_id": order.referral_id,
        "citizen_id": order.citizen_id,
        "provider": order.provider,
    }


def _cancelled(order: Order, booking: Booking, reason: str) -> SessionCancelled:
    return SessionCancelled(
        session_id=booking.session_id,
        **_about(order),
        step_id=order.step.step_id,
        number=order.number,
        start=booking.slot.start,
        reason=reason,
        revision=booking.revision,
    )


def _attended(order: Order, booking: Booking) -> SessionAttended:
    said = booking.attendance
    assert said is not None, "an attendance that happened has been written down"
    return SessionAttended(
        session_id=booking.session_id,
        **_about(order),
        step_id=order.step.step_id,
        number=order.number,
        start=booking.slot.start,
        attended=said.attended,
        reason=said.reason,
        by=said.by,
        at=said.at,
    )


def _offer(order: Order, booking: Booking, locations: Mapping[str, Placed]) -> dict[str, object]:
    slot = booking.slot
    return {
        "session_id": booking.session_id,
        **_about(order),
        "step_id": order.step.step_id,
        "number": order.number,
        "start": slot.start,
        "end": slot.end,
        "location": place(locations[slot.location]),
        "room": slot.room,
        "therapist": slot.therapist,
        "company": list(slot.company),
        "group": slot.group or None,
        "delivery": order.step.delivery,
        "limit": booking.limit,
        "inside_limit": booking.inside_limit,
        "transport": booking.transport,
        "distance_m": booking.distance_m,
        "alternatives": [
            Time(start=one.start, end=one.end, location=place(locations[one.location]))
            for one in booking.alternatives
        ],
        "offered_at": booking.offered_at,
        "revision": booking.revision,
        "reason": booking.reason,
    }
