"""The handlers of what scheduling says, and of the clock's timers: load, decide in order, save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.referral import store, store_assessments, store_course, store_orders
from services.referral.assessment_policy import Policy
from services.referral.choice import DeclineOrder, decide_choice
from services.referral.choosing import case_of, offers_of
from services.referral.commands import (
    Case,
    ClockCommand,
    CountOffer,
    DropOffer,
    FaceInfeasible,
    PassLimit,
    WarnOfLimit,
)
from services.referral.configuration import Directory
from services.referral.course import Course, HearAttendance, decide_attendance
from services.referral.desk import Desk
from services.referral.domain import decide
from services.referral.facts import Fact, LimitAtRisk, LimitMissed, Started, WorkOpened
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.incoming import Invalid, News, read
from services.referral.limit import WORKDAY_BEGINS, local_instant
from services.referral.metrics import Metrics
from services.referral.outgoing import events_of
from services.referral.programme_policy import Portfolio
from services.referral.referral import Referral
from services.referral.replying import referral_key
from services.referral.store import SessionRow
from services.referral.terms import WorkReason
from services.referral.timers import AT_RISK, Timetable, limit_in
from shared.handling import Applied, Dead, Parked, SetTimer

if TYPE_CHECKING:
    from datetime import datetime

    from shared.envelope import Message
    from shared.handling import DueTimer, Outcome, Unit

ASSESSMENT_MISSING: Final = "assessment.missing"
PATIENCE: Final = timedelta(days=7)
"""How long news of a referral that isn't known waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Decides what offers, lack of capacity and passing time lead to."""

    directory: Directory
    portfolio: Portfolio
    timetable: Timetable
    metrics: Metrics
    policy: Policy

    async def training(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`."""
        readings = [_read(message) for message in messages]
        news = [one for one in readings if isinstance(one, News)]
        desk = Desk()
        found = await store.referrals(unit.conn, {one.referral_id for one in news})
        desk.put(found.values())
        offers = [one.command for one in news if isinstance(one.command, CountOffer | DropOffer)]
        ids = {command.offer.session_id for command in offers}
        desk.sessions = await store.sessions(unit.conn, ids)
        came = {one.referral_id for one in news if isinstance(one.command, HearAttendance)}
        refused = {one.referral_id for one in news if isinstance(one.command, DeclineOrder)}
        if refused:
            desk.offers = await offers_of(unit.conn, self.directory)
        if came or refused:
            desk.orders = await store_orders.newest_orders(unit.conn, came | refused)
            known = await store_course.attendances(unit.conn, came | refused)
            desk.attendances = {one: known.get(one, []) for one in came | refused}
        if came:
            assessed = await store_assessments.recorded(unit.conn, came)
            been = await store_assessments.asked_points(unit.conn, assessed)
            points = {one: set(self.policy.points) - been.get(one, set()) for one in assessed}
            desk.points = {one: sorted(left) for one, left in points.items()}
        counts: Counter[str] = Counter()
        outcomes = [
            self._heard(desk, message, reading, unit, counts)
            for message, reading in zip(messages, readings, strict=True)
        ]
        await desk.save(unit.conn, unit.now)
        unit.on_commit.append(lambda: self.metrics.clock(counts))
        return outcomes

    async def due(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """See `shared.handling.TimerHandler`; takes both kinds of timer."""
        desk = Desk()
        found = await store.referrals(unit.conn, {timer.key for timer in timers})
        desk.put(found.values())
        counts: Counter[str] = Counter()
        outcomes: list[Outcome] = []
        for timer in timers:
            limit = limit_in(timer.data)
            command = WarnOfLimit(limit=limit) if timer.kind == AT_RISK else PassLimit(limit=limit)
            outcomes.append(self._applied(desk, timer.key, command, timer.due, counts))
        await desk.save(unit.conn, unit.now)
        unit.on_commit.append(lambda: self.metrics.clock(counts))
        return outcomes

    async def assessment_due(self, unit: Unit, timers: Sequence[DueTimer], /) -> Sequence[Outcome]:
        """See `shared.handling.TimerHandler`: whoever was met has an assessment by now."""
        desk = Desk()
        ids = {timer.key for timer in timers}
        desk.put((await store.referrals(unit.conn, ids)).values())
        assessed = await store_assessments.recorded(unit.conn, ids)
        outcomes: list[Outcome] = []
        for timer in timers:
            referral = desk.referrals.get(timer.key)
            facts: tuple[Fact, ...] = ()
            if referral is not None and referral.closed is None and timer.key not in assessed:
                reason = WorkReason.ASSESSMENT_MISSING
                facts = (WorkOpened(referral_id=timer.key, reason=reason),)
            outcomes.append(self._happened(desk, facts, Counter()))
        await desk.save(unit.conn, unit.now)
        return outcomes

    def _heard(
        self,
        desk: Desk,
        message: Message,
        reading: News | Outcome,
        unit: Unit,
        counts: Counter[str],
    ) -> Outcome:
        if not isinstance(reading, News):
            return reading
        if reading.referral_id not in desk.referrals:
            until = message.timestamp + PATIENCE
            if unit.now >= until:
                return Dead(reason="its referral never came")
            return Parked(
                waits_for=referral_key(reading.referral_id),
                until=until,
                reason="its referral has not come",
            )
        command = reading.command
        if self._overtaken(desk.referrals[reading.referral_id], reading):
            return Applied()
        if isinstance(command, CountOffer | DropOffer):
            before = desk.sessions.get(command.offer.session_id)
            session = _session(reading.referral_id, command)
            if not desk.heard(session):
                return Applied()
            if isinstance(command, CountOffer):
                command = replace(command, known=_same_time_and_place(before, session))
        return self._applied(desk, reading.referral_id, command, message.timestamp, counts)

    def _overtaken(self, referral: Referral, reading: News) -> bool:
        """Whether it is about an order that was handed over, or that scheduling has no part in.

        A private supplier has no capacity here; what it can't hold it says itself.
        """
        if not isinstance(reading.command, CountOffer | FaceInfeasible):
            return False
        if reading.order_id not in {None, referral.order_id} and referral.order_id is not None:
            return True
        theirs = referral.provider in self.directory.suppliers
        return theirs and isinstance(reading.command, FaceInfeasible)

    def _course(self, desk: Desk, referral_id: str) -> Course:
        referral = desk.referrals[referral_id]
        order = desk.order_of(referral)
        programme = self.portfolio.programmes.get(order.programme) if order else None
        return Course(
            referral=referral,
            order=order,
            known=desk.attendances.get(referral_id, ()),
            points=desk.points.get(referral_id, ()),
            more_follows=programme is not None and bool(programme.afterwards or programme.leads_to),
        )

    def _applied(
        self,
        desk: Desk,
        referral_id: str,
        command: ClockCommand | HearAttendance | DeclineOrder,
        at: datetime,
        counts: Counter[str],
    ) -> Outcome:
        if isinstance(command, HearAttendance):
            facts = decide_attendance(self._course(desk, referral_id), command, at)
        elif isinstance(command, DeclineOrder):
            case = case_of(self.directory, desk, desk.referrals[referral_id], desk.offers)
            found = decide_choice(case, command, at)
            assert isinstance(found, tuple), "a refusal is never unsuitable"
            facts = found
        else:
            decided = decide(Case(target=desk.referrals.get(referral_id)), command, at)
            assert isinstance(decided, tuple), "the clock refuses nothing"
            facts = decided
        return self._happened(desk, facts, counts)

    def _happened(self, desk: Desk, facts: tuple[Fact, ...], counts: Counter[str]) -> Applied:
        change = desk.apply(facts)
        events = []
        for fact, after in change.happened:
            events += events_of(fact, after, self.portfolio, self.directory)
            counts.update(_said(fact))
        timers = self.timetable.after(change, desk)
        for fact, after in change.happened:
            if isinstance(fact, Started) and self._course(desk, after.referral_id).only_opened:
                timers.append(_assessment_missing(after, self.policy.missing_days))
        return Applied(events=events, timers=timers)


def _read(message: Message) -> News | Outcome:
    try:
        news = read(message)
    except Invalid as error:
        return Dead(reason=str(error), holds=message.subject)
    return Applied() if news is None else news


def _session(referral_id: str, command: CountOffer | DropOffer) -> SessionRow:
    offer = command.offer
    return SessionRow(
        session_id=offer.session_id,
        referral_id=referral_id,
        revision=offer.revision,
        starts_at=offer.start,
        place=offer.location[0] if offer.location is not None else "",
        cancelled=isinstance(command, DropOffer),
    )


def _assessment_missing(referral: Referral, days: int) -> SetTimer:
    assert referral.started is not None, "a course that has started has a day"
    return SetTimer(
        kind=ASSESSMENT_MISSING,
        key=referral.referral_id,
        due=local_instant(referral.started + timedelta(days=days), WORKDAY_BEGINS),
        partition_key=referral.provider,
    )


def _same_time_and_place(before: SessionRow | None, now: SessionRow) -> bool:
    """Whether another therapist or room is all that has changed: no news to a hospital."""
    return (
        before is not None
        and not before.cancelled
        and (before.starts_at, before.place) == (now.starts_at, now.place)
    )


def _said(fact: Fact) -> Sequence[str]:
    match fact:
        case LimitAtRisk():
            return ("at-risk",)
        case LimitMissed():
            return ("missed",)
        case FreeChoiceOpened(reason=reason):
            return (f"free-choice-{reason}",)
        case _:
            return ()
