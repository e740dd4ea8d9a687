"""Histories that can have happened, for property tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import strategies as st

from services.referral.plan import PlanType
from services.referral.report.codes import (
    CONDITIONS,
    IN_A_CARE_PLAN,
    ON_THEIR_OWN,
    SKS_D,
    Category,
    Delivery,
    EndReason,
    HoldReason,
    Level,
    Mode,
)
from services.referral.report.facts import (
    CarePlanOpened,
    CarriedOver,
    CitizenDied,
    ConditionFound,
    ConditionLeftFocus,
    ConditionResolved,
    CourseEnded,
    DatesCorrected,
    Diagnosis,
    EncounterHeld,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    PlanEnd,
    PlanEnded,
    PlanHeld,
    PlanReceived,
    PlanTakenUp,
    ReportDelivered,
    TakenBack,
)
from tests.unit.referral.report import ruddi

DAYS = st.integers(0, 60).map(lambda days: date(2022, 5, 23) + timedelta(days=days))
GRANTED = date(2022, 5, 1)  # before all that ends


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """A citizen's history, drawn one fact at a time."""
    return _Drawing(draw).history()


class _Drawing:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._count = 0
        self._plans: list[str] = []
        self._care_plans: list[str] = []
        self._courses: list[str] = []
        self._findings: list[str] = []
        self._all: list[str] = []

    def history(self) -> list[Fact]:
        count = self._draw(st.integers(0, 25))
        return [ruddi.citizen(), *(self._next() for _ in range(count))]

    def _next(self) -> Fact:
        return self._draw(st.sampled_from(self._possible()))()

    def _possible(self) -> list[Callable[[], Fact]]:
        possible = [self._plan, self._care_plan, self._own, self._finding, CitizenDied]
        possible.append(lambda: ReportDelivered(ruddi.evening(6, 20)))
        if self._plans:
            possible += [self._change_of_plan, self._change_of_plan]
        if self._care_plans:
            possible += [self._part, self._part]
        if self._courses:
            possible += [self._offered, self._held, self._held, self._ended]
        if self._plans and self._care_plans:
            possible.append(self._carried_over)
        if self._findings:
            possible.append(self._change_of_finding)
        if self._all:
            possible.append(lambda: TakenBack(of=self._one(self._all)))
        return possible

    def _plan(self) -> Fact:
        diagnosis = Diagnosis(
            condition_id=self._id(),
            system=SKS_D,
            code=self._draw(st.sampled_from(["DS721", None])),
            text="Pertrokantær femurfraktur",
        )
        earlier = self._maybe(self._plans)
        return PlanReceived(
            request_id=self._new(self._plans),
            requester=ruddi.SENDER,
            type=self._draw(st.sampled_from(PlanType)),
            received=self._draw(DAYS),
            discharge=self._draw(DAYS),
            later_start=self._draw(st.none() | DAYS),
            diagnoses=self._draw(st.sampled_from([None, (), (diagnosis,)])),
            replaces=earlier,
        )

    def _change_of_plan(self) -> Fact:
        plan, day = self._one(self._plans), self._draw(DAYS)
        changes: list[Fact] = [
            LevelSet(request_id=plan, level=self._draw(st.sampled_from(Level))),
            PlanHeld(request_id=plan, reason=self._draw(st.sampled_from(HoldReason))),
            PlanTakenUp(request_id=plan),
            PlanEnded(request_id=plan, how=self._draw(st.sampled_from(PlanEnd))),
            DatesCorrected(request_id=plan, discharge=day, later_start=None),
        ]
        return self._draw(st.sampled_from(changes))

    def _care_plan(self) -> Fact:
        id_ = self._new(self._care_plans)
        self._courses.append(id_)
        return CarePlanOpened(
            care_plan_id=id_,
            category=self._draw(st.sampled_from(Category)),
            granted=GRANTED,
            performer=ruddi.TRAINER,
            request_id=self._maybe(self._plans),
        )

    def _carried_over(self) -> Fact:
        return CarriedOver(of=self._one(self._care_plans), request_id=self._one(self._plans))

    def _own(self) -> Fact:
        return InterventionPlanned(
            intervention_id=self._new(self._courses),
            code=self._draw(st.sampled_from(sorted(ON_THEIR_OWN))),
            delivery=(Delivery.INDIVIDUAL,),
            granted=GRANTED,
            request_id=self._maybe(self._plans),
            performer=ruddi.TRAINER,
        )

    def _part(self) -> Fact:
        return InterventionPlanned(
            intervention_id=self._new(self._courses),
            code=self._draw(st.sampled_from(sorted(IN_A_CARE_PLAN))),
            delivery=(self._draw(st.sampled_from(Delivery)),),
            granted=GRANTED,
            care_plan_id=self._one(self._care_plans),
            conditions=tuple(self._findings[:2]),
        )

    def _offered(self) -> Fact:
        return EncounterOffered(of=self._one(self._courses), day=self._draw(DAYS))

    def _held(self) -> Fact:
        return EncounterHeld(
            encounter_id=self._id(kept=True),
            of=self._one(self._courses),
            start=ruddi.evening(6, 1),
            minutes=self._draw(st.integers(0, 240)),
            mode=self._draw(st.sampled_from(Mode)),
        )

    def _ended(self) -> Fact:
        reason = self._draw(st.none() | st.sampled_from(EndReason))
        return CourseEnded(of=self._one(self._courses), on=self._draw(DAYS), reason=reason)

    def _finding(self) -> Fact:
        code = self._draw(st.sampled_from(sorted(CONDITIONS)))
        id_ = self._new(self._findings)
        return ConditionFound(condition_id=id_, code=code, recorded=self._draw(DAYS))

    def _change_of_finding(self) -> Fact:
        of = self._one(self._findings)
        if self._draw(st.booleans()):
            return ConditionLeftFocus(condition_id=of)
        return ConditionResolved(condition_id=of)

    def _one(self, ids: list[str]) -> str:
        return self._draw(st.sampled_from(ids))

    def _maybe(self, ids: list[str]) -> str | None:
        return self._draw(st.none() | st.sampled_from(ids)) if ids else None

    def _id(self, *, kept: bool = False) -> str:
        self._count += 1
        id_ = f"00000000-0000-4000-8000-{self._count:012d}"
        self._all += [id_] if kept else []
        return id_

    def _new(self, ids: list[str]) -> str:
        ids.append(self._id(kept=True))
        return ids[-1]
