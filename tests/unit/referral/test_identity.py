"""Ids are derived, and nobody can guess a citizen's."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity import citizen_id, order_id, referral_id, step_id
from tests.unit.referral.factories import HOSPITAL, RANDERS_HOSPITAL, a_register, ruddi

TEXTS = st.text(min_size=1, max_size=40)


@given(TEXTS, TEXTS)
def test_a_citizens_id_is_26_base32_letters_and_the_same_in_every_run(
    source: str, document: str
) -> None:
    first, second = (a_register().new_id(source, document) for _ in range(2))
    assert first == second
    assert re.fullmatch(r"[A-Z2-7]{26}", first)


def test_a_citizens_id_depends_on_the_key_the_hospital_and_the_document() -> None:
    register = a_register()
    other = type(register)(
        id_key=b"x" * 32, cpr_key=register.cpr_key, records=register.records, vault=register.vault
    )
    ids = {
        register.new_id(HOSPITAL, "plan-1"),
        register.new_id(HOSPITAL, "plan-2"),
        register.new_id(RANDERS_HOSPITAL, "plan-1"),
        other.new_id(HOSPITAL, "plan-1"),
    }
    assert len(ids) == 4


def test_a_citizens_id_says_nothing_of_the_number() -> None:
    assert a_register().new_id(HOSPITAL, "plan-1") != citizen_id(a_register().hash_of(ruddi()))


@given(TEXTS, TEXTS)
def test_two_hospitals_documents_with_one_id_are_two_referrals(first: str, second: str) -> None:
    same = referral_id(HOSPITAL, first) == referral_id(HOSPITAL, second)
    assert same == (first == second)
    assert referral_id(HOSPITAL, first) != referral_id(RANDERS_HOSPITAL, first)


def test_orders_and_steps_of_a_referral_have_ids_of_their_own() -> None:
    ids = [order_id("r", 1), order_id("r", 2), step_id(order_id("r", 1), 1), order_id("s", 1)]
    assert len(set(ids)) == len(ids)
