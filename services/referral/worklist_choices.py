"""What each reason to look means, and the decisions that settle it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.referral.terms import WorkReason


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
    WorkReason.PROVIDER_TO_CHOOSE: "The municipality's own provider has not established the "
    "programme, and several take it by agreement: the first has the order, and the citizen may "
    "choose another (genvej choice show).",
    WorkReason.REGION_RESPONSIBLE: "The region is responsible in law for the programme on the day "
    "that counts, and nobody has said that the municipality runs it for the region.",
    WorkReason.SAME_PERSON: "A document says that two citizens here are one: it names the "
    "number of the other as a former one.",
    WorkReason.NOT_TOLD: "A message did not reach the citizen, or who holds custody of a child: "
    "somebody writes or calls.",
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
    WorkReason.REGION_RESPONSIBLE: (
        Choice(
            name="run-here",
            does="The region has agreed that the municipality gives it: the order is placed, or "
            "goes on standing.",
        ),
        Choice(
            name="not-ours",
            does="The region gives it: the referral is closed as sent in error, its order "
            "withdrawn, and whoever sent it is told.",
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
    WorkReason.SAME_PERSON: (
        Choice(
            name="merge",
            does="They are one: all referrals of the other become this citizen's, and the other's "
            "number finds this one. Undone by genvej citizen split.",
        ),
        Choice(name="two-people", does="They are two; nothing changes."),
    ),
    WorkReason.PROVIDER_TO_CHOOSE: (
        Choice(
            name="citizen-told",
            does="The citizen knows of the others and keeps who has the order; choosing another "
            "settles this too.",
        ),
    ),
    WorkReason.NOT_TOLD: (
        Choice(name="told", does="Somebody has written or called, and they know."),
        Choice(name="not-reached", does="Nobody was reached; nothing more is tried from here."),
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
