"""Groups that citizens share, and sessions that several lead at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    all_week,
    an_order_body,
)
from tests.unit.scheduling.world import World

TUESDAY = MONDAY + timedelta(days=1)
FRIDAY = MONDAY + timedelta(days=4)
WEEKS = ("2026-W48", "2026-W49")


def a_group(order_id: str, *, seats: int = 3, count: int = 1, **other: Any) -> dict[str, Any]:
    """A course in a group; the first session has the order's limit."""
    leaders = other.pop("leaders", [])
    body = an_order_body(order_id, **other)
    step = {
        **body["steps"][0],
        "kind": "course",
        "seats": seats,
        "count": count,
        "spacing": {"min_days": 5, "max_days": 9},
        "leaders": leaders,
    }
    return {**body, "programme": "mastery", "steps": [step]}


def a_world(*names: str, **competences: tuple[str, ...]) -> World:
    world = World()
    world.capacity(
        *(
            a_statement(
                "R",
                *(
                    a_therapist(n, *all_week(week), competences=competences.get(n, ("almen",)))
                    for n in names
                ),
                week=week,
            )
            for week in WEEKS
        )
    )
    return world


def where(world: World, number: int = 1) -> dict[str, tuple[Any, ...]]:
    """Each order's time, therapist and room."""
    return {
        one["order_id"]: (one["start"], one["therapist"], one["room"], one["group"])
        for one in world.ahead()
        if one["number"] == number
    }


def test_citizens_share_a_group_until_its_seats_are_taken() -> None:
    world = a_world("T1")
    world.order(*(a_group(f"o{n}") for n in range(4)))
    found = where(world)
    assert len({found[f"o{n}"] for n in range(3)}) == 1
    assert found["o3"] != found["o0"]
    assert "a seat in an open group" in str(world.session_of("o1"))


def test_a_seat_that_is_given_up_is_taken_by_the_next() -> None:
    world = a_world("T1")
    world.order(*(a_group(f"o{n}", seats=2) for n in range(2)))
    shared = where(world)["o0"]
    world.withdraw("o0")
    assert where(world) == {"o1": shared}
    world.order(a_group("o2", seats=2))
    assert where(world)["o2"] == shared


def test_the_therapist_of_a_group_is_free_when_the_last_has_left() -> None:
    world = a_world("T1")
    world.order(a_group("o0"), a_group("o1"))
    start = where(world)["o0"][0]
    world.withdraw("o0")
    world.order(an_order_body("alone"))
    alone = world.session_of("alone")
    assert alone is not None
    assert alone["start"] != start
    world.withdraw("o1")
    world.order(an_order_body("other"))
    other = world.session_of("other")
    assert other is not None
    assert other["start"] == start


def test_other_programmes_have_other_groups() -> None:
    world = a_world("T1")
    world.order(a_group("o0"), {**a_group("o1"), "programme": "back-school"})
    assert where(world)["o0"] != where(world)["o1"]


def test_a_course_in_a_group_keeps_its_rhythm_and_its_company() -> None:
    world = a_world("T1")
    world.order(a_group("o0", count=2), a_group("o1", count=2))
    assert where(world)["o0"] == where(world)["o1"]
    assert where(world, 2)["o0"] == where(world, 2)["o1"]
    days = [one["start"][:10] for one in world.course_of("o0")]
    assert days == ["2026-11-24", "2026-11-30"] or days[1] > "2026-11-28"


def test_when_its_therapist_falls_ill_the_group_moves_together() -> None:
    world = a_world("T1", "T2")
    world.order(*(a_group(f"o{n}") for n in range(3)))
    before = where(world)["o0"]
    other = "T2" if before[1] == "T1" else "T1"
    events = world.capacity(a_statement("R", a_therapist(other, *all_week()), version=2))
    kinds = [one["type"] for one in events if one["type"].startswith("session.")]
    assert len(kinds) == 3
    assert set(kinds) <= {"session.moved.v1", "session.restated.v1"}
    assert len(set(where(world).values())) == 1
    assert where(world)["o0"][1] == other


LEADERS = [
    {"role": "staff", "count": 1, "competences": ["almen"]},
    {"role": "staff", "count": 1, "competences": ["specialiseret"]},
]


def test_a_conference_has_all_who_lead_it_at_once() -> None:
    world = a_world("T1", "S1", S1=("specialiseret",))
    world.order(an_order_body("busy", competences=["specialiseret"]))
    busy = world.session_of("busy")
    world.order(a_group("o0", seats=1, leaders=LEADERS))
    session = world.session_of("o0")
    assert session is not None
    assert busy is not None
    assert (session["therapist"], session["company"]) == ("T1", ["S1"])
    assert session["start"] != busy["start"]
    world.order(an_order_body("next", competences=["specialiseret"]))
    after = world.session_of("next")
    assert after is not None
    assert after["start"] not in {session["start"], busy["start"]}


def test_a_conference_without_somebody_is_not_held() -> None:
    world = a_world("T1")
    events = world.order(a_group("o0", seats=1, leaders=LEADERS))
    assert [one["type"] for one in events if "status" not in one["type"]] == ["order.infeasible.v1"]


def test_a_peer_leads_where_a_roster_names_one_and_is_arranged_elsewhere_else() -> None:
    leaders = [
        {"role": "staff", "count": 1, "competences": ["almen"]},
        {"role": "peer", "count": 1, "competences": []},
    ]
    without = a_world("T1")
    without.order(a_group("o0", leaders=leaders))
    alone = without.session_of("o0")
    assert alone is not None
    assert alone["company"] == []
    with_peer = a_world("T1", "P1", P1=("peer",))
    with_peer.order(a_group("o0", leaders=leaders))
    both = with_peer.session_of("o0")
    assert both is not None
    assert both["company"] == ["P1"]
