"""What we read of others' events on `training`: only the fields we use, all else is ignored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.referral.choice import DeclineOrder
from services.referral.commands import ClockCommand, CountOffer, DropOffer, FaceInfeasible
from services.referral.course import Attendance, HearAttendance
from services.referral.order import Offer
from shared.envelope import TYPE_PREFIX, Message

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class Invalid(Exception):
    """The event can't be read; the message names the fields and never their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an event of another service means here."""

    referral_id: str
    command: ClockCommand | HearAttendance | DeclineOrder
    order_id: str | None = None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Location(_Model):
    code: str = ""
    name: str = ""
    address: str | None = None
    postcode: str | None = None


class _SessionOffered(_Model):
    session_id: Id
    order_id: Id | None = None
    referral_id: Id
    start: Instant
    step_id: str | None = None
    location: _Location | None = None
    revision: int = Field(ge=0, lt=2**31)


class _SessionCancelled(_Model):
    session_id: Id
    referral_id: Id
    start: Instant
    reason: str = ""
    step_id: str | None = None
    revision: int = Field(ge=0, lt=2**31)


class _SessionAttended(_Model):
    session_id: Id
    referral_id: Id
    step_id: Id
    start: Instant
    attended: bool
    at: Instant


class _OrderInfeasible(_Model):
    order_id: Id | None = None
    referral_id: Id
    reason: str


class _OrderDeclined(_Model):
    order_id: Id
    referral_id: Id
    provider: Id
    reason: str = ""


_OFFERED: Final = f"{TYPE_PREFIX}session.offered.v1"
_MOVED: Final = f"{TYPE_PREFIX}session.moved.v1"
_CANCELLED: Final = f"{TYPE_PREFIX}session.cancelled.v1"
_INFEASIBLE: Final = f"{TYPE_PREFIX}order.infeasible.v1"
_ATTENDED: Final = f"{TYPE_PREFIX}session.attended.v1"
_DECLINED: Final = f"{TYPE_PREFIX}order.declined.v1"
READ_TYPES: Final = frozenset({_OFFERED, _MOVED, _CANCELLED, _INFEASIBLE, _DECLINED, _ATTENDED})
_VERSION: Final = re.compile(r"\.v[0-9]+$")
_NAMES: Final = frozenset(_VERSION.sub("", name) for name in READ_TYPES)


def read(message: Message) -> News | None:
    """What an event on `training` asks of us; None where it concerns us not. Raises Invalid.

    A later version of a type that we read is Invalid: guessing at it could cost somebody a limit.
    """
    if message.type not in READ_TYPES:
        if not message.type or _VERSION.sub("", message.type) in _NAMES:
            raise Invalid(f"unknown type or version {message.type or '(none)'}")
        return None
    try:
        return _READERS[message.type](message)
    except ValidationError as error:
        raise Invalid(named_faults(error)) from None


def named_faults(error: ValidationError) -> str:
    """Which fields are wrong and how, without what stands in them."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    parts = [f"{'.'.join(map(str, f['loc'])) or 'event'}: {f['type']}" for f in faults[:5]]
    return "; ".join(parts)


def _offered(message: Message) -> News:
    event = _SessionOffered.model_validate_json(message.value or b"")
    place = event.location or _Location()
    offer = Offer(
        session_id=event.session_id,
        revision=event.revision,
        start=event.start,
        location=(place.code, place.name, place.address or "", place.postcode or ""),
    )
    return News(
        referral_id=event.referral_id,
        order_id=event.order_id,
        command=CountOffer(offer=offer, step_id=event.step_id),
    )


def _cancelled(message: Message) -> News:
    event = _SessionCancelled.model_validate_json(message.value or b"")
    offer = Offer(
        session_id=event.session_id,
        revision=event.revision,
        start=event.start,
        location=None,
    )
    return News(
        referral_id=event.referral_id,
        command=DropOffer(
            step_id=event.step_id,
            offer=offer,
            by_withdrawal=event.reason in {"order-withdrawn", "paused"},
        ),
    )


def _infeasible(message: Message) -> News:
    event = _OrderInfeasible.model_validate_json(message.value or b"")
    return News(
        referral_id=event.referral_id,
        order_id=event.order_id,
        command=FaceInfeasible(
            cause=event.reason[:100].replace("\x00", ""),
            capacity_known=event.reason != "no-capacity-known",
        ),
    )


def _declined(message: Message) -> News:
    event = _OrderDeclined.model_validate_json(message.value or b"")
    reason = event.reason[:100].replace("\x00", "")
    command = DeclineOrder(order_id=event.order_id, provider=event.provider, reason=reason)
    return News(referral_id=event.referral_id, order_id=event.order_id, command=command)


def _attended(message: Message) -> News:
    event = _SessionAttended.model_validate_json(message.value or b"")
    attendance = Attendance(
        session_id=event.session_id,
        step_id=event.step_id,
        start=event.start,
        attended=event.attended,
        said_at=event.at,
    )
    return News(referral_id=event.referral_id, command=HearAttendance(attendance=attendance))


_READERS: Final = {
    _ATTENDED: _attended,
    _OFFERED: _offered,
    _MOVED: _offered,
    _CANCELLED: _cancelled,
    _INFEASIBLE: _infeasible,
    _DECLINED: _declined,
}
