"""When forms are asked, how they are scored, and that figures name nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.referral.evaluation.evaluation import (
    Answered,
    Due,
    due_after,
    figures,
    months_after,
)
from services.referral.evaluation.forms import FORMS
from services.referral.evaluation.suppression import FEWEST
from services.referral.facts import Closed, OrderChanged
from services.referral.order import Order
from services.referral.programme_terms import Moment
from services.referral.referral import CloseReason
from tests.unit.referral.factories import NOW, PORTFOLIO

END = datetime(2022, 8, 31, 12, 0, tzinfo=UTC)


def an_order(programme: str) -> Order:
    return Order(
        order_id="o1",
        programme=programme,
        steps=PORTFOLIO.programmes[programme].steps,
        earliest=date(2022, 5, 25),
        limit=None,
        bedside=False,
        vulnerable=False,
        postcode="",
        language="da",
        transport=False,
    )


@pytest.mark.parametrize(
    ("programme", "moments"), [("p140-basal", [Moment.BEFORE]), ("p140-almen", [])]
)
def test_a_programme_asks_before_as_soon_as_it_is_ordered(
    programme: str, moments: list[Moment]
) -> None:
    changed = OrderChanged(referral_id="r1", order=an_order(programme))
    due = list(due_after(changed, NOW, PORTFOLIO.programmes))
    assert [(one.moment, one.at) for one in due] == [(moment, NOW) for moment in moments]


def test_a_completed_course_is_asked_about_now_and_six_months_on() -> None:
    closed = Closed(referral_id="r1", reason=CloseReason.COMPLETED, at=END)
    assert list(due_after(closed, NOW, PORTFOLIO.programmes)) == [
        Due(Moment.AFTER, END),
        Due(Moment.SIX_MONTHS, datetime(2023, 2, 28, 7, 0, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("reason", [CloseReason.REVOKED, CloseReason.DECEASED])
def test_a_course_that_ended_otherwise_is_not_asked_about(reason: CloseReason) -> None:
    closed = Closed(referral_id="r1", reason=reason, at=END)
    assert list(due_after(closed, NOW, PORTFOLIO.programmes)) == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2022, 8, 31), date(2023, 2, 28)),
        (date(2023, 8, 31), date(2024, 2, 29)),
        (date(2022, 12, 15), date(2023, 6, 15)),
        (date(2022, 6, 30), date(2022, 12, 30)),
    ],
)
def test_six_months_on_is_the_same_day_or_the_months_last(day: date, expected: date) -> None:
    assert months_after(day) == expected


def test_every_form_that_a_programme_asks_is_there() -> None:
    asked = {form.form for one in PORTFOLIO.programmes.values() for form in one.forms}
    assert asked <= FORMS.keys()


@pytest.mark.parametrize(
    ("form", "answers", "said"),
    [
        ("whodas-12", [0] * 11, "has 12 items, and 11 were answered"),
        ("whodas-12", [0] * 11 + [5], "item 12 of whodas-12 is answered from 0 to 4"),
        ("own-goals", [], "has 1 to 3 items"),
        ("own-goals", [3, -1], "item 2 of own-goals"),
    ],
)
def test_answers_that_are_none_of_the_form_are_named(
    form: str, answers: list[int], said: str
) -> None:
    fault = FORMS[form].fault(answers)
    assert fault is not None
    assert said in fault


def test_forms_are_scored_as_their_authors_say() -> None:
    assert FORMS["whodas-12"].score([4] * 12) == 48
    assert FORMS["own-goals"].score([2, 4, 9]) == 5
    assert FORMS["own-goals"].fault([2, 4, 9]) is None


def answered(scores: Iterable[float], moment: Moment) -> list[Answered]:
    return [
        Answered(
            whose=f"r{n}", programme="p140-basal", form="whodas-12", moment=moment, score=score
        )
        for n, score in enumerate(scores)
    ]


def test_figures_say_the_mean_and_the_change_among_those_who_answered_both() -> None:
    before = answered([20, 22, 24, 26, 28], Moment.BEFORE)
    after = answered([10, 12, 14, 16, 18], Moment.AFTER)
    first, second = figures([*before, *after])
    assert (first.moment, first.answers, first.mean, first.change) == (Moment.BEFORE, 5, 24, None)
    assert (second.answers, second.mean, second.pairs, second.change) == (5, 14, 5, -10)


@pytest.mark.parametrize(("more_before", "more_after"), [(1, 0), (4, 0), (0, 1)])
def test_a_change_is_not_told_where_it_gives_away_the_few_who_answered_once(
    more_before: int, more_after: int
) -> None:
    """All before, less the pairs' (their mean now less their change), leaves one person's score."""
    both = 6
    before = answered([20.0] * (both + more_before), Moment.BEFORE)
    after = answered([10.0] * both, Moment.AFTER)
    late = [replace(one, whose=f"late{n}") for n, one in enumerate(after[:more_after])]
    _, second = figures([*before, *after, *late])
    assert (second.answers, second.pairs, second.change) == (both + more_after, None, None)
    many = answered([20.0] * (both + FEWEST), Moment.BEFORE)
    assert figures([*many, *after])[1].change == -10


def test_what_differs_from_all_by_a_few_is_not_told() -> None:
    every = answered([20.0] * 12, Moment.BEFORE)
    assert figures(every[:9], every)[0].mean is None
    assert figures(every[:7], every)[0].answers == 7
    assert figures(every, every)[0].answers == 12


def test_few_answers_are_told_as_nothing_at_all() -> None:
    before = answered([20.0] * FEWEST, Moment.BEFORE)
    after = answered([10.0] * (FEWEST - 1), Moment.AFTER)
    told, hidden = figures([*before, *after])
    assert told.answers == FEWEST
    assert (hidden.answers, hidden.mean, hidden.pairs, hidden.change) == (None,) * 4
