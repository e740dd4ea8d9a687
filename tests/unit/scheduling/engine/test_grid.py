"""A calendar laid out for the flow, and its plan read back as slots that can be booked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.capacity import DENMARK, LocationWeek
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.flow import assign
from services.scheduling.engine.grid import date_of, day_number, lay_out
from services.scheduling.engine.online import Site
from services.scheduling.engine.price import Price
from services.scheduling.orders import Order, Slot
from tests.unit.scheduling.factories import MONDAY, a_therapist, a_week, all_week, an_order

SITES = (Site("R", "Randers", 1000), Site("L", "Langå", 9000))
TUESDAY = MONDAY + timedelta(days=1)


def a_calendar(*weeks: LocationWeek, taken: tuple[Slot, ...] = ()) -> Calendar:
    calendar = Calendar(lambda _: False)
    for week in weeks:
        calendar.state(week, taken)
    return calendar


def planned(calendar: Calendar, *orders: Order, first: date = TUESDAY) -> dict[str, Slot]:
    sites = {order.order_id: SITES for order in orders}
    grid = lay_out(calendar, orders, sites, first=first, minutes=60)
    return grid.slots(assign(grid.requests, grid.supply, Price()).plan)


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[LocationWeek], list[Order]]:
    seed = draw(st.integers(0, 10**6))
    chance = np.random.default_rng(seed)

    def some(values: list[list[str]]) -> list[str]:
        return values[int(chance.integers(0, len(values)))]

    weeks = [
        a_week(
            place,
            *(
                a_therapist(
                    f"{place}{n}",
                    *all_week(begin=begin, end=end)[: int(chance.integers(1, 6))],
                    competences=some([["almen"], ["almen", "specialiseret"]]),
                    languages=some([["da"], ["da", "en"]]),
                )
                for n, (begin, end) in enumerate(
                    [("08:00", "12:00"), ("08:15", "13:40"), ("09:00", "11:00")]
                )
            ),
            rooms=int(chance.integers(1, 3)),
        )
        for place in ("R", "L")
    ]
    orders = [
        an_order(
            f"o{n:02}",
            earliest=TUESDAY + timedelta(days=int(chance.integers(0, 3))),
            limit=TUESDAY + timedelta(days=int(chance.integers(0, 4))),
            language=some([["da"], ["en"], ["ar"]])[0],
            competences=some([["almen"], ["specialiseret"]]),
            vulnerable=bool(chance.random() < 0.2),
            windows=[]
            if chance.random() < 0.6
            else [{"weekday": None, "from": "08:00", "to": "10:00"}],
        )
        for n in range(int(chance.integers(1, 40)))
    ]
    return weeks, orders


@settings(deadline=None, max_examples=40)
@given(town=towns())
def test_every_slot_is_free_fits_the_order_and_is_given_once(
    town: tuple[list[LocationWeek], list[Order]],
) -> None:
    weeks, orders = town
    slots = planned(a_calendar(*weeks), *orders)
    by_id = {order.order_id: order for order in orders}
    shifts = {t.id: t for week in weeks for t in week.therapists}
    rooms = {week.location.code: {room.code for room in week.rooms} for week in weeks}
    english = any(
        "en" in t.languages and any(s.start.date() >= TUESDAY for s in t.shifts)
        for t in shifts.values()
    )
    for order_id, slot in slots.items():
        order, therapist = by_id[order_id], shifts[slot.therapist]
        assert order.step.competences <= therapist.competences
        assert any(s.start <= slot.start and slot.end <= s.end for s in therapist.shifts)
        assert slot.therapist.startswith(slot.location)
        assert slot.room in rooms[slot.location]
        assert slot.start.astimezone(DENMARK).date() >= order.earliest
        if order.language == "en" and english:
            assert "en" in therapist.languages
        for window in order.windows:
            assert window.begin <= slot.start.astimezone(DENMARK).time()
            assert slot.end.astimezone(DENMARK).time() <= (window.finish or slot.end.time())
    for one, other in combinations(slots.values(), 2):
        if one.start < other.end and other.start < one.end:
            assert one.therapist != other.therapist
            assert one.room != other.room or one.location != other.location
    assert slots == planned(a_calendar(*weeks), *reversed(orders))


def test_what_is_booked_already_is_not_given_again() -> None:
    week = a_week("R", a_therapist("t1", (TUESDAY, "08:00", "10:00")), rooms=1)
    first = planned(a_calendar(week), an_order("a"))["a"]
    both = planned(a_calendar(week, taken=(first,)), an_order("a"), an_order("b"))
    assert len(both) == 1
    assert first not in both.values()


@pytest.mark.parametrize(
    "order", [lambda: an_order("a", minutes=45), lambda: an_order("a", room=False)]
)
def test_orders_of_another_length_or_without_a_room_are_left_out(
    order: Callable[[], Order],
) -> None:
    week = a_week("R", a_therapist("t1", *all_week()))
    assert planned(a_calendar(week), order()) == {}


def test_no_calendar_and_no_orders_give_no_plan() -> None:
    assert planned(a_calendar(), an_order("a")) == {}
    assert planned(a_calendar(a_week("R", a_therapist("t1", *all_week())))) == {}


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_monday_is_divisible_by_seven(day: date) -> None:
    assert (day_number(day) % 7 == 0) is (day.weekday() == 0)
    assert date_of(day_number(day)) == day
