"""The nouns: messages, what they tell, and what may be known of those they are for.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

CITIZEN: Final = "citizen"
"""The recipient of what the citizen is told."""

NO_HOLDER: Final = "custody-holder"
"""The recipient of what concerns a child of whom no custody holder is known; a human calls."""


class Channel(StrEnum):
    """How a message travels; one channel for each message."""

    EMAIL = "email"
    SMS = "sms"


class Status(StrEnum):
    """Where a message stands; `docs/notifications.md` draws the moves."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class Template(StrEnum):
    """What a message is about: the names of the folders in `templates/`."""

    SESSION_OFFERED = "session-offered"
    SESSION_MOVED = "session-moved"
    SESSION_CANCELLED = "session-cancelled"
    FREE_CHOICE_OPENED = "free-choice-opened"
    FREE_CHOICE_WITHDRAWN = "free-choice-withdrawn"
    EVALUATION_BEFORE = "evaluation-before"
    EVALUATION_AFTER = "evaluation-after"
    EVALUATION_SIX_MONTHS = "evaluation-six-months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where training takes place. Never the citizen's own address."""

    name: str
    address: str | None = None
    postcode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time (instants, UTC) and, unless it is at the citizen's home, a place."""

    start: datetime
    end: datetime | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a message tells; kept with it until it is sent. Nothing in it names a person."""

    slot: Slot | None = None
    previous: Slot | None = None
    alternatives: tuple[Slot, ...] = ()
    at_home: bool = False
    transport: bool = False
    limit: date | None = None
    inside_limit: bool = True
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What may be known of a citizen before anything is sent.

    `holders`: of a child, how each custody holder is reached, by recipient; they are told, and the
    child is not. None: the citizen is told. With `holders`, `email` and `mobile` are nobody's.
    """

    email: bool
    mobile: bool
    deceased: bool = False
    erased: bool = False
    holders: Mapping[str, Reach] | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who is told: the citizen, or each of a child's custody holders."""
        if self.holders is None:
            return (CITIZEN,)
        return tuple(sorted(self.holders)) or (NO_HOLDER,)

    def to(self, recipient: str) -> Reach:
        """How a recipient is reached."""
        if self.holders is None:
            return self
        found = self.holders.get(recipient, NOBODY)
        return replace(found, deceased=self.deceased, erased=self.erased)

    @property
    def channel(self) -> Channel | None:
        """E-mail holds the full text, so it is preferred; None where a human must call."""
        if self.email:
            return Channel.EMAIL
        return Channel.SMS if self.mobile else None


NOBODY: Final = Reach(email=False, mobile=False)
"""Nobody is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A message that exists, as far as later decisions depend on it."""

    notification_id: str
    cause: str
    template: Template
    status: Status
    order_id: str | None = None
    session_id: str | None = None
    revision: int = 0
    first_contact: bool = False
    slot: Slot | None = None
    recipient: str = CITIZEN
    reason: str | None = None
    expires: datetime | None = None

    @property
    def unsent(self) -> bool:
        """Whether it can still be taken back."""
        return self.status is Status.CREATED

    @property
    def told(self) -> bool:
        """Whether the citizen knows, or may know: a human calls where sending failed."""
        return self.status in (Status.SENDING, Status.SENT, Status.UNCERTAIN, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every command carries. `cause` is the id of the event that it comes from."""

    cause: str
    referral_id: str
    citizen_id: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be written.

    One that nobody shall get is written too, cancelled and with its `reason`: it answers why
    nothing was sent, and keeps older news of the same session from being told after it.
    """

    about: About
    template: Template
    facts: Facts
    channel: Channel | None
    due: datetime
    expires: datetime
    first_contact: bool
    urgent: bool = False
    status: Status = Status.CREATED
    reason: str | None = None
    order_id: str | None = None
    session_id: str | None = None
    revision: int = 0
    recipient: str = CITIZEN
