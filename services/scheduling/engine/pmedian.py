"""Which k of n locations keep the travel least: the p-median, with a proof where one is found.

Swaps find a good set, Lagrange's bound tells how far from the best it can be, and fixes sites that
cannot (or must) be in a better one; what is left is searched branch by branch with the same bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np

from services.scheduling.engine.core import MOST_PAIRS, pairs_left, solve_core
from services.scheduling.engine.lagrange import Bound, bound
from services.scheduling.engine.model import Bools, Ints, InvalidInputError
from services.scheduling.engine.swap import Floats, greedy, improve, total

MOST_ENUMERATED = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """The answer: which sites, what everybody's way costs, and how far below no answer can be.

    `proven` says that `cost` is least of all: of weighted travel, and of nothing else.
    """

    chosen: tuple[int, ...]
    cost: float
    bound: float
    proven: bool
    nodes: int

    @property
    def gap(self) -> float:
        """How much cheaper, as a share of the cost, an answer could be at most."""
        return 0.0 if self.proven or self.cost == 0 else (self.cost - self.bound) / self.cost


def every_choice(way: Floats, weight: Floats, k: int) -> list[tuple[float, tuple[int, ...]]]:
    """Every set of k sites with its weighted way, cheapest first. `way[demand, site]`.

    For up to 15 sites; raises `InvalidInputError` beyond, and for a k that cannot be.
    """
    cost = _checked(way, weight, k)
    sites = len(cost)
    if sites > MOST_ENUMERATED:
        raise InvalidInputError(f"{sites} sites have too many subsets to list; at most 15 have not")
    ranked = [(total(cost, np.array(chosen)), chosen) for chosen in combinations(range(sites), k)]
    return sorted(ranked)


def solve(way: Floats, weight: Floats, k: int, *, seconds: float = 120.0, seed: int = 0) -> Sites:
    """The cheapest k sites for weighted demand. `way[demand, site]`, in any unit.

    Stops after about `seconds` with the best found and its gap. Raises `InvalidInputError` for k
    outside 1..n, and for a way or weight that is below zero or not a number.
    """
    cost = _checked(way, weight, k)
    if len(cost) <= MOST_ENUMERATED and comb(len(cost), k) * cost.shape[1] <= 5_000_000:
        value, chosen = every_choice(way, weight, k)[0]
        return Sites(chosen=chosen, cost=value, bound=value, proven=True, nodes=0)
    return _Search(cost, k, seconds=seconds, seed=seed).run()


def _checked(way: Floats, weight: Floats, k: int) -> Floats:
    if way.ndim != 2 or way.shape[0] != len(weight):
        raise InvalidInputError("the table of ways needs one row for each weight")
    if not 1 <= k <= way.shape[1]:
        raise InvalidInputError(f"cannot keep {k} of {way.shape[1]} locations")
    if not (np.isfinite(way).all() and np.isfinite(weight).all()):
        raise InvalidInputError("a way or a weight is not a number")
    if (way < 0).any() or (weight < 0).any():
        raise InvalidInputError("a way or a weight is below zero")
    return np.ascontiguousarray((way * weight[:, None]).T, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    inside: Bools
    outside: Bools
    multipliers: Floats
    value: float


class _Search:
    def __init__(self, cost: Floats, k: int, *, seconds: float, seed: int) -> None:
        self.cost, self.k = cost, k
        self.sites = len(cost)
        self.until = time.perf_counter() + seconds
        self.chance = np.random.Generator(np.random.PCG64(seed))
        whole = bool((cost == np.rint(cost)).all())
        self.grain = 1.0 if whole else 0.0
        self.best: Ints = np.arange(k)
        self.value = np.inf
        self.nodes = 0

    @property
    def target(self) -> float:
        """A bound this high proves that nothing better is left."""
        slack = 1e-9 * max(1.0, self.value)
        return self.value - self.grain + (1e-6 if self.grain else -slack)

    def offer(self, chosen: Ints, value: float) -> None:
        if value < self.value:
            self.best, self.value = np.sort(chosen), value

    def start(self) -> None:
        every, none = np.arange(self.sites), np.empty(0, np.int64)
        until = time.perf_counter() + (self.until - time.perf_counter()) / 3
        chosen = greedy(self.cost, self.k, none)
        self.offer(*improve(self.cost, chosen, fixed=none, allowed=every, until=until))
        tries = 3 if self.cost.size <= 1_000_000 else 0
        for _ in range(tries):
            chosen = self.chance.permutation(self.sites)[: self.k]
            self.offer(*improve(self.cost, chosen, fixed=none, allowed=every, until=until))

    def run(self) -> Sites:
        self.start()
        near = np.partition(self.cost[self.best], min(1, self.k - 1), axis=0)
        first = near[0]
        second = near[min(1, self.k - 1)]
        root = _Node(
            inside=np.zeros(self.sites, np.bool_),
            outside=np.zeros(self.sites, np.bool_),
            multipliers=(first + second) / 2,
            value=-np.inf,
        )
        open_nodes = [root]
        floor = np.inf
        while open_nodes:
            node = open_nodes.pop()
            if node.value >= self.target:
                continue
            if time.perf_counter() > self.until:
                floor = min(floor, node.value)
                continue
            open_nodes += self.branch(node, rounds=600 if self.nodes == 0 else 80)
        proven = floor == np.inf
        return Sites(
            chosen=tuple(self.best.tolist()),
            cost=self.value,
            bound=self.value if proven else min(self.value, max(floor, 0.0)),
            proven=proven,
            nodes=self.nodes,
        )

    def branch(self, node: _Node, *, rounds: int) -> list[_Node]:
        """Bounds a node, fixes what it can, and returns the two halves of what is left."""
        self.nodes += 1
        inside, outside = node.inside.copy(), node.outside.copy()
        u = node.multipliers
        value = node.value
        step = 1.5 if self.nodes == 1 else 0.5
        while True:
            live = np.flatnonzero(~outside)
            choose = self.k - int(inside.sum())
            if choose == 0 or len(live) <= self.k:
                chosen = np.flatnonzero(inside) if choose == 0 else live
                if len(chosen) == self.k:
                    self.offer(chosen, total(self.cost, chosen))
                return []
            found = bound(
                self.cost[live],
                choose=choose,
                inside=inside[live],
                multipliers=u,
                target=self.target,
                rounds=rounds,
                until=self.until,
                step=step,
            )
            u, value = found.multipliers, max(value, found.value)
            if value >= self.target:
                return []
            self.repair(live, found, inside)
            if found.value >= self.target:
                return []
            if not self.fix(live, found, inside, outside, choose):
                break
            rounds, step = 60, 0.5
        node = _Node(inside=inside, outside=outside, multipliers=u, value=value)
        if self.nodes == 1 and self.finish(node, found.value):
            return []
        return _halves(node, live, found)

    def finish(self, node: _Node, value: float) -> bool:
        """Solves what the bound leaves as a program of its own, where that is small enough; tells
        whether nothing better is left."""
        kept = ~node.outside
        kept[self.best] = True  # a better one may not be there; this one is
        live = np.flatnonzero(kept)
        cost = self.cost[live]
        left = pairs_left(cost, node.multipliers, self.target - value)
        at = np.searchsorted(live, self.best)
        left[at[cost[at].argmin(0)], np.arange(cost.shape[1])] = True
        if np.count_nonzero(left) > MOST_PAIRS * cost.shape[1]:
            return False
        seconds = (self.until - time.perf_counter()) * 2 / 3
        answer = solve_core(cost, left, node.inside[live], self.k, seconds=max(1.0, seconds))
        if answer is None:
            return False
        chosen, floor = answer
        target = self.target
        self.offer(live[chosen], total(self.cost, live[chosen]))
        return floor >= min(target, self.target)

    def repair(self, live: Ints, found: Bound, inside: Bools) -> None:
        """Makes the bound's choice a real one, and swaps from there."""
        chosen = live[found.chosen]
        before = total(self.cost, chosen)
        if self.nodes == 1 or before < 1.02 * self.value:
            fixed = np.flatnonzero(inside)
            self.offer(*improve(self.cost, chosen, fixed=fixed, allowed=live, until=self.until))

    def fix(self, live: Ints, found: Bound, inside: Bools, outside: Bools, choose: int) -> bool:
        """Fixes what the bound proves; tells whether enough changed to bound once more."""
        free = ~inside[live]
        ordered = np.sort(found.reduced[free])
        last, following = ordered[choose - 1], ordered[choose] if len(ordered) > choose else np.inf
        picked = np.zeros(len(live), np.bool_)
        picked[found.chosen] = True
        out = free & ~picked & (found.value + found.reduced - last >= self.target)
        into = free & picked & (found.value + following - found.reduced >= self.target)
        outside[live[out]] = True
        inside[live[into]] = True
        return bool(out.sum() > 0.1 * len(live) or into.any())


def _halves(node: _Node, live: Ints, found: Bound) -> list[_Node]:
    """With and without the site that the bound is least sure of; the last is searched first."""
    free = np.flatnonzero(~node.inside[live] & ~node.outside[live])
    site = live[free[int(np.abs(found.share[free] - 0.5).argmin())]]
    without, within = node.outside.copy(), node.inside.copy()
    without[site] = True
    within[site] = True
    return [replace(node, outside=without), replace(node, inside=within)]
