"""The form of a programme's file (docs/programmes.md), and its meaning.

`programme_checks` holds what the form alone can't.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from services.referral.data_files import ID_PATTERN, TEXT_PATTERN, WORD_PATTERN
from services.referral.plan import PlanType
from services.referral.programme import (
    Admission,
    Ages,
    Coding,
    Days,
    Form,
    Law,
    Leader,
    LimitRule,
    Name,
    Programme,
    Seats,
    Step,
)
from services.referral.programme_terms import (
    Authority,
    Basis,
    Delivery,
    GivenBy,
    Level,
    Moment,
    Phase,
    Referrer,
    Role,
    StepKind,
)

Truth = Annotated[bool, Field(strict=True)]
Day = Annotated[date, Field(strict=True, ge=date(1900, 1, 1), le=date(2200, 1, 1))]
Age = Annotated[int, Field(strict=True, ge=0, le=130)]
Count = Annotated[int, Field(strict=True, ge=1, le=200)]
DayCount = Annotated[int, Field(strict=True, ge=0, le=730)]
Minutes = Annotated[int, Field(strict=True, ge=5, le=600)]
Text = Annotated[str, Field(max_length=200, pattern=TEXT_PATTERN)]
Word = Annotated[str, Field(pattern=WORD_PATTERN, max_length=60)]
Id = Annotated[str, Field(pattern=ID_PATTERN, max_length=60)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NameIn(_Form):
    """A name in both languages."""

    da: Text
    en: Text


class CodingIn(_Form):
    """A code from a public code system."""

    system: Text
    code: Text
    display: Text


class AgesIn(_Form):
    """`min_age` and `max_age` of an admission or a law."""

    min_age: Age | None = None
    max_age: Age | None = None


class AdmissionIn(AgesIn):
    """[[admission]]."""

    basis: Basis
    referred_by: tuple[Referrer, ...] = Field(min_length=1)
    plan_types: tuple[PlanType, ...] = ()
    levels: tuple[Level, ...] = ()
    diagnoses: tuple[Annotated[str, Field(pattern=r"^[A-Z][0-9]{0,2}[0-9A-Z]{0,2}$")], ...] = ()


class LimitIn(_Form):
    """`limit` of a law."""

    days: Annotated[int, Field(strict=True, ge=1, le=366)]
    later_start: Truth
    free_choice: Truth
    grace_minutes: Annotated[int, Field(strict=True, ge=0, le=24 * 60)]


def _limit(value: Any) -> Any:
    """No limit has to be said: a line that was forgotten must not take one away."""
    if value == "none":
        return None
    if not isinstance(value, dict):
        raise PydanticCustomError("limit", 'should be "none" or a table with days')
    return value


class LawIn(AgesIn):
    """[[law]]."""

    since: Day
    legal_basis: Text
    authority: Authority
    limit: Annotated[LimitIn | None, BeforeValidator(_limit)]


class DaysIn(_Form):
    """`spacing` and `after` of a step."""

    min_days: DayCount
    max_days: DayCount


class LeaderIn(_Form):
    """One role among a step's leaders; staff have the step's competences and these."""

    role: Role
    count: Count = 1
    competences: tuple[Word, ...] = ()


class SeatsIn(_Form):
    """`seats` of a step."""

    min: Count
    max: Count


class StepIn(_Form):
    """[[step]]."""

    id: Id
    kind: StepKind
    name: NameIn
    code: CodingIn | None = None
    count: Count = 1
    minutes: Minutes
    spacing: DaysIn | None = None
    after: DaysIn | None = None
    delivery: Delivery
    competences: tuple[Word, ...] = ()
    leaders: tuple[LeaderIn, ...] = Field(default=(LeaderIn(role=Role.STAFF),), min_length=1)
    seats: SeatsIn = SeatsIn(min=1, max=1)
    room: Truth
    equipment: tuple[Word, ...] = ()
    consent: Truth = False


class EvaluationIn(_Form):
    """[[evaluation]]."""

    form: Id
    name: NameIn
    asked: tuple[Moment, ...] = Field(min_length=1)


class HoursIn(_Form):
    """`hours`: what all sessions together must last, in hours."""

    min: Count
    max: Count


class ProgrammeFile(_Form):
    """A programme's file. Either `law` or `same_law_as` tells what holds."""

    name: NameIn
    given_by: GivenBy
    drop_in: Truth = False
    lifecycle: Phase | None = None
    leads_to: tuple[Id, ...] = ()
    hours: HoursIn | None = None
    same_law_as: Id | None = None
    admission: tuple[AdmissionIn, ...] = ()
    law: tuple[LawIn, ...] = ()
    step: tuple[StepIn, ...] = ()
    evaluation: tuple[EvaluationIn, ...] = ()


def ages(one: AgesIn) -> Ages:
    """The span of ages that a table says."""
    return Ages(least=one.min_age, most=one.max_age)


def _name(one: NameIn) -> Name:
    return Name(da=one.da, en=one.en)


def laws(file: ProgrammeFile) -> tuple[Law, ...]:
    """The laws of a file, the newest first."""
    found = (
        Law(
            since=one.since,
            legal_basis=one.legal_basis,
            authority=one.authority,
            limit=LimitRule(
                days=one.limit.days,
                later_start=one.limit.later_start,
                free_choice=one.limit.free_choice,
                grace=timedelta(minutes=one.limit.grace_minutes),
            )
            if one.limit is not None
            else None,
            ages=ages(one),
        )
        for one in file.law
    )
    return tuple(sorted(found, key=lambda law: law.since, reverse=True))


def to_programme(id_: str, file: ProgrammeFile, laws_: tuple[Law, ...]) -> Programme:
    """The programme that a file without faults describes, under these laws."""
    return Programme(
        id=id_,
        name=_name(file.name),
        given_by=file.given_by,
        admissions=tuple(
            Admission(
                basis=one.basis,
                referred_by=one.referred_by,
                plan_types=one.plan_types,
                levels=one.levels,
                ages=ages(one),
                diagnoses=one.diagnoses,
            )
            for one in file.admission
        ),
        laws=laws_,
        steps=tuple(_to_step(one) for one in file.step),
        drop_in=file.drop_in,
        forms=tuple(
            Form(form=one.form, name=_name(one.name), asked=one.asked) for one in file.evaluation
        ),
        phase=file.lifecycle,
        leads_to=file.leads_to,
    )


def _to_step(one: StepIn) -> Step:
    return Step(
        id=one.id,
        kind=one.kind,
        name=_name(one.name),
        minutes=one.minutes,
        code=Coding(**dict(one.code)) if one.code is not None else None,
        count=one.count,
        spacing=_to_days(one.spacing),
        after=_to_days(one.after),
        delivery=one.delivery,
        leaders=tuple(_to_leader(leader, one.competences) for leader in one.leaders),
        seats=Seats(least=one.seats.min, most=one.seats.max),
        room=one.room,
        equipment=one.equipment,
        consent=one.consent,
    )


def _to_leader(one: LeaderIn, competences: tuple[str, ...]) -> Leader:
    needed = (*competences, *one.competences) if one.role is Role.STAFF else ()
    return Leader(role=one.role, count=one.count, competences=needed)


def _to_days(one: DaysIn | None) -> Days | None:
    return Days(least=one.min_days, most=one.max_days) if one is not None else None
