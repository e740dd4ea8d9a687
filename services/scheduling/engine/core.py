"""What a bound leaves of a p-median problem, as a mixed-integer program of its own.

A demand that is served where it is dearer than its multiplier by the whole gap cannot be part of a
better answer: few pairs of demand and site are left, and their linear relaxation is tight where the
subgradient only comes near (Avella, Sassano and Vasil'ev 2007 call that the core problem).
"""

from __future__ import annotations

import numpy as np

from services.scheduling.engine.mip import Program, ProgramFailedError
from services.scheduling.engine.model import Bools, Ints
from services.scheduling.engine.swap import Floats

MOST_PAIRS = 10
"""For each demand; where more are left, branching is quicker than the program."""


def pairs_left(cost: Floats, multipliers: Floats, slack: float) -> Bools:
    """Which demand may go to which site in an answer that beats the best by more than nothing.
    `cost[site, demand]`; `slack` is what such an answer may cost more than the bound."""
    left: Bools = cost < multipliers + slack
    return left


def solve_core(
    cost: Floats, left: Bools, inside: Bools, k: int, *, seconds: float
) -> tuple[Ints, float] | None:
    """The best k rows of `cost` under the pairs `left`, and a bound on what any others cost; None
    where the time was too short for any. Those `inside` are among them."""
    site, demand = np.nonzero(left)
    pairs, sites, demands = len(site), *left.shape
    column = np.arange(pairs)
    opened = pairs + np.arange(sites)
    columns = pairs + sites
    price = np.concatenate([cost[site, demand], np.zeros(sites)])
    program = Program(price, np.ones(columns, np.int64), opened)
    one, each = np.ones(pairs, np.int64), np.ones(demands, np.int64)
    program.add(demand, column, one, least=each, most=each)
    program.add(
        np.concatenate([column, column]),
        np.concatenate([column, pairs + site]),
        np.concatenate([one, -one]),
        least=None,
        most=np.zeros(pairs, np.int64),
    )
    every, number = np.ones(sites, np.int64), np.full(1, k)
    program.add(np.zeros(sites, np.int64), opened, every, least=number, most=number)
    fixed = opened[inside]
    ones = np.ones(len(fixed), np.int64)
    program.add(np.arange(len(fixed)), fixed, ones, least=ones, most=ones)
    try:
        answer = program.solve(0.0, seconds)
    except ProgramFailedError:
        return None
    return np.flatnonzero(answer.values[pairs:] > 0.5), answer.bound
