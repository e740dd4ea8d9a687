"""What can happen to a referral, and how each happening changes it. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, TypeAlias

from services.referral.programme import Level, Step
from services.referral.referral import CloseReason, FreeChoiceReason, NoStart, Referral


class WithdrawReason(StrEnum):
    """Why an order no longer stands."""

    REPLACED = "replaced"
    REVOKED = "revoked"
    ENTERED_IN_ERROR = "entered-in-error"
    FREE_CHOICE = "free-choice"
    OTHER_MUNICIPALITY = "other-municipality"
    HANDED_BACK = "handed-back"
    DECLINED = "declined"
    MOVED = "moved"
    DECEASED = "deceased"
    COMPLETED = "completed"
    STOPPED = "stopped"


class WorkReason(StrEnum):
    """What a human has to look at, because no rule decides it."""

    SECOND_PLAN = "second-plan"
    DEADLINE_TEXT = "deadline-text"
    REPLACED_UNKNOWN = "replaced-plan-unknown"
    OTHER_MUNICIPALITY = "other-municipality-named"
    NO_CAPACITY_KNOWN = "no-capacity-known"
    INFEASIBLE = "infeasible"
    OFFER_LOST = "offer-lost"
    FREE_CHOICE_TO_RECONSIDER = "free-choice-to-reconsider"
    DEATH_TAKEN_BACK = "death-taken-back"
    STAY_UNCLEAR = "stay-unclear"
    DECLINED = "declined"
    NOT_ESTABLISHED = "not-established"
    ACTION_OVERDUE = "action-overdue"
    PROGRAMME_TO_CHOOSE = "programme-to-choose"
    STAYS_AWAY = "stays-away"
    ASSESSMENT_MISSING = "assessment-missing"
    ASSESSMENT_DISPUTED = "assessment-disputed"
    REASSESSMENT_DUE = "reassessment-due"


class Right(StrEnum):
    """By which right somebody trains: the rule's own choice, or the citizen's."""

    OWN = "own"
    OTHER_MUNICIPALITY = "other-municipality"
    PRIVATE = "private"


class Note(StrEnum):
    """What the sender is told beside the ok."""

    HOSPITAL_LEVEL = "hospital-level"
    SECOND_PLAN = "second-plan"
    DEADLINE_TEXT = "deadline-text"
    REPLACED_UNKNOWN = "replaced-plan-unknown"
    OTHER_MUNICIPALITY = "other-municipality-named"
    ALREADY_REPLACED = "already-replaced"
    ALREADY_CLOSED = "already-closed"
    NOTHING_CHANGED = "nothing-changed"
    TOO_LATE = "too-late"
    PAUSED = "paused"
    RESUMED = "resumed"
    DISCHARGE_KNOWN = "discharge-known"
    DECEASED = "deceased"
    DEATH_TAKEN_BACK = "death-taken-back"
    ATTACHMENTS = "attachments"
    NOT_ESTABLISHED = "not-established"
    PROGRAMME_TO_CHOOSE = "programme-to-choose"


class Told(StrEnum):
    """What the hospital hears of its citizen's way."""

    OFFERED = "offered"
    CANCELLED = "cancelled"
    STARTED = "started"
    NOT_STARTED = "not-started"
    ENDED = "ended"
    REOPENED = "reopened"


class Track(StrEnum):
    """How a citizen's course is given."""

    SELF_DIRECTED = "self-directed"
    GROUP = "group"
    INDIVIDUAL = "individual"
    COORDINATED = "coordinated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Where a citizen stands on the four axes of an assessment, by the policy's scales."""

    complexity: int
    resources: int
    motivation: int
    readiness: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A local time that suits the citizen; None leaves a bound open. `weekday`: 1 is Monday."""

    weekday: int | None = None
    begin: time | None = None
    end: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is ordered: who plans nothing about the person but this (no name, no address).

    `programme` is the id of the programme that the steps are of. `consented`: the citizen's
    consent to steps that need it is recorded; without it they keep their place and are not ordered.
    """

    order_id: str
    programme: str
    steps: tuple[Step, ...]
    earliest: date
    limit: date | None
    bedside: bool
    vulnerable: bool
    postcode: str  # empty where the address is protected
    language: str
    transport: bool
    consented: bool = False
    windows: tuple[Window, ...] = ()

    def gives(self, step: Step) -> bool:
        """Whether a step is ordered: one that needs the citizen's consent only with it."""
        return self.consented or not step.consent

    @property
    def ordered(self) -> Iterator[tuple[int, Step]]:
        """The steps that are ordered, each with its place among all (from 1)."""
        return ((n, step) for n, step in enumerate(self.steps, start=1) if self.gives(step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A session as scheduling stated it. `location`: code, name, address, postcode, if stated."""

    session_id: str
    revision: int
    start: datetime
    location: tuple[str, str, str, str] | None


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
class FreeChoiceOpened:
    """The limit can't be held: the citizen may choose a private supplier."""

    referral_id: str
    limit: date
    reason: FreeChoiceReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceTaken:
    """The citizen chose who trains."""

    referral_id: str
    right: Right
    chosen: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceWaived:
    """The citizen was offered the free choice and prefers to wait."""

    referral_id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Another provider trains from now on, perhaps for another municipality.

    `wishes`: whom the citizen wants next, should this one decline.
    """

    referral_id: str
    provider: str
    municipality: str
    wishes: tuple[str, ...]
    why: WithdrawReason
    at: datetime


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
class Signature:
    """Who did something: the id, role and unit of a member of staff, or the service itself."""

    id: str
    role: str
    unit: str


ITSELF: Final = Signature(id="service:referral", role="service", unit="")
"""The service, where what a human was to look at has settled itself."""


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


def evolve(referral: Referral, fact: Fact) -> Referral:  # noqa: PLR0911, PLR0912 - one line for each
    """The referral after a fact about it."""
    match fact:
        case Received(new):
            return new
        case Revised(discharge_date=discharge, later_start=later, limit=limit, at=at):
            referral = replace(
                referral, discharge_date=discharge, later_start=later, clock_from=fact.clock_from
            )
            return _limited(referral, limit, at)
        case Paused(at=at):
            return replace(referral, paused_at=at)
        case Resumed(clock_from=back, limit=limit, at=at):
            return _limited(replace(referral, paused_at=None, clock_from=back), limit, at)
        case Closed(reason=reason):
            return replace(referral, closed=reason)
        case Reopened():
            return replace(referral, closed=None)
        case OrderPlaced(order=order) | OrderChanged(order=order):
            programme = order.programme if referral.type is None else None
            return replace(
                referral, order_id=order.order_id, order_stands=True, programme=programme
            )
        case OrderWithdrawn():
            return replace(referral, order_stands=False)
        case LimitAtRisk():
            return replace(referral, at_risk=True)
        case LimitMissed():
            return replace(referral, missed=True)
        case FreeChoiceOpened(reason=reason):
            return replace(referral, free_choice=reason)
        case ChoiceTaken():
            return referral
        case ChoiceWaived():
            return replace(referral, no_start=NoStart.FREE_CHOICE_DECLINED)
        case HandedOver(provider=provider, municipality=municipality, wishes=wishes, why=why):
            return replace(
                referral,
                provider=provider,
                municipality=municipality,
                wishes=wishes,
                no_start=_NO_START.get(why),
            )
        case OfferCounted(day=day):
            return replace(referral, offered=tuple(sorted({*referral.offered, day})))
        case WorkOpened(reason=reason, about=about):
            return replace(referral, work=tuple(sorted({*referral.work, (reason.value, about)})))
        case WorkClosed(reason=reason, about=about):
            left = tuple(one for one in referral.work if one != (reason.value, about))
            return replace(referral, work=left)
        case Started(day=day):
            return replace(referral, started=day)
        case NotStarted():
            return replace(referral, started=None)
        case HospitalTold() | GpTold() | AssessmentRecorded() | AttendanceNoted() | Noted():
            return referral


_NO_START: Final = {
    WithdrawReason.OTHER_MUNICIPALITY: NoStart.OTHER_MUNICIPALITY,
    WithdrawReason.MOVED: NoStart.OTHER_MUNICIPALITY,
    WithdrawReason.FREE_CHOICE: NoStart.FREE_CHOICE,
}
"""What a hand-over means for a start in time; one that comes back has no reason any more."""


def _limited(referral: Referral, limit: date | None, at: datetime) -> Referral:
    """The referral under another limit; a warning about the old one says nothing of the new."""
    if limit == referral.limit:
        return referral
    is_later = limit is None or referral.limit is None or limit > referral.limit
    return replace(
        referral,
        limit=limit,
        limit_known_at=at,
        at_risk=False,
        missed=referral.missed and not is_later,
    )
