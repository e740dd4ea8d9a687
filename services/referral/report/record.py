"""What stands in one citizen's record after a history of facts. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from services.referral.limit import begins, local_day
from services.referral.plan import PlanType
from services.referral.report.codes import CONDITIONS, INTERVENTIONS, HoldReason, Level
from services.referral.report.facts import (
    CarePlanOpened,
    CarriedOver,
    CitizenDied,
    CitizenRegistered,
    ConditionFound,
    ConditionLeftFocus,
    ConditionResolved,
    CourseEnded,
    DatesCorrected,
    EncounterHeld,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    Organisation,
    PlanEnd,
    PlanEnded,
    PlanHeld,
    PlanReceived,
    PlanReopened,
    PlanTakenUp,
    ReportDelivered,
    TakenBack,
    TypeChanged,
)

T = TypeVar("T")


class Contradiction(Exception):
    """A history that can't have happened; the message names what is missing or said twice."""


@dataclass(slots=True, kw_only=True)
class Request:
    """A hospital's plan and what became of it."""

    received: PlanReceived
    type: PlanType
    discharge: date
    later_start: date | None
    level: Level | None = None
    held: HoldReason | None = None
    taken_up: bool = False
    ended: PlanEnd | None = None
    offered: set[date] = field(default_factory=set)

    @property
    def first_offered(self) -> date | None:
        """The first day offered on which training could begin (KL: counts even if cancelled).

        A day before the discharge, or before the later start that the plan requires, began nothing.
        """
        begin = begins(self.discharge, self.later_start)
        return min((day for day in self.offered if day >= begin), default=None)


@dataclass(slots=True, kw_only=True)
class Course:
    """A care plan, or an intervention, and what became of it."""

    granted: CarePlanOpened | InterventionPlanned
    request_id: str | None
    offered: bool = False
    ended: CourseEnded | None = None

    @property
    def parent_id(self) -> str | None:
        """The care plan that this is part of."""
        return getattr(self.granted, "care_plan_id", None) if self.is_intervention else None

    @property
    def is_intervention(self) -> bool:
        """Whether this is an intervention, not a care plan."""
        return isinstance(self.granted, InterventionPlanned)


@dataclass(slots=True, kw_only=True)
class Finding:
    """One of FSIII's conditions and what became of it."""

    found: ConditionFound
    in_focus: bool = True
    present: bool = True


@dataclass(slots=True)
class Record:
    """All of one citizen, by id; `taken_back` holds what was entered in error."""

    citizen: CitizenRegistered
    deceased: bool | None
    requests: dict[str, Request] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    encounters: dict[str, EncounterHeld] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)

    def organisations(self) -> dict[str, Organisation]:
        """Senders and performers, by id. Raises Contradiction where one id has two numbers."""
        found: dict[str, Organisation] = {}
        performers = (course.granted.performer for course in self.courses.values())
        for one in (*(r.received.requester for r in self.requests.values()), *performers):
            if one is not None and found.setdefault(one.id, one) != one:
                raise Contradiction(f"the organisation {one.id} has two SOR numbers")
        return found

    def is_void(self, id_: str) -> bool:
        """Whether something, or what it is part of, was entered in error."""
        if id_ in self.taken_back:
            return True
        encounter, course = self.encounters.get(id_), self.courses.get(id_)
        parent = encounter.of if encounter else course.parent_id if course else None
        return parent is not None and self.is_void(parent)

    def ended(self, course: Course) -> CourseEnded | None:
        """How a course ended: by itself, or with the care plan that it is part of."""
        parent = self.courses[course.parent_id].ended if course.parent_id else None
        return course.ended or parent

    def request_of(self, course: Course) -> Request | None:
        """The plan that asked for a course."""
        if course.parent_id is not None:
            course = self.courses[course.parent_id]
        return self.requests[course.request_id] if course.request_id else None

    def is_met(self, thing: Course | Request) -> bool:
        """Whether an encounter took place in a course, or because of a plan."""
        courses = (
            self.courses[held.of] for id_, held in self.encounters.items() if not self.is_void(id_)
        )
        return any(thing is course or thing is self.request_of(course) for course in courses)

    def hold(self, request: Request, at: datetime) -> HoldReason | None:
        """Why the municipality does nothing about a plan at that instant, if so."""
        if request.held is not None or request.taken_up or request.later_start is None:
            return request.held
        waits = local_day(at) < request.later_start
        return HoldReason.LATER_START if waits and not self.is_met(request) else None

    def apply(self, fact: Fact) -> None:  # noqa: PLR0912 - one branch for each fact
        """Takes note of a fact. Raises Contradiction."""
        match fact:
            case CitizenRegistered():
                raise Contradiction("a history is about one citizen, who is registered once")
            case CitizenDied():
                self.deceased = True
            case PlanReceived(request_id=id_):
                self._new(id_, "plan")
                self.requests[id_] = Request(
                    received=fact,
                    type=fact.type,
                    discharge=fact.discharge,
                    later_start=fact.later_start,
                )
            case DatesCorrected(request_id=id_):
                request = _known(self.requests, id_, "plan")
                request.discharge, request.later_start = fact.discharge, fact.later_start
            case TypeChanged(request_id=id_):
                _known(self.requests, id_, "plan").type = fact.type
            case LevelSet(request_id=id_):
                _known(self.requests, id_, "plan").level = fact.level
            case PlanHeld(request_id=id_):
                _known(self.requests, id_, "plan").held = fact.reason
            case PlanTakenUp(request_id=id_):
                request = _known(self.requests, id_, "plan")
                request.held, request.taken_up = None, True
            case PlanEnded(request_id=id_):
                _known(self.requests, id_, "plan").ended = fact.how
            case PlanReopened(request_id=id_):
                _known(self.requests, id_, "plan").ended = None
                self.taken_back.discard(id_)
            case CarePlanOpened() | InterventionPlanned():
                self._grant(fact)
            case CarriedOver(of=of):
                _known(self.requests, fact.request_id, "plan")
                _known(self.courses, of, "course").request_id = fact.request_id
            case EncounterOffered() | EncounterHeld():
                self._meet(fact)
            case ConditionFound(condition_id=id_):
                self._new(id_, "condition")
                if fact.code not in CONDITIONS:
                    raise Contradiction(f"{fact.code} is none of FSIII's conditions for § 140")
                self.findings[id_] = Finding(found=fact)
            case ConditionLeftFocus(condition_id=id_):
                _known(self.findings, id_, "condition").in_focus = False
            case ConditionResolved(condition_id=id_):
                _known(self.findings, id_, "condition").present = False
            case CourseEnded(of=of):
                _known(self.courses, of, "course").ended = fact
            case TakenBack(of=of):
                self._take_back(of)
            case ReportDelivered():
                pass

    def _grant(self, fact: CarePlanOpened | InterventionPlanned) -> None:
        if fact.request_id is not None:
            _known(self.requests, fact.request_id, "plan")
        if isinstance(fact, CarePlanOpened):
            id_ = fact.care_plan_id
        else:
            id_ = fact.intervention_id
            if fact.code not in INTERVENTIONS:
                raise Contradiction(f"{fact.code} is none of FSIII's interventions for § 140")
            if fact.care_plan_id is not None:
                _known(self.courses, fact.care_plan_id, "care plan")
            for condition in fact.conditions:
                _known(self.findings, condition, "condition")
        self._new(id_, "course")
        self.courses[id_] = Course(granted=fact, request_id=fact.request_id)

    def _meet(self, fact: EncounterOffered | EncounterHeld) -> None:
        course = _known(self.courses, fact.of, "course")
        if isinstance(fact, EncounterOffered):
            course.offered = True
            request = self.request_of(course)
            if request is not None:
                request.offered.add(fact.day)
            return
        self._new(fact.encounter_id, "encounter")
        self.encounters[fact.encounter_id] = fact

    def _take_back(self, of: str) -> None:
        known = (self.requests, self.courses, self.findings, self.encounters)
        if of != self.citizen.citizen_id and not any(of in things for things in known):
            raise Contradiction(f"{of} was never entered, so it can't be taken back")
        self.taken_back.add(of)

    def _new(self, id_: str, what: str) -> None:
        if any(id_ in k for k in (self.requests, self.courses, self.findings, self.encounters)):
            raise Contradiction(f"the {what} {id_} was entered before")


def record_of(history: Iterable[Fact]) -> Record:
    """What stands after the history. Raises Contradiction."""
    facts = iter(history)
    first = next(facts, None)
    if not isinstance(first, CitizenRegistered):
        raise Contradiction("a history begins with the citizen it is about")
    record = Record(first, first.deceased)
    for fact in facts:
        record.apply(fact)
    return record


def _known(things: dict[str, T], id_: str, what: str) -> T:
    if id_ not in things:
        raise Contradiction(f"nothing is known of the {what} {id_}")
    return things[id_]
