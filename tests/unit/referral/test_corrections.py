"""Corrections of referrals on other grounds: what is ordered anew, and what must be sent anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.referral.admitting import TakeRequest, proposal_of
from services.referral.amending import decide_correction
from services.referral.commands import Case, Field, Refusal, Wait
from services.referral.evolving import evolve
from services.referral.facts import (
    Fact,
    Noted,
    OrderChanged,
    OrderPlaced,
    OrderWithdrawn,
    Revised,
    WorkClosed,
)
from services.referral.order import Order
from services.referral.plan import Purpose
from services.referral.portfolio.register import Route, Way
from services.referral.programme_terms import Basis
from services.referral.referral import CloseReason, Referral
from services.referral.terms import Note, WorkReason
from tests.unit.referral.factories import NOW, PORTFOLIO, facts_of
from tests.unit.referral.test_requests import a_request, decided, taking

EARLIER = "6f1c9a52-0d3e-5f5b-9f0e-1f6f0a4c7b11"


def received(basis: Basis = Basis.SELF, **changes: Any) -> tuple[Referral, Order | None]:
    """A referral as it stands after it was taken, with its order."""
    facts = facts_of(decided(taking(a_request(**{"programme": "mastery", **changes}), basis)))
    referral = next(fact.referral for fact in facts if hasattr(fact, "referral"))
    for fact in facts:
        referral = evolve(referral, fact)
    orders = [fact.order for fact in facts if isinstance(fact, OrderPlaced)]
    return referral, orders[0] if orders else None


def correcting(basis: Basis = Basis.SELF, **changes: Any) -> TakeRequest:
    request = a_request(
        **{"purpose": Purpose.CORRECTION, "corrects": EARLIER, "programme": "mastery", **changes}
    )
    return replace(taking(replace(request, document_id="new"), basis), ordinal=1)


def corrected(
    command: TakeRequest, referral: Referral | None, order: Order | None, *, refused: bool = False
) -> object:
    case = Case(target=referral, order=order, refused=refused)
    return decide_correction(case, command, proposal_of(PORTFOLIO, command, NOW), NOW)


def kinds(facts: tuple[Fact, ...]) -> list[type]:
    return [type(fact) for fact in facts]


def test_a_corrected_day_and_need_change_the_order_and_keep_its_steps() -> None:
    referral, order = received()
    assert order is not None
    decided_since = replace(order, steps=order.steps * 2, vulnerable=True)
    command = correcting(asked=date(2022, 5, 20), transport=True)
    revised, changed = facts_of(corrected(command, referral, decided_since))
    assert isinstance(revised, Revised)
    assert (revised.changed, revised.discharge_date) == (("discharge_date",), date(2022, 5, 20))
    assert isinstance(changed, OrderChanged)
    assert changed.order == replace(decided_since, transport=True)


def test_a_correction_that_says_the_same_changes_nothing() -> None:
    assert corrected(correcting(), *received()) == (Noted(Note.NOTHING_CHANGED),)


def test_a_correction_that_leaves_the_programme_open_keeps_what_is_ordered() -> None:
    referral, order = received(basis=Basis.GP, programme=None)
    command = correcting(Basis.GP, programme=None, diagnoses=())
    assert corrected(command, referral, order) == (Noted(Note.NOTHING_CHANGED),)


def test_another_programme_is_ordered_in_the_place_of_the_first() -> None:
    referral, order = received()
    assert order is not None
    facts = facts_of(corrected(correcting(programme="chronic-pain"), referral, order))
    assert kinds(facts) == [OrderWithdrawn, OrderPlaced]
    placed = facts[1]
    assert isinstance(placed, OrderPlaced)
    assert placed.order.programme == "chronic-pain"
    assert placed.order.order_id != order.order_id


def test_a_programme_that_nobody_had_chosen_is_ordered_and_leaves_the_worklist() -> None:
    hypertension = (("SKS", "DI10", "Forhøjet blodtryk"),)
    referral, order = received(Basis.GP, programme=None, diagnoses=hypertension)
    assert (order, referral.programme) == (None, None)
    command = replace(correcting(Basis.GP, programme="mastery"), ordinal=0)
    facts = facts_of(corrected(command, referral, order))
    assert kinds(facts) == [WorkClosed, OrderPlaced]
    closed = facts[0]
    assert isinstance(closed, WorkClosed)
    assert closed.reason is WorkReason.PROGRAMME_TO_CHOOSE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"closed": CloseReason.REVOKED}, Field.CORRECTS),
        ({"citizen_id": "LONNI"}, Field.CITIZEN),
        ({"municipality": "730"}, Field.RECEIVER),
        ({"basis": Basis.GP}, Field.BASIS),
    ],
)
def test_what_cant_be_corrected_is_refused_with_its_element(
    change: dict[str, Any], field: Field
) -> None:
    referral, order = received()
    result = corrected(correcting(transport=True), replace(referral, **change), order)
    assert isinstance(result, Refusal)
    assert result.field is field


def test_a_course_that_has_begun_keeps_its_programme() -> None:
    referral, order = received()
    begun = replace(referral, started=date(2022, 6, 1))
    result = corrected(correcting(programme="chronic-pain"), begun, order)
    assert isinstance(result, Refusal)
    assert (result.field, result.code) == (Field.PROGRAMME, "business-rule")
    assert "send en ny" in result.text


@pytest.mark.parametrize("provider", [None, "730"])
def test_a_programme_that_others_give_is_not_ordered_by_a_correction(provider: str | None) -> None:
    referral, order = received()
    command = correcting(programme="chronic-pain")
    elsewhere = replace(command, route=lambda _: Route(provider, Way.AGREED))
    assert isinstance(corrected(elsewhere, referral, order), Refusal)


def test_a_correction_waits_for_its_referral_and_is_refused_with_it() -> None:
    assert corrected(correcting(), None, None) == Wait(EARLIER)
    assert isinstance(corrected(correcting(), None, None, refused=True), Refusal)
    assert isinstance(corrected(correcting(corrects=None), None, None), Refusal)


def test_a_correction_is_admitted_by_the_same_rules() -> None:
    referral, order = received()
    for changes in ({"programme": "massage"}, {"consent": False}):
        assert isinstance(corrected(correcting(**changes), referral, order), Refusal)


def test_an_amended_age_law_moves_with_the_day() -> None:
    """A day on the other side of a new law brings that law's limit (none on these grounds)."""
    referral, order = received(programme="loss-of-function")
    command = correcting(programme="loss-of-function", asked=date(2025, 7, 1))
    now = datetime(2025, 7, 2, tzinfo=UTC)
    case = Case(target=referral, order=order)
    facts = facts_of(decide_correction(case, command, proposal_of(PORTFOLIO, command, now), now))
    assert kinds(facts) == [Revised]
