"""What we read of others' events: only the fields we use, anything else is ignored."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from services.notifications.domain import (
    Change,
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
    """referral.reopened.v1."""

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


class _PersonName(_Model):
    given: str = ""
    family: str = ""


class _Relative(_Model):
    """`custody`: the opaque id of somebody who holds custody of the citizen, a child."""

    name: str = ""
    phone: str | None = None
    email: str | None = None
    custody: str | None = None


class CitizenRecorded(_Model):
    """The clear text of a citizens record, as far as messages need it.

    The postal address is left out on purpose: what is not read can't be printed.
    """

    citizen_id: str
    name: _PersonName = _PersonName()
    phone: str | None = None
    email: str | None = None
    language: str = "da"
    birth_date: date | None = None
    protected: bool = False
    deceased: bool = False
    relatives: tuple[_Relative, ...] = ()
    version: int


class Holder(_Model):
    """Somebody who holds custody of the citizen, a child. `id` is opaque."""

    id: str
    name: str
    email: str | None
    mobile: str | None


class Contact(_Model):
    """A citizen as we keep them: sealed in the table `contact`.

    `child`: whose custody holder this is, by given name; "" where the citizen is written to.
    `protected`: the child's address is, so no place is named.
    """

    name: str
    email: str | None
    mobile: str | None
    language: str
    deceased: bool
    given: str = ""
    birth_date: date | None = None
    protected: bool = False
    holders: tuple[Holder, ...] = ()
    child: str = ""


_EMAIL: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)
# The Danish numbering plan doesn't tell mobile from fixed (numbers are ported between them), so
# every valid number may be one; the gateway's answer tells. Ranges as in libphonenumber's DK.
_DANISH: Final = re.compile(r"(?:[2-7][0-9]|8[126-9]|9[1-46-9])[0-9]{6}")
_FOREIGN: Final = re.compile(r"\+(?!45)[1-9][0-9]{6,14}")


def usable_email(text: str | None) -> str | None:
    """The address where mail can be sent to it, else None (SMTPUTF8 is not assumed)."""
    address = (text or "").strip()
    return address if _EMAIL.fullmatch(address) else None


def usable_mobile(text: str | None) -> str | None:
    """The number in E.164 ("+4520123456") where a text message may reach it, else None."""
    digits = re.sub(r"[\s().\-/]", "", text or "")
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    national = digits.removeprefix("+45")
    if _DANISH.fullmatch(national):
        return "+45" + national
    return digits if _FOREIGN.fullmatch(digits) else None


def contact_of(record: CitizenRecorded) -> Contact:
    """What is kept of a citizens record."""
    return Contact(
        name=f"{record.name.given} {record.name.family}".strip(),
        email=usable_email(record.email),
        mobile=usable_mobile(record.phone),
        language=record.language,
        deceased=record.deceased,
        given=record.name.given,
        birth_date=record.birth_date,
        protected=record.protected,
        holders=tuple(
            Holder(
                id=one.custody,
                name=one.name,
                email=usable_email(one.email),
                mobile=usable_mobile(one.phone),
            )
            for one in record.relatives
            if one.custody
        ),
    )


def _place(location: _Location | None) -> Place | None:
    if location is None:
        return None
    return Place(name=location.name, address=location.address, postcode=location.postcode)


def _slot(slot: _Slot, *, at_home: bool = False) -> Slot:
    place = None if at_home else _place(slot.location)
    return Slot(start=slot.start, end=slot.end, place=place)


def _about(
    event: _Session | FreeChoiceOpened | OrderWithdrawn | ReferralClosed | ReferralReopened,
    cause: str,
) -> About:
    """A private supplier writes to nobody through us: its municipality does."""
    municipality = "" if isinstance(event, _Session) else event.municipality
    return About(
        cause=cause,
        referral_id=event.referral_id,
        citizen_id=event.citizen_id,
        provider=municipality or event.provider,
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


def _reopened(value: bytes, cause: str) -> Command:
    event = ReferralReopened.model_validate_json(value)
    return ReopenReferral(about=_about(event, cause))


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
    f"{TYPE_PREFIX}order.withdrawn.v1": _withdrawn,
    f"{TYPE_PREFIX}referral.closed.v1": _closed,
    f"{TYPE_PREFIX}referral.reopened.v1": _reopened,
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
