"""The regions' four tasks from 1 January 2027: who orders on either side of the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.referral.commands import Case, Municipality
from services.referral.domain import decide
from services.referral.facts import (
    Fact,
    Noted,
    OrderChanged,
    OrderPlaced,
    Revised,
    WorkClosed,
    WorkOpened,
)
from services.referral.order import Order
from services.referral.plan import PlanType
from services.referral.programme_terms import Basis
from services.referral.referral import Referral
from services.referral.signature import Signature
from services.referral.terms import Note, WorkReason
from services.referral.worklist import decide_work
from services.referral.worklist_effects import DecideWork, WorkCase
from tests.unit.referral.factories import HOLBAEK, a_plan, after, correcting, facts_of, taking
from tests.unit.referral.test_requests import a_request, decided
from tests.unit.referral.test_requests import taking as asking

LAST = date(2026, 12, 31)
FIRST = date(2027, 1, 1)
NOW = datetime(2026, 12, 30, 8, tzinfo=UTC)
SPECIALISED = PlanType.REHABILITERING_SPECIALISERET
PROGRAMME = "p140-rehabilitering-specialiseret"
AGREED = replace(HOLBAEK, runs_for_region=frozenset({PROGRAMME, "back-pain-package"}))


def plan_facts(
    discharge: date, municipality: Municipality = HOLBAEK, **plan: Any
) -> tuple[Fact, ...]:
    written = a_plan(type=SPECIALISED, discharge_date=discharge, **plan)
    return facts_of(decide(Case(), taking(written, municipality=municipality), NOW))


def orders(facts: Iterable[Fact]) -> list[Order]:
    return [fact.order for fact in facts if isinstance(fact, OrderPlaced)]


def to_look_at(facts: Iterable[Fact]) -> list[tuple[WorkReason, str]]:
    return [(fact.reason, fact.about) for fact in facts if isinstance(fact, WorkOpened)]


def noted(facts: Iterable[Fact]) -> list[Note]:
    return [fact.note for fact in facts if isinstance(fact, Noted)]


def test_the_last_discharge_before_the_change_is_the_municipalitys() -> None:
    facts = plan_facts(LAST)
    assert [order.programme for order in orders(facts)] == [PROGRAMME]
    assert (to_look_at(facts), noted(facts)) == ([], [])


def test_the_first_discharge_after_it_waits_for_a_human_and_says_so() -> None:
    facts = plan_facts(FIRST)
    assert orders(facts) == []
    assert to_look_at(facts) == [(WorkReason.REGION_RESPONSIBLE, PROGRAMME)]
    assert noted(facts) == [Note.REGION_RESPONSIBLE]
    assert after(None, facts).limit == FIRST + timedelta(days=7), "the law's limit stays known"


def test_a_municipality_that_runs_it_for_the_region_orders_as_before_and_says_for_whom() -> None:
    facts = plan_facts(FIRST, AGREED)
    assert [order.limit for order in orders(facts)] == [date(2027, 1, 8)]
    assert noted(facts) == [Note.RUN_FOR_REGION]


def test_the_day_of_receipt_decides_nothing() -> None:
    """A plan that is discharged in the old year and comes in the new one is the municipality's."""
    written = a_plan(type=SPECIALISED, discharge_date=LAST)
    late = datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert len(orders(facts_of(decide(Case(), taking(written), late)))) == 1


def test_general_training_stays_the_municipalitys() -> None:
    written = a_plan(discharge_date=FIRST)
    facts = facts_of(decide(Case(), taking(written), NOW))
    assert [order.programme for order in orders(facts)] == ["p140-almen"]


def test_training_at_the_hospital_is_noted_as_ever() -> None:
    written = a_plan(type=PlanType.GENOPTRAENING_SPECIALISERET, discharge_date=FIRST)
    facts = facts_of(decide(Case(), taking(written), NOW))
    assert (to_look_at(facts), noted(facts)) == ([], [Note.HOSPITAL_LEVEL])


@pytest.mark.parametrize(
    ("asked", "municipality", "ordered", "works", "notes"),
    [
        (LAST, HOLBAEK, 1, [], []),
        (
            FIRST,
            HOLBAEK,
            0,
            [(WorkReason.REGION_RESPONSIBLE, "back-pain-package")],
            [Note.REGION_RESPONSIBLE],
        ),
        (FIRST, AGREED, 1, [], [Note.RUN_FOR_REGION]),
    ],
)
def test_other_grounds_go_by_the_day_of_the_referral(
    asked: date,
    municipality: Municipality,
    ordered: int,
    works: list[tuple[WorkReason, str]],
    notes: list[Note],
) -> None:
    command = replace(asking(a_request(asked=asked), Basis.GP), municipality=municipality)
    facts = facts_of(decided(command))
    assert len(orders(facts)) == ordered
    assert (to_look_at(facts), noted(facts)) == (works, notes)


def corrected(
    received: tuple[Fact, ...], discharge: date, municipality: Municipality = HOLBAEK
) -> tuple[Referral, tuple[Fact, ...]]:
    referral = after(None, received)
    (order,) = orders(received) or (None,)
    written = a_plan(
        type=SPECIALISED, discharge_date=discharge, document_id="new", corrects="plan-1"
    )
    case = Case(target=referral, order=order)
    return referral, facts_of(decide(case, correcting(written, municipality=municipality), NOW))


def test_a_discharge_that_is_corrected_into_the_new_year_is_looked_at_and_loses_nothing() -> None:
    _, facts = corrected(plan_facts(LAST), FIRST)
    assert to_look_at(facts) == [(WorkReason.REGION_RESPONSIBLE, PROGRAMME)]
    assert noted(facts) == [Note.REGION_RESPONSIBLE]
    assert [type(fact) for fact in facts if isinstance(fact, OrderChanged)] == [OrderChanged]


def test_a_discharge_that_is_corrected_into_the_old_year_is_ordered_and_settled() -> None:
    referral, facts = corrected(plan_facts(FIRST), LAST)
    assert [type(fact) for fact in facts] == [Revised, WorkClosed, OrderPlaced]
    assert after(referral, facts).work == ()
    (order,) = orders(facts)
    assert order.limit == date(2027, 1, 7)


@pytest.mark.parametrize("municipality", [HOLBAEK, AGREED])
def test_a_correction_on_one_side_of_the_day_asks_nothing(municipality: Municipality) -> None:
    for before, now in ((LAST, date(2026, 12, 30)), (FIRST, date(2027, 1, 2))):
        received = plan_facts(before, municipality)
        _, facts = corrected(received, now, municipality)
        assert to_look_at(facts) == []


def test_a_human_says_that_it_is_given_here_and_it_is_ordered() -> None:
    received = plan_facts(FIRST)
    referral = after(None, received)
    (order,) = orders(plan_facts(FIRST, AGREED))
    case = WorkCase(referral=referral, order=None, others={}, rule=None, chosen=order)
    command = DecideWork(
        reason=WorkReason.REGION_RESPONSIBLE,
        about=PROGRAMME,
        choice="run-here",
        by=Signature(id="316-desk", role="desk", unit="Visitationen, Holbæk"),
    )
    facts = facts_of(decide_work(case, command, NOW))
    assert [type(fact) for fact in facts] == [WorkClosed, OrderPlaced]
    standing = after(referral, facts)
    again = replace(case, referral=replace(standing, work=referral.work))
    assert [type(fact) for fact in facts_of(decide_work(again, command, NOW))] == [WorkClosed]
