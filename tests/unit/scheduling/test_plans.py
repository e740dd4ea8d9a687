"""Random weeks: whatever happens, the inspector finds nothing wrong and nothing overlooked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.provider import AT_ONCE, SAME_EVENING
from tests.unit.scheduling.checker import DENMARK, instant, metres
from tests.unit.scheduling.factories import PLACES
from tests.unit.scheduling.scenarios import NOW, Action, weeks_of_work, weeks_with_answers
from tests.unit.scheduling.world import World

HOMES = {"8900": (56.4640, 10.0332), "8870": (56.3806, 9.9094), "8960": (56.4291, 10.1767)}


TELLS = st.sampled_from([AT_ONCE, 2, 1, SAME_EVENING])


def play(
    actions: Sequence[Action],
    after: Callable[[World], None] = lambda world: None,
    tell: int = AT_ONCE,
) -> World:
    """Lets everything happen to a provider, one batch each."""
    world = World(now=NOW, tell=tell)
    for version, (kind, what) in enumerate(actions, 1):
        match kind:
            case "capacity":
                world.capacity({**what, "version": version})
            case "order":
                world.order(what)
            case "withdraw":
                world.withdraw(what)
            case "wait":
                world.now += what
                world.plan_anew()
            case "answer":
                answer(world, *what)
        after(world)
    return world


def answer(world: World, number: int, kind: str, other: dict[str, Any]) -> None:
    """A citizen answers to the newest that was said of their session, or to what it was first."""
    offers = [one for one in world.published if one["type"] == "session.offered.v1"]
    if not offers:
        return
    offer = offers[number % len(offers)]
    session = world.session_of(offer["order_id"]) or offer
    if kind == "exchanged":
        times = session["alternatives"] or [session]
        wanted = {"start": times[-1]["start"], "location": times[-1]["location"]["code"]}
        other = {"wanted": wanted}
    world.answer(kind, session, **other)


@given(weeks_with_answers, TELLS)
@settings(deadline=None)
def test_no_rule_is_ever_broken(actions: Sequence[Action], tell: int) -> None:
    def inspect(world: World) -> None:
        assert world.faults() == []

    play(actions, inspect, tell)


@given(weeks_with_answers, TELLS)
@settings(max_examples=60, deadline=None)
def test_nobody_is_late_or_waits_while_a_time_inside_the_limit_is_free(
    actions: Sequence[Action], tell: int
) -> None:
    world = play(actions, tell=tell)
    assert world.overlooked() == []


@given(weeks_with_answers, TELLS)
@settings(deadline=None)
def test_a_process_that_was_restarted_decides_the_same(
    actions: Sequence[Action], tell: int
) -> None:
    assert play(actions, World.restart, tell).published == play(actions, tell=tell).published


@given(weeks_with_answers, TELLS, st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_cutting_off_the_future_never_changes_what_was_said_before(
    actions: Sequence[Action], tell: int, until: int
) -> None:
    before = play(actions[:until], tell=tell).published
    assert play(actions, tell=tell).published[: len(before)] == before


@given(weeks_with_answers, TELLS)
@settings(max_examples=60, deadline=None)
def test_who_was_told_is_moved_only_where_the_time_is_gone_or_a_limit_is_gained(
    actions: Sequence[Action], tell: int
) -> None:
    world = World(now=NOW, tell=tell)
    for version, (kind, what) in enumerate(actions, 1):
        before = {one["session_id"]: one for one in world.ahead()}
        events: list[dict[str, Any]] = []
        if kind == "order" and what["order_id"] not in world.orders:
            events = world.order(what)
        elif kind == "wait":
            world.now += what
            events = world.plan_anew()
        elif kind == "capacity":
            events = world.capacity({**what, "version": version})
        gained = any(
            one["type"] in {"session.offered.v1", "session.moved.v1"}
            and one["inside_limit"]
            and not before.get(one["session_id"], {"inside_limit": False})["inside_limit"]
            for one in events
        )
        for event in events:
            if event["type"] == "session.moved.v1" and event["session_id"] in before:
                was = before[event["session_id"]]
                lost = world.inspector().faults([was], world.orders)
                assert lost or (gained and event["inside_limit"])


@given(weeks_of_work)
@settings(max_examples=60, deadline=None)
def test_a_new_order_gets_the_time_of_least_price(
    actions: Sequence[Action],
) -> None:
    world = World(now=NOW)
    for version, (kind, what) in enumerate(actions, 1):
        if kind == "capacity":
            world.capacity({**what, "version": version})
        elif kind == "order" and what["postcode"] in HOMES and what["order_id"] not in world.orders:
            order = {**what, "language": "xx"}  # nobody speaks it, so time alone decides
            limit = date.fromisoformat(order["limit"])
            times = world.free(order, limit)
            home = HOMES[order["postcode"]]
            world.order(order)
            session = world.session_of(order["order_id"])
            if times:
                assert session is not None
                earliest = date.fromisoformat(order["earliest"])
                ride = 2 if order["transport"] else 1

                def price(
                    place: str,
                    start: datetime,
                    home: tuple[float, float] = home,
                    earliest: date = earliest,
                    ride: int = ride,
                ) -> int:
                    waited = (start.astimezone(DENMARK).date() - earliest).days
                    return ride * round(metres(home, PLACES[place][2:])) + 3000 * waited

                chosen = session["location"]["code"], instant(session["start"])
                assert price(*chosen) == min(price(*time) for time in times)
            else:
                assert session is None or not session["inside_limit"]


@given(weeks_of_work)
@settings(deadline=None)
def test_new_capacity_moves_only_who_has_to_or_gains_the_limit(actions: Sequence[Action]) -> None:
    world = World(now=NOW)
    for version, (kind, what) in enumerate(actions, 1):
        if kind == "order":
            world.order(what)
        if kind != "capacity":
            continue
        before = {one["session_id"]: one for one in world.ahead()}
        events = world.capacity({**what, "version": version})
        for event in events:
            if event["type"].startswith("session.") and event["session_id"] in before:
                was = before[event["session_id"]]
                lost = world.inspector().faults([was], world.orders)
                assert lost or (not was["inside_limit"] and event["inside_limit"])
