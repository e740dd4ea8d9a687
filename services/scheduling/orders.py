"""What is asked for and what was booked: orders, slots, bookings. Standard library only."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from services.scheduling.capacity import local_date, week_of

_SESSIONS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:sessions")


_REMOTE: Final = frozenset({"screen", "telephone"})


def session_id(order_id: str, ordinal: int) -> str:
    """The id of an order's `ordinal`-th session (from 0); a second run gives it again."""
    return str(uuid.uuid5(_SESSIONS, f"{order_id}/{ordinal}"))


@dataclass(frozen=True, slots=True)
class Window:
    """A time that suits the citizen: an ISO weekday (1 is Monday, None any) and Danish hours."""

    weekday: int | None
    begin: time
    finish: time | None  # None is midnight


@dataclass(frozen=True, slots=True)
class Days:
    """So many calendar days at least and at most."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """So many leaders in one role (staff, volunteer, peer), each with these competences."""

    role: str
    count: int = 1
    competences: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of an order: `count` sessions of `minutes` each.

    `room` tells whether it needs one, with this `equipment`. `competences` are those of the first
    of the staff; `leaders` are all who lead it, at once. `spacing`: days from one session to the
    next; `after`: days from the end of the step before. A group has `seats_min` to `seats`
    citizens. `consent`: only with the citizen's recorded consent.
    """

    step_id: str
    minutes: int
    competences: frozenset[str]
    room: bool
    delivery: str
    kind: str = "assessment"
    count: int = 1
    seats: int = 1
    seats_min: int = 1
    spacing: Days | None = None
    after: Days | None = None
    leaders: tuple[Leader, ...] = ()
    equipment: frozenset[str] = frozenset()
    consent: bool = False

    @property
    def gathers(self) -> bool:
        """Whether several people meet: citizens who share it, or more than one who lead it."""
        return self.seats > 1 or len(self.leaders) > 1 or any(one.count > 1 for one in self.leaders)

    @property
    def remote(self) -> bool:
        """Whether nobody has to go anywhere."""
        return self.delivery in _REMOTE

    @property
    def travels(self) -> bool:
        """Whether the citizen has to go somewhere."""
        return not self.remote and self.delivery != "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a provider is asked to plan. `limit` is the last date that keeps the law's promise.

    `step` is the first, `following` are the others in their order. `bedside`: the plan came before
    discharge, and the hospital tells the citizen the time.
    `location`: the citizen has chosen to be trained there, by its code.
    `municipality` is responsible for the citizen, where that is said.
    `not_before` and `declined` (times) are what the citizen has answered since.

    Each session after the first is planned as an order of its own, `of` the one that was placed
    (`course.later_sessions`): the `number`-th, with a `gap` of so many days after the one before.
    """

    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    earliest: date
    limit: date | None
    vulnerable: bool
    postcode: str
    language: str
    transport: bool
    windows: tuple[Window, ...]
    step: Step
    following: tuple[Step, ...] = ()
    bedside: bool = False
    not_before: date | None = None
    declined: tuple[tuple[datetime, datetime], ...] = ()
    programme: str = ""
    of: str = ""
    number: int = 1
    gap: Days | None = None
    municipality: str = ""
    location: str = ""

    @property
    def whole(self) -> str:
        """The id of the order that was placed."""
        return self.of or self.order_id

    @property
    def later(self) -> bool:
        """Whether it is for another session than the order's first."""
        return bool(self.of)

    @property
    def chooses(self) -> bool:
        """Whether the citizen has chosen a location, and goes to one for it."""
        return bool(self.location) and self.step.travels

    @property
    def sessions(self) -> int:
        """How many sessions are ordered from this one on."""
        return sum(step.count for step in (self.step, *self.following))

    @property
    def rides_to_it(self) -> bool:
        """Whether the municipality drives the citizen to the sessions."""
        return self.transport and self.step.travels

    def urgency(self) -> tuple[date, bool, str]:
        """Sorts the most urgent first: by limit, then the vulnerable, then by id."""
        return (self.limit or date.max, not self.vulnerable, self.order_id)

    def keeps_limit(self, start: datetime) -> bool:
        """Whether a session that starts then is inside the limit."""
        return self.limit is None or local_date(start) <= self.limit


@dataclass(frozen=True, slots=True)
class Slot:
    """A therapist, a room (None where none is needed) and a time at a location.

    `company` are others who lead it too. Citizens of one `group` share all this, each on a `seat`
    of so many `seats`; without a group there is one.
    """

    location: str
    therapist: str
    room: str | None
    start: datetime
    end: datetime
    company: tuple[str, ...] = ()
    group: str = ""
    seat: int = 1
    seats: int = 1

    @property
    def staff(self) -> tuple[str, ...]:
        """All who lead it."""
        return (self.therapist, *self.company)

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start

    @property
    def appointment(self) -> tuple[str, datetime, datetime]:
        """What the citizen has to know: where and when."""
        return self.location, self.start, self.end

    @property
    def week(self) -> str:
        """The ISO week that it lies in."""
        return week_of(local_date(self.start))


@dataclass(frozen=True, slots=True)
class Engagement:
    """When a citizen has another session. `location` is None at another provider's."""

    location: str | None
    start: datetime
    end: datetime

    def overlaps(self, slot: Slot) -> bool:
        """Whether the citizen would have to be in two sessions at once."""
        return self.start < slot.end and slot.start < self.end

    def leaves_time(self, slot: Slot, transfer: timedelta) -> bool:
        """Whether the citizen can come from the one to the other; `transfer` is between places."""
        gap = timedelta() if self.location == slot.location else transfer
        return slot.end + gap <= self.start or self.end + gap <= slot.start


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another time that was free when the offer was made; nobody holds it."""

    location: str
    start: datetime
    end: datetime


class Reason(StrEnum):
    """Why a limit cannot be held."""

    NO_CAPACITY_INSIDE_LIMIT = "no-capacity-inside-limit"
    NO_COMPETENCE = "no-competence"
    LIMIT_PASSED = "limit-passed"
    NO_CAPACITY_KNOWN = "no-capacity-known"
    CITIZEN_ASKED = "citizen-asked"  # never published: the limit could be held


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why the limit cannot be held: the kind of reason, and a sentence for planners."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine proposes for an order: a slot, or none, and why.

    `shortfall` is set exactly where there is no slot inside the limit. `distance_m` is metres by
    car from the citizen's postcode, None where that is unknown.
    """

    slot: Slot | None
    distance_m: int | None
    alternatives: tuple[Alternative, ...]
    reason: str
    shortfall: Shortfall | None


@dataclass(frozen=True, slots=True)
class Attendance:
    """Whether the citizen came, as somebody (`by`) wrote it down; `reason` where not."""

    attended: bool
    reason: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A session that holds its slot. `revision` grows by one with each change that others hear of.

    It is 0 until the citizen is told; `offered_at` is then when the session was first held.
    `accepted`: the citizen has said yes to this time and place.
    """

    session_id: str
    ordinal: int
    slot: Slot
    revision: int
    limit: date | None
    inside_limit: bool
    transport: bool
    distance_m: int | None
    alternatives: tuple[Alternative, ...]
    reason: str
    offered_at: datetime
    accepted: bool = False
    attendance: Attendance | None = None

    @property
    def is_told(self) -> bool:
        """Whether the citizen has been told; what is not told is moved silently."""
        return self.revision > 0


class Status(StrEnum):
    """Where an order stands (docs/scheduling.md draws the moves)."""

    WAITING = "waiting"  # no session could be found yet
    BOOKED = "booked"  # a session inside the limit
    LATE = "late"  # a session after the limit
    HELD = "held"  # the citizen wants no time until they say so
    PAUSED = "paused"  # the referral rests, after a readmission say
    CLOSED = "closed"  # withdrawn, or its referral was closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order and what became of it. `sessions` counts the sessions it ever had.

    `told` is the reason of the last order.infeasible, so that it is said once.
    """

    order: Order
    status: Status
    booking: Booking | None
    sessions: int
    told: Reason | None
