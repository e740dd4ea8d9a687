"""Our events about orders: what is ordered for a referral, as planning reads it."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from services.referral.events import AboutReferral, Code, Wire
from services.referral.terms import WithdrawReason
from shared.envelope import TYPE_PREFIX


class Window(Wire):
    """A time that suits the citizen; null leaves a bound open. weekday: 1 is Monday."""

    weekday: int | None
    from_: str | None = Field(serialization_alias="from", description="HH:MM, local")
    to: str | None = Field(description="HH:MM, local")


def unsaid(value: object) -> bool:
    """Whether a field says what a reader assumes anyway; it is then left out."""
    return not value


class Days(Wire):
    """So many calendar days at least and at most."""

    min_days: int
    max_days: int


class Leader(Wire):
    """So many leaders in one role, each with these competences."""

    role: str = Field(description="staff, volunteer or peer")
    count: int
    competences: tuple[str, ...]


class Step(Wire):
    """What is to be booked."""

    step_id: str
    kind: str = Field(default="assessment", description="assessment: the therapist's first")
    code: Code
    count: int = 1
    minutes: int
    delivery: str = Field(default="location", description="location: at the provider's place")
    competences: tuple[str, ...] = Field(description="Of the first of the staff who lead it")
    seats: int = Field(default=1, description="Citizens at most; 1 is individual")
    room: bool = True
    seats_min: int | None = Field(
        default=None, description="Citizens at least, in a group", exclude_if=unsaid
    )
    spacing: Days | None = Field(
        default=None, description="From one session to the next", exclude_if=unsaid
    )
    after: Days | None = Field(
        default=None, description="From the end of the step before", exclude_if=unsaid
    )
    leaders: tuple[Leader, ...] = Field(
        default=(),
        description="Empty: one of the staff, with the step's competences",
        exclude_if=unsaid,
    )
    equipment: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    consent: bool = Field(
        default=False, description="Only with the citizen's recorded consent", exclude_if=unsaid
    )


class OrderState(AboutReferral):
    """An order as a whole; planning needs no more of the citizen than this."""

    order_id: str
    programme: str
    earliest: date = Field(description="First day that may be offered")
    limit: date | None
    bedside: bool = Field(description="The plan came before the day of discharge")
    vulnerable: bool
    postcode: str = Field(description="Empty where the address is protected or unknown")
    language: str = Field(description="BCP 47")
    transport: bool
    windows: tuple[Window, ...] = ()
    location: str = Field(
        default="",
        description="Code of the provider's location that the citizen chose; left out where none",
        exclude_if=lambda value: not value,
    )
    steps: tuple[Step, ...]


class OrderPlacedWire(OrderState):
    """The first order: the therapist's assessment."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}order.placed.v1"


class OrderChangedWire(OrderState):
    """The order now reads like this (its whole state)."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}order.changed.v1"


class OrderWithdrawnWire(AboutReferral):
    """The order no longer stands."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}order.withdrawn.v1"

    order_id: str
    reason: WithdrawReason
