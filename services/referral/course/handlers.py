"""What follows from who came to a session: the hospital hears of the start and of the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import store as referrals
from services.referral import store_orders
from services.referral.configuration import Directory
from services.referral.course import store
from services.referral.course.course import (
    Attendance,
    Course,
    CourseEnded,
    CourseFact,
    CourseReopened,
    CourseStarted,
    heard,
)
from services.referral.course.wire import event_of, read_attended
from services.referral.facts import HospitalTold, Told
from services.referral.incoming import Invalid
from services.referral.outgoing import event_of as referral_event_of
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from services.referral.replying import referral_key
from shared.handling import Applied, Dead, Parked

if TYPE_CHECKING:
    from datetime import datetime

    from shared.envelope import Event, Message
    from shared.handling import Outcome, Unit

PATIENCE: Final = timedelta(days=7)
"""How long word of a referral that isn't known waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """Follows courses by their sessions."""

    directory: Directory
    portfolio: Portfolio

    async def attended(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`; takes session.attended alone."""
        readings = [_read(message) for message in messages]
        ids = {one[0] for one in readings if isinstance(one, tuple)}
        found = await referrals.referrals(unit.conn, ids)
        orders = await store_orders.newest_orders(unit.conn, found)
        courses = await store.courses(unit.conn, orders)
        said: list[tuple[str, Attendance]] = []
        outcomes: list[Outcome] = []
        for message, reading in zip(messages, readings, strict=True):
            if not isinstance(reading, tuple):
                outcomes.append(reading)
                continue
            referral_id, attendance = reading
            if referral_id not in courses:
                outcomes.append(_unknown(referral_id, message, unit.now))
                continue
            said.append(reading)
            after, facts = heard(courses[referral_id], attendance)
            courses[referral_id] = after
            events = self.events(facts, after, found[referral_id], message.timestamp)
            outcomes.append(Applied(events=tuple(events)))
        touched = [courses[id_] for id_ in dict.fromkeys(id_ for id_, _ in said)]
        await store.keep(unit.conn, touched, said)
        return outcomes

    def events(
        self, facts: Sequence[CourseFact], course: Course, referral: Referral, at: datetime
    ) -> Iterator[Event]:
        """What is told; of a referral that is closed nobody hears any more."""
        if referral.closed is not None:
            return
        performer = self.directory.performers.get(referral.provider)
        for fact in facts:
            yield event_of(fact, course, referral)
            told = HospitalTold(referral_id=referral.referral_id, state=_told(fact), at=at)
            status = referral_event_of(told, referral, self.portfolio, performer)
            if status is not None:
                yield status


def _told(fact: CourseFact) -> Told:
    match fact:
        case CourseStarted():
            return Told.STARTED
        case CourseEnded():
            return Told.ENDED
        case CourseReopened(started=started):
            return Told.STARTED if started else Told.CANCELLED


def _read(message: Message) -> tuple[str, Attendance] | Outcome:
    try:
        return read_attended(message)
    except Invalid as error:
        return Dead(reason=str(error), holds=message.subject)


def _unknown(referral_id: str, message: Message, now: datetime) -> Outcome:
    until = message.timestamp + PATIENCE
    if now >= until:
        return Dead(reason="its referral never came, or has no order")
    key = referral_key(referral_id)
    return Parked(waits_for=key, until=until, reason="its referral has not come")
