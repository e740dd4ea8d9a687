"""Good sets of k locations: start somewhere, swap one for another while that shortens the way."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from services.scheduling.engine.model import Ints

Floats = NDArray[np.float64]
CHUNK = 1 << 22  # entries looked at together: fits the memory that is near


def total(cost: Floats, chosen: Ints) -> float:
    """The price of everybody going to the cheapest of the chosen. `cost[site, place of demand]`."""
    return float(cost[chosen].min(0).sum())


def greedy(cost: Floats, k: int, fixed: Ints) -> Ints:
    """Opens, beside the fixed, the location that shortens the way most, until k are open."""
    chosen = fixed.tolist()
    near = cost[fixed].min(0) if len(fixed) else None
    while len(chosen) < k:
        if near is None:
            sums = cost.sum(1)
        else:
            sums = np.concatenate(
                [np.minimum(part, near).sum(1) for part in _chunks(cost, cost.shape[1])]
            )
        sums[chosen] = np.inf
        best = int(sums.argmin())
        chosen.append(best)
        near = cost[best] if near is None else np.minimum(near, cost[best])
    return np.array(sorted(chosen), np.int64)


def improve(
    cost: Floats, chosen: Ints, *, fixed: Ints, allowed: Ints, until: float = math.inf
) -> tuple[Ints, float]:
    """Swaps until no swap of one location helps, or the time is over (`until`, on the performance
    counter). Fixed ones stay; only allowed ones come in."""
    chosen = chosen.copy()
    while True:
        value = total(cost, chosen)
        gain, leaving, coming = _best_swap(cost, chosen, fixed, allowed)
        if gain <= 1e-9 * max(1.0, value) or time.perf_counter() > until:
            return np.sort(chosen), value
        chosen[leaving] = coming


def _best_swap(cost: Floats, chosen: Ints, fixed: Ints, allowed: Ints) -> tuple[float, int, int]:
    """The swap that gains most, as (gain, position in `chosen`, site).

    Taking a site in gains where it is nearer; taking one out loses up to the next nearest, less
    what the newcomer takes over (Resende and Werneck's split of the change).
    """
    opened = cost[chosen]
    order = np.argsort(opened.argmin(0), kind="stable")
    nearest = opened.argmin(0)[order]
    ranked = np.partition(opened[:, order], 1, axis=0) if len(chosen) > 1 else None
    first = opened.min(0)[order]
    second = ranked[1] if ranked is not None else np.full(len(order), np.inf)
    used, starts = np.unique(nearest, return_index=True)
    loss = np.zeros(len(chosen))
    if ranked is not None:
        loss[used] = np.add.reduceat(second - first, starts)
    else:
        loss[:] = -float(first.sum())
    newcomers = np.setdiff1d(allowed, chosen)
    best = (-np.inf, -1, -1)
    movable = ~np.isin(chosen, fixed)
    if not len(newcomers) or not movable.any():
        return best
    at = 0
    for part in _chunks(cost, cost.shape[1], rows=newcomers):
        way = part[:, order]
        change = np.zeros((len(way), len(chosen)))
        if ranked is None:
            change[:, 0] = -way.sum(1) - loss[0]
        else:
            change += np.maximum(first - way, 0).sum(1)[:, None] - loss[None]
            taken_over = np.maximum(second - np.maximum(way, first), 0)
            change[:, used] += np.add.reduceat(taken_over, starts, axis=1)
        change[:, ~movable] = -np.inf
        here = int(change.argmax())
        row, leaving = divmod(here, len(chosen))
        if change[row, leaving] > best[0]:
            best = (float(change[row, leaving]), leaving, int(newcomers[at + row]))
        at += len(way)
    return best


def _chunks(cost: Floats, width: int, rows: Ints | None = None) -> list[Floats]:
    rows = np.arange(len(cost)) if rows is None else rows
    step = max(1, CHUNK // max(1, width))
    return [cost[rows[at : at + step]] for at in range(0, len(rows), step)]
