"""How far a course has come: its order's steps and who came to their sessions.

Standard library only. Instants are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.referral.facts import Order
from services.referral.identity import step_id
from services.referral.programme import OPENING, Programme, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """Who came to a session: the newest word of it (`said_at`) holds."""

    session_id: str
    order_id: str
    step_id: str
    start: datetime
    attended: bool
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a step has come. `held` counts the sessions that were missed too."""

    id: str
    step: Step
    held: int
    attended: int

    @property
    def is_done(self) -> bool:
        """Whether its sessions are over. Who never met the citizen has not done a step of it."""
        return self.held >= self.step.count and self.attended > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A referral's order as it reads now, its sessions so far, and what was said of it.

    `started_at`, `ended_at`: when the first and the last session were held, as others were told.
    """

    referral_id: str
    order: Order
    sessions: Mapping[str, Attendance]
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def progress(self) -> tuple[Progress, ...]:
        """Its steps in their order."""
        return tuple(
            _progress(step_id(self.order.order_id, ordinal), step, self.sessions.values())
            for ordinal, step in enumerate(self.order.steps, start=1)
        )

    @property
    def first(self) -> datetime | None:
        """When the citizen came for the first time."""
        return min((one.start for one in self.sessions.values() if one.attended), default=None)

    @property
    def last(self) -> datetime | None:
        """When its last session was held, where all steps are done.

        An order in which the citizen is only met for the first time has no end of its own:
        somebody decides what follows.
        """
        if all(step.kind in OPENING for step in self.order.steps):
            return None
        if not all(one.is_done for one in self.progress):
            return None
        return max(one.start for one in self.sessions.values())


def _progress(id_: str, step: Step, sessions: Iterable[Attendance]) -> Progress:
    mine = [one for one in sessions if one.step_id == id_]
    attended = sum(one.attended for one in mine)
    return Progress(id=id_, step=step, held=len(mine), attended=attended)


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseStarted:
    """The citizen came for the first time."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseEnded:
    """The last step's last session was held. `sessions` and `attended` of the whole course."""

    at: datetime
    sessions: int
    attended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseReopened:
    """What was said of its start or end was wrong. `started`: whether it has started after all."""

    started: bool


CourseFact = CourseStarted | CourseEnded | CourseReopened


def heard(course: Course, attendance: Attendance) -> tuple[Course, tuple[CourseFact, ...]]:
    """The course after who came to a session was said, and what follows."""
    known = course.sessions.get(attendance.session_id)
    if known is not None and known.said_at >= attendance.said_at:
        return course, ()
    course = replace(course, sessions={**course.sessions, attendance.session_id: attendance})
    return looked_at(course)


def looked_at(course: Course) -> tuple[Course, tuple[CourseFact, ...]]:
    """The course with what is to be said of it now: after a session, or after another order."""
    facts = tuple(_facts(course))
    for fact in facts:
        match fact:
            case CourseStarted(at=at):
                course = replace(course, started_at=at)
            case CourseEnded(at=at):
                course = replace(course, ended_at=at)
            case CourseReopened(started=started):
                begun = course.started_at if started else None
                course = replace(course, started_at=begun, ended_at=None)
    return course, facts


def _facts(course: Course) -> Iterator[CourseFact]:
    first, last = course.first, course.last
    if (course.started_at is not None and first is None) or (
        course.ended_at is not None and last is None
    ):
        yield CourseReopened(started=first is not None)
    elif first is not None and course.started_at is None:
        yield CourseStarted(at=first)
    if last is not None and course.ended_at is None:
        sessions = course.sessions.values()
        attended = sum(one.attended for one in sessions)
        yield CourseEnded(at=last, sessions=len(sessions), attended=attended)


def continued(order: Order, programme: Programme) -> Order:
    """The order once the citizen has been met: the whole of a programme.

    The steps that were ordered first keep their place, so their sessions still count.
    """
    opening = len(programme.opening) if programme.afterwards else 0
    steps = (*order.steps[:opening], *programme.steps[opening:]) if opening else programme.steps
    return replace(order, programme=programme.id, steps=steps)
