"""A lower bound on the way, by Lagrange: each demand may be served by none or by many, at a price.

For multipliers u the cheapest k sites by r(j) = Σᵢ min(0, cᵢⱼ − uᵢ) give the bound Σ u + Σ r; the
multipliers move along the subgradient (Narula, Ogbu and Samuelsson 1977; Beasley 1993).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from services.scheduling.engine.model import Bools, Ints
from services.scheduling.engine.swap import Floats


@dataclass(slots=True, kw_only=True)
class Bound:
    """The best bound found, and what it tells of each site that was looked at."""

    value: float
    multipliers: Floats
    reduced: Floats
    chosen: Ints
    share: Floats  # how often each site was among the chosen


def bound(
    cost: Floats,
    *,
    choose: int,
    inside: Bools,
    multipliers: Floats,
    target: float,
    rounds: int,
    until: float,
    step: float = 1.5,
    patience: int = 12,
) -> Bound:
    """Raises the bound until it reaches `target`, or `rounds` or the time (`until`, on the
    performance counter) are over. `cost[site, demand]`.

    `inside` sites are open whatever they cost; `choose` more are chosen of the others.
    """
    u = multipliers.copy()
    best = Bound(
        value=-np.inf,
        multipliers=u.copy(),
        reduced=np.zeros(len(cost)),
        chosen=np.empty(0, np.int64),
        share=np.zeros(len(cost)),
    )
    always = np.flatnonzero(inside)
    free = np.flatnonzero(~inside)
    direction = np.zeros_like(u)
    since = 0
    seen = np.zeros(len(cost))
    count = 0
    while count < rounds:
        count += 1
        reduced = _reduced(cost, u)
        part = reduced[free]
        picked = free[np.argpartition(part, choose - 1)[:choose]] if choose else free[:0]
        chosen = np.concatenate([always, picked])
        value = float(u.sum() + reduced[chosen].sum())
        seen[chosen] += 1
        if value > best.value + 1e-7 * abs(value):
            since = 0
        else:
            since += 1
        if value > best.value:
            best.value, best.reduced, best.chosen = value, reduced, chosen
            best.multipliers[:] = u
        if best.value >= target or time.perf_counter() > until:
            break
        gradient = 1.0 - (cost[chosen] < u).sum(0)
        if not gradient.any():
            break  # every demand is served once: the bound is the optimum of this node
        if since >= patience:
            step, since = step / 2, 0
            u[:] = best.multipliers
            direction[:] = 0
            if step < 0.004:
                break
            continue
        direction *= 0.3
        direction += gradient
        length = step * (1.02 * target - value) / float(direction @ direction)
        u += length * direction
    best.share = seen / max(1, count)
    return best


def _reduced(cost: Floats, u: Floats) -> Floats:
    """What each site would earn. A few rows at a time stay in the cache: twice as fast."""
    step = max(1, (1 << 17) // cost.shape[1])
    sums = np.empty(len(cost))
    work = np.empty((step, cost.shape[1]))
    for at in range(0, len(cost), step):
        part = cost[at : at + step]
        earned = work[: len(part)]
        np.subtract(part, u, out=earned)
        np.minimum(earned, 0, out=earned)
        np.sum(earned, axis=1, out=sums[at : at + step])
    return sums
