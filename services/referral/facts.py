"""What can happen to a referral. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from services.referral.facts_choice import ChoiceTaken, ChoiceWaived, FreeChoiceOpened, HandedOver
from services.referral.order import Offer, Order
from services.referral.programme_terms import Level
from services.referral.referral import CloseReason, Referral
from services.referral.signature import Signature
from services.referral.terms import Note, Told, Track, WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Where a citizen stands on the four axes of an assessment, by the policy's scales."""

    complexity: int
    resources: int
    motivation: int
    readiness: int


@dataclass(frozen=True, slots=True)
class Received:
    """A plan was accepted."""

    referral: Referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Revised:
    """The hospital corrected the dates. `changed` names the fields."""

    referral_id: str
    changed: tuple[str, ...]
    discharge_date: date
    later_start: date | None
    limit: date | None
    clock_from: date | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenChanged:
    """Its citizen turned out to be another, or not to be another after all."""

    referral_id: str
    citizen_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The citizen is in hospital again: the clock stands still, and nothing is booked."""

    referral_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The citizen is home, or never was away: the course goes on, from `earliest`, by `limit`.

    `clock_from`: the day of discharge from the readmission; None where there was none.
    """

    referral_id: str
    clock_from: date | None
    limit: date | None
    earliest: date
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The referral ended."""

    referral_id: str
    reason: CloseReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """The end was an error: the referral is open again."""

    referral_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """The first order was placed with the provider."""

    referral_id: str
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """The order now reads as follows (its whole state)."""

    referral_id: str
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWithdrawn:
    """The order no longer stands."""

    referral_id: str
    order_id: str
    reason: WithdrawReason


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitAtRisk:
    """Few days are left and no session is offered."""

    referral_id: str
    limit: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMissed:
    """The limit has passed without an offer inside it."""

    referral_id: str
    limit: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCounted:
    """A first session was offered on this local day. Not published: scheduling has said it."""

    referral_id: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceNoted:
    """Whether the citizen came to a session. Not published: scheduling has said it."""

    referral_id: str
    session_id: str
    step_id: str
    start: datetime
    attended: bool
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The citizen attended the first session on this local day."""

    referral_id: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted:
    """No session was attended after all: what was written down before was wrong."""

    referral_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRecorded:
    """A professional has assessed the citizen's needs, and decided level and track with them.

    `difference`: by how much each axis has moved since the assessment before. `sealed`: goals and
    free text.
    """

    referral_id: str
    assessment_id: str
    point: str
    policy: str
    scores: Scores
    level: Level | None
    proposed: Track
    because: str
    track: Track
    with_citizen: bool
    disputed: tuple[str, ...]
    goals: int
    sealed: bytes
    by: Signature
    previous: str | None
    difference: tuple[tuple[str, int], ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GpTold:
    """The GP hears what the hospital hears."""

    referral_id: str
    told: HospitalTold


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalTold:
    """The hospital hears of an offer, of its end, or of the referral's end."""

    referral_id: str
    state: Told
    at: datetime
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOpened:
    """A human has to look at this. `about` tells two entries of one reason apart."""

    referral_id: str
    reason: WorkReason
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkClosed:
    """What a human had to look at is settled. `decision` says how."""

    referral_id: str
    reason: WorkReason
    about: str
    decision: str
    by: Signature
    at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """The sender's receipt says this beside the ok."""

    note: Note


Fact: TypeAlias = (
    Received
    | Revised
    | Closed
    | Reopened
    | CitizenChanged
    | Paused
    | Resumed
    | OrderPlaced
    | OrderChanged
    | OrderWithdrawn
    | LimitAtRisk
    | LimitMissed
    | FreeChoiceOpened
    | ChoiceTaken
    | ChoiceWaived
    | HandedOver
    | OfferCounted
    | HospitalTold
    | GpTold
    | AssessmentRecorded
    | AttendanceNoted
    | Started
    | NotStarted
    | WorkOpened
    | WorkClosed
    | Noted
)
