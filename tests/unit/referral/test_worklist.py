"""Every reason to look can be settled, and every decision does what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.referral.clock import decide_clock
from services.referral.commands import Case, CountOffer, FaceInfeasible
from services.referral.desk import Desk
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import (
    Closed,
    HospitalTold,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Revised,
    WorkClosed,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.order import Offer
from services.referral.referral import CloseReason, FreeChoiceReason, Referral
from services.referral.signature import Signature
from services.referral.terms import WithdrawReason, WorkReason
from services.referral.worklist import decide_work
from services.referral.worklist_choices import CHOICES, MEANS, Needs, choices
from services.referral.worklist_effects import DecideWork, Impossible, WorkCase
from tests.unit.referral.factories import (
    NOW,
    a_plan,
    after,
    an_accepted_referral,
    facts_of,
    taking,
    the_terms,
)

KAREN = Signature(id="316-desk", role="desk", unit="Visitationen, Holbæk")


def looked_at(referral: Referral, reason: WorkReason, about: str = "") -> Referral:
    opened = WorkOpened(referral_id=referral.referral_id, reason=reason, about=about)
    return evolve(referral, opened)


def a_case(referral: Referral, *others: Referral) -> WorkCase:
    plan = a_plan(document_id=referral.document_id)
    (order,) = (
        fact.order
        for fact in facts_of(decide(Case(), taking(plan), NOW))
        if isinstance(fact, OrderPlaced)
    )
    every = {one.referral_id: one for one in (referral, *others)}
    return WorkCase(referral=referral, order=order, others=every, rule=the_terms(plan).law.limit)


def settle(case: WorkCase, reason: WorkReason, choice: str, **more: object) -> object:
    about = str(more.pop("about", ""))
    command = DecideWork(reason=reason, about=about, choice=choice, by=KAREN, **more)  # type: ignore[arg-type]
    return decide_work(case, command, NOW + timedelta(hours=3))


@pytest.mark.parametrize("reason", list(WorkReason))
def test_every_reason_says_what_it_means_and_how_it_is_settled(reason: WorkReason) -> None:
    assert MEANS[reason]
    assert len(choices(reason)) >= 1
    assert reason in CHOICES
    for choice in choices(reason):
        assert choice.does.endswith(".")


@pytest.mark.parametrize(
    ("reason", "choice"),
    [(reason, one) for reason in CHOICES for one in CHOICES[reason] if one.needs is Needs.NOTHING],
    ids=lambda one: getattr(one, "name", str(one)),
)
def test_every_decision_closes_its_entry_with_who_and_why(
    reason: WorkReason, choice: object
) -> None:
    older = an_accepted_referral(document_id="older")
    referral = looked_at(an_accepted_referral(), reason, older.referral_id)
    name = choice.name  # type: ignore[attr-defined]
    facts = settle(a_case(referral, older), reason, name, about=older.referral_id)
    assert isinstance(facts, tuple), facts
    (closed,) = (fact for fact in facts if isinstance(fact, WorkClosed))
    assert (closed.decision, closed.by) == (name, KAREN)
    assert (reason.value, older.referral_id) not in after(referral, facts).work


def test_keeping_both_plans_changes_nothing_else() -> None:
    older = an_accepted_referral(document_id="older")
    newer = looked_at(an_accepted_referral(), WorkReason.SECOND_PLAN, older.referral_id)
    facts = settle(
        a_case(newer, older), WorkReason.SECOND_PLAN, "keep-both", about=older.referral_id
    )
    assert isinstance(facts, tuple)
    assert [type(fact) for fact in facts] == [WorkClosed]


@pytest.mark.parametrize(
    ("choice", "closes", "why"),
    [
        ("keep-newer", "older", WithdrawReason.REPLACED),
        ("keep-older", "newer", WithdrawReason.REVOKED),
    ],
)
def test_keeping_one_of_two_plans_ends_the_other_and_tells_its_hospital(
    choice: str, closes: str, why: WithdrawReason
) -> None:
    plans = {"older": an_accepted_referral(document_id="older"), "newer": an_accepted_referral()}
    about = plans["older"].referral_id
    newer = looked_at(plans["newer"], WorkReason.SECOND_PLAN, about)
    facts = settle(a_case(newer, plans["older"]), WorkReason.SECOND_PLAN, choice, about=about)
    assert isinstance(facts, tuple)
    ended = plans[closes].referral_id
    assert {fact.referral_id for fact in facts if isinstance(fact, Closed)} == {ended}
    assert [f.reason for f in facts if isinstance(f, OrderWithdrawn)] == [why]
    assert [f.referral_id for f in facts if isinstance(f, HospitalTold)] == [ended]


def test_a_plan_that_replaces_another_closes_the_one_that_is_named() -> None:
    older = an_accepted_referral(document_id="older")
    newer = looked_at(an_accepted_referral(), WorkReason.REPLACED_UNKNOWN)
    case = a_case(newer, older)
    facts = settle(case, WorkReason.REPLACED_UNKNOWN, "replaces", other=older.referral_id)
    assert isinstance(facts, tuple)
    assert [f.referral_id for f in facts if isinstance(f, Closed)] == [older.referral_id]
    for odd in (newer.referral_id, "somebody-elses"):
        refused = settle(case, WorkReason.REPLACED_UNKNOWN, "replaces", other=odd)
        assert isinstance(refused, Impossible)
        assert refused.status == 422


def test_a_later_start_moves_the_limit_and_the_order() -> None:
    referral = looked_at(an_accepted_referral(), WorkReason.DEADLINE_TEXT)
    facts = settle(a_case(referral), WorkReason.DEADLINE_TEXT, "later-start", day=date(2022, 6, 7))
    assert isinstance(facts, tuple)
    (revised,) = (fact for fact in facts if isinstance(fact, Revised))
    assert revised.changed == ("later_start", "limit")
    assert revised.limit == date(2022, 6, 14)
    (changed,) = (fact for fact in facts if isinstance(fact, OrderChanged))
    assert (changed.order.earliest, changed.order.limit) == (date(2022, 6, 7), date(2022, 6, 14))


@pytest.mark.parametrize("day", [date(2022, 5, 24), date(2022, 5, 1), date(2024, 1, 1)])
def test_a_later_start_lies_after_the_discharge_and_within_a_year(day: date) -> None:
    referral = looked_at(an_accepted_referral(), WorkReason.DEADLINE_TEXT)
    refused = settle(a_case(referral), WorkReason.DEADLINE_TEXT, "later-start", day=day)
    assert isinstance(refused, Impossible)


def test_a_plan_that_is_not_ours_ends_as_sent_in_error() -> None:
    referral = looked_at(an_accepted_referral(), WorkReason.OTHER_MUNICIPALITY)
    facts = settle(a_case(referral), WorkReason.OTHER_MUNICIPALITY, "not-ours")
    assert isinstance(facts, tuple)
    assert [f.reason for f in facts if isinstance(f, Closed)] == [CloseReason.ENTERED_IN_ERROR]


def test_free_choice_opens_where_the_limit_cannot_be_held_and_only_there() -> None:
    referral = looked_at(an_accepted_referral(), WorkReason.NO_CAPACITY_KNOWN)
    facts = settle(a_case(referral), WorkReason.NO_CAPACITY_KNOWN, "open-free-choice")
    assert isinstance(facts, tuple)
    assert any(isinstance(fact, FreeChoiceOpened) for fact in facts)
    for other, says in (
        ({"free_choice": FreeChoiceReason.INFEASIBLE}, "open already"),
        ({"may_choose": False}, "no free choice"),
        ({"offered": (date(2022, 5, 28),)}, "was offered"),
    ):
        changed = replace(referral, **other)
        refused = settle(a_case(changed), WorkReason.NO_CAPACITY_KNOWN, "open-free-choice")
        assert isinstance(refused, Impossible)
        assert says in refused.text


def test_what_cannot_be_decided_is_said() -> None:
    referral = looked_at(an_accepted_referral(), WorkReason.DEADLINE_TEXT)
    case = a_case(referral)
    for choice, status, says in (
        ("keep-both", 422, "later-start or keep-limit"),
        ("later-start", 422, "needs a date"),
    ):
        refused = settle(case, WorkReason.DEADLINE_TEXT, choice)
        assert isinstance(refused, Impossible)
        assert (refused.status, says in refused.text) == (status, True)
    settled = settle(a_case(an_accepted_referral()), WorkReason.DEADLINE_TEXT, "keep-limit")
    assert settled == Impossible(409, "this entry is settled already")


def test_an_offer_settles_what_only_waited_for_one() -> None:
    referral = an_accepted_referral()
    unknown = FaceInfeasible(cause="no-capacity-known", capacity_known=False)
    waiting = after(referral, decide_clock(Case(target=referral), unknown, NOW))
    assert waiting.work == (("no-capacity-known", ""),)
    offer = Offer(session_id="s", revision=1, start=NOW + timedelta(days=3), location=None)
    facts = decide_clock(Case(target=waiting), CountOffer(offer=offer), NOW)
    (closed,) = (fact for fact in facts if isinstance(fact, WorkClosed))
    assert (closed.decision, closed.by.role) == ("offered", "service")
    assert after(waiting, facts).work == ()


def test_the_end_of_a_referral_settles_its_entries_and_those_about_it() -> None:
    older, newer = an_accepted_referral(document_id="older"), an_accepted_referral()
    older = looked_at(older, WorkReason.OFFER_LOST, "s/1")
    newer = looked_at(newer, WorkReason.SECOND_PLAN, older.referral_id)
    desk = Desk()
    desk.put([older, newer])
    closed = Closed(referral_id=older.referral_id, reason=CloseReason.REVOKED, at=NOW)
    change = desk.apply([closed])
    settled = [(f.reason, f.decision) for f, _ in change.happened if isinstance(f, WorkClosed)]
    assert settled == [
        (WorkReason.OFFER_LOST, "referral-closed"),
        (WorkReason.SECOND_PLAN, "other-referral-closed"),
    ]
    assert desk.referrals[newer.referral_id].work == ()


def test_what_is_on_the_worklist_is_not_put_there_twice() -> None:
    referral = an_accepted_referral()
    desk = Desk()
    desk.put([referral])
    opened = WorkOpened(referral_id=referral.referral_id, reason=WorkReason.OFFER_LOST, about="s/1")
    change = desk.apply([opened, opened])
    assert len(change.happened) == 1
