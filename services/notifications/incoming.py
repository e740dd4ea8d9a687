"""What we read of others' events: only the fields we use, anything else is ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from services.notifications.commands import (
    AskForms,
    Change,
    ChangeCitizen,
    CloseReferral,
    Command,
    OpenFreeChoice,
    ReopenReferral,
    SessionNews,
    WithdrawOrder,
)
from services.notifications.message import (
    About,
    Facts,
    Place,
    Slot,
    Template,
)
from shared.envelope import TYPE_PREFIX, Message

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Invalid(Exception):
    """The event can't be read; the message names the fields and never their values."""


class _Location(_Model):
    name: str
    address: str | None = None
    postcode: str | None = None


class _Slot(_Model):
    start: Instant
    end: Instant | None = None
    location: _Location | None = None


class _Session(_Model):
    session_id: str
    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""
    revision: int


class SessionOffered(_Session):
    """session.offered.v1, session.restated.v1 and session.reoffered.v1; session.moved.v1 when
    `previous` is there."""

    start: Instant
    end: Instant
    location: _Location | None = None
    delivery: str = "location"
    limit: date | None = None
    inside_limit: bool = True
    transport: bool = False
    alternatives: tuple[_Slot, ...] = ()
    previous: _Slot | None = None


class SessionCancelled(_Session):
    """session.cancelled.v1."""

    start: Instant
    reason: str = ""


class FreeChoiceOpened(_Model):
    """free-choice.opened.v1."""

    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""
    limit: date | None = None
    reason: str = ""


class EvaluationAsked(_Model):
    """evaluation.asked.v1."""

    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""
    moment: Literal["before", "after", "six-months"]
    code: str = ""


class OrderState(_Model):
    """order.placed.v1 and order.changed.v1, as far as they concern messages."""

    order_id: str
    bedside: bool = False


class OrderWithdrawn(_Model):
    """order.withdrawn.v1."""

    order_id: str
    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""


class ReferralReopened(_Model):
    """referral.reopened.v1 and referral.citizen-changed.v1."""

    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""


class ReferralClosed(_Model):
    """referral.closed.v1."""

    referral_id: str
    citizen_id: str
    provider: str
    municipality: str = ""
    reason: str


def _place(location: _Location | None) -> Place | None:
    if location is None:
        return None
    return Place(name=location.name, address=location.address, postcode=location.postcode)


def _slot(slot: _Slot, *, at_home: bool = False) -> Slot:
    place = None if at_home else _place(slot.location)
    return Slot(start=slot.start, end=slot.end, place=place)


def _about(
    event: _Session
    | FreeChoiceOpened
    | EvaluationAsked
    | OrderWithdrawn
    | ReferralClosed
    | ReferralReopened,
    cause: str,
) -> About:
    """A private supplier writes to nobody through us: its municipality does."""
    return About(
        cause=cause,
        referral_id=event.referral_id,
        citizen_id=event.citizen_id,
        provider=event.municipality or event.provider,
    )


def _offered(value: bytes, cause: str) -> SessionNews:
    event = SessionOffered.model_validate_json(value)
    at_home = event.delivery == "home"
    slot = _slot(_Slot(start=event.start, end=event.end, location=event.location), at_home=at_home)
    return SessionNews(
        about=_about(event, cause),
        change=Change.MOVED if event.previous else Change.OFFERED,
        session_id=event.session_id,
        order_id=event.order_id,
        revision=event.revision,
        slot=slot,
        facts=Facts(
            slot=slot,
            alternatives=tuple(_slot(other) for other in event.alternatives),
            at_home=at_home,
            transport=event.transport,
            limit=event.limit,
            inside_limit=event.inside_limit,
        ),
    )


def _reoffered(value: bytes, cause: str) -> Command:
    return replace(_offered(value, cause), change=Change.REOFFERED)


def _cancelled(value: bytes, cause: str) -> Command:
    event = SessionCancelled.model_validate_json(value)
    slot = Slot(start=event.start)
    return SessionNews(
        about=_about(event, cause),
        change=Change.CANCELLED,
        session_id=event.session_id,
        order_id=event.order_id,
        revision=event.revision,
        slot=slot,
        facts=Facts(slot=slot, reason=event.reason),
    )


def _free_choice(value: bytes, cause: str) -> Command:
    event = FreeChoiceOpened.model_validate_json(value)
    return OpenFreeChoice(
        about=_about(event, cause), facts=Facts(limit=event.limit, reason=event.reason)
    )


def _asked(value: bytes, cause: str) -> Command:
    event = EvaluationAsked.model_validate_json(value)
    return AskForms(
        about=_about(event, cause),
        template=Template(f"evaluation-{event.moment}"),
        facts=Facts(code=event.code),
    )


def _reopened(value: bytes, cause: str) -> Command:
    event = ReferralReopened.model_validate_json(value)
    return ReopenReferral(about=_about(event, cause))


def _citizen_changed(value: bytes, cause: str) -> Command:
    event = ReferralReopened.model_validate_json(value)
    return ChangeCitizen(about=_about(event, cause))


def _withdrawn(value: bytes, cause: str) -> Command:
    event = OrderWithdrawn.model_validate_json(value)
    return WithdrawOrder(about=_about(event, cause), order_id=event.order_id)


def _closed(value: bytes, cause: str) -> Command:
    event = ReferralClosed.model_validate_json(value)
    return CloseReferral(about=_about(event, cause), reason=event.reason)


def _order(value: bytes, _cause: str) -> OrderState | None:
    order = OrderState.model_validate_json(value)
    return order if order.bedside else None


_READERS: Final[dict[str, Callable[[bytes, str], Command | OrderState | None]]] = {
    f"{TYPE_PREFIX}session.offered.v1": _offered,
    f"{TYPE_PREFIX}session.moved.v1": _offered,
    f"{TYPE_PREFIX}session.restated.v1": _offered,
    f"{TYPE_PREFIX}session.reoffered.v1": _reoffered,
    f"{TYPE_PREFIX}session.cancelled.v1": _cancelled,
    f"{TYPE_PREFIX}free-choice.opened.v1": _free_choice,
    f"{TYPE_PREFIX}evaluation.asked.v1": _asked,
    f"{TYPE_PREFIX}order.withdrawn.v1": _withdrawn,
    f"{TYPE_PREFIX}referral.closed.v1": _closed,
    f"{TYPE_PREFIX}referral.reopened.v1": _reopened,
    f"{TYPE_PREFIX}referral.citizen-changed.v1": _citizen_changed,
    f"{TYPE_PREFIX}order.placed.v1": _order,
    f"{TYPE_PREFIX}order.changed.v1": _order,
}
# What each of them is read as; contract tests hold these against the producers' examples.
READ_TYPES: Final = frozenset(_READERS)


def read(message: Message) -> Command | OrderState | None:
    """The command that an event is to us; None where it is none. Raises Invalid."""
    reader = _READERS.get(message.type)
    if reader is None:
        return None
    try:
        return reader(message.value or b"", message.id)
    except ValidationError as error:
        raise Invalid(named_faults(error)) from None


def named_faults(error: ValidationError) -> str:
    """Which fields are wrong and how, without what stands in them."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    parts = [f"{'.'.join(map(str, f['loc'])) or 'event'}: {f['type']}" for f in faults[:5]]
    return "; ".join(parts)
