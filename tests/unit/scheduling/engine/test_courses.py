"""Courses are the cheapest there are, keep their rhythm, and share nobody."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.courses import (
    Course,
    CoursePrice,
    Offer,
    Rhythm,
    Wish,
    meetings,
    plan_course,
    plan_courses,
)
from services.scheduling.engine.model import InvalidInputError

WEEKLY = Rhythm(fewest=2, best=4, most=6)
PRICE = CoursePrice()
WAYS = (1000, 5000, -1)


def some_offers(seed: int, size: int) -> list[Offer]:
    chance = np.random.default_rng(seed)
    return [
        Offer(
            day=int(chance.integers(0, 16)),
            slot=int(chance.integers(0, 3)),
            place=int(chance.integers(0, 3)),
            people=(str(chance.choice(["Ane", "Bo", "Cem"])),),
        )
        for _ in range(size)
    ]


def price_of(sessions: tuple[Offer, ...], own: str, earliest: int) -> int:
    total = PRICE.waited_day * (sessions[0].day - earliest)
    total += sum(WAYS[s.place] + (0 if own in s.people else PRICE.stranger) for s in sessions)
    days = [s.day for s in sessions]
    gaps = [after - before for before, after in pairwise(days)]
    return total + sum(PRICE.off_rhythm_day * abs(gap - WEEKLY.best) for gap in gaps)


def by_trying_all(offers: list[Offer], count: int, earliest: int) -> int | None:
    costs = []
    for sessions in product(offers, repeat=count):
        days = [s.day for s in sessions]
        gaps = [after - before for before, after in pairwise(days)]
        if any(s.day < earliest or WAYS[s.place] < 0 for s in sessions):
            continue
        if all(WEEKLY.fewest <= gap <= WEEKLY.most for gap in gaps):
            costs += [price_of(sessions, own, earliest) for own in ("Ane", "Bo", "Cem")]
    return min(costs, default=None)


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 12), count=st.integers(1, 3))
def test_no_course_is_cheaper_than_the_one_planned(seed: int, size: int, count: int) -> None:
    offers = some_offers(seed, size)
    course = plan_course([offers] * count, WEEKLY, WAYS, PRICE, earliest=2)
    assert (course.cost if course else None) == by_trying_all(offers, count, 2)
    if course:
        assert course.cost == price_of(course.sessions, course.therapist, 2)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_no_therapist_is_in_two_places_and_no_group_passes_its_seats(seed: int) -> None:
    group = [
        Offer(day=day, slot=9, place=0, people=("Dan", "Eva"), seats=2, group="ryghold")
        for day in (1, 5, 9, 13)
    ]
    wishes = [
        Wish(
            id=f"{n:02}",
            offers=[some_offers(seed, 25) + group] * 3,
            rhythm=WEEKLY,
            metres=WAYS,
            earliest=0,
        )
        for n in range(6)
    ]
    planned = plan_courses(wishes, PRICE)
    sessions = [s for course in planned.values() if course for s in course.sessions]
    seats = Counter(s for s in sessions if s.group)
    assert all(taken <= offer.seats for offer, taken in seats.items())
    held = {(s.day, s.slot, s.place, s.people) for s in sessions if s.group}
    hours = Counter((name, s.day, s.slot) for s in sessions if not s.group for name in s.people)
    hours.update((name, day, slot) for day, slot, _, people in held for name in people)
    assert all(times == 1 for times in hours.values())
    assert planned == plan_courses(reversed(wishes), PRICE)


def test_the_same_therapist_is_worth_a_longer_way() -> None:
    offers = [
        [Offer(day=1, slot=0, place=0, people=("Ane",))],
        [
            Offer(day=5, slot=0, place=0, people=("Bo",)),
            Offer(day=5, slot=1, place=1, people=("Ane",)),
        ],
    ]
    course = plan_course(offers, WEEKLY, WAYS, PRICE, earliest=1)
    assert isinstance(course, Course)
    assert [s.people for s in course.sessions] == [("Ane",), ("Ane",)]


def test_a_conference_needs_everybody_at_once_and_nobody_twice() -> None:
    free = {
        "Ane": frozenset({(1, 0, 0), (2, 0, 0)}),
        "Bo": frozenset({(2, 0, 0), (3, 0, 0)}),
    }
    rooms = frozenset({(1, 0, 0), (2, 0, 0), (3, 0, 0)})
    both = meetings(free, [["Ane", "Bo"], ["Bo", "Ane"]], rooms)
    assert [(o.day, o.people) for o in both] == [(2, ("Ane", "Bo"))]
    assert meetings(free, [["Ane"], ["Ane"]], rooms) == []
    with pytest.raises(InvalidInputError):
        meetings(free, [[]], rooms)


def test_a_course_that_cannot_keep_its_rhythm_is_none() -> None:
    offers = [Offer(day=1, slot=0, place=0, people=("Ane",))]
    assert plan_course([offers, offers], WEEKLY, WAYS, PRICE, earliest=0) is None


def test_a_rhythm_must_make_sense() -> None:
    with pytest.raises(InvalidInputError):
        Rhythm(fewest=3, best=2, most=5)
