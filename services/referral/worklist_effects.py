"""What each decision of a human does, beside closing its entry. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, TypeAlias

from services.referral.clock import late
from services.referral.closing import closing
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    OrderChanged,
    OrderPlaced,
    Paused,
    Revised,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.limit import earliest_start, limit_of
from services.referral.order import Order
from services.referral.programme import LimitRule
from services.referral.referral import CloseReason, FreeChoiceReason, Referral
from services.referral.reopening import reopening
from services.referral.signature import Signature
from services.referral.terms import WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCase:
    """What a decision rests on. `others`: the citizen's other referrals, by id.

    `rule`: the limit that holds for the referral; None where there is none. `chosen`: the order of
    the programme that the decision names, or why there is none. `ordinal`: of the order.
    """

    referral: Referral
    order: Order | None
    others: Mapping[str, Referral]
    rule: LimitRule | None
    chosen: Order | Impossible | None = None
    ordinal: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideWork:
    """Settles an entry. `day` and `other` are what the choice needs, if anything."""

    reason: WorkReason
    about: str
    choice: str
    by: Signature
    day: date | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """The decision can't be carried out; `text` says why, without people. `status`: HTTP's."""

    status: int
    text: str


Effect: TypeAlias = tuple[Fact, ...] | Impossible
"""What follows from a decision, or why nothing can."""


def _keep_newer(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    return _close_other(case, command.about, now)


def _replaces(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    assert command.other is not None, "asked for before"
    return _close_other(case, command.other, now)


def _close_other(case: WorkCase, id_: str, now: datetime) -> Effect:
    other = case.others.get(id_)
    if other is None or id_ == case.referral.referral_id:
        return Impossible(422, "that is no other referral of the same citizen")
    if other.closed is not None:
        return Impossible(409, "the other referral is closed already")
    return tuple(closing(other, CloseReason.REVOKED, WithdrawReason.REPLACED, now))


def _revoke(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    return _close_mine(case, CloseReason.REVOKED, WithdrawReason.REVOKED, now)


def _not_ours(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    return _close_mine(case, CloseReason.ENTERED_IN_ERROR, WithdrawReason.ENTERED_IN_ERROR, now)


def _stop_course(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    return _close_mine(case, CloseReason.STOPPED, WithdrawReason.STOPPED, now)


def _assess_anew(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    if case.referral.closed is not None:
        return Impossible(409, "the referral is closed already")
    me = case.referral.referral_id
    return (WorkOpened(referral_id=me, reason=WorkReason.REASSESSMENT_DUE),)


def _close_mine(case: WorkCase, reason: CloseReason, why: WithdrawReason, now: datetime) -> Effect:
    if case.referral.closed is not None:
        return Impossible(409, "the referral is closed already")
    return tuple(closing(case.referral, reason, why, now))


def _open_free_choice(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    referral = case.referral
    if referral.limit is None or not referral.may_choose:
        return Impossible(409, "this type of plan gives no free choice")
    if referral.free_choice is not None:
        return Impossible(409, "free choice is open already")
    if referral.started_in_time:
        return Impossible(409, "a start inside the limit was offered, so no free choice follows")
    return (
        FreeChoiceOpened(
            referral_id=referral.referral_id,
            limit=referral.limit,
            reason=FreeChoiceReason.INFEASIBLE,
        ),
    )


def _later_start(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    assert command.day is not None, "asked for before"
    referral, day = case.referral, command.day
    if referral.closed is not None:
        return Impossible(409, "the referral is closed already")
    if (
        not referral.discharge_date
        < day
        <= referral.discharge_date.replace(
            year=referral.discharge_date.year + 1, day=min(referral.discharge_date.day, 28)
        )
    ):
        return Impossible(422, "a later start lies after the discharge, within a year of it")
    return tuple(_moved(case, day, now))


def _moved(case: WorkCase, day: date, now: datetime) -> Iterator[Fact]:
    referral = case.referral
    limit = limit_of(case.rule, referral.begins, day)
    changed = ("later_start",) if limit == referral.limit else ("later_start", "limit")
    revised = Revised(
        referral_id=referral.referral_id,
        changed=changed,
        discharge_date=referral.discharge_date,
        later_start=day,
        limit=limit,
        clock_from=referral.clock_from,
        at=now,
    )
    yield revised
    after = evolve(referral, revised)
    if after.order_stands and case.order is not None:
        earliest = earliest_start(now, after.begins, day)
        order = replace(case.order, earliest=earliest, limit=limit)
        yield OrderChanged(referral_id=after.referral_id, order=order)


def _readmitted(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    referral = case.referral
    if referral.closed is not None or not referral.order_stands:
        return Impossible(409, "nothing is ordered that could be paused")
    if referral.paused_at is not None:
        return Impossible(409, "the referral is paused already")
    return (Paused(referral_id=referral.referral_id, at=now),)


def _order_programme(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    referral, order = case.referral, case.chosen
    if referral.closed is not None:
        return Impossible(409, "the referral is closed already")
    if referral.order_stands:
        return Impossible(409, "something is ordered already")
    if not isinstance(order, Order):
        return order or Impossible(422, f"{command.choice} needs a programme")
    return (OrderPlaced(referral_id=referral.referral_id, order=order),)


def _run_here(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    if case.referral.order_stands:
        return ()
    placed = _order_programme(case, command, now)
    if isinstance(placed, Impossible):
        return placed
    after = case.referral
    for fact in placed:
        after = evolve(after, fact)
    return (*placed, *(late(after, now) if after.free_choice is None else ()))


def _reopen(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    if case.referral.closed is None:
        return ()
    return tuple(reopening(case.referral, case.order, case.ordinal, now))


_Effect = Callable[[WorkCase, DecideWork, datetime], Effect]
EFFECTS: Final[Mapping[str, _Effect]] = {
    "keep-newer": _keep_newer,
    "keep-older": _revoke,
    "replaces": _replaces,
    "later-start": _later_start,
    "not-ours": _not_ours,
    "open-free-choice": _open_free_choice,
    "order-programme": _order_programme,
    "readmitted": _readmitted,
    "reopen": _reopen,
    "run-here": _run_here,
    "revoke": _revoke,
    "stop-course": _stop_course,
    "assess-anew": _assess_anew,
}
"""What a decision does beside closing its entry; one that is not named here does nothing more."""
