"""Others' events as this service reads them: what it doesn't need is ignored, the rest is checked.

`stated` and `order_of` turn them into this service's own terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from services.scheduling.capacity import (
    Duty,
    Location,
    LocationWeek,
    Problem,
    Room,
    Shift,
    Therapist,
)
from services.scheduling.orders import Days, Leader, Order, Step, Window

CAPACITY_STATED: Final = "dk.genvej.capacity.stated.v1"
ORDER_PLACED: Final = "dk.genvej.order.placed.v1"
ORDER_CHANGED: Final = "dk.genvej.order.changed.v1"
ORDER_WITHDRAWN: Final = "dk.genvej.order.withdrawn.v1"
REFERRAL_CLOSED: Final = "dk.genvej.referral.closed.v1"
REFERRAL_PAUSED: Final = "dk.genvej.referral.paused.v1"
REFERRAL_RESUMED: Final = "dk.genvej.referral.resumed.v1"

_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "timezone_aware": "needs its UTC offset, such as 2026-11-23T07:00:00Z",
}


def _no_nul(text: str) -> str:
    if "\x00" in text:  # Postgres stores no NUL in a text
        raise ValueError("holds a NUL character")
    return text


def _of_our_time(value: date) -> date:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:  # the calendar's ends would overflow
        raise ValueError(f"must lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return value


Day = Annotated[date, AfterValidator(_of_our_time)]
Instant = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Text = Annotated[str, StringConstraints(max_length=200), AfterValidator(_no_nul)]
Code = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
    AfterValidator(_no_nul),
]


class Incoming(BaseModel):
    """Ignores what it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class LocationIn(Incoming):
    """A location as a roster system states it."""

    code: Code
    name: Text
    address: Text = ""
    postcode: Text = ""
    lat: float
    lon: float


class RoomIn(Incoming):
    """A room, and what stands in it."""

    code: Code
    name: Text = ""
    equipment: list[Code] = Field(default_factory=list, max_length=50)


class ShiftIn(Incoming):
    """Bookable hours."""

    start: Instant
    end: Instant


class DutyIn(Incoming):
    """A share of a full-time therapist that a district or a centre has; never bookable."""

    unit: Code
    share: float


class TherapistIn(Incoming):
    """A therapist's week at the location. Duties are stated at one of a therapist's locations."""

    id: Code
    competences: list[Code] = Field(default_factory=list, max_length=50)
    languages: list[Code] = Field(default=["da"], max_length=50)
    shifts: list[ShiftIn] = Field(default_factory=list, max_length=100)
    duties: list[DutyIn] = Field(default_factory=list, max_length=50)


class CapacityStated(Incoming):
    """The whole state of one location for one ISO week."""

    provider: Code
    location: LocationIn
    week: Code
    version: int = Field(ge=1, lt=2**62)
    rooms: list[RoomIn] = Field(default_factory=list, max_length=500)
    therapists: list[TherapistIn] = Field(default_factory=list, max_length=1000)
    closed: bool = False


class WindowIn(Incoming):
    """A time that suits the citizen; what is null is open."""

    weekday: int | None = Field(default=None, ge=1, le=7, description="ISO: 1 is Monday")
    begin: time | None = Field(default=None, alias="from")
    finish: time | None = Field(default=None, alias="to")


class DaysIn(Incoming):
    """So many calendar days at least and at most."""

    min_days: int = Field(ge=0, le=730)
    max_days: int = Field(ge=0, le=730)

    @model_validator(mode="after")
    def _upright(self) -> Self:
        if self.max_days < self.min_days:
            raise ValueError("max_days lies below min_days")
        return self


class LeaderIn(Incoming):
    """So many leaders in one role: staff, volunteer or peer."""

    role: Code
    count: int = Field(default=1, ge=1, le=200)
    competences: list[Code] = Field(default_factory=list, max_length=50)


class StepIn(Incoming):
    """A step of an order. `leaders` empty: one of the staff, with the step's competences."""

    step_id: Code
    kind: Code = "assessment"
    count: int = Field(default=1, ge=1, le=200)
    minutes: int = Field(ge=5, le=600)
    delivery: Text = "location"
    competences: list[Code] = []
    seats: int = Field(default=1, ge=1, le=200)
    seats_min: int | None = Field(default=None, ge=1, le=200)
    room: bool = True
    spacing: DaysIn | None = None
    after: DaysIn | None = None
    leaders: list[LeaderIn] = Field(default_factory=list, max_length=20)
    equipment: list[Code] = Field(default_factory=list, max_length=50)
    consent: bool = False


class OrderIn(Incoming):
    """order.placed and order.changed: the whole state of an order."""

    order_id: Code
    referral_id: Code
    citizen_id: Code
    provider: Code
    municipality: Text = ""
    programme: Text = ""
    earliest: Day
    limit: Day | None = None
    bedside: bool = False
    vulnerable: bool = False
    postcode: Text = ""
    language: Text = "da"
    transport: bool = False
    location: Text = Field(default="", description="The code of the one that the citizen chose")
    windows: list[WindowIn] = []
    steps: list[StepIn] = Field(min_length=1, max_length=50)
    of: str = Field(default="", max_length=64, description="Only in our own rows: a later session")
    number: int = Field(default=1, ge=1)
    gap: DaysIn | None = None


class OrderWithdrawn(Incoming):
    """order.withdrawn: this provider shall not carry the order out."""

    order_id: Code
    referral_id: Code
    provider: Code


class ReferralClosed(Incoming):
    """referral.closed: nothing of the referral is carried out."""

    referral_id: Code
    provider: Code


class ReferralPaused(Incoming):
    """referral.paused: the citizen was readmitted, say; nothing is booked until it goes on."""

    referral_id: Code
    provider: Code


class ReferralResumed(Incoming):
    """referral.resumed: the orders go on, by new dates where they are said."""

    referral_id: Code
    provider: Code
    earliest: Day | None = None
    limit: Day | None = None


def stated(model: CapacityStated) -> LocationWeek:
    """A statement in this service's terms."""
    return LocationWeek(
        provider=model.provider,
        location=Location(**dict(model.location)),
        week=model.week,
        version=model.version,
        rooms=tuple(
            Room(code=room.code, name=room.name, equipment=frozenset(room.equipment))
            for room in model.rooms
        ),
        therapists=tuple(
            Therapist(
                id=one.id,
                competences=frozenset(one.competences),
                languages=frozenset(one.languages),
                shifts=tuple(Shift(shift.start, shift.end) for shift in one.shifts),
                duties=tuple(Duty(unit=duty.unit, share=duty.share) for duty in one.duties),
            )
            for one in model.therapists
        ),
        closed=model.closed,
    )


def order_of(model: OrderIn) -> Order:
    """An order in this service's terms. Its first step is the first session."""
    first, *following = map(step_of, model.steps)
    return Order(
        order_id=model.order_id,
        referral_id=model.referral_id,
        citizen_id=model.citizen_id,
        provider=model.provider,
        earliest=model.earliest,
        limit=model.limit,
        vulnerable=model.vulnerable,
        postcode=model.postcode,
        language=model.language,
        transport=model.transport,
        windows=tuple(
            Window(one.weekday, one.begin or time.min, one.finish) for one in model.windows
        ),
        step=first,
        following=tuple(following),
        bedside=model.bedside,
        programme=model.programme,
        municipality=model.municipality,
        location=model.location,
        of=model.of,
        number=model.number,
        gap=_days(model.gap),
    )


def step_of(model: StepIn) -> Step:
    """A step in this service's terms."""
    competences = frozenset(model.competences)
    return Step(
        step_id=model.step_id,
        kind=model.kind,
        count=model.count,
        minutes=model.minutes,
        competences=competences,
        room=model.room,
        delivery=model.delivery,
        seats=model.seats,
        seats_min=model.seats_min or 1,
        spacing=_days(model.spacing),
        after=_days(model.after),
        leaders=tuple(
            Leader(role=one.role, count=one.count, competences=frozenset(one.competences))
            for one in model.leaders
        )
        or (Leader(role="staff", competences=competences),),
        equipment=frozenset(model.equipment),
        consent=model.consent,
    )


def _days(model: DaysIn | None) -> Days | None:
    return Days(model.min_days, model.max_days) if model is not None else None


def element(loc: tuple[int | str, ...]) -> str:
    """The path of an element, such as therapists[2].shifts[0].end."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def faults(error: ValidationError) -> list[Problem]:
    """What pydantic found, by element and without the values."""
    return [
        Problem(element(found["loc"]), _WORDS.get(found["type"], _said(found)))
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _said(found: Any) -> str:
    message = str(found["msg"])
    return message[:1].lower() + message[1:]
