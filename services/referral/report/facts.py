"""What can have happened to one citizen's rehabilitation, as the delivery report needs to know it.

Facts stand in the order in which they became known. Ids are those of the FHIR resources that a
fact gives rise to (letters, digits, "-" and ".", at most 64): the same thing has the same id in
each report, whatever happens to it (KL's CarePlan introduction: "report the Careplan again with
the same Id"). Days are local (Europe/Copenhagen), instants have a zone. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from services.referral.plan import PlanType
from services.referral.report.codes import (
    Category,
    Delivery,
    EndReason,
    HoldReason,
    Level,
    Mode,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A hospital's department or whoever trains, by its number in the register SOR."""

    id: str
    sor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One diagnosis of the hospital's plan. `code` None: only the text is known."""

    condition_id: str
    system: str
    code: str | None
    text: str


class PlanEnd(StrEnum):
    """How a plan ended; the words are FHIR's request status."""

    REVOKED = "revoked"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CitizenRegistered:
    """Whom the history is about; each history has one, before all else.

    `cpr`: ten digits, or a replacement CPR, which is never reported; None where it isn't known
    here. `keeper_sor`: who keeps the record (the municipality, mostly). `deceased` None: unknown.
    """

    citizen_id: str
    cpr: str | None
    keeper_sor: str | None
    deceased: bool | None


@dataclass(frozen=True, slots=True)
class CitizenDied:
    """The citizen is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReceived:
    """A hospital's plan was received. `diagnoses` None: it may have some, not known here."""

    request_id: str
    requester: Organisation
    type: PlanType
    received: date
    discharge: date
    later_start: date | None = None
    diagnoses: tuple[Diagnosis, ...] | None = ()
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatesCorrected:
    """The hospital corrected the plan's dates."""

    request_id: str
    discharge: date
    later_start: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChanged:
    """Training goes on as another type, without a new plan (KL: "just change the type")."""

    request_id: str
    type: PlanType


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSet:
    """The municipality decided the level of an almen plan; it may do so again."""

    request_id: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHeld:
    """The municipality doesn't act on the plan, or not yet."""

    request_id: str
    reason: HoldReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTakenUp:
    """A held plan is acted on again."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEnded:
    """The plan no longer asks for anything."""

    request_id: str
    how: PlanEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReopened:
    """The plan's end was an error: it stands again, as it stood. What was granted then ended."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarePlanOpened:
    """A course was granted: interventions that are delivered together."""

    care_plan_id: str
    category: Category
    granted: date
    performer: Organisation | None
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterventionPlanned:
    """An intervention was granted, on its own (an assessment) or as part of a care plan.

    `code` is one of FSIII's for § 140. Of one in a care plan the care plan says who performs it
    and which plan asked for it, as in KL's reports of Ruddi. `conditions`: what it is to mend.
    """

    intervention_id: str
    code: str
    delivery: tuple[Delivery, ...]
    granted: date
    care_plan_id: str | None = None
    request_id: str | None = None
    performer: Organisation | None = None
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOver:
    """A course that goes on under a new plan (KL's ServiceRequest introduction, first case)."""

    of: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterOffered:
    """The citizen was offered an encounter on this day. `of`: a care plan or an intervention."""

    of: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterHeld:
    """An encounter took place. KL asks for the planned time, not for the stopwatch's."""

    encounter_id: str
    of: str
    start: datetime
    minutes: int
    mode: Mode = Mode.LOCATION


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFound:
    """A professional found one of FSIII's conditions and holds it in focus."""

    condition_id: str
    code: str
    recorded: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionLeftFocus:
    """The citizen may still have the condition, but nobody here does more about it."""

    condition_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionResolved:
    """The citizen no longer has the condition."""

    condition_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseEnded:
    """A care plan (and what is open in it) or an intervention ended on a day.

    `reason` None: it was completed. Only a care plan's reason is reported.
    """

    of: str
    on: date
    reason: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """Something was entered in error, such as in the wrong citizen's record.

    `of`: the citizen, a plan, a care plan (then also what is part of it), an intervention, an
    encounter or a condition; what it was is still told, as entered in error.
    """

    of: str


@dataclass(frozen=True, slots=True)
class ReportDelivered:
    """A report of all before this was delivered, made at that instant."""

    at: datetime


Fact: TypeAlias = (
    CitizenRegistered
    | CitizenDied
    | PlanReceived
    | DatesCorrected
    | TypeChanged
    | LevelSet
    | PlanHeld
    | PlanTakenUp
    | PlanEnded
    | PlanReopened
    | CarePlanOpened
    | InterventionPlanned
    | CarriedOver
    | EncounterOffered
    | EncounterHeld
    | ConditionFound
    | ConditionLeftFocus
    | ConditionResolved
    | CourseEnded
    | TakenBack
    | ReportDelivered
)
