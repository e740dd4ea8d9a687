"""An alternative beside today: means over common seeds, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.what_if.measures import Figures

# Student's t, two-sided 95 %, by degrees of freedom.
_T_95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14)
_T_95_MORE = (2.13, 2.12, 2.11, 2.10, 2.09)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An alternative beside today: means over the seeds, and the mean difference with half the
    width of its paired 95 % interval (infinite for one seed)."""

    figures: dict[str, float]
    today: dict[str, float]
    difference: dict[str, tuple[float, float]]
    seeds: int


def beside(today: Sequence[Figures], other: Sequence[Figures]) -> Beside:
    """Pairs the runs of the same seeds; raises `InvalidInputError` where they are not as many."""
    if len(today) != len(other) or not today:
        raise InvalidInputError("an alternative and today must have run on the same seeds")
    then, now = [asdict(f) for f in other], [asdict(f) for f in today]
    names = list(then[0])
    return Beside(
        figures={name: _mean_of(then, name) for name in names},
        today={name: _mean_of(now, name) for name in names},
        difference={
            name: interval([t[name] - n[name] for t, n in zip(then, now, strict=True)])
            for name in names
        },
        seeds=len(today),
    )


def _mean_of(runs: Sequence[dict[str, float]], name: str) -> float:
    return math.fsum(run[name] for run in runs) / len(runs)


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval (Student's t; infinite for one)."""
    mean = math.fsum(differences) / len(differences)
    free = len(differences) - 1
    if free < 1:
        return mean, math.inf
    spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / free)
    table = _T_95 + _T_95_MORE
    t = table[free - 1] if free <= len(table) else 1.98
    return mean, t * spread / math.sqrt(len(differences))
