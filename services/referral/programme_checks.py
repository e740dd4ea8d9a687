"""What a programme's file must say to make sense, beyond its form. One file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from services.referral.evaluation.forms import FORMS
from services.referral.plan import PlanType
from services.referral.programme_format import AdmissionIn, LawIn, ProgrammeFile, StepIn, ages
from services.referral.programme_lines import Loc
from services.referral.programme_terms import (
    REFERRERS,
    ROOMY,
    UNOPENED,
    Basis,
    GivenBy,
    Level,
    Role,
)

Fault: TypeAlias = tuple[Loc, str]
OLDEST: Final = 130
"""No age is above this."""


def faults(file: ProgrammeFile) -> Iterator[Fault]:
    """What contradicts itself, by path and reason. Other files are not looked at."""
    if not file.admission and not file.drop_in:
        yield ("admission",), "is missing: nobody could come; or set drop_in = true"
    for index, admission in enumerate(file.admission):
        yield from _admission(("admission", index), admission)
    takes_plans = any(one.plan_types for one in file.admission)
    if takes_plans and file.lifecycle in UNOPENED:
        yield ("lifecycle",), f"{file.lifecycle} is not open to citizens, but plans are taken"
    yield from _laws(file, takes_plans=takes_plans)
    yield from _steps(file)
    if file.step and file.step[0].consent:
        yield ("step", 0, "consent"), "the first step can't wait for consent: nothing would begin"
    for index, evaluation in enumerate(file.evaluation):
        yield from _twice(("evaluation", index, "asked"), evaluation.asked)
        if evaluation.form not in FORMS:
            known = ", ".join(sorted(FORMS))
            yield ("evaluation", index, "form"), f"there is no form {evaluation.form}; {known} are"
    yield from _twice(("evaluation",), [one.form for one in file.evaluation], "form")
    yield from _twice(("leads_to",), file.leads_to)


def _admission(loc: Loc, one: AdmissionIn) -> Iterator[Fault]:
    for index, referrer in enumerate(one.referred_by):
        if referrer not in REFERRERS[one.basis]:
            allowed = ", ".join(sorted(REFERRERS[one.basis]))
            yield (
                (*loc, "referred_by", index),
                f"{referrer} can't refer on basis {one.basis}; {allowed} can",
            )
    yield from _twice((*loc, "referred_by"), one.referred_by)
    yield from _twice((*loc, "plan_types"), one.plan_types)
    yield from _twice((*loc, "levels"), one.levels)
    yield from _twice((*loc, "diagnoses"), one.diagnoses)
    if one.diagnoses and one.basis is Basis.HOSPITAL:
        yield (*loc, "diagnoses"), "a hospital's plan is taken by its type, whatever the diagnosis"
    yield from _span(loc, one.min_age, one.max_age, "age")
    hospital = one.basis is Basis.HOSPITAL
    if hospital and not one.plan_types:
        yield (*loc, "plan_types"), "is missing: a hospital refers by a plan, and that has a type"
    if one.plan_types and not hospital:
        yield (*loc, "plan_types"), f"only hospitals send plans; the basis is {one.basis}"
        return
    if one.plan_types and (one.min_age, one.max_age) != (None, None):
        key = "min_age" if one.min_age is not None else "max_age"
        yield (*loc, key), "a plan is taken at any age"
    almen = PlanType.ALMEN in one.plan_types
    if almen and not one.levels:
        yield (*loc, "levels"), f"is missing: type almen has the levels {', '.join(Level)}"
    if one.levels and not almen:
        yield (*loc, "levels"), "only type almen has levels"


def _laws(file: ProgrammeFile, *, takes_plans: bool) -> Iterator[Fault]:
    if file.law and file.same_law_as is not None:
        yield ("same_law_as",), "either this or [[law]], not both"
    if not file.law and file.same_law_as is None:
        yield ("law",), "is missing: which law holds from which day on? (or same_law_as)"
    for index, law in enumerate(file.law):
        loc: Loc = ("law", index)
        yield from _span(loc, law.min_age, law.max_age, "age")
        if takes_plans and (law.min_age, law.max_age) != (None, None):
            key = "min_age" if law.min_age is not None else "max_age"
            yield (*loc, key), "a programme that takes plans has one law for all ages"
        for other in file.law[:index]:
            if other.since == law.since and _meet(other, law):
                yield (*loc, "since"), f"another law holds for the same ages from {law.since} on"
    if file.law and not takes_plans:
        yield from _ages_without_law(file.law)


def _ages_without_law(laws: tuple[LawIn, ...]) -> Iterator[Fault]:
    """The oldest law of an age holds before its day too, so that an age needs just one law."""
    bounds = {0, OLDEST}
    for law in laws:
        bounds |= {law.min_age or 0, min(OLDEST, (law.max_age or OLDEST) + 1)}
    for age in sorted(bounds):
        if not any(ages(law).hold(age) for law in laws):
            yield ("law",), f"no law holds at the age of {age}"
            return


def _steps(file: ProgrammeFile) -> Iterator[Fault]:
    elsewhere = file.given_by is GivenBy.HOSPITAL
    if not file.step and not elsewhere:
        yield ("step",), "is missing: what would be ordered?"
    if file.step and elsewhere:
        yield ("step",), "what a hospital gives is not ordered here; leave the steps out"
    yield from _twice(("step",), [one.id for one in file.step], "id")
    for index, step in enumerate(file.step):
        yield from _step(("step", index), step, first=index == 0)
    if file.hours is not None:
        if file.hours.min > file.hours.max:
            yield ("hours", "min"), f"is more than max ({file.hours.max})"
        minutes = sum(step.count * step.minutes for step in file.step)
        if not file.hours.min * 60 <= minutes <= file.hours.max * 60:
            yield (
                ("hours",),
                (
                    f"the steps last {minutes / 60:g} hours together, "
                    f"not {file.hours.min} to {file.hours.max}"
                ),
            )


def _step(loc: Loc, step: StepIn, *, first: bool) -> Iterator[Fault]:
    if step.count > 1 and step.spacing is None:
        yield (*loc, "spacing"), f"is missing: how many days between {step.count} sessions?"
    if step.count == 1 and step.spacing is not None:
        yield (*loc, "spacing"), "there is only one session (count)"
    if first and step.after is not None:
        yield (*loc, "after"), "no step comes before the first"
    for key, days in (("spacing", step.spacing), ("after", step.after)):
        if days is not None and days.min_days > days.max_days:
            yield (*loc, key, "min_days"), f"is more than max_days ({days.max_days})"
    if step.seats.min > step.seats.max:
        yield (*loc, "seats", "min"), f"is more than max ({step.seats.max})"
    if step.room and step.delivery not in ROOMY:
        yield (*loc, "room"), f"delivery {step.delivery} needs no room of ours"
    yield from _twice((*loc, "competences"), step.competences)
    yield from _twice((*loc, "equipment"), step.equipment)
    yield from _leaders(loc, step)


def _leaders(loc: Loc, step: StepIn) -> Iterator[Fault]:
    if step.competences and not any(one.role is Role.STAFF for one in step.leaders):
        yield (*loc, "competences"), "only staff have competences, and none of the leaders is staff"
    for index, leader in enumerate(step.leaders):
        here: Loc = (*loc, "leaders", index)
        if leader.competences and leader.role is not Role.STAFF:
            yield (*here, "competences"), f"only staff have competences, not a {leader.role}"
        for at, competence in enumerate(leader.competences):
            if competence in {*step.competences, *leader.competences[:at]}:
                yield (*here, "competences", at), f"{competence} stands twice"
        if leader in step.leaders[:index]:
            yield here, f"{leader.role} stands twice with the same competences; raise count"


def _twice(loc: Loc, values: Sequence[str], key: str | None = None) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield (*loc, index, *((key,) if key else ())), f"{value} stands twice"
        seen.add(value)


def _span(loc: Loc, least: int | None, most: int | None, what: str) -> Iterator[Fault]:
    if least is not None and most is not None and least > most:
        yield (*loc, f"min_{what}"), f"is more than max_{what} ({most})"


def _meet(one: LawIn, other: LawIn) -> bool:
    least = max(one.min_age or 0, other.min_age or 0)
    return least <= min(_most(one), _most(other))


def _most(one: LawIn) -> int:
    return OLDEST if one.max_age is None else one.max_age
