"""The steps that an assessment makes of an order. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.referral.assessment_policy import Meeting, TrackRule
from services.referral.course import Attendance
from services.referral.identity import step_id
from services.referral.order import Order
from services.referral.programme import Leader, Programme, Seats, Step
from services.referral.programme_terms import Delivery, Role, StepKind


def steps_of(programme: Programme, track: TrackRule) -> tuple[Step, ...]:
    """A programme's steps on a track."""
    opening, rest = programme.opening, programme.afterwards
    if track.follow_up is not None:
        talk = _meeting("follow-up", StepKind.COUNSELLING, track.follow_up)
        return (*opening, talk)
    if track.individual:
        alone = Seats(least=1, most=1)
        rest = tuple(
            replace(step, seats=alone) if step.kind is StepKind.TRAINING else step for step in rest
        )
    if track.conference is not None:
        rest = (_meeting("conference", StepKind.CONFERENCE, track.conference), *rest)
    return (*opening, *rest)


def _meeting(id_: str, kind: StepKind, meeting: Meeting) -> Step:
    return Step(
        id=id_,
        kind=kind,
        name=meeting.name,
        minutes=meeting.minutes,
        after=meeting.after,
        delivery=meeting.delivery,
        leaders=(Leader(role=Role.STAFF, count=meeting.leaders),),
        room=meeting.delivery is Delivery.LOCATION,
    )


def merged(order: Order, wanted: Sequence[Step], known: Sequence[Attendance]) -> tuple[Step, ...]:
    """The wanted steps, where what was held stands: a step's place in the order is its id."""
    counts = Counter(one.step_id for one in known)
    held = [counts[step_id(order.order_id, n)] for n in range(1, len(order.steps) + 1)]
    last = max((n for n, count in enumerate(held, start=1) if count), default=0)
    new = {step.id: step for step in wanted}
    kept: list[Step] = []
    for step, count in zip(order.steps[:last], held[:last], strict=True):
        after = new.get(step.id)
        planned = after.count if after is not None else 0
        kept.append(replace(after or step, count=max(planned, count, 1)))
    there = {step.id for step in kept}
    return (*kept, *(step for step in wanted if step.id not in there))
