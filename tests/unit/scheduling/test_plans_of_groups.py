"""Random municipalities with groups, conferences and peers, held to the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.scheduling import scenarios
from tests.unit.scheduling.factories import a_therapist
from tests.unit.scheduling.scenarios import MONDAY, WEEKS, Action, hours, shifts, withdrawals
from tests.unit.scheduling.test_plans import TELLS, play
from tests.unit.scheduling.world import World

LEADERS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"role": "staff", "count": 2, "competences": ["almen"]}],
    [{"role": "staff", "competences": ["almen"]}, {"role": "peer"}],
    [{"role": "staff", "competences": ["specialiseret"]}, {"role": "staff"}],
)


@st.composite
def statements(draw: st.DrawFn) -> Action:
    """A location's week with a peer, who may be there or not."""
    kind, statement = draw(scenarios.statements())
    monday = MONDAY + timedelta(weeks=WEEKS.index(statement["week"]))
    name = f"{statement['location']['code']}P"
    peer = a_therapist(name, *draw(shifts(monday)), competences=("peer",))
    return kind, {**statement, "therapists": [*statement["therapists"], peer]}


@st.composite
def orders(draw: st.DrawFn) -> Action:
    """A group course, a session that several lead, or one citizen's alone."""
    kind, body = draw(scenarios.orders())
    step = {
        **body["steps"][0],
        "kind": "course",
        "seats": draw(st.sampled_from([1, 2, 2, 3])),
        "minutes": draw(st.sampled_from([30, 45])),
        "count": draw(st.integers(1, 2)),
        "spacing": {"min_days": draw(st.integers(1, 3)), "max_days": 9},
        "leaders": draw(st.sampled_from(LEADERS)),
    }
    programme = draw(st.sampled_from(["mastery", "mastery", "back-school"]))
    return kind, {**body, "programme": programme, "steps": [step]}


weeks_of_groups = st.lists(
    st.one_of(statements(), statements(), orders(), orders(), orders(), withdrawals, hours),
    min_size=6,
    max_size=25,
)


@given(weeks_of_groups, TELLS)
@settings(max_examples=150, deadline=None)
def test_no_seat_role_or_hour_is_ever_given_twice(actions: Sequence[Action], tell: int) -> None:
    def inspect(world: World) -> None:
        assert world.faults() == []

    play(actions, inspect, tell)
