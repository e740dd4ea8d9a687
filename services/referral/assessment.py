"""The assessment of a citizen's needs (Esbjerg), and what follows from it.

A named professional decides level and track with the citizen; the policy only proposes. The citizen
may disagree, which is recorded and followed up. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from services.referral.assessment_course import merged, steps_of
from services.referral.assessment_policy import AXES, FIRST, Policy, propose
from services.referral.closing import closing
from services.referral.course import Attendance
from services.referral.facts import (
    AssessmentRecorded,
    Fact,
    OrderChanged,
    Scores,
    WorkClosed,
    WorkOpened,
)
from services.referral.order import Order, Window
from services.referral.programme import Programme
from services.referral.programme_terms import Level, StepKind
from services.referral.referral import CloseReason, Referral
from services.referral.signature import Signature
from services.referral.terms import Track, WithdrawReason, WorkReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An assessment as it was recorded."""

    assessment_id: str
    point: str
    scores: Scores
    level: Level | None
    track: Track


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentCase:
    """What a decision rests on. `programme`: what the order becomes a course of.

    `known`: attendance so far. `before`: earlier assessments, the first one first.
    """

    referral: Referral
    order: Order | None
    programme: Programme | None
    known: Sequence[Attendance]
    before: Sequence[Recorded]
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAssessment:
    """What a professional found with the citizen. What None leaves open stays as it was.

    `disputed`: what the citizen does not agree with (level, track, goals, scores). `sealed`: the
    goals in the citizen's own words, and all other free text.
    """

    assessment_id: str
    point: str
    scores: Scores
    level: Level | None
    track: Track | None
    with_citizen: bool
    disputed: tuple[str, ...]
    goals: int
    sealed: bytes
    by: Signature
    vulnerable: bool | None = None
    transport: bool | None = None
    windows: tuple[Window, ...] | None = None


class Disputed(StrEnum):
    """What a citizen may disagree with."""

    LEVEL = "level"
    TRACK = "track"
    GOALS = "goals"
    SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Unfit:
    """The assessment can't be recorded; `text` says why. `status`: HTTP's."""

    status: int
    text: str


Outcome: TypeAlias = tuple[Fact, ...] | Unfit


def decide_assessment(case: AssessmentCase, command: RecordAssessment, now: datetime) -> Outcome:
    """What follows from an assessment; or why it can't be recorded."""
    unfit = _unfit(case, command)
    if unfit is not None:
        return unfit
    return tuple(_recorded(case, command, now))


def _unfit(case: AssessmentCase, command: RecordAssessment) -> Unfit | None:
    if case.referral.closed is not None:
        return Unfit(409, "the referral has ended")
    if case.order is None or not case.referral.order_stands or case.programme is None:
        return Unfit(409, "nothing is ordered here that an assessment could change")
    for axis in AXES:
        scale, value = case.policy.scales[axis], getattr(command.scores, axis)
        if not scale.holds(value):
            least, most = scale.anchors[0].value, scale.anchors[-1].value
            return Unfit(422, f"{axis} lies between {least} and {most}, not {value}")
    if command.point != FIRST and command.point not in case.policy.points:
        points = " or ".join((FIRST, *case.policy.points))
        return Unfit(422, f"an assessment is made at {points}, not {command.point}")
    return None


def _recorded(case: AssessmentCase, command: RecordAssessment, now: datetime) -> Iterator[Fact]:
    referral, order, programme = case.referral, case.order, case.programme
    assert order is not None, "asked for before"
    assert programme is not None, "asked for before"
    me = referral.referral_id
    rule = propose(case.policy, command.scores)
    track = command.track or rule.track
    before = case.before[-1] if case.before else None
    yield AssessmentRecorded(
        referral_id=me,
        assessment_id=command.assessment_id,
        point=command.point,
        policy=case.policy.version,
        scores=command.scores,
        level=command.level,
        proposed=rule.track,
        because=rule.because,
        track=track,
        with_citizen=command.with_citizen,
        disputed=command.disputed,
        goals=command.goals,
        sealed=command.sealed,
        by=command.by,
        previous=before.assessment_id if before is not None else None,
        difference=_difference(before.scores, command.scores) if before is not None else (),
        at=now,
    )
    for reason, about in referral.work:
        if reason in SETTLED_BY_ASSESSING and about in {"", command.point}:
            yield WorkClosed(
                referral_id=me,
                reason=WorkReason(reason),
                about=about,
                decision="assessed",
                by=command.by,
                at=now,
            )
    if command.disputed:
        reason = WorkReason.ASSESSMENT_DISPUTED
        yield WorkOpened(referral_id=me, reason=reason, about=command.assessment_id)
    changed = _changed(case, command, order, track)
    if all(step.kind is StepKind.ASSESSMENT for step in changed.steps):
        yield from closing(referral, CloseReason.SELF_DIRECTED, WithdrawReason.COMPLETED, now)
    elif changed != order:
        yield OrderChanged(referral_id=me, order=changed)


SETTLED_BY_ASSESSING: Final = frozenset(
    {WorkReason.ASSESSMENT_MISSING, WorkReason.REASSESSMENT_DUE}
)


def _difference(before: Scores, now: Scores) -> tuple[tuple[str, int], ...]:
    """By how much each axis has changed; what has not is left out."""
    moved = ((axis, getattr(now, axis) - getattr(before, axis)) for axis in AXES)
    return tuple((axis, by) for axis, by in moved if by)


def _changed(case: AssessmentCase, command: RecordAssessment, order: Order, track: Track) -> Order:
    assert case.programme is not None, "asked for before"
    wanted = steps_of(case.programme, case.policy.tracks[track])
    return replace(
        order,
        programme=case.programme.id,
        steps=merged(order, wanted, case.known),
        vulnerable=order.vulnerable if command.vulnerable is None else command.vulnerable,
        transport=order.transport if command.transport is None else command.transport,
        windows=order.windows if command.windows is None else command.windows,
    )
