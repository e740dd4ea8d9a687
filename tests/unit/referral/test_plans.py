"""What plans, corrections and revocations lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.commands import Case, Field, Refusal, Wait
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import (
    Closed,
    Fact,
    HospitalTold,
    Noted,
    OfferCounted,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Received,
    Revised,
    WorkOpened,
)
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.plan import Address, PlanType
from services.referral.referral import CloseReason, FreeChoiceReason, Referral
from services.referral.terms import Note, WithdrawReason, WorkReason
from tests.unit.referral.factories import (
    HOLBAEK,
    NOW,
    a_plan,
    after,
    an_accepted_referral,
    correcting,
    facts_of,
    revoking,
    ruddi,
    taking,
)

DAY = timedelta(days=1)


def kinds(facts: tuple[Fact, ...]) -> list[type]:
    return [type(fact) for fact in facts]


def notes(facts: tuple[Fact, ...]) -> list[Note]:
    return [fact.note for fact in facts if isinstance(fact, Noted)]


def work(facts: tuple[Fact, ...]) -> list[WorkReason]:
    return [fact.reason for fact in facts if isinstance(fact, WorkOpened)]


def take(case: Case = Case(), now: datetime = NOW, **plan: Any) -> tuple[Fact, ...]:  # noqa: B008
    return facts_of(decide(case, taking(a_plan(**plan)), now))


def refusal(result: object) -> Refusal:
    assert isinstance(result, Refusal), result
    return result


# -- new plans -----------------------------------------------------------------------------------


def test_a_plan_is_received_and_an_assessment_ordered() -> None:
    received, placed = take()
    assert isinstance(received, Received)
    assert isinstance(placed, OrderPlaced)
    assert received.referral.limit == date(2022, 5, 31)
    assert placed.order.earliest == date(2022, 5, 25)
    assert placed.order.programme == "p140-almen"
    assert placed.order.steps[0].competences == ("almen",)


def test_a_plan_that_comes_before_the_day_of_discharge_is_marked_bedside() -> None:
    for discharge, bedside in ((date(2022, 5, 24), True), (date(2022, 5, 23), False)):
        _, placed = take(discharge_date=discharge)
        assert isinstance(placed, OrderPlaced)
        assert placed.order.bedside is bedside


def test_a_later_start_moves_limit_and_first_day() -> None:
    received, placed = take(later_start=date(2022, 6, 10))
    assert isinstance(received, Received)
    assert isinstance(placed, OrderPlaced)
    assert received.referral.limit == date(2022, 6, 17)
    assert placed.order.earliest == date(2022, 6, 10)


def test_an_order_carries_no_more_of_the_person_than_planning_needs() -> None:
    home = Address(street="Testgade 1", suburb=None, postcode="4300", district="Holbæk")
    _, placed = take(
        person=replace(ruddi(), address=home, phone="+447700900101"),
        transport=True,
        vulnerable=True,
    )
    assert isinstance(placed, OrderPlaced)
    order = placed.order
    assert (order.postcode, order.language) == ("4300", "da")
    assert order.transport
    assert order.vulnerable
    for word in ("Testgade", "Ruddi", "Berggren", "+447700900101", "1502779995"):
        assert word not in repr(placed)


@pytest.mark.parametrize("days_after_discharge", [7, 8, 30])
def test_a_plan_on_or_after_its_last_day_opens_free_choice_at_once(
    days_after_discharge: int,
) -> None:
    now = datetime(2022, 5, 24, 8, tzinfo=UTC) + days_after_discharge * DAY
    facts = take(now=now)
    assert [f.reason for f in facts if isinstance(f, FreeChoiceOpened)] == [
        FreeChoiceReason.LATE_ARRIVAL
    ]
    assert Note.TOO_LATE in notes(facts)
    assert OrderPlaced in kinds(facts), "the citizen may still choose the municipality"


def test_a_plan_with_a_day_left_is_not_too_late() -> None:
    facts = take(now=datetime(2022, 5, 30, 21, 59, tzinfo=UTC))  # 23:59 in Denmark
    assert FreeChoiceOpened not in kinds(facts)


def test_specialised_rehabilitation_is_ordered_with_its_own_competence() -> None:
    _, placed = take(type=PlanType.REHABILITERING_SPECIALISERET)
    assert isinstance(placed, OrderPlaced)
    assert placed.order.steps[0].competences == ("specialiseret",)


def test_a_plan_at_hospital_level_is_accepted_without_order_and_clock() -> None:
    facts = take(type=PlanType.GENOPTRAENING_SPECIALISERET)
    assert kinds(facts) == [Received, Noted]
    referral = after(None, facts)
    assert referral.limit is None
    assert not referral.may_choose
    assert not referral.waits
    assert notes(facts) == [Note.HOSPITAL_LEVEL]


def test_a_text_about_the_deadline_goes_to_a_human() -> None:
    facts = take(deadline_text="Start tidligst 1. juli")
    assert work(facts) == [WorkReason.DEADLINE_TEXT]
    assert after(None, facts).limit == date(2022, 5, 31), "nobody guesses at it"


def test_a_plan_that_names_another_municipality_goes_to_a_human_too() -> None:
    assert work(take(municipality="730")) == [WorkReason.OTHER_MUNICIPALITY]


@pytest.mark.parametrize("field", ["discharge_date", "later_start"])
def test_a_date_more_than_a_year_ahead_is_refused(field: str) -> None:
    plan = a_plan(**{field: date(2023, 5, 25)})
    problem = refusal(decide(Case(), taking(plan), NOW))
    assert problem.code == "value"
    assert (
        problem.field
        is {
            "discharge_date": Field.DISCHARGE,
            "later_start": Field.LATER_START,
        }[field]
    )


# -- a second plan -------------------------------------------------------------------------------


def test_a_second_plan_stands_beside_the_first_and_a_human_sees_both() -> None:
    first = an_accepted_referral()
    facts = take(Case(others=(first,)), document_id="plan-2")
    assert work(facts) == [WorkReason.SECOND_PLAN]
    assert Closed not in kinds(facts)
    assert notes(facts) == [Note.SECOND_PLAN]


def test_a_plan_that_replaces_revokes_the_old_one_first() -> None:
    old = an_accepted_referral()
    facts = take(Case(target=old, others=(old,)), document_id="plan-2", replaces="plan-1")
    assert kinds(facts)[:5] == [Closed, OrderWithdrawn, HospitalTold, Received, OrderPlaced]
    closed, withdrawn = facts[0], facts[1]
    assert isinstance(closed, Closed)
    assert isinstance(withdrawn, OrderWithdrawn)
    assert closed.reason is CloseReason.REVOKED
    assert withdrawn.reason is WithdrawReason.REPLACED
    assert work(facts) == []
    new = next(fact.referral for fact in facts if isinstance(fact, Received))
    assert new.replaces == old.referral_id


def test_a_replaced_plan_that_nobody_knows_does_not_hold_up_the_new_one() -> None:
    facts = take(document_id="plan-2", replaces="plan-0")
    assert kinds(facts)[:2] == [Received, OrderPlaced]
    assert work(facts) == [WorkReason.REPLACED_UNKNOWN]


def test_a_plan_that_comes_after_its_replacement_is_closed_at_once() -> None:
    successor = an_accepted_referral(document_id="plan-2", replaces="plan-1")
    facts = take(Case(successor=successor, others=(successor,)))
    assert kinds(facts) == [Received, Closed, Noted]
    assert notes(facts) == [Note.ALREADY_REPLACED]
    assert not after(None, facts).order_stands


def test_replacing_a_closed_plan_closes_nothing_twice() -> None:
    old = after(
        an_accepted_referral(),
        facts_of(
            decide(Case(target=an_accepted_referral()), revoking(a_plan(corrects="plan-1")), NOW)
        ),
    )
    facts = take(Case(target=old), document_id="plan-2", replaces="plan-1")
    assert Closed not in kinds(facts)


def test_another_citizens_plan_cannot_be_replaced() -> None:
    strangers = an_accepted_referral(citizen="EINER")
    plan = a_plan(document_id="plan-2", replaces="plan-1")
    assert refusal(decide(Case(target=strangers), taking(plan), NOW)).field is Field.REPLACES


def test_a_plan_cannot_replace_itself() -> None:
    assert refusal(decide(Case(), taking(a_plan(replaces="plan-1")), NOW)).field is Field.REPLACES


@given(st.integers(1, 8))
def test_of_a_chain_of_replacements_only_the_last_stands(length: int) -> None:
    referrals: dict[str, Referral] = {}
    for number in range(length + 1):
        last = referrals.get(f"plan-{number - 1}")
        case = Case(target=last, others=tuple(r for r in referrals.values() if not r.closed))
        plan = a_plan(document_id=f"plan-{number}", replaces=f"plan-{number - 1}" if last else None)
        by_id = {one.referral_id: name for name, one in referrals.items()}
        for fact in facts_of(decide(case, taking(plan), NOW + number * DAY)):
            if isinstance(fact, Received):
                referrals[plan.document_id] = fact.referral
                by_id[fact.referral.referral_id] = plan.document_id
            elif not isinstance(fact, Noted):
                name = by_id[fact.referral_id]
                referrals[name] = evolve(referrals[name], fact)
    standing = [name for name, one in referrals.items() if one.order_stands]
    assert standing == [f"plan-{length}"]
    assert all(one.closed or one.order_stands for one in referrals.values())


# -- corrections ---------------------------------------------------------------------------------


def correct(referral: Referral, now: datetime = NOW + DAY, **plan: Any) -> tuple[Fact, ...]:
    changed = a_plan(document_id="correction", corrects="plan-1", **plan)
    return facts_of(decide(Case(target=referral), correcting(changed), now))


def test_a_corrected_discharge_date_moves_the_limit_and_the_order() -> None:
    referral = an_accepted_referral()
    facts = correct(referral, discharge_date=date(2022, 5, 27))
    assert kinds(facts) == [Revised, OrderChanged]
    revised, changed = facts
    assert isinstance(revised, Revised)
    assert isinstance(changed, OrderChanged)
    assert revised.changed == ("discharge_date", "limit")
    assert changed.order.order_id == referral.order_id
    assert (changed.order.earliest, changed.order.limit) == (date(2022, 5, 28), date(2022, 6, 3))
    assert after(referral, facts).limit == date(2022, 6, 3)


def test_a_correction_that_leaves_no_day_opens_free_choice() -> None:
    facts = correct(an_accepted_referral(), discharge_date=date(2022, 5, 10))
    assert FreeChoiceOpened in kinds(facts)


def test_a_correction_after_free_choice_asks_a_human() -> None:
    late = an_accepted_referral(datetime(2022, 6, 2, tzinfo=UTC))
    facts = correct(late, now=datetime(2022, 6, 3, tzinfo=UTC), discharge_date=date(2022, 6, 3))
    assert work(facts) == [WorkReason.FREE_CHOICE_TO_RECONSIDER]


def test_an_offer_stops_the_clock_only_inside_the_limit_that_holds_now() -> None:
    referral = an_accepted_referral()
    offered = OfferCounted(referral_id=referral.referral_id, day=date(2022, 5, 28))
    referral = evolve(referral, offered)
    assert not referral.waits
    assert after(referral, correct(referral, discharge_date=date(2022, 6, 1))).waits, (
        "a session before discharge starts nothing"
    )
    assert not after(referral, correct(referral, discharge_date=date(2022, 5, 25))).waits


def test_a_correction_that_changes_nothing_says_so() -> None:
    assert kinds(correct(an_accepted_referral())) == [Noted]


def test_a_correction_before_its_original_waits_for_it() -> None:
    plan = a_plan(document_id="correction", corrects="plan-1")
    assert decide(Case(), correcting(plan, citizen=None), NOW) == Wait("plan-1")
    assert decide(Case(), revoking(plan, citizen=None), NOW) == Wait("plan-1")


def test_a_correction_of_a_refused_plan_is_refused() -> None:
    plan = a_plan(document_id="correction", corrects="plan-1")
    problem = refusal(decide(Case(refused=True), correcting(plan), NOW))
    assert (problem.field, problem.code) == (Field.CORRECTS, "not-found")


@pytest.mark.parametrize("corrects", [None, "correction"])
def test_a_correction_must_name_another_document(corrects: str | None) -> None:
    plan = a_plan(document_id="correction", corrects=corrects)
    assert refusal(decide(Case(), correcting(plan), NOW)).code == "required"


@pytest.mark.parametrize("citizen", ["EINER", None])
def test_a_correction_must_be_about_the_same_citizen(citizen: str | None) -> None:
    plan = a_plan(document_id="correction", corrects="plan-1")
    case = Case(target=an_accepted_referral())
    assert refusal(decide(case, correcting(plan, citizen=citizen), NOW)).field is Field.CITIZEN
    assert refusal(decide(case, revoking(plan, citizen=citizen), NOW)).field is Field.CITIZEN


def test_type_and_receiver_are_not_corrected_but_replaced() -> None:
    case = Case(target=an_accepted_referral())
    other_type = a_plan(
        document_id="c", corrects="plan-1", type=PlanType.REHABILITERING_SPECIALISERET
    )
    assert refusal(decide(case, correcting(other_type), NOW)).field is Field.TYPE
    elsewhere = HOLBAEK.__class__(
        code="730", name="Randers", sor="1", ean="1", provider="730", at_risk_days=3
    )
    plan = a_plan(document_id="c", corrects="plan-1")
    result = decide(case, correcting(plan, municipality=elsewhere), NOW)
    assert refusal(result).field is Field.RECEIVER


# -- revocations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("in_error", [True, False])
def test_a_revocation_closes_the_referral_and_withdraws_its_order(in_error: bool) -> None:
    referral = an_accepted_referral()
    plan = a_plan(document_id="back", corrects="plan-1", entered_in_error=in_error)
    facts = facts_of(decide(Case(target=referral), revoking(plan), NOW))
    assert kinds(facts) == [Closed, OrderWithdrawn, HospitalTold]
    closed = after(referral, facts)
    assert closed.closed is (CloseReason.ENTERED_IN_ERROR if in_error else CloseReason.REVOKED)
    assert not closed.order_stands
    assert not closed.waits


def test_a_second_revocation_changes_nothing() -> None:
    referral = an_accepted_referral()
    plan = a_plan(document_id="back", corrects="plan-1")
    closed = after(referral, facts_of(decide(Case(target=referral), revoking(plan), NOW)))
    assert facts_of(decide(Case(target=closed), revoking(plan), NOW)) == (
        Noted(Note.ALREADY_CLOSED),
    )
    result = decide(
        Case(target=closed), correcting(a_plan(document_id="c", corrects="plan-1")), NOW
    )
    assert refusal(result).field is Field.CORRECTS
