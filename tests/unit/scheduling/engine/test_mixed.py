"""Plans with bonds: the rules held by a checker of their own, the price by two other searches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from services.scheduling.engine.flow import assign
from services.scheduling.engine.mixed import NO_LIMIT, Extras, plan
from services.scheduling.engine.model import Ints, InvalidInputError, Plan, Requests, Supply
from services.scheduling.engine.price import Price
from tests.unit.scheduling.engine.towns import Town, a_town, price_of

SLOW = settings(deadline=None, max_examples=30)
Session = tuple[int, int, int, int]  # therapist, place, day, first slot


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A town of therapists one by one, and what binds their sessions to each other."""

    town: Town
    extras: Extras


def a_bound_town(seed: int, *, citizens: int, days: int = 9, therapists: int = 5) -> Bound:
    """A few therapists, some in two places, with a week's hours, one set of bars at each place."""
    town = a_town(seed, citizens=citizens, days=21, places=2)
    chance = np.random.default_rng(seed + 1)
    kinds = len(town.supply.may)
    capacity = np.zeros((therapists, 2, 21, 4), np.int64)
    floating = chance.random(therapists) < 0.4
    for therapist, day in product(range(therapists), town.open_days.tolist()):
        if day >= days:
            continue
        hours = chance.random(4) < 0.6
        places = [0, 1] if floating[therapist] else [therapist % 2]
        for place in places:
            capacity[therapist, place, day] = hours
    rooms = chance.integers(0, 3, (2, 21, 4))
    may = chance.random((kinds, therapists)) < 0.6
    requests = town.requests
    requests = replace(
        requests,
        earliest=np.minimum(requests.earliest, days - 1),
        last=np.minimum(requests.last, days),
    )
    return Bound(
        town=replace(
            town,
            requests=requests,
            supply=Supply(first_day=0, capacity=capacity, rooms=rooms, may=may),
        ),
        extras=Extras(
            slots=chance.integers(1, 3, citizens),
            uses=chance.random((citizens, 1)) < 0.4,
            equipment=np.ones((1, 2), np.int64),
            week_slots=np.where(chance.random(therapists) < 0.5, 4, NO_LIMIT),
            floating=floating,
        ),
    )


bound_towns = st.builds(a_bound_town, st.integers(0, 10**6), citizens=st.integers(1, 14))


def broken_bonds(bound: Bound, made: Plan) -> list[str]:
    """Every rule that the plan breaks, from the rules alone."""
    r, supply, extras = bound.town.requests, bound.town.supply, bound.extras
    busy: Counter[tuple[int, int, int]] = Counter()
    rooms: Counter[tuple[int, int, int]] = Counter()
    bars: Counter[tuple[int, int, int]] = Counter()
    weeks: Counter[tuple[int, int]] = Counter()
    where: dict[tuple[int, int], set[int]] = {}
    broken = []
    for row in range(len(r)):
        session = [int(c[row]) for c in (made.taker, made.place, made.day, made.slot)]
        taker, place, day, first = session
        if day < 0:
            continue
        slots = range(first, first + int(extras.slots[row]))
        if not supply.may[r.kind[row], taker]:
            broken.append(f"{row}: cannot do it")
        if not (r.earliest[row] <= day <= r.last[row] and r.weekdays[row] >> day % 7 & 1):
            broken.append(f"{row}: wrong day")
        if r.metres[row, place] < 0:
            broken.append(f"{row}: place out of reach")
        weeks[taker, day // 7] += len(slots)
        where.setdefault((taker, day), set()).add(place)
        for slot in slots:
            if slot >= supply.slots or not r.window[row] >> slot & 1:
                broken.append(f"{row}: outside the window")
            elif not supply.capacity[taker, place, day, slot]:
                broken.append(f"{row}: therapist off")
            busy[taker, day, slot] += 1
            rooms[place, day, slot] += 1
            bars[place, day, slot] += int(extras.uses[row, 0])
    broken += [f"therapist twice {key}" for key, n in busy.items() if n > 1]
    broken += [
        f"rooms {key}"
        for key, n in rooms.items()
        if key[2] < supply.slots and n > supply.rooms[key]
    ]
    broken += [f"bars {key}" for key, n in bars.items() if n > extras.equipment[0, key[0]]]
    broken += [f"week {key}" for key, n in weeks.items() if 0 <= extras.week_slots[key[0]] < n]
    broken += [
        f"two places {key}"
        for key, places in where.items()
        if extras.floating[key[0]] and len(places) > 1
    ]
    return broken


def sessions_of(bound: Bound, row: int) -> list[Session]:
    """Every session that the citizen could have alone."""
    r, supply = bound.town.requests, bound.town.supply
    length = int(bound.extras.slots[row])
    return [
        (t, p, d, s)
        for t, p, d, s in product(*(range(n) for n in supply.capacity.shape))
        if s + length <= supply.slots
        and supply.may[r.kind[row], t]
        and r.metres[row, p] >= 0
        and r.earliest[row] <= d <= r.last[row]
        and r.weekdays[row] >> d % 7 & 1
        and all(
            supply.capacity[t, p, d, at] and supply.rooms[p, d, at] and r.window[row] >> at & 1
            for at in range(s, s + length)
        )
    ]


def cost_of(bound: Bound, row: int, session: Session, price: Price) -> int:
    r = bound.town.requests
    of_day = price.of_day(r.earliest[row], r.limit[row], r.weight[row], np.array(session[2]))
    return int(of_day) + int(r.metres[row, session[1]])


def cheapest_by_program(bound: Bound, price: Price) -> float:
    """One column for each citizen and session, one row for each rule: by HiGHS."""
    r, supply, extras = bound.town.requests, bound.town.supply, bound.extras
    columns: list[tuple[int, Session]] = []
    cost: list[float] = []
    for row in range(len(r)):
        for session in sessions_of(bound, row):
            columns.append((row, session))
            cost.append(cost_of(bound, row, session, price))
    sessions = len(columns)
    there = {
        key: sessions + n for n, key in enumerate(sorted({(s[0], s[2], s[1]) for _, s in columns}))
    }
    limits: dict[object, tuple[float, list[tuple[int, float]]]] = {}

    def count(key: object, most: float, column: int, factor: float = 1) -> None:
        limits.setdefault(key, (most, []))[1].append((column, factor))

    for column, (row, (t, p, d, s)) in enumerate(columns):
        count(("citizen", row), 1, column)
        length = int(extras.slots[row])
        if extras.week_slots[t] >= 0:
            count(("week", t, d // 7), float(extras.week_slots[t]), column, length)
        if extras.floating[t]:
            count(("there", column), 0, column)
            count(("there", column), 0, there[t, d, p], -1)
        for at in range(s, s + length):
            count(("therapist", t, d, at), 1, column)
            count(("room", p, d, at), float(supply.rooms[p, d, at]), column)
            if extras.uses[row, 0]:
                count(("bars", p, d, at), float(extras.equipment[0, p]), column)
    for (t, d, _), column in there.items():
        if extras.floating[t]:
            count(("one place", t, d), 1, column)
    never = float((r.weight * price.never).sum())
    if not columns:
        return never
    rows = [n for n, (_, entries) in enumerate(limits.values()) for _ in entries]
    entries = [entry for _, listed in limits.values() for entry in listed]
    width = sessions + len(there)
    matrix = coo_array(
        ([f for _, f in entries], (rows, [c for c, _ in entries])), shape=(len(limits), width)
    )
    saved = np.zeros(width)
    saved[:sessions] = [
        c - float(r.weight[row]) * price.never for c, (row, _) in zip(cost, columns, strict=True)
    ]
    answer = milp(
        saved,
        constraints=LinearConstraint(
            matrix.tocsr(), -np.inf, np.array([most for most, _ in limits.values()])
        ),
        integrality=np.ones(width),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    assert answer.status == 0
    return never + float(answer.fun)


@SLOW
@given(bound=bound_towns, waited=st.sampled_from([0, 3_000]))
def test_a_plan_breaks_no_bond_and_no_other_solver_finds_a_cheaper_one(
    bound: Bound, waited: int
) -> None:
    price = Price(waited_day=waited)
    solution = plan(bound.town.requests, bound.town.supply, price, bound.extras)
    assert broken_bonds(bound, solution.plan) == []
    assert price_of(bound.town, solution.plan, price) == solution.cost
    assert abs(cheapest_by_program(bound, price) - solution.cost) <= 1e-6 * solution.cost
    assert solution.gap <= 1e-6


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_trying_every_plan_finds_nothing_cheaper(seed: int) -> None:
    bound = a_bound_town(seed, citizens=3, days=4, therapists=2)
    price = Price()
    r = bound.town.requests
    best = float("inf")
    choices = [[None, *sessions_of(bound, row)] for row in range(len(r))]
    for chosen in product(*choices):
        made = Plan.empty(len(r))
        cost = 0
        for row, session in enumerate(chosen):
            if session is None:
                cost += int(r.weight[row]) * price.never
                continue
            made.taker[row], made.place[row], made.day[row], made.slot[row] = session
            cost += cost_of(bound, row, session, price)
        if cost < best and broken_bonds(bound, made) == []:
            best = cost
    assert plan(r, bound.town.supply, price, bound.extras).cost == best


@SLOW
@given(bound=bound_towns, seed=st.integers(0, 1000))
def test_the_order_in_which_requests_come_changes_nothing(bound: Bound, seed: int) -> None:
    r = bound.town.requests
    shuffled: Ints = np.random.default_rng(seed).permutation(len(r))
    back = np.argsort(r.ids[shuffled])
    again_extras = bound.extras.take(shuffled).take(back)
    again: Requests = r.take(shuffled).in_order()
    first = plan(r, bound.town.supply, Price(), bound.extras).plan
    second = plan(again, bound.town.supply, Price(), again_extras).plan
    for column in ("taker", "place", "day", "slot"):
        assert getattr(first, column).tolist() == getattr(second, column).tolist()


def test_without_bonds_it_is_the_flow_and_exact() -> None:
    town = a_town(3)
    flow = assign(town.requests, town.supply, Price())
    mixed = plan(town.requests, town.supply, Price())
    assert (mixed.cost, mixed.gap) == (flow.cost, 0)


def test_a_gap_that_is_let_be_is_stated() -> None:
    bound = a_bound_town(8, citizens=14)
    exact = plan(bound.town.requests, bound.town.supply, Price(), bound.extras)
    loose = plan(bound.town.requests, bound.town.supply, Price(), bound.extras, gap=0.5)
    assert loose.bound <= exact.cost <= loose.cost
    assert loose.gap <= 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slots": np.array([1])}, "slots has the shape"),
        ({"slots": np.zeros(4, np.int64)}, "takes 1 to 4 slots"),
        ({"equipment": -np.ones((1, 2), np.int64)}, "no equipment"),
        ({"floating": np.zeros(1, np.bool_)}, "floating has the shape"),
    ],
)
def test_bonds_that_cannot_be_are_refused(change: dict[str, Ints], message: str) -> None:
    bound = a_bound_town(1, citizens=4)
    extras = replace(bound.extras, **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=message):
        plan(bound.town.requests, bound.town.supply, Price(), extras)


def test_therapists_who_are_counted_together_cannot_be_bound() -> None:
    town = a_town(1, citizens=4)
    extras = replace(Extras.none(town.requests, town.supply), slots=np.full(4, 2))
    crowd = replace(town.supply, capacity=town.supply.capacity + 2)
    with pytest.raises(InvalidInputError, match="a class of their own"):
        plan(town.requests, crowd, Price(), extras)
