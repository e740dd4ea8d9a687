"""What is proposed for somebody is what would be ordered, with its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.commands import Case
from services.referral.domain import decide
from services.referral.facts import OrderPlaced, Received, WorkOpened
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.plan import PlanType
from services.referral.programme import Ages, Programme
from services.referral.programme_files import load
from services.referral.programme_policy import Asker, Portfolio
from services.referral.programme_proposal import Answer, Proposal, Question, propose
from services.referral.programme_terms import Basis, Level, Phase, Referrer
from tests.unit.referral.factories import a_plan, facts_of, taking

PORTFOLIO = load()
NOON = datetime(2026, 11, 20, 11, tzinfo=UTC)


def asked(
    basis: Basis, wish: str | None = None, *, day: date = date(2026, 11, 20), **asker: object
) -> Proposal:
    who = Asker(basis=basis, **asker)  # type: ignore[arg-type]
    return propose(PORTFOLIO, Question(asker=who, day=day, received_at=NOON), wish)


@given(
    kind=st.sampled_from(PlanType),
    discharge=st.dates(date(2026, 10, 1), date(2027, 3, 1)),
    later=st.none() | st.dates(date(2026, 10, 1), date(2027, 3, 1)),
    received=st.datetimes(datetime(2026, 10, 1), datetime(2027, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_what_is_proposed_for_a_hospitals_plan_is_what_is_ordered(
    kind: PlanType, discharge: date, later: date | None, received: datetime
) -> None:
    plan = a_plan(type=kind, discharge_date=discharge, later_start=later)
    facts = facts_of(decide(Case(), taking(plan), received))
    orders = [fact.order for fact in facts if isinstance(fact, OrderPlaced)]
    referral = next(fact.referral for fact in facts if isinstance(fact, Received))
    asker = Asker(basis=Basis.HOSPITAL, referred_by=Referrer.HOSPITAL, plan_type=kind)
    question = Question(asker=asker, day=discharge, received_at=received, later_start=later)
    proposal = propose(PORTFOLIO, question)
    assert proposal.limit == referral.limit
    assert proposal.free_choice == any(isinstance(fact, FreeChoiceOpened) for fact in facts)
    if not orders:
        region = WorkOpened in map(type, facts)
        elsewhere = Answer.REGION_RESPONSIBLE if region else Answer.GIVEN_ELSEWHERE
        assert proposal.answer is elsewhere
        assert proposal.steps == ()
        return
    (order,) = orders
    assert proposal.programme is not None
    assert (
        proposal.programme.id,
        proposal.steps,
        proposal.earliest,
        proposal.limit,
        proposal.bedside,
    ) == (order.programme, order.steps, order.earliest, order.limit, order.bedside)


def test_each_reason_is_told() -> None:
    proposal = asked(Basis.HOSPITAL, plan_type=PlanType.ALMEN, level=Level.AVANCERET, age=50)
    assert proposal.reasons == (
        "p140-avanceret admits basis hospital; plan of type almen, level avanceret; age 50",
        "law of the day of discharge (2026-11-20): Sundhedsloven § 140, responsible is the "
        "municipality; our rule since 2018-07-01",
        "limit 2026-11-27: 7 calendar days from discharge (2026-11-20); the citizen may choose a "
        "private supplier if it can't be held",
        "first day that may be offered 2026-11-21: the day after receipt, so that people can be "
        "told",
        "ordered now: Therapist's assessment; nobody is planned for unseen, so what follows waits "
        "for it",
        "may lead on to maintenance-training, bridging-to-associations",
    )
    assert [step.id for step in proposal.afterwards] == ["physical-training", "functional-training"]


def test_a_plan_that_came_too_late_opens_free_choice() -> None:
    early = NOON - timedelta(days=30)
    asker = Asker(basis=Basis.HOSPITAL, plan_type=PlanType.ALMEN)
    proposal = propose(PORTFOLIO, Question(asker=asker, day=early.date(), received_at=NOON))
    assert proposal.free_choice
    assert "no day is left inside the limit: free choice opens at once" in proposal.reasons


def test_several_programmes_are_left_to_a_human() -> None:
    proposal = asked(Basis.GP, age=40)
    assert proposal.answer is Answer.SEVERAL
    assert {"back-pain-package", "loss-of-function", "mastery"} <= set(proposal.admitted)
    assert proposal.steps == ()


def test_a_wish_decides_among_them() -> None:
    proposal = asked(Basis.GP, "back-pain-package", age=40, referred_by=Referrer.GP)
    assert proposal.answer is Answer.ORDERED
    assert [step.id for step in proposal.steps] == ["clarifying-conversation"]
    assert "Labour-market offer needs the citizen's recorded consent" in proposal.reasons


def test_who_is_too_young_is_told_so() -> None:
    proposal = asked(Basis.RELATIVE, "mastery-relatives", age=17)
    assert (proposal.answer, proposal.reasons) == (
        Answer.NOBODY,
        ("takes ages 18 and over; not 17",),
    )


def test_who_comes_to_open_counselling_without_referral_just_comes() -> None:
    assert asked(Basis.GP, "back-counselling").answer is Answer.JUST_COME
    proposal = asked(Basis.SELF, "back-counselling")
    assert proposal.answer is Answer.ORDERED
    assert any("just come" in reason for reason in proposal.reasons)


def test_a_plan_without_a_type_begins_nothing() -> None:
    proposal = asked(Basis.HOSPITAL)
    assert proposal.answer is Answer.NOBODY
    refused = dict(proposal.refused)
    assert refused["p140-almen"] == ("needs a plan of type almen",)


def test_what_is_given_at_the_hospital_is_not_ordered() -> None:
    proposal = asked(Basis.HOSPITAL, plan_type=PlanType.GENOPTRAENING_SPECIALISERET)
    assert proposal.answer is Answer.GIVEN_ELSEWHERE
    assert (proposal.limit, proposal.earliest, proposal.steps) == (None, None, ())


@pytest.mark.parametrize("phase", [Phase.MAPPING, Phase.MODEL])
def test_a_programme_in_the_making_is_not_ordered(phase: Phase) -> None:
    mastery = replace(PORTFOLIO.programmes["mastery"], phase=phase)
    asker = Asker(basis=Basis.SELF, age=40)
    question = Question(asker=asker, day=NOON.date(), received_at=NOON)
    proposal = propose(Portfolio({"mastery": mastery}), question)
    assert proposal.answer is Answer.NOT_OPEN
    assert proposal.steps == ()


def test_an_unknown_age_leaves_the_law_open_and_says_so() -> None:
    proposal = asked(Basis.MUNICIPALITY, "open-activities")
    assert proposal.law is not None
    proposal = propose(
        Portfolio({"loss-of-function": _all_ages("loss-of-function")}),
        Question(asker=Asker(basis=Basis.GP), day=NOON.date(), received_at=NOON),
    )
    assert proposal.law is None
    assert "the law depends on the age, and that isn't known" in proposal.reasons


def _all_ages(id_: str) -> Programme:
    one = PORTFOLIO.programmes[id_]
    return replace(one, admissions=tuple(replace(rule, ages=Ages()) for rule in one.admissions))


@given(
    basis=st.sampled_from(Basis),
    age=st.none() | st.integers(0, 120),
    day=st.dates(date(2020, 1, 1), date(2035, 1, 1)),
    wish=st.none() | st.sampled_from(sorted(PORTFOLIO.programmes)),
)
def test_there_is_always_an_answer_with_a_reason(
    basis: Basis, age: int | None, day: date, wish: str | None
) -> None:
    proposal = asked(basis, wish, day=day, age=age)
    assert proposal.reasons
    assert all("\n" not in reason for reason in proposal.reasons)
    assert bool(proposal.steps) == (proposal.answer is Answer.ORDERED)
    known = {*proposal.admitted, *(id_ for id_, _ in proposal.refused)}
    assert known == ({wish} if wish is not None else set(PORTFOLIO.programmes))
    if proposal.programme is not None and proposal.steps:
        whole = (*proposal.steps, *proposal.afterwards)
        assert whole == proposal.programme.steps
