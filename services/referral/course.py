"""The course of a referral: its first session, what was held of its steps, and its end.

Scheduling says who came. The first session that the citizen attended is the start; when the last
step is held to its last session the course has ended. A citizen who has stayed away twice in a row
is for a human to talk to. Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.referral.closing import closing
from services.referral.evolving import evolve
from services.referral.facts import (
    AttendanceNoted,
    Fact,
    HospitalTold,
    NotStarted,
    Started,
    WorkOpened,
)
from services.referral.identity import step_id
from services.referral.limit import local_day
from services.referral.order import Offer, Order
from services.referral.programme import Step
from services.referral.programme_terms import OPENING
from services.referral.referral import CloseReason, Referral
from services.referral.terms import Told, WithdrawReason, WorkReason

MIDWAY: Final = "midway"
BEFORE_END: Final = "before-end"
MISSED_IN_A_ROW: Final = 2
"""So many sessions missed one after the other, and a human talks to the citizen (assumption)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """What was written down of a session: whether the citizen came, and when it was written."""

    session_id: str
    step_id: str
    start: datetime
    attended: bool
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HearAttendance:
    """Scheduling says whether the citizen came to a session."""

    attendance: Attendance


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a decision on attendance rests on.

    `known`: what was written down before. `more_follows`: the programme goes on after its opening,
    once somebody has met the citizen and written an assessment. `points`: of re-assessment,
    those at which this course has not been yet.
    """

    referral: Referral
    order: Order | None
    known: Sequence[Attendance]
    more_follows: bool
    points: Sequence[str] = ()

    @property
    def only_opened(self) -> bool:
        """Whether the order holds the programme's opening alone, and more is to follow."""
        opening = self.order is not None and all(step.kind in OPENING for step in self.order.steps)
        return self.more_follows and opening and self.referral.closed is None


def decide_attendance(course: Course, command: HearAttendance, now: datetime) -> tuple[Fact, ...]:
    """What follows; nothing where it was heard before, or something newer was."""
    said = command.attendance
    before = next((one for one in course.known if one.session_id == said.session_id), None)
    if before is not None and before.said_at >= said.said_at:
        return ()
    return tuple(_decided(course, said, now))


def _decided(course: Course, said: Attendance, now: datetime) -> Iterator[Fact]:
    referral = course.referral
    me = referral.referral_id
    yield AttendanceNoted(
        referral_id=me,
        session_id=said.session_id,
        step_id=said.step_id,
        start=said.start,
        attended=said.attended,
        said_at=said.said_at,
    )
    if referral.closed is not None:
        return
    every = [one for one in course.known if one.session_id != said.session_id] + [said]
    every.sort(key=lambda one: (one.start, one.session_id))
    for fact in _start(referral, every, now):
        yield fact
        referral = evolve(referral, fact)
    if _is_over(course, every):
        yield from closing(referral, CloseReason.COMPLETED, WithdrawReason.COMPLETED, now)
        return
    if _stays_away(every):
        yield WorkOpened(referral_id=me, reason=WorkReason.STAYS_AWAY)
    for point in _reached(course, every):
        yield WorkOpened(referral_id=me, reason=WorkReason.REASSESSMENT_DUE, about=point)


def _start(referral: Referral, every: Sequence[Attendance], now: datetime) -> Iterator[Fact]:
    """The first session attended is the start; where it proves not to have been, that is taken
    back."""
    me = referral.referral_id
    first = next((one for one in every if one.attended), None)
    if first is None:
        if referral.started is not None:
            yield NotStarted(referral_id=me)
            yield HospitalTold(referral_id=me, state=Told.NOT_STARTED, at=now)
        return
    day = local_day(first.start)
    if referral.started == day:
        return
    yield Started(referral_id=me, day=day)
    offer = Offer(session_id=first.session_id, revision=0, start=first.start, location=None)
    yield HospitalTold(referral_id=me, state=Told.STARTED, at=now, offer=offer)


def _is_over(course: Course, every: Sequence[Attendance]) -> bool:
    order = course.order
    if order is None or not course.referral.order_stands:
        return False
    if course.only_opened:
        return False
    place, step = list(order.ordered)[-1]
    last = step_id(order.order_id, place)
    held = [one for one in every if one.step_id == last]
    return len(held) >= step.count and any(one.attended for one in held)


def _stays_away(every: Sequence[Attendance]) -> bool:
    newest = every[-MISSED_IN_A_ROW:]
    return len(newest) == MISSED_IN_A_ROW and not any(one.attended for one in newest)


def _reached(course: Course, every: Sequence[Attendance]) -> Iterator[str]:
    """The points of re-assessment that the course has come to."""
    if course.order is None or not course.points:
        return
    done, planned = held(course.order, every)
    for point in course.points:
        left = planned - done
        if (point == MIDWAY and done >= left) or (point == BEFORE_END and left == 1):
            yield point


def steps_left(order: Order, every: Sequence[Attendance]) -> tuple[Step, ...]:
    """What of an order's steps was not held yet; all of them where nothing is left."""
    counts = Counter(one.step_id for one in every)
    found = [
        replace(step, count=step.count - counts[step_id(order.order_id, number)])
        for number, step in enumerate(order.steps, start=1)
        if counts[step_id(order.order_id, number)] < step.count
    ]
    return tuple(found) or order.steps


def held(order: Order, every: Sequence[Attendance]) -> tuple[int, int]:
    """How many of the course's sessions were held, and how many there are."""
    counts = Counter(one.step_id for one in every)
    done = sum(
        min(counts[step_id(order.order_id, number)], step.count) for number, step in order.ordered
    )
    return done, sum(step.count for _, step in order.ordered)
