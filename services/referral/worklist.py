"""What a human decides where rules don't, and what each decision does. Standard library only.

Every reason to look has the decisions that settle it. A decision does what it says, in the same
transaction in which its entry is closed; one that changes nothing says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from services.referral.closing import closing
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    OrderChanged,
    OrderPlaced,
    Paused,
    Revised,
    WorkClosed,
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


class Needs(StrEnum):
    """What a decision must be told."""

    NOTHING = "nothing"
    DATE = "date"
    REFERRAL = "referral"
    PROGRAMME = "programme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to settle an entry. `does` says what follows, for whoever chooses."""

    name: str
    does: str
    needs: Needs = Needs.NOTHING


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

_SEEN: Final = Choice(name="seen", does="Somebody has looked; nothing else follows.")
_WAIT: Final = Choice(
    name="wait",
    does="The order stands and is booked as soon as it can be; the clock runs on.",
)
_OPEN_FREE_CHOICE: Final = Choice(
    name="open-free-choice",
    does="The limit can't be held: the citizen is told of the free choice of a private supplier.",
)
_REVOKE: Final = Choice(
    name="revoke",
    does="This referral is closed, its order withdrawn, and the hospital is told.",
)

_STOP: Final = Choice(
    name="stop-course",
    does="The course ends here: the referral is closed as stopped, its order withdrawn, and the "
    "hospital and the GP are told.",
)

MEANS: Final[Mapping[WorkReason, str]] = {
    WorkReason.SECOND_PLAN: "The citizen has another open plan, and neither replaces the other.",
    WorkReason.DEADLINE_TEXT: "The plan says something about its deadline in words.",
    WorkReason.REPLACED_UNKNOWN: "The plan replaces one that never came.",
    WorkReason.OTHER_MUNICIPALITY: "The plan names another municipality than its receiver.",
    WorkReason.NO_CAPACITY_KNOWN: "Nobody has stated what capacity there is, so nothing is booked.",
    WorkReason.INFEASIBLE: "The provider can't hold the order, and no free choice follows.",
    WorkReason.OFFER_LOST: "The session that was offered is gone, and not because we said so.",
    WorkReason.FREE_CHOICE_TO_RECONSIDER: "Free choice is open, and the limit can be held after "
    "all: the citizen has to be told.",
    WorkReason.DEATH_TAKEN_BACK: "The citizen was said to be dead, which closed the referral, and "
    "is not.",
    WorkReason.STAY_UNCLEAR: "A stay began on the day of discharge: nobody can tell whether it is "
    "the plan's own or a readmission.",
    WorkReason.PROGRAMME_TO_CHOOSE: "Several programmes admit the citizen, and no rule chooses: "
    "that is for you and the citizen.",
    WorkReason.ACTION_OVERDUE: "Somebody was to do something for the citizen, and the day has "
    "passed.",
    WorkReason.DECLINED: "Everybody whom the citizen chose has declined, or the municipality's own "
    "has: somebody talks with the citizen.",
    WorkReason.NOT_ESTABLISHED: "No provider has the programme that the plan asks for, so nothing "
    "is ordered.",
    WorkReason.STAYS_AWAY: "The citizen did not come to two sessions in a row.",
    WorkReason.ASSESSMENT_MISSING: "Somebody has met the citizen, and no assessment is recorded: "
    "nothing more is planned until it is.",
    WorkReason.ASSESSMENT_DISPUTED: "The citizen does not agree with the assessment.",
    WorkReason.REASSESSMENT_DUE: "The course has come to a point where the citizen is assessed "
    "anew; recording that settles this.",
}
"""What each reason to look means, in one sentence."""

CHOICES: Final[Mapping[WorkReason, tuple[Choice, ...]]] = {
    WorkReason.SECOND_PLAN: (
        Choice(name="keep-both", does="Both plans stand side by side; nothing changes."),
        Choice(
            name="keep-newer",
            does="The other plan is closed as replaced, its order withdrawn, its hospital told.",
        ),
        Choice(
            name="keep-older",
            does="This plan is closed, its order withdrawn, its hospital told; the other stands.",
        ),
    ),
    WorkReason.DEADLINE_TEXT: (
        Choice(
            name="later-start",
            does="The plan sets a later start for health reasons: the limit runs from that day, "
            "and the order follows.",
            needs=Needs.DATE,
        ),
        Choice(name="keep-limit", does="The text moves nothing: the limit runs from discharge."),
    ),
    WorkReason.REPLACED_UNKNOWN: (
        Choice(name="nothing-replaced", does="There is no earlier plan here; this one stands."),
        Choice(
            name="replaces",
            does="The named referral of the same citizen is closed as replaced by this one.",
            needs=Needs.REFERRAL,
        ),
    ),
    WorkReason.OTHER_MUNICIPALITY: (
        Choice(name="ours", does="The citizen is ours; nothing changes."),
        Choice(
            name="not-ours",
            does="The referral is closed as sent in error, its order withdrawn, and the hospital "
            "told.",
        ),
    ),
    WorkReason.NO_CAPACITY_KNOWN: (_WAIT, _OPEN_FREE_CHOICE),
    WorkReason.INFEASIBLE: (_WAIT, _OPEN_FREE_CHOICE, _REVOKE),
    WorkReason.OFFER_LOST: (_WAIT, _OPEN_FREE_CHOICE, _REVOKE),
    WorkReason.FREE_CHOICE_TO_RECONSIDER: (
        Choice(name="citizen-told", does="The citizen has been told; the choice stays open."),
    ),
    WorkReason.DEATH_TAKEN_BACK: (
        Choice(
            name="reopen",
            does="The referral is open again, its order placed anew, and the hospital told.",
        ),
        Choice(
            name="stays-closed",
            does="The referral stays closed; the hospital is asked for a new plan, if one is "
            "needed.",
        ),
    ),
    WorkReason.PROGRAMME_TO_CHOOSE: (
        Choice(
            name="order-programme",
            does="The programme is ordered; who referred hears of the offer.",
            needs=Needs.PROGRAMME,
        ),
        _REVOKE,
    ),
    WorkReason.ACTION_OVERDUE: (
        Choice(
            name="looked-after",
            does="Somebody has seen to it; the item itself is set done, dropped or due another day "
            "in the action plan.",
        ),
    ),
    WorkReason.DECLINED: (_WAIT, _OPEN_FREE_CHOICE),
    WorkReason.NOT_ESTABLISHED: (
        Choice(
            name="given-elsewhere",
            does="The citizen is given it outside of what is ordered here; nothing is ordered.",
        ),
        _REVOKE,
    ),
    WorkReason.STAYS_AWAY: (
        Choice(name="goes-on", does="Somebody has talked with the citizen; the course goes on."),
        _STOP,
    ),
    WorkReason.ASSESSMENT_MISSING: (
        Choice(name="will-be-made", does="Somebody sees to it; recording it is what counts."),
        _STOP,
    ),
    WorkReason.ASSESSMENT_DISPUTED: (
        Choice(name="agreed", does="Talked over, the citizen agrees; the assessment stands."),
        Choice(
            name="stands",
            does="Talked over, the citizen does not agree and knows where to complain; the "
            "assessment stands.",
        ),
        Choice(name="assess-anew", does="The citizen is assessed anew: that goes on the worklist."),
    ),
    WorkReason.REASSESSMENT_DUE: (
        Choice(name="not-needed", does="Nothing has changed that calls for it."),
    ),
    WorkReason.STAY_UNCLEAR: (
        Choice(name="own-stay", does="It is the stay that the plan comes from; nothing changes."),
        Choice(
            name="readmitted",
            does="The citizen is in hospital again: the clock stands still and nothing is booked, "
            "until the hospital says that they are home.",
        ),
    ),
}


def choices(reason: WorkReason) -> tuple[Choice, ...]:
    """The ways to settle an entry of this reason."""
    return CHOICES.get(reason, (_SEEN,))


def decide_work(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    """What follows from a human's decision, ending with the entry closed; or why not."""
    mine = {choice.name: choice for choice in choices(command.reason)}
    choice = mine.get(command.choice)
    if choice is None:
        return Impossible(
            422, f"{command.reason} is settled by {' or '.join(mine)}, not {command.choice}"
        )
    if (command.reason.value, command.about) not in case.referral.work:
        return Impossible(409, "this entry is settled already")
    if choice.needs is Needs.DATE and command.day is None:
        return Impossible(422, f"{choice.name} needs a date")
    if choice.needs is Needs.REFERRAL and command.other is None:
        return Impossible(422, f"{choice.name} needs the other referral's id")
    effect = _EFFECTS.get(choice.name)
    facts: tuple[Fact, ...] = ()
    if effect is not None:
        found = effect(case, command, now)
        if isinstance(found, Impossible):
            return found
        facts = found
    closed = WorkClosed(
        referral_id=case.referral.referral_id,
        reason=command.reason,
        about=command.about,
        decision=choice.name,
        by=command.by,
        at=now,
    )
    # First, so that what follows does not settle the entry by itself.
    return (closed, *facts)


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


def _reopen(case: WorkCase, command: DecideWork, now: datetime) -> Effect:
    if case.referral.closed is None:
        return ()
    return tuple(reopening(case.referral, case.order, case.ordinal, now))


_Effect = Callable[[WorkCase, DecideWork, datetime], Effect]
_EFFECTS: Final[Mapping[str, _Effect]] = {
    "keep-newer": _keep_newer,
    "keep-older": _revoke,
    "replaces": _replaces,
    "later-start": _later_start,
    "not-ours": _not_ours,
    "open-free-choice": _open_free_choice,
    "order-programme": _order_programme,
    "readmitted": _readmitted,
    "reopen": _reopen,
    "revoke": _revoke,
    "stop-course": _stop_course,
    "assess-anew": _assess_anew,
}
"""What a decision does beside closing its entry; one that is not named here does nothing more."""
