"""Who is admitted, and which law holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.plan import PlanType
from services.referral.programme import Admission, Ages, Law
from services.referral.programme_files import load
from services.referral.programme_policy import (
    Asker,
    Portfolio,
    Terms,
    law_on,
    laws_on,
    levels_of,
    refusals,
    turns,
)
from services.referral.programme_terms import REFERRERS, Authority, Basis, Level, Phase, Referrer

PORTFOLIO = load()
PROGRAMMES = PORTFOLIO.programmes
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
AGES = st.integers(0, 120)


@st.composite
def askers(draw: st.DrawFn) -> Asker:
    basis = draw(st.sampled_from(Basis))
    hospital = basis is Basis.HOSPITAL
    kind = draw(st.sampled_from(PlanType)) if hospital else None
    return Asker(
        basis=basis,
        referred_by=draw(st.none() | st.sampled_from(Referrer)),
        plan_type=kind,
        level=draw(st.sampled_from(levels_of(kind))) if kind is not None else Level.UNDECIDED,
        age=draw(st.none() | AGES),
    )


@given(askers())
def test_somebody_is_admitted_or_told_why_not(asker: Asker) -> None:
    for programme in PROGRAMMES.values():
        why = refusals(programme, asker)
        assert all(why)
        if not why:
            rules = [rule for rule in programme.admissions if rule.basis is asker.basis]
            assert any(rule.ages.hold(asker.age) for rule in rules)
            assert any(asker.referred_by in (None, *rule.referred_by) for rule in rules)


@given(askers())
def test_a_hospitals_plan_begins_exactly_one_programme(asker: Asker) -> None:
    if asker.plan_type is not None:
        asker = replace(asker, referred_by=Referrer.HOSPITAL)
        admitting = [one for one in PROGRAMMES.values() if not refusals(one, asker)]
        assert admitting == [PORTFOLIO.of_plan(asker.plan_type or PlanType.ALMEN, asker.level)]


@given(askers(), AGES)
def test_knowing_the_age_never_closes_what_was_open_without_it(asker: Asker, age: int) -> None:
    unknown, known = replace(asker, age=None), replace(asker, age=age)
    for programme in PROGRAMMES.values():
        if not refusals(programme, unknown):
            assert not refusals(programme, known)


def test_the_shortest_way_to_being_admitted_is_told() -> None:
    rule = Admission(basis=Basis.GP, referred_by=(Referrer.GP,), ages=Ages(least=18, most=64))
    other = Admission(basis=Basis.GP, referred_by=(Referrer.GP,), ages=Ages(least=70))
    programme = replace(PROGRAMMES["back-school"], admissions=(rule, other))
    assert refusals(programme, Asker(basis=Basis.GP, age=68)) == ("takes ages 18 to 64; not 68",)
    assert refusals(programme, Asker(basis=Basis.GP)) == (
        "takes ages 18 to 64; the age isn't known",
    )
    assert refusals(programme, Asker(basis=Basis.SELF)) == ("admits on basis gp, not self",)
    why = refusals(programme, Asker(basis=Basis.GP, referred_by=Referrer.CITIZEN, age=20))
    assert why == ("referred by gp, not by citizen",)


@pytest.mark.parametrize(
    ("day", "age", "basis"),
    [
        (date(2025, 6, 30), 80, "Serviceloven § 86, stk. 1"),
        (date(2025, 7, 1), 80, "Ældreloven"),
        (date(2025, 7, 1), 67, "Ældreloven"),
        (date(2025, 7, 1), 66, "Serviceloven § 86, stk. 1"),
        (date(1999, 1, 1), 80, "Serviceloven § 86, stk. 1"),
        (date(2025, 6, 30), None, "Serviceloven § 86, stk. 1"),
    ],
)
def test_training_after_loss_of_function_moved_to_the_law_on_the_elderly(
    day: date, age: int | None, basis: str
) -> None:
    law = law_on(PROGRAMMES["loss-of-function"], day, age)
    assert law is not None
    assert (law.legal_basis, law.authority, law.limit) == (basis, Authority.MUNICIPALITY, None)


def test_a_law_that_depends_on_an_unknown_age_is_not_guessed() -> None:
    assert law_on(PROGRAMMES["loss-of-function"], date(2025, 7, 1), None) is None


@pytest.mark.parametrize(
    "id_",
    [
        "p140-rehabilitering-specialiseret",
        "back-pain-package",
        "back-school",
        "back-counselling",
        "chronic-pain",
    ],
)
def test_what_moves_to_the_regions_moves_on_1_january_2027(id_: str) -> None:
    before = law_on(PROGRAMMES[id_], date(2026, 12, 31), 50)
    after = law_on(PROGRAMMES[id_], date(2027, 1, 1), 50)
    assert before is not None
    assert after is not None
    assert (before.authority, after.authority) == (Authority.MUNICIPALITY, Authority.REGION)


@given(DAYS, AGES)
def test_every_programme_has_one_law_for_every_day_and_age(day: date, age: int) -> None:
    for programme in PROGRAMMES.values():
        law = law_on(programme, day, age)
        assert law in programme.laws
        assert law in laws_on(programme, day)
        assert law.ages.hold(age)
        newer = [one for one in programme.laws if law.since < one.since <= day]
        assert not any(one.ages.hold(age) for one in newer)


@given(DAYS, AGES)
def test_nothing_changes_between_two_turns(day: date, age: int) -> None:
    for programme in PROGRAMMES.values():
        turn = max(one for one in turns(programme) if one <= age)
        assert law_on(programme, day, age) == law_on(programme, day, turn)


@given(st.sampled_from(PlanType), DAYS)
def test_the_same_law_holds_at_every_level_of_a_type(kind: PlanType, day: date) -> None:
    laws = {law_on(PORTFOLIO.of_plan(kind, level), day, None) for level in levels_of(kind)}
    assert laws == {PORTFOLIO.terms(kind, day).law}


def test_nothing_is_ordered_of_what_is_not_open_or_given_elsewhere() -> None:
    law = Law(since=date(2020, 1, 1), legal_basis="§", authority=Authority.REGION, limit=None)
    for phase in Phase:
        programme = replace(PROGRAMMES["p140-basal"], phase=phase)
        steps = Terms(programme=programme, law=law).steps
        assert bool(steps) == (phase in {Phase.PILOT, Phase.EVALUATION})
    hospital = PROGRAMMES["p140-genoptraening-specialiseret"]
    assert Terms(programme=hospital, law=law).steps == ()


def test_each_referrer_belongs_to_one_ground() -> None:
    listed = [referrer for basis in Basis for referrer in REFERRERS[basis]]
    assert sorted(listed) == sorted(Referrer)


def test_a_portfolio_finds_programmes_by_plan() -> None:
    portfolio = Portfolio({"p140-basal": PROGRAMMES["p140-basal"]})
    assert portfolio.of_plan(PlanType.ALMEN, Level.BASAL).id == "p140-basal"
    with pytest.raises(KeyError):
        portfolio.of_plan(PlanType.ALMEN)


def test_a_minute_of_grace_is_a_minute() -> None:
    rule = PORTFOLIO.terms(PlanType.ALMEN, date(2026, 1, 1)).law.limit
    assert rule is not None
    assert rule.grace == timedelta(hours=1)
