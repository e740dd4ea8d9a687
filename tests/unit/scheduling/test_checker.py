"""The inspector finds what is planted in a plan that is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.scheduling.app import public_holiday
from tests.unit.scheduling.checker import Inspector, Plan
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
    at,
)
from tests.unit.scheduling.world import World

TUESDAY = MONDAY + timedelta(days=1)
STATEMENT = a_statement("R", a_therapist("T1", (TUESDAY, "08:00", "12:00")))


def a_session(number: int = 1, begin: str = "09:00", **changes: Any) -> dict[str, Any]:
    start = at(TUESDAY, begin)
    session = {
        "type": "session.offered.v1",
        "session_id": f"s{number}",
        "order_id": f"o{number}",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "location": {"code": "R"},
        "room": f"R{number}",
        "therapist": "T1",
        "inside_limit": True,
        "revision": 1,
    }
    return {**session, **changes}


def faults(*sessions: dict[str, Any], **order: Any) -> list[str]:
    orders = {f"o{number}": an_order_body(f"o{number}", **order) for number in (1, 2)}
    inspector = Inspector({("R", "2026-W48"): STATEMENT}, public_holiday)
    return inspector.faults(sessions, orders)


def test_a_right_plan_has_no_faults() -> None:
    assert faults(a_session(1), a_session(2, "10:00")) == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (lambda: faults(a_session(1), a_session(2, "09:30")), "therapist T1 twice"),
        (
            lambda: faults(a_session(1), a_session(2, "09:30", room="R1", therapist="T2")),
            "room R1 twice",
        ),
        (lambda: faults(a_session(), a_session(2, "10:00", order_id="o1")), "two sessions"),
        (lambda: faults(a_session(order_id="o9")), "belongs to no standing order"),
        (lambda: faults(a_session(begin="11:30")), "therapist T1 is off"),
        (lambda: faults(a_session(therapist="T9")), "therapist T9 is not there"),
        (lambda: faults(a_session(room="R9")), "room R9 is not there"),
        (lambda: faults(a_session(), competences=["ryg"]), "cannot do it"),
        (lambda: faults(a_session(), earliest=TUESDAY + timedelta(1)), "before the earliest"),
        (lambda: faults(a_session(), limit=MONDAY), "wrongly whether it is inside the limit"),
        (lambda: faults(a_session(), minutes=45), "lasts wrong"),
        (
            lambda: faults(
                a_session(1), a_session(2, "09:45", therapist="T2"), citizen_id="c-same"
            ),
            "citizen c-same cannot come to both",
        ),
        (
            lambda: faults(
                a_session(1), a_session(2, "10:45", location={"code": "L"}), citizen_id="c-same"
            ),
            "citizen c-same cannot come to both",
        ),
        (
            lambda: faults(a_session(), windows=[{"weekday": 3, "from": None, "to": None}]),
            "outside the citizen's windows",
        ),
    ],
)
def test_a_planted_fault_is_found(planted: Callable[[], list[str]], said: str) -> None:
    assert any(said in fault for fault in planted())


def test_a_course_that_goes_on_too_soon_is_found() -> None:
    body = an_order_body("o1")
    course = {**body, "steps": [{**body["steps"][0], "count": 2, "spacing": {"min_days": 2}}]}
    inspector = Inspector({}, public_holiday)
    sessions = [
        {**a_session(order_id="o1"), "number": 1},
        {**a_session(2, "10:00", order_id="o1"), "number": 2},
    ]
    found = inspector.faults(sessions, {"o1": course})
    assert "order o1: session 2 follows too soon" in found


def test_revisions_that_jump_are_found() -> None:
    plan = Plan()
    plan.read([a_session(), {**a_session(), "type": "session.restated.v1", "revision": 3}])
    assert plan.faults == ["s1 jumps to revision 3"]


def test_a_move_that_moves_nothing_is_found_and_so_is_one_that_is_not_said() -> None:
    plan = Plan()
    plan.read(
        [
            a_session(),
            a_session(type="session.moved.v1", revision=2),
            a_session(begin="10:00", type="session.restated.v1", revision=3),
        ]
    )
    assert [fault.split(",")[0] for fault in plan.faults] == [
        "s1: session.moved.v1",
        "s1: session.restated.v1",
    ]


def test_what_groups_must_not_do_is_found() -> None:
    world = World()
    names = ("T1", "T2")
    world.capacity(a_statement("R", *(a_therapist(n, *all_week()) for n in names), rooms=2))
    body = an_order_body("o1")
    step = {**body["steps"][0], "kind": "course", "seats": 2, "leaders": [{"role": "staff"}]}
    world.order(*({**an_order_body(f"o{n}"), "steps": [step]} for n in (1, 2)))
    one, other = world.ahead()
    assert one["group"] == other["group"]
    assert world.faults() == []

    def wrong(*changed: dict[str, Any]) -> str:
        return " ".join(world.inspector().faults(changed, world.orders))

    assert "does not meet" in wrong(one, {**other, "therapist": "T2"})
    assert "twice" in wrong(one, {**other, "group": "another"})
    assert "an order twice" in wrong(one, {**one, "session_id": "s9"})
    assert "not there" in wrong({**one, "company": ["T9"]})
    assert "leads twice" in wrong({**one, "company": [one["therapist"]]})
    world.orders[one["order_id"]] = {
        **body,
        "steps": [{**step, "leaders": [{"role": "staff", "count": 3}]}],
    }
    assert "a role is without anybody" in wrong(one)
    world.orders[one["order_id"]] = {**body, "steps": [{**step, "seats": 1}]}
    assert "past its seats" in wrong(one, other)
