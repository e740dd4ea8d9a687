"""What a decision is asked, what it rests on, and what may come of it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from services.notifications.message import CITIZEN, About, Draft, Facts, Past, Reach, Slot, Template


class Change(StrEnum):
    """What happened to a session."""

    OFFERED = "offered"
    MOVED = "moved"
    REOFFERED = "reoffered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNews:
    """A session was offered, moved, offered again or cancelled. `slot` is its new time, or its last
    one."""

    about: About
    change: Change
    session_id: str
    order_id: str
    revision: int
    slot: Slot
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFreeChoice:
    """The limit can't be held, so the citizen may choose a private supplier."""

    about: About
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForms:
    """The citizen is to answer the forms of a moment, which `template` tells."""

    about: About
    template: Template
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawOrder:
    """An order no longer stands; scheduling says itself which sessions fall with it."""

    about: About
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReferral:
    """The hospital has taken its plan back."""

    about: About
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenReferral:
    """The referral's end was an error; what follows is told as it comes."""

    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCitizen:
    """The referral's citizen turned out to be another, whom `about` names."""

    about: About


Command = (
    SessionNews
    | OpenFreeChoice
    | AskForms
    | WithdrawOrder
    | CloseReferral
    | ReopenReferral
    | ChangeCitizen
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that a decision about one referral and one recipient depends on.

    `reach`: of the recipient; None: not known yet. `past`: what the recipient was told, and of a
    citizen who was a child, what the custody holders were told.

    `completed`: the referral was closed because the course is completed.

    `deceased`: the referral was closed because the citizen is dead, whatever the contact says yet.
    """

    reach: Reach | None
    recipient: str = CITIZEN
    past: tuple[Past, ...] = ()
    withdrawn_orders: frozenset[str] = frozenset()
    bedside_orders: frozenset[str] = frozenset()
    closed: bool = False
    completed: bool = False
    deceased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write, what to take back (notification id → reason), and what to send after all."""

    draft: Draft | None = None
    cancels: dict[str, str] = field(default_factory=dict)
    revives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is known of the citizen yet."""

    citizen_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForOrder:
    """Why an order was withdrawn isn't known yet: nobody is told of a death by a cancelled time."""

    order_id: str
