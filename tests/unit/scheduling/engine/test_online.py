"""The session of least price: held against a search through every start, and its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.capacity import DENMARK, LocationWeek, Shift
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.limits import Arrival, BookingLimits
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.engine.online import Site, propose
from services.scheduling.engine.priced import within
from services.scheduling.orders import Answer, Order, Slot, Window
from services.scheduling.weights import Weights
from tests.unit.scheduling.factories import MONDAY, a_therapist, a_week, an_order

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
SITES = (Site("R", "Randers", 1_000), Site("L", "Langå", 9_000))
ALMEN, RARE = frozenset({"almen"}), frozenset({"almen", "specialiseret"})
DAILY = [4.0, 4.0, 4.0, 4.0, 4.0, 0.0, 0.0]


def a_calendar(*weeks: LocationWeek, taken: Sequence[Slot] = ()) -> Calendar:
    calendar = Calendar(lambda _: False)
    for week in weeks:
        calendar.state(week, taken)
    return calendar


def asked(calendar: Calendar, order: Order, **other: Any) -> Answer:
    weights = other.pop("weights", Weights(reserve=0))
    first = order.earliest
    return propose(calendar, order, SITES, first, today=MONDAY, weights=weights, **other)


def one_hour(day: date, begin: str = "09:00") -> tuple[date, str, str]:
    return day, begin, f"{int(begin[:2]) + 1:02}{begin[2:]}"


def a_random_week(place: str, chance: np.random.Generator) -> LocationWeek:
    staff = []
    for number in range(int(chance.integers(0, 4))):
        hours = [
            (MONDAY + timedelta(days=day), f"{begin:02}:00", f"{begin + length:02}:00")
            for day in range(5)
            if chance.random() < 0.6
            for begin, length in [(int(chance.integers(8, 13)), int(chance.integers(1, 4)))]
        ]
        can = ("almen",) if chance.random() < 0.5 else ("almen", "specialiseret")
        spoken = ("da", "en") if chance.random() < 0.3 else ("da",)
        staff.append(a_therapist(f"{place}{number}", *hours, competences=can, languages=spoken))
    return a_week(place, *staff, rooms=int(chance.integers(1, 3)))


def a_random_order(chance: np.random.Generator) -> Order:
    earliest = TUESDAY + timedelta(days=int(chance.integers(0, 3)))
    windows = [{"weekday": None, "from": "09:00", "to": "12:00"}] if chance.random() < 0.3 else []
    return an_order(
        earliest=earliest,
        limit=earliest + timedelta(days=int(chance.integers(-1, 5))),
        vulnerable=bool(chance.random() < 0.3),
        language="en" if chance.random() < 0.3 else "da",
        competences=["specialiseret"] if chance.random() < 0.3 else ["almen"],
        minutes=int(chance.choice([45, 60])),
        windows=windows,
        transport=bool(chance.random() < 0.3),
    )


def every_price(
    weeks: Sequence[LocationWeek], order: Order, price: Weights
) -> list[tuple[bool, int]]:
    """Whether inside the limit, and the price, of every start in an empty calendar."""
    found = []
    length = timedelta(minutes=order.step.minutes)
    assert order.limit is not None
    for week, site in zip(weeks, SITES, strict=True):
        for therapist in week.therapists:
            if not order.step.competences <= therapist.competences or not week.rooms:
                continue
            for shift in therapist.shifts:
                start = shift.start
                while start + length <= shift.end:
                    local = start.astimezone(DENMARK)
                    day = local.date()
                    end = (local + length).time()
                    suits = not order.windows or any(
                        one.begin <= local.time() and end <= (one.finish or time.max)
                        for one in order.windows
                    )
                    if suits and day >= order.earliest:
                        over = (day - order.limit).days
                        weight = 3 if order.vulnerable else 1
                        cost = weight * (price.late + price.late_day * over) if over > 0 else 0
                        cost += price.waited_day * (day - order.earliest).days
                        cost += (site.distance_m or 0) * (2 if order.transport else 1)
                        if order.language not in therapist.languages:
                            cost += price.language
                        found.append((over <= 0, cost))
                    start += timedelta(minutes=15)
    return found


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 10**6))
def test_no_start_in_time_has_a_lower_price_and_none_after_the_limit_while_one_in_time_is_free(
    seed: int,
) -> None:
    chance = np.random.default_rng(seed)
    weeks = [a_random_week(place, chance) for place in ("R", "L")]
    order = a_random_order(chance)
    price = Weights(waited_day=int(chance.choice([0, 3_000, 20_000])), reserve=0)
    answer = asked(a_calendar(*weeks), order, weights=price)
    every = every_price(weeks, order, price)
    if answer.slot is None:
        assert every == []
        return
    chosen = next(w for w in weeks if w.location.code == answer.slot.location)
    therapist = next(t for t in chosen.therapists if t.id == answer.slot.therapist)
    taken = every_price(
        [
            replace(
                week,
                therapists=(replace(therapist, shifts=(_only(answer.slot),)),)
                if week is chosen
                else (),
            )
            for week in weeks
        ],
        order,
        price,
    )
    in_time = [cost for inside, cost in every if inside]
    assert (answer.shortfall is None) is bool(in_time)
    assert min(cost for _, cost in taken) == min(in_time or [cost for _, cost in every])


def _only(slot: Slot) -> Shift:
    return Shift(slot.start, slot.end)


def test_a_wait_of_a_day_is_weighed_against_the_way() -> None:
    week = a_week("R", a_therapist("r", one_hour(WEDNESDAY)))
    calendar = a_calendar(week, a_week("L", a_therapist("l", one_hour(TUESDAY))))
    order = an_order()
    near = asked(calendar, order, weights=Weights(waited_day=3_000, reserve=0)).slot
    soon = asked(calendar, order, weights=Weights(waited_day=9_000, reserve=0)).slot
    assert near is not None
    assert soon is not None
    assert (near.location, soon.location) == ("R", "L")


def test_a_ride_makes_the_way_count_double() -> None:
    week = a_week("R", a_therapist("r", one_hour(WEDNESDAY)))
    calendar = a_calendar(week, a_week("L", a_therapist("l", one_hour(TUESDAY))))
    weights = Weights(waited_day=9_000, reserve=0)
    slot = asked(calendar, an_order(transport=True), weights=weights).slot
    assert slot is not None
    assert slot.location == "R"


def test_who_needs_a_ride_is_booked_when_rides_are_given() -> None:
    calendar = a_calendar(a_week("R", a_therapist("r", (TUESDAY, "07:00", "12:00"))))
    rides = Window(None, time(9), time(14))
    for transport, clock in ((True, time(9)), (False, time(7))):
        slot = asked(calendar, an_order(transport=transport), rides=rides).slot
        assert slot is not None
        assert slot.start.astimezone(DENMARK).time() == clock


def test_refused_starts_are_counted_with_the_reason() -> None:
    week = a_week("R", a_therapist("r", (TUESDAY, "09:00", "10:30")))
    bars = replace(week.rooms[0], equipment=frozenset({"parallel bars"}))
    other = a_week("L", a_therapist("l", one_hour(WEDNESDAY)))
    there = replace(other, rooms=(replace(bars, code="L1"),))
    order = an_order()
    order = replace(order, step=replace(order.step, equipment=frozenset({"parallel bars"})))
    answer = asked(a_calendar(week, there), order)
    assert answer.slot is not None
    assert (answer.slot.location, answer.slot.room) == ("L", "L1")
    assert "3 earlier starts refused: no room with parallel bars." in answer.reason
    assert "Randers (1.0 km): no room with parallel bars when a therapist is" in answer.reason
    at_once = asked(a_calendar(replace(week, rooms=(bars,)), there), order)
    assert at_once.slot is not None
    assert at_once.slot.location == "R"


def test_by_telephone_the_way_counts_for_nothing() -> None:
    week = a_week("R", a_therapist("r", one_hour(WEDNESDAY)))
    calendar = a_calendar(week, a_week("L", a_therapist("l", one_hour(TUESDAY))))
    order = an_order(room=False)
    for delivery, place in (("telephone", "L"), ("screen", "L"), ("location", "R")):
        slot = asked(calendar, replace(order, step=replace(order.step, delivery=delivery))).slot
        assert slot is not None
        assert slot.location == place


def test_at_home_the_therapist_has_time_to_drive_both_ways() -> None:
    calendar = a_calendar(a_week("L", a_therapist("l", (TUESDAY, "09:00", "11:00"))))
    order = an_order(room=False)
    home = replace(order, step=replace(order.step, delivery="home"))
    slot = asked(calendar, home).slot
    assert slot is not None
    assert slot.start.astimezone(DENMARK).time() == time(9, 15)  # 9 km at 50 km/h: 11 minutes
    crowded = a_calendar(a_week("L", a_therapist("l", (TUESDAY, "09:00", "10:15"))))
    assert asked(crowded, home).slot is None


# ---- booking limits ----------------------------------------------------------------------------


def some_limits(mean: float, *likes: Arrival[frozenset[str]]) -> BookingLimits[frozenset[str]]:
    return BookingLimits([mean] * 5 + [0.0, 0.0], likes, within)


def test_the_early_time_is_left_to_those_who_are_still_to_come_with_an_earlier_limit() -> None:
    week = a_week("R", a_therapist("r", one_hour(WEDNESDAY), one_hour(MONDAY + timedelta(days=3))))
    calendar = a_calendar(week)
    tuesdays = [0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    hurried = BookingLimits(tuesdays, [Arrival(1, 1, ALMEN)], within)  # must begin on Wednesday
    order = an_order(earliest=WEDNESDAY, limit=MONDAY + timedelta(days=4))
    at_once, kept = (asked(calendar, order, expected=limits) for limits in (None, hurried))
    assert at_once.slot is not None
    assert kept.slot is not None
    assert at_once.slot.start.astimezone(DENMARK).date() == WEDNESDAY
    assert kept.slot.start.astimezone(DENMARK).date() == MONDAY + timedelta(days=3)
    assert "1 earlier start refused: kept for those whose limit comes first" in kept.reason


def test_whoever_has_the_earliest_limit_is_never_asked_to_wait() -> None:
    week = a_week("R", a_therapist("r", one_hour(WEDNESDAY), one_hour(MONDAY + timedelta(days=3))))
    order = an_order(earliest=WEDNESDAY, limit=WEDNESDAY)
    limits = some_limits(9.0, Arrival(1, 1, ALMEN))
    slot = asked(a_calendar(week), order, expected=limits).slot
    assert slot is not None
    assert slot.start.astimezone(DENMARK).date() == WEDNESDAY


def test_who_can_do_less_is_taken_before_who_others_will_need() -> None:
    staff = [
        a_therapist("a", one_hour(WEDNESDAY), competences=("almen", "specialiseret")),
        a_therapist("b", one_hour(WEDNESDAY, "13:00"), competences=("almen",)),
    ]
    slot = asked(a_calendar(a_week("R", *staff)), an_order(earliest=WEDNESDAY)).slot
    assert slot is not None
    assert slot.therapist == "b"


@given(
    free=st.lists(st.integers(0, 8), min_size=3, max_size=12),
    day=st.integers(1, 10),
    limit=st.integers(1, 20),
    mean=st.floats(0, 9),
    weekday=st.integers(0, 6),
)
@settings(deadline=None)
def test_limits_are_nested(
    free: list[int], day: int, limit: int, mean: float, weekday: int
) -> None:
    limits = some_limits(mean, Arrival(1, 4, ALMEN), Arrival(0, 2, RARE))
    sums = [0, *np.cumsum(free).tolist()]
    richer = [n + (3 if i else 0) for i, n in enumerate(sums)]
    day = min(day, len(sums) - 1)
    chance = limits.chance(weekday, ALMEN, sums, day, limit)
    assert 0 <= chance <= limits.chance(weekday, ALMEN, sums, day, limit + 1) <= 1
    assert limits.chance(weekday, ALMEN, richer, day, limit) <= chance + 1e-12
    if limit <= day:
        assert chance == 0


@given(weekday=st.integers(0, 6), begin=st.integers(1, 20), end=st.integers(1, 20))
def test_those_to_come_are_counted_as_one_would_by_hand(weekday: int, begin: int, end: int) -> None:
    likes = [Arrival(0, 3, ALMEN), Arrival(2, 5, RARE)]
    limits = BookingLimits(DAILY, likes, within)
    by_hand = {ALMEN: 0.0, RARE: 0.0}
    for after in range(1, 21):
        for one in likes:
            if begin <= after + max(1, one.earliest) and after + one.limit <= end:
                mean = DAILY[(weekday + after) % 7] / len(likes)
                by_hand[ALMEN] += mean
                by_hand[one.kind] += mean if one.kind == RARE else 0.0
    for kind, expected in by_hand.items():
        assert limits.to_come(weekday, kind, begin, end) == pytest.approx(expected)


def test_numbers_that_cannot_be_are_refused() -> None:
    for means in ([1.0], [-1.0] * 7, [float("nan")] * 7, [float("inf")] * 7):
        with pytest.raises(InvalidInputError, match="seven mean numbers"):
            BookingLimits(means, [Arrival(1, 2, ALMEN)], within)
