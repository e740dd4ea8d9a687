"""What the report reads of Genvej's events: only the fields that it uses, all else is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from services.referral.plan import PlanType


class NotReported(Exception):
    """There is nothing to report of these events, or they can't be read; one line says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One event: its CloudEvents type, when it was said, and its data."""

    type: str
    at: datetime
    data: bytes


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class Received(_Wire):
    """referral.received."""

    referral_id: str
    citizen_id: str
    provider: str
    basis: str = "hospital"
    hospital: str | None = None
    type: PlanType | None = None
    discharge_date: date | None = None
    later_start: date | None = None
    received_at: AwareDatetime
    replaces: str | None = None


class Revised(_Wire):
    """referral.revised."""

    referral_id: str
    discharge_date: date
    later_start: date | None = None


class Waived(_Wire):
    """free-choice.waived."""

    referral_id: str


class Closed(_Wire):
    """referral.closed."""

    referral_id: str
    reason: str


class Reopened(_Wire):
    """referral.reopened."""

    referral_id: str


class Code(_Wire):
    """What a step is, in whosever words."""

    system: str
    code: str


class Step(_Wire):
    """A step of an order."""

    step_id: str
    code: Code
    seats: int = 1
    minutes: int | None = None
    delivery: str = "location"


class Order(_Wire):
    """order.placed and order.changed: the whole order."""

    order_id: str
    referral_id: str
    provider: str
    programme: str
    steps: tuple[Step, ...]


class Withdrawn(_Wire):
    """order.withdrawn."""

    order_id: str
    referral_id: str
    reason: str


class Offered(_Wire):
    """session.offered and session.moved."""

    order_id: str
    step_id: str
    start: AwareDatetime


class Attended(_Wire):
    """session.attended."""

    session_id: str
    order_id: str
    step_id: str
    start: AwareDatetime
    attended: bool


Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], event: Stated) -> Model:
    """An event's data. Raises NotReported, which names fields and never their values."""
    try:
        return model.model_validate_json(event.data)
    except ValidationError as error:
        names = {".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False)}
        raise NotReported(
            f"an event of type {event.type} can't be read: {', '.join(sorted(names)) or 'its data'}"
        ) from None
