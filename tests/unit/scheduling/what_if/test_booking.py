"""The service's own desk books the simulation: lengths, modes, telling, and closings on the way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.capacity import local_date
from services.scheduling.orders import Booking
from services.scheduling.what_if.arrivals import Case, draw, past
from services.scheduling.what_if.booking import Booked, Stage, book
from services.scheduling.what_if.demand import Demand, Request, of_the_past
from services.scheduling.what_if.measures import Measured, Sessions, measure
from services.scheduling.what_if.question import Policy
from services.scheduling.what_if.world import World
from tests.unit.scheduling.factories import MONDAY
from tests.unit.scheduling.what_if.test_world import HOME, a_request, a_week, a_world

FRIDAY = MONDAY + timedelta(days=4)


def a_demand(*requests: Request) -> Demand:
    return of_the_past(requests, HOME, "the past")


def booked(world: World, policy: Policy = Policy.REPLAN, tell: int = 2) -> tuple[Case, Booked]:
    case = past(world)
    stage = Stage(announced=world.first, first_week=0, weeks=world.weeks)
    return case, book(world, case, [stage], tell, policy)


lengths = st.sampled_from([20, 30, 45, 60, 90])
requests = st.lists(
    st.builds(
        lambda day, minutes, delivery, vulnerable, transport: a_request(
            MONDAY + timedelta(days=day),
            minutes=minutes,
            delivery=delivery,
            room=delivery == "location",
            vulnerable=vulnerable,
            transport=transport,
        ),
        st.integers(0, 11),
        lengths,
        st.sampled_from(["location", "location", "home", "screen", "telephone"]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=25)
@given(asked=requests, policy=st.sampled_from(list(Policy)), tell=st.sampled_from([0, 1, 2, 5]))
def test_whatever_is_asked_no_rule_is_broken(
    asked: list[Request], policy: Policy, tell: int
) -> None:
    """Judged from the rules and not from the engine: nobody and no room twice, inside hours and
    wishes, never before the earliest day, for as long as was asked."""
    world = a_world(a_week("R", "T1"), a_week("L", "T2", "T3"), demand=a_demand(*asked))
    case, found = booked(world, policy, tell)
    staff, rooms = defaultdict(list), defaultdict(list)
    for order, booking in zip(case.orders, found.bookings, strict=True):
        if booking is None:
            continue
        slot = booking.slot
        assert slot.end - slot.start == timedelta(minutes=order.step.minutes)
        assert local_date(slot.start) >= order.earliest
        assert (slot.room is not None) is (order.step.delivery == "location")
        staff[slot.therapist].append((slot.start, slot.end))
        if slot.room:
            rooms[slot.location, slot.room].append((slot.start, slot.end))
        at_work = [
            shift
            for of_week in world.weeks
            for week in of_week
            if week.location.code == slot.location
            for one in week.therapists
            if one.id == slot.therapist
            for shift in one.shifts
        ]
        assert any(s.start <= slot.start and slot.end <= s.end for s in at_work)
    for taken in (*staff.values(), *rooms.values()):
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(taken)))


def test_sessions_take_as_long_as_each_request_asks() -> None:
    short, long_ = a_request(MONDAY, minutes=30), a_request(MONDAY, minutes=90)
    _, found = booked(a_world(demand=a_demand(short, long_)))
    lengths_ = sorted(one.slot.length for one in found.bookings if one)
    assert lengths_ == [timedelta(minutes=30), timedelta(minutes=90)]


def test_a_talk_by_telephone_needs_no_room_and_nobody_goes_anywhere() -> None:
    call = a_request(MONDAY, delivery="telephone", room=False)
    world = a_world(demand=a_demand(call, a_request(MONDAY)))
    case, found = booked(world)
    told = Sessions.of(world, case, found)
    assert sorted(told.metres.tolist())[0] == -1
    assert told.booked.all()
    measured = figures(world, case, told)
    assert measured.figures.sessions == pytest.approx(2 * 7 / world.days)
    assert measured.figures.km == pytest.approx(max(told.metres) / 1000)


def figures(world: World, case: Case, told: Sessions) -> Measured:
    lost = np.zeros(len(case), np.bool_)
    return measure(world, case, told, hours=world.hours, lost=lost, ways_today=None)


def test_who_is_not_told_yet_makes_room_for_who_would_be_late() -> None:
    """What the service does and a plan for one citizen at a time cannot."""
    hours = a_week("R", "T1")
    only = replace(
        hours.therapists[0],
        shifts=tuple(
            replace(shift, end=shift.start + timedelta(hours=1))
            for shift in hours.therapists[0].shifts
        ),
    )
    patient = a_request(MONDAY, limit=MONDAY + timedelta(days=21))
    hurried = [
        a_request(MONDAY + timedelta(days=1), limit=MONDAY + timedelta(days=n)) for n in (2, 3)
    ]
    world = a_world(replace(hours, therapists=(only,)), demand=a_demand(patient, *hurried), days=28)
    case, found = booked(world, tell=1)
    assert not Sessions.of(world, case, found).late.any()


@settings(deadline=None, max_examples=15)
@given(asked=requests, cut=st.integers(2, 10))
def test_cutting_off_the_future_changes_nothing_that_was_told(
    asked: list[Request], cut: int
) -> None:
    world = a_world(a_week("R", "T1", "T2"), demand=a_demand(*asked))
    case, whole = booked(world)
    last = MONDAY + timedelta(days=cut)
    known = np.array([on <= last for on in case.came], np.bool_)
    stage = Stage(announced=world.first, first_week=0, weeks=world.weeks)
    early = book(world, case.take(known), [stage], 2, Policy.REPLAN)
    for then, before in zip(np.array(whole.bookings, object)[known], early.bookings, strict=True):
        if _told_by(then, last):
            assert before is not None
            assert (before.slot, before.offered_at) == (then.slot, then.offered_at)


def _told_by(booking: Booking | None, last: date) -> bool:
    return booking is not None and booking.is_told and local_date(booking.offered_at) <= last


def test_a_closing_moves_those_who_were_told_and_nobody_is_booked_against_it() -> None:
    world = a_world(
        a_week("R", "T1"),
        a_week("L", "T2"),
        demand=a_demand(*(a_request(MONDAY + timedelta(days=n % 5)) for n in range(20))),
        days=28,
    )
    case = past(world)
    closed = tuple(
        tuple(
            replace(week, closed=True, therapists=(), rooms=())
            if week.location.code == "R"
            else week
            for week in of_week
        )
        for of_week in world.weeks
    )
    stages = [
        Stage(announced=world.first, first_week=0, weeks=world.weeks),
        Stage(announced=FRIDAY, first_week=1, weeks=closed),
    ]
    found = book(world, case, stages, 5, Policy.REPLAN)
    monday = MONDAY + timedelta(weeks=1)
    after = [
        one.slot.location
        for one in found.bookings
        if one is not None and local_date(one.slot.start) >= monday
    ]
    assert after
    assert set(after) == {"L"}
    (moved,) = found.moved
    assert moved
    assert all(one.day >= monday for one in moved)


def test_the_same_seed_draws_the_same_citizens_and_growth_adds_to_them() -> None:
    world = a_world(
        demand=a_demand(*(a_request(MONDAY + timedelta(days=n % 5)) for n in range(40)))
    )

    def drawn(seed: int, growth: float = 1.0) -> tuple[Case, int, int]:
        case, today, grown = draw(
            world, first=world.first, days=world.days, seed=seed, growth=growth
        )
        return case, int(today.sum()), int(grown.sum())

    assert drawn(1)[0].orders == drawn(1)[0].orders
    assert drawn(1)[0].came != drawn(2)[0].came
    more, less = drawn(1, 1.5), drawn(1, 0.5)
    assert 0 < more[1] < more[2] == len(more[0])
    assert 0 < less[2] < less[1] == len(less[0])
