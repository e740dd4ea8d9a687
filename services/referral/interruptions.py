"""What a referral does when its citizen is readmitted, comes home, or dies.

Readmission pauses: the clock stands still and nothing is booked. Discharge resumes: the limit runs
anew from the day of that discharge, as it does from any other (Sundhedsloven § 140 counts from
discharge). Death ends. Each may prove wrong, and what it led to is then undone, or a human's to
look at. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.referral.clock import late
from services.referral.closing import closing
from services.referral.evolving import evolve
from services.referral.facts import Fact, Noted, OrderChanged, Paused, Resumed, Revised, WorkOpened
from services.referral.limit import earliest_start, limit_of
from services.referral.order import Order
from services.referral.programme import LimitRule
from services.referral.referral import CloseReason, Referral
from services.referral.stays import Standing, Stay, is_doubtful, standing
from services.referral.terms import Note, WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class HearOfStay:
    """A message changed what is known of the citizen's stays."""

    document_id: str
    before: tuple[Stay, ...]
    after: tuple[Stay, ...]

    @property
    def died(self) -> bool:
        """Whether the citizen was said to be dead before."""
        return any(stay.deceased for stay in self.before)

    @property
    def dies(self) -> bool:
        """Whether the citizen is said to be dead now."""
        return any(stay.deceased for stay in self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Concern:
    """A referral that a message concerns, its order and its limit's rule."""

    referral: Referral
    order: Order | None
    rule: LimitRule | None
    now: datetime


def decide_stay(
    referral: Referral,
    order: Order | None,
    rule: LimitRule | None,
    command: HearOfStay,
    now: datetime,
) -> tuple[Fact, ...]:
    """What follows for one of the citizen's referrals, of which `rule` is the limit's.

    The same message a second time changes nothing.
    """
    concern = _Concern(referral=referral, order=order, rule=rule, now=now)
    return tuple(_decided(concern, command))


def _decided(concern: _Concern, command: HearOfStay) -> Iterator[Fact]:
    referral, me = concern.referral, concern.referral.referral_id
    if referral.closed is not None:
        if command.died and not command.dies and referral.closed is CloseReason.DECEASED:
            reason = WorkReason.DEATH_TAKEN_BACK
            yield WorkOpened(referral_id=me, reason=reason, about=command.document_id)
            yield Noted(Note.DEATH_TAKEN_BACK)
        return
    if command.dies and not command.died:
        yield from closing(referral, CloseReason.DECEASED, WithdrawReason.DECEASED, concern.now)
        yield Noted(Note.DECEASED)
        return
    was, is_ = standing(referral, command.before), standing(referral, command.after)
    if was != is_:
        yield from _moved(concern, was, is_)
    for stay in set(command.after) - set(command.before):
        if is_doubtful(referral, stay):
            yield WorkOpened(referral_id=me, reason=WorkReason.STAY_UNCLEAR, about=stay.stay)


def _moved(concern: _Concern, was: Standing, is_: Standing) -> Iterator[Fact]:
    referral = concern.referral
    if is_.home is not None and is_.home != was.home:
        yield Noted(Note.DISCHARGE_KNOWN)
        for fact in _revised(concern, is_.home, referral.clock_from):
            yield fact
            if not isinstance(fact, Noted):
                referral = evolve(referral, fact)
    if is_.away and referral.paused_at is None:
        if referral.order_stands:
            yield Paused(referral_id=referral.referral_id, at=concern.now)
            yield Noted(Note.PAUSED)
    elif not is_.away and referral.paused_at is not None:
        yield from _resumed(replace(concern, referral=referral), is_.back)
    elif is_.back != was.back and referral.paused_at is None:
        # The discharge from a readmission is corrected, or the readmission never was.
        now_concerned = replace(concern, referral=referral)
        yield from _revised(now_concerned, referral.discharge_date, is_.back)


def _resumed(concern: _Concern, back: date | None) -> Iterator[Fact]:
    referral, now = concern.referral, concern.now
    begins = runs_from(referral.discharge_date, back)
    # Who has begun has had a start: no limit runs for what is left of the course.
    limit = limit_of(concern.rule, begins, referral.later_start)
    resumed = Resumed(
        referral_id=referral.referral_id,
        clock_from=referral.clock_from if referral.started else back,
        limit=referral.limit if referral.started else limit,
        earliest=earliest_start(now, begins, referral.later_start),
        at=now,
    )
    yield resumed
    yield Noted(Note.RESUMED)
    yield from _clock_after(referral, evolve(referral, resumed), now)


def _revised(concern: _Concern, discharge: date, back: date | None) -> Iterator[Fact]:
    referral, now = concern.referral, concern.now
    begins = runs_from(discharge, back)
    limit = limit_of(concern.rule, begins, referral.later_start)
    changed = [
        name
        for name, old, new in (
            ("discharge_date", referral.discharge_date, discharge),
            ("limit", referral.limit, limit),
        )
        if old != new
    ]
    if not changed:
        return
    revised = Revised(
        referral_id=referral.referral_id,
        changed=tuple(changed),
        discharge_date=discharge,
        later_start=referral.later_start,
        limit=limit,
        clock_from=back,
        at=now,
    )
    yield revised
    after = evolve(referral, revised)
    if after.order_stands and concern.order is not None:
        earliest = earliest_start(now, begins, after.later_start)
        newest = replace(concern.order, earliest=earliest, limit=limit)
        yield OrderChanged(referral_id=after.referral_id, order=newest)
    yield from _clock_after(referral, after, now)


def _clock_after(before: Referral, after: Referral, now: datetime) -> Iterator[Fact]:
    """What a limit that has moved means for free choice."""
    if after.free_choice is None:
        if after.order_stands:
            yield from late(after, now)
    elif before.limit != after.limit:
        reason = WorkReason.FREE_CHOICE_TO_RECONSIDER
        yield WorkOpened(referral_id=after.referral_id, reason=reason)


def runs_from(discharge: date, back: date | None) -> date:
    """The discharge that counts: the plan's, or that from a readmission after it."""
    return discharge if back is None else max(discharge, back)
