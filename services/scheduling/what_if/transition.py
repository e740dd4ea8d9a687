"""From today's locations to fewer, one closing after the other: in which order, whose bookings
move, and what the limit does meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from math import factorial
from typing import Any, Final

import numpy as np

from services.scheduling.engine.locations import MOST_ORDERS, Staff, closing_orders
from services.scheduling.engine.model import Bools, Ints, InvalidInputError
from services.scheduling.what_if.arrivals import Case
from services.scheduling.what_if.beside import interval
from services.scheduling.what_if.booking import Moved, Stage, book
from services.scheduling.what_if.measures import Sessions
from services.scheduling.what_if.question import OBJECTIVES, Policy
from services.scheduling.what_if.study import Job, Keep, Maker, Study
from services.scheduling.what_if.world import World

MOST_SHOWN: Final = 6  # orders in the answer
Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One closing every `weeks`, told to those who book `notice` days before it."""

    weeks: int = 4
    notice: int = 14

    def __post_init__(self) -> None:
        if not 1 <= self.weeks <= 26:
            raise InvalidInputError("a location closes every 1 to 26 weeks")
        if not 1 <= self.notice <= 7 * self.weeks:
            raise InvalidInputError(
                f"a closing is announced from 1 day to {7 * self.weeks} days before it, so that "
                "one is done before the next is announced"
            )

    def days(self, closures: int) -> int:
        """The days of arrivals: a month before, one after each closing, and one more."""
        return 7 * self.weeks * (closures + 2)


def closing(world: World, keep: Keep) -> Keep:
    """The places that close. Raises `InvalidInputError` for none, or too many to try all orders."""
    closed = tuple(place for place in world.today if place not in keep)
    if not closed:
        raise InvalidInputError("nothing closes, so there is no transition to plan")
    if len(closed) > MOST_ORDERS:
        raise InvalidInputError(
            f"{len(closed)} closures have {factorial(len(closed)):,} orders; all orders are tried "
            f"for up to {MOST_ORDERS}: plan the transition in parts"
        )
    return closed


def transition(study: Study, keep: Keep, pace: Pace, watch: Watch | None = None) -> dict[str, Any]:
    """The order of least objective, and the months of it. The study's world must last as long as
    `pace.days` asks."""
    world, question = study.world, study.question
    if question.staff is Staff.AS_GIVEN:
        raise InvalidInputError(
            "staff as given says nothing of the months between: choose follow, spread or cut"
        )
    if question.replay:
        raise InvalidInputError("a transition lies ahead: it needs a forecast, not the past")
    closed = closing(world, keep)
    orders = _ranked(study, keep, closed)
    runs = [
        _Through(study, keep, orders[0][1], pace).run(seed)
        for seed in _counted(range(question.seeds), watch)
    ]
    figure, sentence = OBJECTIVES[question.objective]
    codes = [site.code for site in world.sites]
    return {
        "objective": f"{sentence}, summed over the months (each as if it lasted, by the online "
        f"rule, {question.quick_seeds} seeds)",
        "orders_tried": len(orders),
        "orders": [
            {"order": [codes[place] for place in order], figure: value}
            for value, order in orders[:MOST_SHOWN]
        ],
        "worst": {"order": [codes[place] for place in orders[-1][1]], figure: orders[-1][0]},
        "weeks": pace.weeks,
        "notice": pace.notice,
        "seeds": question.seeds,
        "months": [
            _month(world, pace, number, [run[number] for run in runs], orders[0][1])
            for number in range(len(closed) + 2)
        ],
    }


def _ranked(study: Study, keep: Keep, closed: Keep) -> list[tuple[float, Keep]]:
    """Every order with its objective summed over the months, the least first."""
    question = study.question
    policy = Policy.NEAREST if question.policy is Policy.NEAREST else Policy.PRICED
    seeds = range(question.quick_seeds)
    states = {
        frozenset(gone): tuple(sorted({*keep, *closed} - set(gone)))
        for size in range(1, len(closed) + 1)
        for gone in combinations(closed, size)
    }
    study.run([Job(state, True, policy, seed) for state in states.values() for seed in seeds])
    value = {
        gone: float(
            np.mean(
                [
                    getattr(
                        study.of(Job(state, True, policy, seed)).measured.figures, question.figure
                    )
                    for seed in seeds
                ]
            )
        )
        for gone, state in states.items()
    }
    return sorted(
        (round(sum(value[frozenset(order[: n + 1])] for n in range(len(order))), 9), order)
        for order in closing_orders(closed)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Month:
    """A month of one seed, beside the same month were nothing closed."""

    late: float
    late_today: float
    vulnerable: float
    vulnerable_today: float
    km: float
    km_today: float
    moved: int
    moved_late: int
    moved_days: float
    moved_to: Ints  # by place


class _Through:
    """One order of closing, simulated from the month before to the month after."""

    def __init__(self, study: Study, keep: Keep, order: Keep, pace: Pace) -> None:
        self._world = study.world
        self._question = study.question
        self._maker = Maker(study.world, study.question, None)
        self._states = [
            tuple(sorted({*keep, *order[number:]})) for number in range(1, len(order) + 1)
        ]
        self._pace = pace

    def run(self, seed: int) -> list[_Month]:
        """The months of a seed."""
        world, question = self._world, self._question
        everybody, _, grown = self._maker.case(seed)
        case = everybody.take(grown)
        lost = self._maker.lost(seed)[grown]
        weeks = self._maker.weeks(seed)
        stages = [
            Stage(
                announced=world.first,
                first_week=0,
                weeks=self._maker.after(weeks, world.today),
            )
        ]
        for number, keep in enumerate(self._states, 1):
            begin = number * self._pace.weeks
            day = world.first + timedelta(weeks=begin, days=-self._pace.notice)
            after = self._maker.after(weeks, keep)
            stages.append(Stage(announced=day, first_week=begin, weeks=after))
        before, through = (
            book(world, case, chosen, question.tell, question.policy)
            for chosen in (stages[:1], stages)
        )
        told = [Sessions.of(world, case, one) for one in (before, through)]
        return [
            self._told(number, case, told, through.moved, lost) for number in range(len(stages) + 1)
        ]

    def _told(
        self,
        number: int,
        case: Case,
        sessions: Sequence[Sessions],
        moved: Sequence[Sequence[Moved]],
        lost: Bools,
    ) -> _Month:
        today, then = sessions
        begin = timedelta(weeks=number * self._pace.weeks)
        end = begin + timedelta(weeks=self._pace.weeks)
        since = [on - self._world.first for on in case.came]
        here = np.array([begin <= one < end for one in since], np.bool_)
        counted = here & ~lost
        vulnerable = counted & np.array([order.vulnerable for order in case.orders], np.bool_)
        taken = moved[number - 1] if 1 <= number <= len(moved) else ()
        rows: Ints = np.array([one.row for one in taken], np.int64)
        was = np.array([(one.day - self._world.first).days for one in taken], np.int64)
        again = then.booked[rows]
        return _Month(
            late=_share(then.late, counted),
            late_today=_share(today.late, counted),
            vulnerable=_share(then.late, vulnerable),
            vulnerable_today=_share(today.late, vulnerable),
            km=_way(then, here),
            km_today=_way(today, here),
            moved=len(rows),
            moved_late=int((then.late[rows] & ~today.late[rows] & ~lost[rows]).sum()),
            moved_days=float((then.begun[rows] - was)[again].mean()) if again.any() else 0.0,
            moved_to=np.bincount(then.place[rows][again], minlength=len(self._world.sites)),
        )


def _month(
    world: World, pace: Pace, number: int, runs: Sequence[_Month], order: Keep
) -> dict[str, Any]:
    begin = world.first + timedelta(weeks=pace.weeks * number)
    closes = order[number - 1] if 1 <= number <= len(order) else None

    def mean(name: str) -> float:
        return float(np.mean([getattr(run, name) for run in runs]))

    def more(name: str) -> list[float | None]:
        apart = [getattr(run, name) - getattr(run, f"{name}_today") for run in runs]
        middle, half = interval(apart)
        return [middle, None if np.isinf(half) else half]

    moved_to = np.mean([run.moved_to for run in runs], axis=0)
    return {
        "from": begin.isoformat(),
        "closes": None if closes is None else world.sites[closes].code,
        "open": [
            world.sites[place].code
            for place in range(len(world.sites))
            if place in world.today and place not in order[:number]
        ],
        "late": mean("late"),
        "late_more": more("late"),
        "vulnerable_late": mean("vulnerable"),
        "vulnerable_late_more": more("vulnerable"),
        "km": mean("km"),
        "km_more": more("km"),
        "moved": mean("moved"),
        "moved_late": mean("moved_late"),
        "moved_days": mean("moved_days"),
        "moved_to": {
            site.code: number
            for site, number in zip(world.sites, moved_to.tolist(), strict=True)
            if number
        },
    }


def _share(flags: Bools, among: Bools) -> float:
    return 100 * float(flags[among].mean()) if among.any() else 0.0


def _way(sessions: Sessions, here: Bools) -> float:
    ways = sessions.metres[here & (sessions.metres >= 0)]
    return float(ways.mean()) / 1000 if len(ways) else 0.0


def _counted(seeds: range, watch: Watch | None) -> Any:
    for seed in seeds:
        yield seed
        if watch is not None:
            watch(seed + 1, len(seeds))
