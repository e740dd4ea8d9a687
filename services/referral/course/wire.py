"""course.started.v1, course.ended.v1, course.reopened.v1; session.attended.v1 as we read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar, Final

from pydantic import BaseModel, Field, ValidationError

from services.referral.course.course import (
    Attendance,
    Course,
    CourseEnded,
    CourseFact,
    CourseReopened,
    CourseStarted,
)
from services.referral.events import REFERRALS, AboutReferral
from services.referral.incoming import Id, Instant, Invalid, named_faults
from services.referral.referral import Referral
from shared.envelope import TYPE_PREFIX, Event, Message

ATTENDED: Final = f"{TYPE_PREFIX}session.attended.v1"


class SessionAttended(BaseModel):
    """What we read of scheduling's word on who came."""

    session_id: Id
    order_id: Id
    referral_id: Id
    step_id: Id
    start: Instant
    attended: bool
    at: Instant


def read_attended(message: Message) -> tuple[str, Attendance]:
    """The referral and who came. Raises Invalid."""
    try:
        one = SessionAttended.model_validate_json(message.value or b"")
    except ValidationError as error:
        raise Invalid(named_faults(error)) from None
    return one.referral_id, Attendance(
        session_id=one.session_id,
        order_id=one.order_id,
        step_id=one.step_id,
        start=one.start,
        attended=one.attended,
        said_at=one.at,
    )


class AboutCourse(AboutReferral):
    """What is said of a course."""

    order_id: str
    programme: str


class CourseStartedWire(AboutCourse):
    """The citizen came for the first time."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}course.started.v1"

    started_at: Instant = Field(description="Start of the first session that the citizen came to")


class CourseEndedWire(AboutCourse):
    """The last step's last session was held."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}course.ended.v1"

    ended_at: Instant = Field(description="Start of the last session")
    sessions: int = Field(description="Sessions held, those that the citizen missed among them")
    attended: int


class CourseReopenedWire(AboutCourse):
    """What was said of its start or end was wrong, and is taken back."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}course.reopened.v1"

    started: bool = Field(description="Whether it has started all the same")


def event_of(fact: CourseFact, course: Course, referral: Referral) -> Event:
    """How a fact is told."""
    wire = _wire(fact, course, referral)
    return Event(
        topic=REFERRALS,
        key=referral.provider,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json().encode(),
    )


def _wire(fact: CourseFact, course: Course, referral: Referral) -> AboutReferral:
    about = {
        "referral_id": referral.referral_id,
        "citizen_id": referral.citizen_id,
        "provider": referral.provider,
        "order_id": course.order.order_id,
        "programme": course.order.programme,
    }
    match fact:
        case CourseStarted(at=at):
            return CourseStartedWire(**about, started_at=at)
        case CourseEnded(at=at, sessions=sessions, attended=attended):
            return CourseEndedWire(**about, ended_at=at, sessions=sessions, attended=attended)
        case CourseReopened(started=started):
            return CourseReopenedWire(**about, started=started)


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    REFERRALS: {
        model.event_type: model
        for model in (CourseStartedWire, CourseEndedWire, CourseReopenedWire)
    }
}
_ABOUT: Final = {
    "referral_id": "8d26206a-02c4-556a-bdde-7b9e1a342db3",
    "citizen_id": "LFCSLXUVF5CQFOKQRD6HPNQBLI",
    "provider": "316",
    "order_id": "3cb44591-5bf8-592c-afdb-4c5bad3f26f1",
    "programme": "p140-basal",
}
EXAMPLES: Final[tuple[BaseModel, ...]] = (
    CourseStartedWire(**_ABOUT, started_at=datetime(2022, 5, 28, 7, 0, tzinfo=UTC)),
    CourseEndedWire(
        **_ABOUT, ended_at=datetime(2022, 7, 8, 7, 0, tzinfo=UTC), sessions=13, attended=12
    ),
    CourseReopenedWire(**_ABOUT, started=True),
)
