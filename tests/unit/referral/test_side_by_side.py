"""Many plans of one citizen make a line of pairs, and no pair is lost when one of them ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.referral.commands import Case
from services.referral.desk import Desk
from services.referral.domain import decide
from services.referral.facts import Closed, WorkClosed
from services.referral.referral import CloseReason, Referral
from services.referral.signature import Signature
from services.referral.terms import WorkReason
from tests.unit.referral.factories import NOW, a_plan, facts_of, taking

KAREN = Signature(id="316-desk", role="desk", unit="Visitationen, Holbæk")


def a_desk(plans: int) -> tuple[Desk, list[Referral]]:
    """So many plans of one citizen, a minute apart, as they are taken one after another."""
    desk, taken = Desk(), list[str]()
    for number in range(plans):
        others = tuple(desk.referrals[one] for one in taken)
        command = taking(a_plan(document_id=f"plan-{number}"))
        at = NOW + timedelta(minutes=number)
        desk.apply(facts_of(decide(Case(others=others), command, at)))
        taken.append(command.referral_id)
    return desk, [desk.referrals[one] for one in taken]


def pairs(desk: Desk, plans: Sequence[Referral]) -> list[tuple[int, int]]:
    """Which plan is looked at beside which, by their numbers."""
    number = {plan.referral_id: index for index, plan in enumerate(plans)}
    return [
        (number[plan.referral_id], number[about])
        for plan in plans
        for reason, about in desk.referrals[plan.referral_id].work
        if reason == WorkReason.SECOND_PLAN
    ]


def end(plan: Referral) -> Closed:
    return Closed(referral_id=plan.referral_id, reason=CloseReason.REVOKED, at=NOW)


def test_each_plan_is_looked_at_beside_the_one_before_it() -> None:
    desk, plans = a_desk(5)
    assert pairs(desk, plans) == [(1, 0), (2, 1), (3, 2), (4, 3)]


@pytest.mark.parametrize(
    ("ended", "left"),
    [
        (0, [(2, 1), (3, 2)]),
        (1, [(2, 0), (3, 2)]),
        (2, [(1, 0), (3, 1)]),
        (3, [(1, 0), (2, 1)]),
    ],
)
def test_where_one_ends_its_neighbours_are_looked_at_beside_each_other(
    ended: int, left: list[tuple[int, int]]
) -> None:
    desk, plans = a_desk(4)
    desk.apply([end(plans[ended])])
    assert pairs(desk, plans) == left


def test_keeping_the_newer_of_two_leaves_it_beside_the_one_before_both() -> None:
    desk, plans = a_desk(3)
    older, newer = plans[1:]
    decided = WorkClosed(
        referral_id=newer.referral_id,
        reason=WorkReason.SECOND_PLAN,
        about=older.referral_id,
        decision="keep-newer",
        by=KAREN,
        at=NOW,
    )
    desk.apply([decided, end(older)])
    assert pairs(desk, plans) == [(2, 0)]


def test_what_a_human_has_let_stand_is_not_asked_again() -> None:
    desk, plans = a_desk(3)
    for newer, older in ((plans[1], plans[0]), (plans[2], plans[1])):
        decided = WorkClosed(
            referral_id=newer.referral_id,
            reason=WorkReason.SECOND_PLAN,
            about=older.referral_id,
            decision="keep-both",
            by=KAREN,
            at=NOW,
        )
        desk.apply([decided])
    desk.apply([end(plans[1])])
    assert pairs(desk, plans) == []
