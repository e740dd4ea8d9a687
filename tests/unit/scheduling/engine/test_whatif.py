"""Closing locations: nobody is sent to a closed one, no hour appears, seeds are common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.engine.forecast import from_history
from services.scheduling.engine.locations import (
    Change,
    Rooms,
    Staff,
    changed_requests,
    changed_supply,
    closing_orders,
)
from services.scheduling.engine.measures import Case, Figures, Measured, never_in_time
from services.scheduling.engine.model import Bools, Ints, InvalidInputError, Supply
from services.scheduling.engine.price import Price
from services.scheduling.engine.quick import simulate_online
from services.scheduling.engine.simulate import simulate
from services.scheduling.engine.single import OneByOne, Rule, cheapest, nearest
from services.scheduling.engine.whatif import (
    Online,
    beside,
    draw,
    simulate_change,
)
from tests.unit.scheduling.engine.towns import Town, a_town, towns

BETWEEN = np.array([[0, 9, 5], [9, 0, 7], [5, 7, 0]])
POLICY = Online(price=Price(), rule=cheapest)


def a_change(*keep: int, staff: Staff = Staff.FOLLOW, rooms: Rooms = Rooms.MOVE) -> Change:
    return Change(keep=keep, staff=staff, rooms=rooms, between=BETWEEN)


@settings(deadline=None, max_examples=60)
@given(
    town=towns,
    keep=st.sampled_from([(0,), (1,), (0, 2), (1, 2), (0, 1, 2)]),
    staff=st.sampled_from([Staff.FOLLOW, Staff.SPREAD]),
)
def test_moved_staff_keeps_its_hours_and_competences(
    town: Town, keep: tuple[int, ...], staff: Staff
) -> None:
    after = changed_supply(town.supply, a_change(*keep, staff=staff))
    assert (after.capacity.sum(1) == town.supply.capacity.sum(1)).all()
    assert (after.rooms.sum(0) == town.supply.rooms.sum(0)).all()
    closed = [place for place in range(3) if place not in keep]
    assert after.capacity[:, closed].sum() == 0
    assert after.rooms[closed].sum() == 0


def test_staff_follows_to_the_nearest_kept_location() -> None:
    supply = a_town(1).supply
    after = changed_supply(supply, a_change(1, 2))
    moved = supply.capacity[:, 2] + supply.capacity[:, 0]
    assert (after.capacity[:, 2] == moved).all()


def test_staff_that_is_cut_is_gone_and_rooms_that_stay_are_not_added() -> None:
    supply = a_town(1).supply
    after = changed_supply(supply, a_change(1, 2, staff=Staff.CUT, rooms=Rooms.STAY))
    assert (after.capacity[:, 1:] == supply.capacity[:, 1:]).all()
    assert (after.rooms[1:] == supply.rooms[1:]).all()


def test_staff_as_given_needs_to_be_given() -> None:
    supply = a_town(1).supply
    with pytest.raises(InvalidInputError, match="as given"):
        changed_supply(supply, a_change(1, staff=Staff.AS_GIVEN))
    doubled = Supply(first_day=0, capacity=supply.capacity * 2, rooms=supply.rooms, may=supply.may)
    after = changed_supply(supply, a_change(1, 2, staff=Staff.AS_GIVEN), doubled)
    assert (after.capacity[:, 1:] == 2 * supply.capacity[:, 1:]).all()


@pytest.mark.parametrize(("keep", "says"), [((), "keep 0"), ((0, 5), "unknown"), ((1, 1), "twice")])
def test_what_cannot_be_kept_is_said(keep: tuple[int, ...], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        a_change(*keep)


def test_every_order_of_closing_is_tried_up_to_six() -> None:
    assert len(closing_orders([3, 1, 2])) == 6
    with pytest.raises(InvalidInputError, match="at most 6"):
        closing_orders(range(7))


@settings(deadline=None, max_examples=30)
@given(town=towns, keep=st.sampled_from([(0,), (1, 2)]))
def test_nobody_is_sent_to_a_closed_location(town: Town, keep: tuple[int, ...]) -> None:
    case = a_case(town)
    change = a_change(*keep, staff=Staff.CUT, rooms=Rooms.STAY)
    left = changed_requests(case.requests, change)
    assert (left.metres[:, [p for p in range(3) if p not in keep]] == -1).all()
    today = run(town, a_change(0, 1, 2))
    fewer = run(town, change, today.ways)
    assert 0 <= fewer.figures.late <= 100
    assert 0 <= today.figures.unbooked <= 100
    farther = (fewer.ways - today.ways > 5000) & (fewer.ways >= 0) & (today.ways >= 0)
    both = (fewer.ways >= 0) & (today.ways >= 0)
    share = 100 * farther.sum() / both.sum() if both.any() else 0.0
    assert fewer.figures.much_farther == pytest.approx(share)


def a_case(town: Town) -> Case:
    citizens = np.arange(len(town.arrivals))
    return Case(
        requests=town.requests,
        arrivals=town.arrivals,
        district=citizens % 3,
        rides=citizens % 2 == 0,
    )


def run(town: Town, change: Change, ways_today: Ints | None = None) -> Measured:
    return simulate_change(
        a_case(town),
        town.supply,
        change,
        POLICY,
        open_days=town.open_days,
        days=14,
        groups=np.arange(3),
        districts=3,
        ways_today=ways_today,
    )


@settings(deadline=None, max_examples=60)
@given(town=towns, rule=st.sampled_from([cheapest, nearest]))
def test_the_quick_run_books_what_the_rule_books_evening_by_evening(town: Town, rule: Rule) -> None:
    quick = simulate_online(town.requests, town.arrivals, town.supply, rule, Price())
    policy = OneByOne(price=Price(), rule=rule)
    slow = simulate(town.requests, town.arrivals, town.supply, policy, open_days=town.open_days)
    for column in ("taker", "place", "day", "slot"):
        assert getattr(quick.plan, column).tolist() == getattr(slow.plan, column).tolist()
    assert quick.told.tolist() == slow.told.tolist()


def drawn(town: Town, *, growth: float = 1.0) -> list[tuple[Case, Bools, Bools]]:
    forecast = from_history(town.requests, town.arrivals)
    citizens = np.arange(len(town.arrivals))
    return [
        draw(
            forecast,
            citizens % 4,
            citizens % 2 == 0,
            days=14,
            first_day=0,
            seed=seed,
            growth=growth,
        )
        for seed in range(3)
    ]


def test_the_same_seeds_draw_the_same_citizens() -> None:
    town = a_town(7, citizens=40)
    for (one, *_), (other, *_) in zip(drawn(town), drawn(town), strict=True):
        assert one.requests.earliest.tolist() == other.requests.earliest.tolist()
        assert one.district.tolist() == other.district.tolist()
    (first, *_), (second, *_), _ = drawn(town)
    assert first.arrivals.tolist() != second.arrivals.tolist()


def test_with_more_plans_others_come_beside_those_of_today() -> None:
    for case, today, grown in drawn(a_town(7, citizens=40), growth=1.5):
        assert len(case.arrivals) == len(today) == grown.sum()
        assert 0 < today.sum() < len(today)


def test_with_fewer_plans_some_of_today_stay_away() -> None:
    for _, today, grown in drawn(a_town(7, citizens=40), growth=0.5):
        assert today.all()
        assert 0 < grown.sum() < len(grown)


@pytest.mark.parametrize("growth", [0.0, -1.0, 11.0])
def test_a_number_of_plans_that_cannot_be_is_refused(growth: float) -> None:
    with pytest.raises(InvalidInputError, match="number of plans"):
        drawn(a_town(1), growth=growth)


@settings(deadline=None, max_examples=40)
@given(town=towns)
def test_lost_are_those_whom_an_empty_system_would_serve_late(town: Town) -> None:
    lost = never_in_time(town.requests, town.supply)
    r, supply = town.requests, town.supply
    for row in range(len(r)):
        in_time = any(
            supply.may[r.kind[row], taker]
            and supply.rooms[place, day, slot] > 0
            and r.earliest[row] <= day <= r.limit[row]
            and r.weekdays[row] >> day % 7 & 1
            and r.window[row] >> slot & 1
            for taker, place, day, slot in zip(*np.nonzero(supply.capacity), strict=True)
        )
        assert bool(lost[row]) is not in_time


def figures_with(late: float) -> Figures:
    names = Figures.__slots__
    return Figures(**{name: late if name == "late" else 0.0 for name in names})


def test_differences_are_paired_seed_by_seed() -> None:
    today, other = [figures_with(x) for x in (1, 5, 9)], [figures_with(x) for x in (2, 6, 10)]
    compared = beside(today, other)
    assert compared.difference["late"] == (1.0, 0.0)
    assert compared.figures["late"] - compared.today["late"] == pytest.approx(1)
    with pytest.raises(InvalidInputError, match="same seeds"):
        beside(today, other[:2])
