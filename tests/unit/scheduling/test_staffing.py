"""Staffing rules: each district one therapist, each centre a half to two, none of it bookable."""

from __future__ import annotations

import pytest

from services.scheduling.capacity import LocationWeek, problems
from services.scheduling.incoming import CapacityStated, stated
from services.scheduling.staffing import Breach, Rule, breaches
from tests.unit.scheduling.factories import a_statement, a_therapist, all_week

RULES = (
    Rule(name="each district has one therapist", units=("Nord", "Syd"), least=1, most=1),
    Rule(name="each centre has 0.5 to 2", units=("Huset",), least=0.5, most=2),
)


def a_week(**duties: dict[str, float]) -> LocationWeek:
    """A week with a therapist for each name, bookable all week where it begins with B."""
    therapists = []
    for name, shares in duties.items():
        one = a_therapist(name, *(all_week() if name.startswith("B") else ()))
        one["duties"] = [{"unit": unit, "share": share} for unit, share in shares.items()]
        therapists.append(one)
    return stated(CapacityStated.model_validate(a_statement("R", *therapists)))


def broken(**duties: dict[str, float]) -> list[Breach]:
    return breaches(RULES, [a_week(**duties)])


def test_rules_that_are_kept_say_nothing() -> None:
    assert broken(A1={"Nord": 1}, A2={"Syd": 0.5, "Huset": 0.5}, A3={"Syd": 0.5}) == []
    assert breaches((), [a_week(A1={"Mars": 1})]) == []


def test_a_unit_without_its_therapist_is_told_with_whom_to_send() -> None:
    (found,) = broken(A1={"Nord": 1}, A2={"Huset": 0.5}, A3={})
    assert found.about == "Syd"
    assert found.problem == "Syd has 0 therapists, and at least 1 are needed"
    assert found.proposal == "1 of A3"


def test_who_is_there_already_stays_longer() -> None:
    (found,) = broken(A1={}, A2={"Nord": 0.5}, A3={"Syd": 1}, A4={"Huset": 1})
    assert found.proposal == "0.5 of A2"


def test_who_is_too_many_elsewhere_is_sent_first() -> None:
    over, short = broken(A1={"Nord": 1}, A2={"Nord": 1}, A3={"Huset": 1})
    assert over.proposal == "take 1 of A2 off Nord"
    assert short.proposal == "1 from Nord, which has too many"


def test_bookable_hours_are_given_up_only_where_nobody_else_is_left() -> None:
    short = broken(B1={}, A2={"Huset": 1}, A3={"Nord": 1})
    assert [one.about for one in short] == ["Syd"]
    assert "1 of B1, who gives up" in short[0].proposal


def test_where_nobody_is_left_somebody_new_is_asked_for() -> None:
    short = broken(A1={"Nord": 1}, A2={"Huset": 1})
    assert short[0].proposal == "1 of somebody new: nobody has a share left"


def test_hours_on_duty_cannot_be_booked() -> None:
    found = broken(B1={"Nord": 1}, A2={"Syd": 1}, A3={"Huset": 1})
    assert [one.about for one in found] == ["B1"]
    assert "hours on duty can't be booked" in found[0].problem
    assert "of the bookable hours away" in found[0].proposal


def test_a_unit_that_no_rule_knows_is_told() -> None:
    found = broken(A1={"Nord": 1}, A2={"Syd": 1}, A3={"Huset": 1}, A4={"Vset": 1})
    assert found[0].problem == "no rule knows Vset, where A4 has a duty"


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_lies_above_none_and_up_to_one(share: float) -> None:
    (found,) = problems(a_week(A1={"Nord": share}), frozenset({"almen"}))
    assert found.element == "therapists[0].duties[0].share"
