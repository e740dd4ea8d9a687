"""What providers say of their orders, and what they are answered.

A private supplier writes it on its own topic, or a member of staff over HTTP; either way it goes to
`responses`, checked and with the instant at which it was said, and is taken from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from services.scheduling.capacity import Problem
from services.scheduling.events import TRAINING
from services.scheduling.incoming import Code, Text, faults
from services.scheduling.orders import Order
from services.scheduling.responses import RESPONSES
from services.scheduling.suppliers.terms import (
    Command,
    Decline,
    Place,
    State,
    StateSession,
)
from shared.envelope import TYPE_PREFIX, Event, Message

INTAKE: Final = "provider.{provider}.responses"
RECEIPTS: Final = "provider.{provider}.receipts"
_YEARS: Final = (2000, 2200)


def _utc(value: datetime) -> datetime:
    if not _YEARS[0] <= value.year <= _YEARS[1]:  # the calendar's ends would overflow
        raise ValueError(f"must lie between {_YEARS[0]} and {_YEARS[1]}")
    return value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
Revision = Annotated[
    int,
    Field(ge=1, lt=2**31, description="The supplier's own; what is older than the last is dropped"),
]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    order_id: Code
    referral_id: Code
    provider: Code
    by: Text = Field(default="", description="The member of staff who wrote it down, by id")
    at: Instant | None = Field(
        default=None, description="When it was said; on `responses` never null"
    )


class SupplierPlace(BaseModel):
    """Where a supplier trains."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Text
    address: Text = ""
    postcode: Text = ""


class OrderDeclined(_Said):
    """order.declined.v1: a provider won't carry an order out."""

    citizen_id: str = Field(default="", description="On `training` never empty")
    reason: Literal["no-capacity", "no-competence", "too-far", "other"] = "other"


class OrderAccepted(_Said):
    """order.accepted.v1: a private supplier carries an order out, from this first session on."""

    start: Instant = Field(description="The first session")
    minutes: int | None = Field(default=None, ge=5, le=600, description="Null: as was ordered")
    place: SupplierPlace | None = None
    revision: Revision = 1


class SessionStated(_Said):
    """session.stated.v1: the whole state of one of an order's sessions, as its supplier has it."""

    number: int = Field(default=1, ge=1, le=10_000, description="Which of the order's, from 1")
    state: State
    start: Instant | None = Field(default=None, description="With planned; null: as it was")
    minutes: int | None = Field(default=None, ge=5, le=600, description="Null: as was ordered")
    place: SupplierPlace | None = Field(default=None, description="Null: as it was")
    reason: Literal["capacity-gone", "cancelled-by-citizen"] = Field(
        default="capacity-gone", description="Of a cancellation"
    )
    revision: Revision = 1

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.state is not State.PLANNED and (self.start or self.minutes or self.place):
            raise ValueError("start, minutes and place go with the state planned alone")
        return self


Said = OrderDeclined | OrderAccepted | SessionStated

DECLINED: Final = f"{TYPE_PREFIX}order.declined.v1"
ACCEPTED: Final = f"{TYPE_PREFIX}order.accepted.v1"
STATED: Final = f"{TYPE_PREFIX}session.stated.v1"
READ: Final[Mapping[str, type[Said]]] = {
    DECLINED: OrderDeclined,
    ACCEPTED: OrderAccepted,
    STATED: SessionStated,
}
_TYPES: Final = {model: kind for kind, model in READ.items()}


class ResponseAnswer(BaseModel):
    """What became of something that a supplier wrote."""

    model_config = ConfigDict(frozen=True)

    event_id: str = Field(description="The record's CloudEvents id, or topic/partition/offset")
    order_id: str | None
    element: str | None = Field(description="What is wrong; null where accepted")
    reason: str | None = Field(description="Null where accepted")


class ResponseAccepted(ResponseAnswer):
    """It was understood; what follows from it is told like any other change."""


class ResponseRefused(ResponseAnswer):
    """It is not used."""


RESPONSE_ACCEPTED: Final = f"{TYPE_PREFIX}response.accepted.v1"
RESPONSE_REFUSED: Final = f"{TYPE_PREFIX}response.refused.v1"


def read(message: Message) -> Said | Problem | None:
    """What a record says, or what is wrong with it; None for events of other kinds.

    The type is the record's `ce_type`, or the field `type` of a supplier that writes plain JSON.
    """
    try:
        model = READ.get(message.type)
        if model is None and message.type:
            return None
        if model is None:
            kind = _Typed.model_validate_json(message.value or b"").type
            model = READ.get(kind if kind.startswith(TYPE_PREFIX) else f"{TYPE_PREFIX}{kind}")
            if model is None:
                names = ", ".join(sorted(name.removeprefix(TYPE_PREFIX) for name in READ))
                return Problem("type", f"is none of {names}")
        return model.model_validate_json(message.value or b"")
    except ValidationError as error:
        return faults(error)[0]


class _Typed(BaseModel):
    type: str


def command_of(said: Said, at: datetime) -> Command:
    """What it asks for. `at`: when it was said, where it doesn't say so itself."""
    if isinstance(said, OrderDeclined):
        return Decline(said.reason)
    if isinstance(said, OrderAccepted):
        said = SessionStated.model_validate(said.model_dump() | {"state": State.PLANNED})
    return StateSession(
        number=said.number,
        state=said.state,
        start=said.start,
        minutes=said.minutes,
        place=_place(said.provider, said.place),
        reason=said.reason,
        revision=said.revision,
        by=said.by or said.provider,
        at=said.at or at,
    )


def _place(provider: str, place: SupplierPlace | None) -> Place | None:
    if place is None:
        return None
    code = f"{provider}/{place.name}" if place.name else provider
    return Place(code=code, name=place.name, address=place.address, postcode=place.postcode)


def to_event(said: Said, at: datetime, by: str = "") -> Event:
    """It as it travels on `responses`, where only we write."""
    stamped = said.model_copy(update={"at": at, "by": by})
    return Event(
        topic=RESPONSES,
        key=said.provider,
        type=_TYPES[type(said)],
        subject=said.referral_id,
        value=stamped.model_dump_json().encode(),
    )


def declined(order: Order, reason: str, at: datetime, by: str) -> Event:
    """A refusal as others hear of it, on `training`."""
    model = OrderDeclined.model_validate(
        {
            "order_id": order.whole,
            "referral_id": order.referral_id,
            "citizen_id": order.citizen_id,
            "provider": order.provider,
            "reason": reason,
            "by": by,
            "at": at,
        }
    )
    return Event(
        topic=TRAINING,
        key=order.provider,
        type=DECLINED,
        subject=order.referral_id,
        value=model.model_dump_json().encode(),
    )


def receipt(
    provider: str, event_id: str, order_id: str | None, problem: Problem | None = None
) -> Event:
    """What a supplier is answered: accepted, or what is wrong."""
    given: dict[str, Any] = {"event_id": event_id, "order_id": order_id}
    if problem is None:
        kind, answer = RESPONSE_ACCEPTED, ResponseAnswer(**given, element=None, reason=None)
    else:
        kind = RESPONSE_REFUSED
        answer = ResponseAnswer(**given, element=problem.element, reason=problem.reason)
    subject = order_id or event_id
    return Event(
        topic=RECEIPTS.format(provider=provider),
        key=subject,
        type=kind,
        subject=subject,
        value=answer.model_dump_json().encode(),
    )
