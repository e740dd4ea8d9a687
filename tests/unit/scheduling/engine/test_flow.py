"""The exact plan keeps every rule, costs what it says, and is the cheapest there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array

from services.scheduling.engine.flow import assign
from services.scheduling.engine.model import Bools, Ints, Plan, Requests
from services.scheduling.engine.network import Held
from services.scheduling.engine.price import Price
from tests.unit.scheduling.engine.towns import Town, a_town, broken_rules, price_of, towns

SLOW = settings(deadline=None, max_examples=60)
PRICES = st.sampled_from([Price(), Price(longest_late=3), Price(late=50, waited_day=1)])


def cheapest_by_linear_program(town: Town, price: Price) -> float:
    """The same problem with one variable for each citizen and free class, place, day and slot."""
    r, supply = town.requests, town.supply
    cost: list[int] = []
    rows: list[int] = []
    columns: list[int] = []
    hours = {at: n for n, at in enumerate(np.ndindex(supply.capacity.shape))}
    rooms = {at: len(hours) + n for n, at in enumerate(np.ndindex(supply.rooms.shape))}
    limits = [*supply.capacity.reshape(-1).tolist(), *supply.rooms.reshape(-1).tolist()]
    served_rows: list[int] = []
    served_columns: list[int] = []
    for row in range(len(r)):
        served_rows.append(row)
        served_columns.append(len(cost))
        cost.append(int(r.weight[row]) * price.never)
        for taker, place, day, slot in zip(*np.nonzero(supply.capacity), strict=True):
            fits = (
                supply.may[r.kind[row], taker]
                and r.earliest[row] <= day <= r.last[row]
                and r.weekdays[row] >> day % 7 & 1
                and r.window[row] >> slot & 1
                and r.metres[row, place] >= 0
            )
            if not fits:
                continue
            rows += [hours[taker, place, day, slot], rooms[place, day, slot]]
            columns += [len(cost), len(cost)]
            served_rows.append(row)
            served_columns.append(len(cost))
            of_day = price.of_day(r.earliest[row], r.limit[row], r.weight[row], day)
            cost.append(int(of_day) + int(r.metres[row, place]))
    shape = (len(limits), len(cost))
    answer = linprog(
        cost,
        A_ub=coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr(),
        b_ub=limits,
        A_eq=coo_array(
            (np.ones(len(served_rows)), (served_rows, served_columns)), shape=(len(r), len(cost))
        ).tocsr(),
        b_eq=np.ones(len(r)),
        bounds=(0, None),
        method="highs",
    )
    assert answer.status == 0
    return float(answer.fun)


@SLOW
@given(town=towns, price=PRICES)
def test_a_plan_breaks_no_rule_and_costs_what_it_says(town: Town, price: Price) -> None:
    solution = assign(town.requests, town.supply, price)
    assert broken_rules(town, solution.plan) == []
    assert price_of(town, solution.plan, price) == solution.cost


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), price=PRICES)
def test_a_second_exact_solver_finds_nothing_cheaper(seed: int, price: Price) -> None:
    town = a_town(seed, citizens=25)
    cost = assign(town.requests, town.supply, price).cost
    assert abs(cheapest_by_linear_program(town, price) - cost) <= 1e-7 * max(1, cost)


@SLOW
@given(town=towns, seed=st.integers(0, 1000))
def test_the_order_in_which_requests_come_changes_nothing(town: Town, seed: int) -> None:
    shuffled: Ints = np.random.default_rng(seed).permutation(len(town.requests))
    again = assign(town.requests.take(shuffled).in_order(), town.supply, Price()).plan
    plan = assign(town.requests, town.supply, Price()).plan
    for column in ("taker", "place", "day", "slot"):
        assert getattr(plan, column).tolist() == getattr(again, column).tolist()


def test_nobody_waiting_is_a_plan_for_nobody() -> None:
    town = a_town(1)
    nobody: Requests = town.requests.take(np.zeros(0, np.int64))
    solution = assign(nobody, town.supply, Price())
    assert len(solution.plan.day) == 0
    assert solution.cost == 0


def test_without_any_capacity_everybody_is_left_without_a_session() -> None:
    town = a_town(2)
    closed = town.supply.between(0, -1)
    assert not assign(town.requests, closed, Price()).plan.booked.any()


@SLOW
@given(town=towns, seed=st.integers(0, 1000), move=st.sampled_from([0, 20_000, 10**9]))
def test_what_was_told_moves_only_where_that_saves_more_than_a_move_costs(
    town: Town, seed: int, move: int
) -> None:
    chance = np.random.default_rng(seed)
    told = assign(town.requests, town.supply, Price()).plan
    forgotten = chance.random(len(town.requests)) < 0.3
    for column in ("taker", "place", "day", "slot"):
        getattr(told, column)[forgotten] = -1
    gone = chance.random(town.supply.capacity.shape) < 0.2
    left = replace(town.supply, capacity=np.where(gone, 0, town.supply.capacity))
    after = replace(town, supply=left)
    solution = assign(town.requests, left, Price(), held=Held(plan=told, move=move))
    assert broken_rules(after, solution.plan) == []
    stays = same_times(told, solution.plan)
    displaced = int((told.booked & ~(solution.plan.booked & stays)).sum())
    restaffed = told.booked & stays & (told.taker != solution.plan.taker)
    price = price_of(after, solution.plan, Price()) + move * displaced
    # A told citizen may also come to the same slot as anybody would, where a move costs nothing.
    assert price <= solution.cost <= price + int(restaffed.sum())
    if move == 10**9:
        assert displaced == fewest_moves(after, told)


def fewest_moves(after: Town, told: Plan) -> int:
    """How many of those told lose their time: at each slot those beyond the most that the staff who
    are left can take, found by trying every way to give them out."""
    r = after.requests
    crowds: dict[tuple[int, int, int], list[int]] = {}
    for row in np.flatnonzero(told.booked).tolist():
        at = (int(told.place[row]), int(told.day[row]), int(told.slot[row]))
        crowds.setdefault(at, []).append(row)
    lost = 0
    for (place, day, slot), rows in crowds.items():
        left = after.supply.capacity[:, place, day, slot].tolist()
        able = [
            set(np.flatnonzero(after.supply.may[r.kind[row]]).tolist()) | {int(told.taker[row])}
            for row in rows
        ]
        lost += len(rows) - min(most_taken(able, left), int(after.supply.rooms[place, day, slot]))
    return lost


def most_taken(able: list[set[int]], left: list[int]) -> int:
    if not able:
        return 0
    best = most_taken(able[1:], left)
    for taker in able[0]:
        if left[taker]:
            left[taker] -= 1
            best = max(best, 1 + most_taken(able[1:], left))
            left[taker] += 1
    return best


def same_times(one: Plan, other: Plan) -> Bools:
    same = np.ones(len(one.day), np.bool_)
    for column in ("place", "day", "slot"):
        same &= getattr(one, column) == getattr(other, column)
    return same
