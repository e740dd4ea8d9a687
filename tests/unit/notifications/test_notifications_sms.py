"""How long a text message is, as the network counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.sms import fits_one_part, is_gsm7, to_gsm7, units


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("æøåÆØÅ", 6),
        ("é à ü ñ", 7),
        ("10 €", 5),
        ("[a]", 5),
        ("č", 1),
        ("🙂", 2),
    ],
)
def test_danish_letters_cost_one_and_some_signs_two(text: str, length: int) -> None:
    assert units(text) == length


def test_one_letter_outside_the_alphabet_leaves_room_for_seventy() -> None:
    assert fits_one_part("x" * 160)
    assert not fits_one_part("x" * 161)
    assert fits_one_part("č" * 70)
    assert not fits_one_part("č" + "x" * 70)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Čapek", "Capek"), ("3–4", "3-4"), ("»Huset«", '"Huset"'), ("مركز", "????"), ("½", "1/2")],
)
def test_what_the_alphabet_lacks_is_written_otherwise(text: str, plain: str) -> None:
    assert to_gsm7(text) == plain


@given(st.text())
def test_everything_can_be_written_in_the_alphabet(text: str) -> None:
    assert is_gsm7(to_gsm7(text))


@given(st.text(alphabet="abcæøåÆØÅ .,:0123456789"))
def test_what_the_alphabet_holds_stays_as_it_is(text: str) -> None:
    assert to_gsm7(text) == text
