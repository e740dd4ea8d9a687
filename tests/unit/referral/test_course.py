"""The first session attended is the start, the last one held the end; staying away is noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.referral.clock import decide_clock
from services.referral.commands import Case, CountOffer, DropOffer
from services.referral.course import (
    Attendance,
    Course,
    HearAttendance,
    decide_attendance,
    held,
)
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import (
    AttendanceNoted,
    Closed,
    Fact,
    HospitalTold,
    OrderPlaced,
    OrderWithdrawn,
    WorkOpened,
)
from services.referral.identity import step_id
from services.referral.order import Offer, Order
from services.referral.plan import PlanType
from services.referral.programme_terms import Level
from services.referral.referral import CloseReason, Referral
from services.referral.terms import Told, WorkReason
from tests.unit.referral.factories import NOW, PORTFOLIO, a_plan, after, facts_of, taking

FIRST = datetime.fromisoformat("2022-05-28T07:00:00+00:00")
BASAL = PORTFOLIO.of_plan(PlanType.ALMEN, Level.BASAL)


def ordered() -> tuple[Referral, Order]:
    facts = facts_of(decide(Case(), taking(a_plan()), NOW))
    (order,) = (fact.order for fact in facts if isinstance(fact, OrderPlaced))
    return after(None, facts), order


def a_course(order: Order) -> Order:
    """The order after an assessment: the programme of the basal level, whole."""
    return replace(order, programme=BASAL.id, steps=BASAL.steps)


class Story:
    """A course, session after session."""

    def __init__(self, referral: Referral, order: Order, *, more_follows: bool) -> None:
        self.referral = referral
        self.order = order
        self.more_follows = more_follows
        self.known: list[Attendance] = []
        self._number = 0

    def session(self, step: int, *, attended: bool = True) -> tuple[Fact, ...]:
        self._number += 1
        start = FIRST + timedelta(days=2 * self._number - 2)
        said = Attendance(
            session_id=f"s{self._number}",
            step_id=step_id(self.order.order_id, step),
            start=start,
            attended=attended,
            said_at=start + timedelta(hours=self._number),
        )
        return self.hears(said)

    def hears(self, said: Attendance) -> tuple[Fact, ...]:
        course = Course(
            referral=self.referral,
            order=self.order,
            known=self.known,
            more_follows=self.more_follows,
        )
        facts = decide_attendance(course, HearAttendance(attendance=said), said.said_at)
        for fact in facts:
            self.referral = evolve(self.referral, fact)
        if facts:
            self.known = [one for one in self.known if one.session_id != said.session_id] + [said]
        return facts


def told(facts: tuple[Fact, ...]) -> list[Told]:
    return [fact.state for fact in facts if isinstance(fact, HospitalTold)]


def test_the_first_session_attended_is_the_start() -> None:
    story = Story(*ordered(), more_follows=True)
    facts = story.session(1)
    assert told(facts) == [Told.STARTED]
    assert story.referral.started == date(2022, 5, 28)
    assert story.referral.closed is None, "the assessment says what follows"


def test_a_session_that_was_missed_starts_nothing() -> None:
    story = Story(*ordered(), more_follows=True)
    assert told(story.session(1, attended=False)) == []
    assert story.referral.started is None


def test_the_same_again_and_what_is_older_change_nothing() -> None:
    story = Story(*ordered(), more_follows=True)
    story.session(1)
    (known,) = story.known
    assert story.hears(known) == ()
    assert story.hears(replace(known, attended=False, said_at=NOW)) == ()


def test_a_start_that_was_written_down_wrongly_is_taken_back() -> None:
    story = Story(*ordered(), more_follows=True)
    story.session(1)
    (known,) = story.known
    later = replace(known, attended=False, said_at=known.said_at + timedelta(hours=1))
    assert told(story.hears(later)) == [Told.NOT_STARTED]
    assert story.referral.started is None


def test_the_course_ends_with_the_last_session_of_its_last_step() -> None:
    referral, order = ordered()
    story = Story(referral, a_course(order), more_follows=True)
    sessions = [
        number for number, step in enumerate(BASAL.steps, start=1) for _ in range(step.count)
    ]
    assert len(sessions) == 13
    for step in sessions[:-1]:
        story.session(step)
        assert story.referral.closed is None
    facts = story.session(sessions[-1])
    assert [f.reason for f in facts if isinstance(f, Closed)] == [CloseReason.COMPLETED]
    assert any(isinstance(fact, OrderWithdrawn) for fact in facts)
    assert told(facts) == [Told.ENDED]
    assert held(story.order, story.known) == (13, 13)


def test_a_programme_of_one_meeting_ends_with_it() -> None:
    story = Story(*ordered(), more_follows=False)
    facts = story.session(1)
    assert told(facts) == [Told.STARTED, Told.ENDED]


def test_two_sessions_missed_in_a_row_are_for_a_human() -> None:
    referral, order = ordered()
    story = Story(referral, a_course(order), more_follows=True)
    story.session(1)
    assert not any(isinstance(f, WorkOpened) for f in story.session(2, attended=False))
    opened = [f for f in story.session(2, attended=False) if isinstance(f, WorkOpened)]
    assert [fact.reason for fact in opened] == [WorkReason.STAYS_AWAY]


def test_what_is_heard_of_a_closed_referral_is_kept_and_changes_nothing() -> None:
    referral, order = ordered()
    closed = Closed(referral_id=referral.referral_id, reason=CloseReason.REVOKED, at=NOW)
    story = Story(evolve(referral, closed), order, more_follows=True)
    assert [type(fact) for fact in story.session(1)] == [AttendanceNoted]


@pytest.mark.parametrize("step", [1, 2])
def test_sessions_of_a_course_under_way_are_no_news_to_the_hospital(step: int) -> None:
    story = Story(*ordered(), more_follows=True)
    if step == 1:
        story.session(1)
    of = step_id(story.order.order_id, step)
    offer = Offer(session_id="x", revision=1, start=FIRST + timedelta(days=30), location=None)
    case = Case(target=story.referral)
    assert decide_clock(case, CountOffer(offer=offer, step_id=of), NOW) == ()
    lost = DropOffer(offer=offer, by_withdrawal=False, step_id=of)
    assert decide_clock(case, lost, NOW) == ()
