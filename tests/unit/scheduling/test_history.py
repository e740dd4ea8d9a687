"""Whom a provider expects, judged by who has come."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from services.scheduling.history import FEWEST_WEEKS, WEEKS, Came, History
from tests.unit.scheduling.factories import (
    MONDAY,
    a_statement,
    a_therapist,
    an_order,
    an_order_body,
)
from tests.unit.scheduling.world import World

THURSDAY, FRIDAY = MONDAY + timedelta(days=3), MONDAY + timedelta(days=4)


def came(on: date, number: int, days: int = 4, **other: Any) -> Came:
    """An order that could begin two days later and had its limit so many days later."""
    two = timedelta(days=2)
    body = {"earliest": on + two, "limit": on + timedelta(days=days), **other}
    return Came(on, an_order(f"{on}-{number}", **body))


def some_weeks(weeks: int, a_day: int = 2, **other: Any) -> list[Came]:
    """So many orders on each Monday, Tuesday and Wednesday before MONDAY."""
    return [
        came(MONDAY - timedelta(weeks=week) + timedelta(days=day), number, **other)
        for week in range(1, weeks + 1)
        for day in range(3)
        for number in range(a_day)
    ]


def test_the_rate_of_each_weekday_is_that_of_whole_weeks_before_the_day() -> None:
    history = History(some_weeks(6), MONDAY)
    assert history.weeks == 6
    assert history.by_weekday(history.orders) == (2, 2, 2, 0, 0, 0, 0)


def test_more_than_twelve_weeks_back_does_not_count() -> None:
    history = History(some_weeks(20), MONDAY)
    assert history.weeks == WEEKS
    assert len(history.orders) == WEEKS * 6


@pytest.mark.parametrize("past", [[], some_weeks(FEWEST_WEEKS - 1), some_weeks(6, a_day=1)[:18:18]])
def test_with_too_little_behind_it_a_provider_expects_nobody(past: list[Came]) -> None:
    history = History(past, MONDAY)
    assert history.orders == ()
    assert history.expected(60) is None
    assert history.alike(60) == []


def test_what_came_on_the_day_itself_changes_nothing_and_neither_does_the_order_of_rows() -> None:
    past = some_weeks(6)
    mixed = [*past, came(MONDAY, 1)]
    Random(1).shuffle(mixed)
    assert History(mixed, MONDAY).orders == History(past, MONDAY).orders


def test_a_session_twice_as_long_takes_the_room_of_two() -> None:
    history = History(some_weeks(6, minutes=60), MONDAY)
    able = frozenset({"almen"})
    hours, halves = history.expected(60), history.expected(30)
    assert hours is not None
    assert halves is not None
    expected = hours.to_come(0, able, 1, 20)
    assert halves.to_come(0, able, 1, 20) == pytest.approx(2 * expected)


def test_orders_without_a_limit_and_groups_are_nobody_s_hurry() -> None:
    assert History(some_weeks(6, limit=None), MONDAY).expected(60) is None
    assert History(some_weeks(6, minutes=45), MONDAY).alike(60) == []


def a_world(*past: Came) -> World:
    """One hour on Thursday and one on Friday; two orders with near limits come each Tuesday."""
    world = World(tell=2)
    hours = ((THURSDAY, "09:00", "10:00"), (FRIDAY, "09:00", "10:00"))
    world.capacity(a_statement("R", a_therapist("T1", *hours)))
    world.desk.asks.history = History(past, MONDAY)
    return world


def an_order_with_time() -> dict[str, object]:
    return an_order_body(earliest=THURSDAY, limit=MONDAY + timedelta(days=12))


def in_a_hurry() -> list[Came]:
    """On each Tuesday an order that needs Thursday."""
    tuesdays = [MONDAY - timedelta(weeks=week) + timedelta(days=1) for week in range(1, 9)]
    return [came(on, number, days=2) for on in tuesdays for number in range(3)]


def test_an_order_with_time_leaves_the_early_hour_to_those_who_are_likely_to_come() -> None:
    world = a_world()
    world.order(an_order_with_time())
    assert [one["start"][:10] for one in world.standing()] == [str(THURSDAY)]
    world = a_world(*in_a_hurry())
    world.order(an_order_with_time())
    assert [one["start"][:10] for one in world.standing()] == [str(FRIDAY)]


def test_the_plan_over_all_leaves_it_too() -> None:
    world = a_world()
    world.order(an_order_with_time())
    world.desk.asks.history = History(in_a_hurry(), MONDAY)
    world.desk.planned = False
    world.plan_anew()
    assert [one["start"][:10] for one in world.held()] == [str(FRIDAY)]
    assert world.faults() == []


def test_the_plan_over_all_takes_the_early_hour_back_when_nobody_is_expected() -> None:
    world = a_world(*in_a_hurry())
    world.order(an_order_with_time())
    world.desk.asks.history = History([], MONDAY)
    world.desk.planned = False
    world.plan_anew()
    assert [one["start"][:10] for one in world.held()] == [str(THURSDAY)]
