"""The cross-professional team of a course, and its action items. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from services.referral.limit import local_instant
from services.referral.order import Order
from services.referral.programme_terms import Role, StepKind

LABOUR_MARKET: Final = "labour-market"
"""What consent is recorded for: that the labour market takes part in the course."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Somebody that a course needs: their role, what they must be able to, and in which steps.

    `count`: so many of them at once at most. `together`: steps in which they meet the others.
    """

    role: Role
    competences: tuple[str, ...]
    count: int
    steps: tuple[str, ...]
    together: tuple[str, ...]


def team_of(order: Order) -> tuple[Needed, ...]:
    """Who a course needs, across units, as its steps say; in the order in which they come in."""
    counts: dict[tuple[Role, tuple[str, ...]], int] = {}
    steps: dict[tuple[Role, tuple[str, ...]], list[str]] = {}
    together: dict[tuple[Role, tuple[str, ...]], list[str]] = {}
    for step in order.steps:
        if not order.gives(step):
            continue
        for leader in step.leaders:
            key = (leader.role, tuple(sorted(leader.competences)))
            counts[key] = max(counts.get(key, 0), leader.count)
            steps.setdefault(key, []).append(step.id)
            if step.kind is StepKind.CONFERENCE or len(step.leaders) > 1:
                together.setdefault(key, []).append(step.id)
    return tuple(
        Needed(
            role=role,
            competences=competences,
            count=counts[role, competences],
            steps=tuple(steps[role, competences]),
            together=tuple(together.get((role, competences), ())),
        )
        for role, competences in steps
    )


class ItemState(StrEnum):
    """How far an action item has come."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """Something that somebody does for, or with, the citizen, by a day.

    `owner` is a member of staff's id, a role or "citizen"; `unit` where they work. What is to be
    done stands sealed beside it and in no event.
    """

    item_id: str
    referral_id: str
    owner: str
    unit: str
    due: date
    state: ItemState
    by: str
    at: datetime


def overdue_at(due: date) -> datetime:
    """When an item that is still open is overdue: 08:00 local on the day after (UTC)."""
    return local_instant(due + timedelta(days=1), time(8))


def steps_that_need_consent(order: Order) -> Sequence[str]:
    """Steps that are ordered only with the citizen's recorded consent."""
    return [step.id for step in order.steps if step.consent]
