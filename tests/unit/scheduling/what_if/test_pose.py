"""A question with all it is asked of: what is said first, and what is refused before it begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.settings import Municipality, terms_of
from services.scheduling.what_if.demand import of_the_past
from services.scheduling.what_if.pose import Posed, answered
from services.scheduling.what_if.question import Policy, Question
from services.scheduling.what_if.study import Progress
from services.scheduling.what_if.transition import Pace
from tests.unit.scheduling.factories import MONDAY
from tests.unit.scheduling.what_if.test_world import HOME, a_request, a_week

QUESTION = Question(
    staff=Staff.FOLLOW, rooms=Rooms.MOVE, close=("L",), policy=Policy.NEAREST, seeds=2
)
POSED = Posed(
    question=QUESTION,
    weeks=[a_week("R", "T1"), a_week("L", "T2")],
    demand=of_the_past(
        [a_request(MONDAY + timedelta(days=n)) for n in range(10)], HOME, "the past"
    ),
    terms=terms_of(Municipality()),
    first=MONDAY,
    days=14,
)


class Heard:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.runs: list[int] = []
        self.done: list[tuple[int, int]] = []

    def announced(self, text: str, runs: int) -> None:
        """What will be simulated."""
        self.texts.append(text)
        self.runs.append(runs)

    def went_on(self, one: Progress) -> None:
        """How far it is."""
        self.done.append((one.done, one.of))


def test_what_will_be_run_is_said_first_and_the_way_there_too() -> None:
    heard = Heard()
    told = answered(replace(POSED, pace=Pace(weeks=2, notice=7)), heard)
    assert heard.runs == [4, 2]
    assert "1 set of locations. 4 runs (nearest) on 2 seeds. About" in heard.texts[0]
    assert "through 3 months on 2 seeds, with and without closing. About" in heard.texts[1]
    assert heard.done[-1] == (2, 2)
    assert [month["closes"] for month in told["transition"]["months"]] == [None, "L", None]


def test_what_would_take_too_long_is_refused_before_it_begins() -> None:
    heard = Heard()
    with pytest.raises(InvalidInputError, match="ask of fewer sets, weeks or seeds"):
        answered(POSED, heard, most=0.0)
    assert not heard.texts


def test_the_past_itself_is_simulated_once() -> None:
    question = replace(QUESTION, replay=True)
    told = answered(replace(POSED, question=question), Heard())
    assert told["question"]["seeds"] == 1
    assert told["today"]["figures"]["sessions"] == 5  # ten in two weeks
    assert told["options"][0]["difference"]["late"][1] is None
    with pytest.raises(InvalidInputError, match="needs a forecast"):
        answered(replace(POSED, question=question, pace=Pace()), Heard())


def test_staff_as_given_and_the_hours_after_the_change_go_together() -> None:
    given = replace(QUESTION, staff=Staff.AS_GIVEN)
    for posed in (replace(POSED, question=given), replace(POSED, given=POSED.weeks)):
        with pytest.raises(InvalidInputError, match="only that does"):
            answered(posed, Heard())
