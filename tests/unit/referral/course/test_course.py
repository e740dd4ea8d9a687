"""How far a course has come, and what is said of its start and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.referral.course.course import (
    Attendance,
    Course,
    CourseEnded,
    CourseFact,
    CourseReopened,
    CourseStarted,
    continued,
    heard,
)
from services.referral.facts import Order
from services.referral.identity import step_id
from services.referral.programme import OPENING, Programme
from tests.unit.referral.factories import PORTFOLIO

FIRST = datetime(2022, 5, 28, 7, 0, tzinfo=UTC)
GIVEN = [one for one in PORTFOLIO.programmes.values() if one.steps]


def an_order(programme: str = "p140-basal") -> Order:
    return Order(
        order_id="o1",
        programme=programme,
        steps=PORTFOLIO.programmes[programme].steps,
        earliest=date(2022, 5, 25),
        limit=None,
        bedside=False,
        vulnerable=False,
        postcode="4300",
        language="da",
        transport=False,
    )


def a_course(programme: str = "p140-basal") -> Course:
    return Course(referral_id="r1", order=an_order(programme), sessions={})


def a_session(
    ordinal: int, number: int = 1, *, attended: bool = True, later: int = 0
) -> Attendance:
    start = FIRST + timedelta(days=30 * (ordinal - 1) + number - 1)
    return Attendance(
        session_id=f"s{ordinal}-{number}",
        order_id="o1",
        step_id=step_id("o1", ordinal),
        start=start,
        attended=attended,
        said_at=start + timedelta(hours=1 + later),
    )


def walked(course: Course, *sessions: Attendance) -> tuple[Course, list[CourseFact]]:
    said: list[CourseFact] = []
    for one in sessions:
        course, facts = heard(course, one)
        said += facts
    return course, said


def all_sessions(course: Course) -> list[Attendance]:
    return [
        a_session(ordinal, number)
        for ordinal, step in enumerate(course.order.steps, start=1)
        for number in range(1, step.count + 1)
    ]


@pytest.mark.parametrize("programme", GIVEN, ids=[one.id for one in GIVEN])
def test_every_programme_starts_with_the_first_session_and_ends_with_the_last(
    programme: Programme,
) -> None:
    course = a_course(programme.id)
    sessions = all_sessions(course)
    half, begun = walked(course, *sessions[:-1])
    whole, ended = walked(half, sessions[-1])
    assert ([*begun, *ended])[0] == CourseStarted(at=FIRST)
    if all(step.kind in OPENING for step in programme.steps):
        assert whole.ended_at is None
        return
    assert not any(isinstance(fact, CourseEnded) for fact in begun)
    count = len(sessions)
    last = sessions[-1].start
    assert ended[-1] == CourseEnded(at=last, sessions=count, attended=count)
    assert all(one.is_done for one in whole.progress)


def test_a_missed_session_is_held_but_starts_nothing() -> None:
    course, facts = walked(a_course(), a_session(1, attended=False))
    assert facts == []
    assert (course.progress[0].held, course.progress[0].attended) == (1, 0)
    assert not course.progress[0].is_done


def test_a_course_ends_though_some_sessions_were_missed() -> None:
    course = a_course()
    sessions = all_sessions(course)
    sessions[3] = replace(sessions[3], attended=False)
    _, facts = walked(course, *sessions)
    assert facts[-1] == CourseEnded(
        at=sessions[-1].start, sessions=len(sessions), attended=len(sessions) - 1
    )


def test_older_word_of_a_session_changes_nothing() -> None:
    course, _ = walked(a_course(), a_session(1, later=2))
    again, facts = heard(course, a_session(1, attended=False))
    assert (again, facts) == (course, ())


def test_a_start_that_was_wrong_is_taken_back() -> None:
    course, facts = walked(a_course(), a_session(1), a_session(1, attended=False, later=1))
    assert facts == [CourseStarted(at=FIRST), CourseReopened(started=False)]
    assert course.started_at is None


def test_an_end_that_was_wrong_is_taken_back_and_said_anew() -> None:
    course = a_course("back-counselling")
    course = replace(course, order=replace(course.order, steps=course.order.steps * 2))
    first, second = a_session(1), a_session(2)
    wrong = replace(second, attended=False, said_at=second.said_at + timedelta(hours=1))
    right = replace(second, said_at=second.said_at + timedelta(hours=2))
    course, facts = walked(course, first, second, wrong, right)
    assert [type(fact) for fact in facts] == [
        CourseStarted,
        CourseEnded,
        CourseReopened,
        CourseEnded,
    ]
    assert course.started_at == FIRST


def test_a_continued_order_keeps_the_first_step_in_its_place() -> None:
    met = an_order("p140-almen")
    whole = continued(met, PORTFOLIO.programmes["p140-basal"])
    assert whole.order_id == met.order_id
    assert whole.programme == "p140-basal"
    assert [step.id for step in whole.steps] == [
        "assessment",
        "physical-training",
        "functional-training",
    ]
    assert whole.steps[0] == met.steps[0]
