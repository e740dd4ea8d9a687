"""Our own events as wire models; `outgoing` makes them of the domain's facts.

Keyed by provider on `referrals`, by citizen on `citizens`; a hospital's status by referral.
Dates are local (Europe/Copenhagen), instants UTC with Z.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from services.referral.plan import PlanType
from services.referral.programme import Basis
from services.referral.referral import CloseReason, FreeChoiceReason
from services.referral.terms import Right, Told, WithdrawReason, WorkReason
from shared.envelope import TYPE_PREFIX

REFERRALS: Final = "referrals"
CITIZENS: Final = "citizens"
GP_STATUS: Final = "gp.status"
CITIZEN_RECORDED: Final = f"{TYPE_PREFIX}citizen.recorded.v1"
ACKNOWLEDGED: Final = f"{TYPE_PREFIX}document.acknowledged.v1"
COMMUNICATION_SENT: Final = f"{TYPE_PREFIX}care-communication.sent.v1"
STEPS: Final = "urn:genvej:steps"
"""Our own code system, of programmes' steps that no public code is known for."""


def zulu(instant: datetime) -> str:
    """An instant in UTC as ISO-8601 with Z."""
    return instant.isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(zulu, return_type=str)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)

    event_type: ClassVar[str]


class AboutReferral(_Wire):
    """What every event of a referral says."""

    referral_id: str
    citizen_id: str
    provider: str = Field(description="Who plans: the topic's key")
    municipality: str = Field(default="", description="Who is responsible for the citizen")


class ReferralReceived(AboutReferral):
    """A hospital's plan was accepted."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.received.v1"

    basis: Basis = Field(
        default=Basis.HOSPITAL,
        description="On what ground: a hospital's plan, or a referral by others",
    )
    hospital: str = Field(
        description="SOR of the hospital on whose topic the plan came; on other grounds the "
        "sender's code"
    )
    document_id: str
    type: PlanType | None = Field(description="Of a hospital's plan; null on other grounds")
    programme: str | None = Field(
        default=None,
        description="On other grounds: the programme chosen; left out where none is yet",
        exclude_if=lambda value: value is None,
    )
    discharge_date: date = Field(description="On other grounds the day of the referral")
    later_start: date | None
    received_at: Instant
    limit: date | None = Field(description="Last day for a first session; null: no limit")
    free_choice: bool = Field(description="Whether the type gives free choice past the limit")
    replaces: str | None = Field(description="Referral id of the plan that this one replaces")


class ReferralRevised(AboutReferral):
    """The hospital corrected the plan's dates."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.revised.v1"

    changed: tuple[str, ...]
    discharge_date: date
    later_start: date | None
    limit: date | None
    revised_at: Instant


class ReferralClosed(AboutReferral):
    """The referral ended before its course."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.closed.v1"

    reason: CloseReason
    closed_at: Instant


class ReferralReopened(AboutReferral):
    """The end was an error; order.placed follows where something is ordered."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.reopened.v1"

    at: Instant


class ReferralPaused(AboutReferral):
    """The citizen is in hospital again: nothing is booked until referral.resumed."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.paused.v1"

    reason: Literal["readmitted"] = "readmitted"
    limit: date | None = Field(description="The limit that stood when the clock was stopped")
    at: Instant


class ReferralResumed(AboutReferral):
    """The course goes on: the citizen is home again, or was never away."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.resumed.v1"

    reason: Literal["discharged", "never-readmitted"]
    discharge_date: date | None = Field(description="Of the readmission; null: there was none")
    limit: date | None = Field(description="Last day for a first session; null: no limit")
    earliest: date = Field(description="First day that may be offered")
    at: Instant


class Window(_Wire):
    """A time that suits the citizen; null leaves a bound open. weekday: 1 is Monday."""

    weekday: int | None
    from_: str | None = Field(serialization_alias="from", description="HH:MM, local")
    to: str | None = Field(description="HH:MM, local")


class Code(_Wire):
    """A coded concept."""

    system: str
    code: str
    display: str


def _unsaid(value: object) -> bool:
    """Whether a field says what a reader assumes anyway; it is then left out."""
    return not value


class Days(_Wire):
    """So many calendar days at least and at most."""

    min_days: int
    max_days: int


class Leader(_Wire):
    """So many leaders in one role, each with these competences."""

    role: str = Field(description="staff, volunteer or peer")
    count: int
    competences: tuple[str, ...]


class Step(_Wire):
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
        default=None, description="Citizens at least, in a group", exclude_if=_unsaid
    )
    spacing: Days | None = Field(
        default=None, description="From one session to the next", exclude_if=_unsaid
    )
    after: Days | None = Field(
        default=None, description="From the end of the step before", exclude_if=_unsaid
    )
    leaders: tuple[Leader, ...] = Field(
        default=(),
        description="Empty: one of the staff, with the step's competences",
        exclude_if=_unsaid,
    )
    equipment: tuple[str, ...] = Field(default=(), exclude_if=_unsaid)
    consent: bool = Field(
        default=False, description="Only with the citizen's recorded consent", exclude_if=_unsaid
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


class LimitAtRiskWire(AboutReferral):
    """Few days are left before the limit, and no session is offered."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}limit.at-risk.v1"

    limit: date


class LimitMissedWire(AboutReferral):
    """The limit has passed without an offer inside it."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}limit.missed.v1"

    limit: date


class FreeChoiceOpenedWire(AboutReferral):
    """The limit can't be held, so the citizen may choose a private supplier."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.opened.v1"

    limit: date
    reason: FreeChoiceReason


class WorklistOpenedWire(AboutReferral):
    """Rules do not decide this: a human has to look at it."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}worklist.opened.v1"

    entry_id: str
    reason: WorkReason
    about: str = Field(description="Tells entries of one reason apart: an id, or a code")


class SignedBy(_Wire):
    """Who did something: a member of staff, or a service by itself (role "service")."""

    id: str
    role: str
    unit: str


class WorklistClosedWire(AboutReferral):
    """What a human had to look at is settled. What they wrote beside it stays with the keeper."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}worklist.closed.v1"

    entry_id: str
    reason: WorkReason
    about: str
    decision: str = Field(description="How it was settled, and so why it is closed")
    by: SignedBy
    closed_at: Instant


class FreeChoiceTaken(AboutReferral):
    """The citizen chose who trains; order.withdrawn and order.placed follow."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.taken.v1"

    right: Right = Field(
        description="own, another municipality's institution, or a private supplier's"
    )
    chosen: str = Field(description="Code of the provider")
    at: Instant


class FreeChoiceWaived(AboutReferral):
    """The citizen was offered the free choice and prefers to wait for the municipality."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}free-choice.waived.v1"

    at: Instant


class ReferralHandedOver(AboutReferral):
    """From now on `provider` trains, for `municipality`. The limit is the same."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.handed-over.v1"

    reason: WithdrawReason
    limit: date | None
    at: Instant


class Place(_Wire):
    """Where a session is held."""

    code: str
    name: str
    address: str
    postcode: str


class ReferralStatus(_Wire):
    """What the hospital that sent the plan hears of its citizen's way."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}referral.status.v1"

    referral_id: str
    document_id: str
    state: Told
    at: Instant
    start: Instant | None = None
    location: Place | None = None
    limit: date | None = None
    code: Code | None = None
    performer: str | None = Field(default=None, description="SOR of the provider")
    how: CloseReason | None = Field(
        default=None, description="With state ended: how the course ended", exclude_if=_unsaid
    )


class GpStatus(ReferralStatus):
    """What the GP hears who got a copy of the plan: the same as its hospital.

    The GP knows the citizen by the copy: hospital and document id are those that stand in it.
    """

    event_type: ClassVar[str] = f"{TYPE_PREFIX}gp.status.v1"

    gp: str = Field(description="EAN of the GP: the topic's key")
    hospital: str = Field(description="SOR of the hospital that sent the plan")


class CitizenName(_Wire):
    """A citizen's name."""

    given: str
    family: str


class CitizenAddress(_Wire):
    """A Danish postal address."""

    street: str
    suburb: str | None
    postcode: str
    district: str


class CitizenRelative(_Wire):
    """A relative that a plan named."""

    name: str
    phone: str | None
    relation: str | None


class CitizenGp(_Wire):
    """The citizen's GP, who gets a copy."""

    name: str | None
    ean: str | None


class CitizenRecord(_Wire):
    """The clear text of citizen.recorded.v1: who the citizen is and how to reach them (no CPR)."""

    event_type: ClassVar[str] = CITIZEN_RECORDED

    citizen_id: str
    cpr_kind: Literal["cpr", "ecpr"]
    name: CitizenName
    birth_date: date | None
    address: CitizenAddress | None = Field(description="Null where it is protected or unknown")
    protected: bool
    phone: str | None
    email: str | None
    language: str = Field(description="BCP 47")
    deceased: bool
    relatives: tuple[CitizenRelative, ...]
    gp: CitizenGp | None
    version: int = Field(ge=1, description="Grows by one with each change")


class SealedRecord(_Wire):
    """citizen.recorded.v1 as it travels: AES-256-GCM under the citizen's own wrapped key."""

    event_type: ClassVar[str] = CITIZEN_RECORDED

    kid: str = Field(description="Id of the master key that wraps `key`")
    key: str = Field(description="The citizen's data key, wrapped (base64)")
    nonce: str = Field(description="Base64")
    data: str = Field(description="The record's ciphertext (base64)")


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    REFERRALS: {
        model.event_type: model
        for model in (
            ReferralReceived,
            ReferralRevised,
            ReferralClosed,
            ReferralReopened,
            ReferralPaused,
            ReferralResumed,
            OrderPlacedWire,
            OrderChangedWire,
            OrderWithdrawnWire,
            LimitAtRiskWire,
            LimitMissedWire,
            FreeChoiceOpenedWire,
            FreeChoiceTaken,
            FreeChoiceWaived,
            ReferralHandedOver,
            WorklistOpenedWire,
            WorklistClosedWire,
        )
    },
    CITIZENS: {CITIZEN_RECORDED: SealedRecord},
    "provider.{provider}.orders": {
        model.event_type: model for model in (OrderPlacedWire, OrderChangedWire, OrderWithdrawnWire)
    },
    GP_STATUS: {GpStatus.event_type: GpStatus},
    "hospital.{hospital}.status": {ReferralStatus.event_type: ReferralStatus},
    "sender.{sender}.status": {ReferralStatus.event_type: ReferralStatus},
}
