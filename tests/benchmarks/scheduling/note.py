"""Writes docs/scheduling-figures.md and its plots from what was run, and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from tests.benchmarks.scheduling import bonds
from tests.benchmarks.scheduling.batch import Timing
from tests.benchmarks.scheduling.curves import OF_SITES, ON_SITES, Point
from tests.benchmarks.scheduling.medians import Row
from tests.benchmarks.scheduling.policies import ENTRIES
from tests.benchmarks.scheduling.table import (
    CLAIRVOYANT,
    COLUMNS,
    LEAST_LATE,
    SETTINGS,
    Run,
    interval,
)

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "genvej"  # the same run writes the same file

AHEAD, AHEAD_BOUNDED, SAME_EVENING_AHEAD = "rolling ahead", "rolling ahead, 14 days", "flow ahead"
HARD = ("60 a week, 0.9", "Easter 0.9", "1.0", "1.05")


class Runs:
    """The runs by setting and policy."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._of: dict[tuple[str, str], list[Run]] = {}
        for run in sorted(runs, key=lambda r: r.seed):
            self._of.setdefault((run.setting, run.policy), []).append(run)

    def values(self, setting: str, policy: str, what: str) -> list[float]:
        """One figure of every seed run."""
        return [float(getattr(r.score, what)) for r in self._of.get((setting, policy), [])]

    def mean(self, setting: str, policy: str, what: str) -> float:
        """The mean over the seeds; not a number where none was run."""
        values = self.values(setting, policy, what)
        return float(np.mean(values)) if values else float("nan")

    def paired(self, setting: str, policies: Sequence[str], what: str) -> list[float]:
        """The means over the seeds that all the policies were run on."""
        of = [{r.seed: r for r in self._of.get((setting, policy), [])} for policy in policies]
        seeds = set.intersection(*(set(runs) for runs in of)) if of else set()
        if not seeds:
            return [float("nan")] * len(policies)
        return [
            float(np.mean([getattr(runs[seed].score, what) for seed in sorted(seeds)]))
            for runs in of
        ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def scenario(runs: Runs) -> str:
    """The table of every setting and policy."""
    rows = []
    for setting in SETTINGS:
        for policy in COLUMNS:
            late = runs.values(setting.name, policy, "late")
            if not late:
                continue
            mean, half = interval(late)
            figures = {
                what: runs.mean(setting.name, policy, what)
                for what in ("vulnerable_late", "km", "km_p90", "waited", "mean_days_late")
            }
            worst = max(runs.values(setting.name, policy, "most_days_late"))
            rows.append(
                [setting.name, policy, str(len(late)), f"{mean:.2f} ± {half:.2f}"]
                + [f"{figure:.2f}" for figure in figures.values()]
                + [f"{worst:.0f}", f"{runs.mean(setting.name, policy, 'price'):.1f}"]
            )
    head = ["row", "policy", "seeds", "late %", "vulnerable late %", "km", "km p90"]
    head += ["days waited", "mean days late", "most days late", "price, km a request"]
    return _table(head, rows)


def aims(runs: Runs) -> str:
    """What was aimed at and what came of it, on the seeds that all the compared were run on."""
    rows = []
    for name in HARD:
        for policy in (AHEAD, AHEAD_BOUNDED):
            names = ["priced", CLAIRVOYANT, "rolling", policy]
            priced, bound, rolling, ours = runs.paired(name, names, "late")
            closed = 100 * (priced - ours) / (priced - bound)
            plain = 100 * (priced - rolling) / (priced - bound)
            rows.append(
                [
                    name,
                    f"{policy}: closes 90 % of priced → clairvoyant",
                    f"{closed:.1f} %",
                    f"plain rolling {plain:.1f} %",
                    "yes" if closed >= 90 else "**no**",
                ]
            )
        flow, rolling, ours = runs.paired(name, ["flow", "rolling", SAME_EVENING_AHEAD], "late")
        closed = 100 * (flow - ours) / (flow - rolling)
        what = "told the same evening: closes half of flow → rolling"
        rows.append([name, what, f"{closed:.0f} %", "", "yes" if closed >= 50 else "**no**"])
    for policy in (SAME_EVENING_AHEAD, AHEAD, AHEAD_BOUNDED):
        for what, name in (("late", "late share"), ("vulnerable_late", "the vulnerable's")):
            pairs = [(s.name, runs.paired(s.name, ["priced", policy], what)) for s in SETTINGS]
            run = [(row, pair) for row, pair in pairs if not np.isnan(pair[0])]
            behind = [row for row, (priced, ours) in run if ours > priced]
            came_out = "behind at " + ", ".join(behind) if behind else "never behind"
            rows.append(
                [
                    f"{len(run)} of {len(SETTINGS)} rows",
                    f"{policy}: never behind priced, {name}",
                    came_out,
                    "",
                    "**no**" if behind else "yes",
                ]
            )
    worst = max(runs.values("1.05", AHEAD_BOUNDED, "most_days_late"), default=float("nan"))
    rows.append(
        [
            "1.05",
            f"{AHEAD_BOUNDED}: nobody more than 14 days late",
            f"{worst:.0f} days",
            "",
            "yes" if worst <= 14 else "**no**",
        ]
    )
    return _table(["row", "aim", "came out", "beside", "met"], rows)


def plot_late(runs: Runs, file: Path) -> None:
    """Late share of every policy on the rows."""
    figure, axes = plt.subplots(figsize=(9, 4.8), layout="constrained")
    names = [entry.name for entry in ENTRIES] + [CLAIRVOYANT]
    at = np.arange(len(SETTINGS))
    for number, policy in enumerate(names):
        means = [max(runs.mean(s.name, policy, "late"), 0.01) for s in SETTINGS]
        axes.bar(at + (number - 5) * 0.08, means, 0.08, label=policy)
    axes.set_yscale("log")
    axes.set_xticks(at, [s.name for s in SETTINGS])
    axes.set_ylabel("late, % (0.01 stands for none)")
    figure.legend(
        *axes.get_legend_handles_labels(), fontsize=8, ncols=5, loc="outside upper center"
    )
    _save(figure, file)


def plot_trade(runs: Runs, file: Path) -> None:
    """Travel against late share on the hard rows."""
    figure, grid = plt.subplots(1, len(HARD), figsize=(12, 4), layout="constrained")
    for axes, name in zip(grid, HARD, strict=True):
        for entry in ENTRIES:
            km, late = runs.mean(name, entry.name, "km"), runs.mean(name, entry.name, "late")
            axes.semilogy(km, late, "o", label=entry.name)
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("mean km")
    grid[0].set_ylabel("late, %")
    figure.legend(
        *grid[0].get_legend_handles_labels(), fontsize=8, ncols=8, loc="outside upper center"
    )
    _save(figure, file)


def plot_cost(points: Sequence[Point], file: Path) -> None:
    """Seconds and megabytes of one exact plan against requests and sites."""
    figure, grid = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    by_requests = [(p.requests, p) for p in points if p.sites == ON_SITES]
    by_sites = [(p.sites, p) for p in points if abs(p.requests / OF_SITES - 1) < 0.1]
    curves = (
        (by_requests, f"requests waiting, {ON_SITES} sites"),
        (by_sites, f"sites, {OF_SITES:,} requests"),
    )
    for axes, (curve, label) in zip(grid, curves, strict=True):
        of = sorted(curve, key=lambda one: one[0])
        at = [size for size, _ in of]
        axes.loglog(at, [p.seconds for _, p in of], "o-", label="seconds")
        axes.loglog(at, [p.megabytes / 1000 for _, p in of], "s--", label="GB")
        axes.set_xlabel(label)
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend(fontsize=8)
    _save(figure, file)


def cost_curves(points: Sequence[Point]) -> str:
    """Time and memory against requests and sites."""
    rows = [
        [
            f"{p.requests:,}",
            str(p.sites),
            f"{p.seconds:.3f}",
            f"{p.processor:.3f}",
            f"{p.megabytes:.0f}",
        ]
        for p in points
    ]
    return _table(["requests", "sites", "seconds", "of the processor", "MB at most"], rows)


def mixed(timings: Sequence[bonds.Timing]) -> str:
    """Plans by the mixed-integer program."""
    rows = [
        [f"{t.requests:,}", f"{t.seconds:.1f}", f"{t.processor:.1f}", f"{100 * t.gap:.4f} %"]
        for t in timings
    ]
    return _table(["requests", "seconds", "of the processor", "gap"], rows)


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def plans(timings: Sequence[Timing]) -> str:
    """One exact plan by size, beside HiGHS on the same network."""
    rows = []
    for t in timings:
        same = "–" if t.peer_cost is None else "yes" if abs(t.peer_cost - t.cost) < 1 else "**no**"
        peer = "–" if t.peer_seconds is None else f"{t.peer_seconds:.2f}"
        rows.append(
            [
                f"{t.requests:,}",
                f"{t.seconds:.3f}",
                f"{t.processor:.3f}",
                str(t.megabytes),
                peer,
                same,
            ]
        )
    head = ["requests", "seconds", "of the processor", "MB resident", "HiGHS, seconds"]
    return _table([*head, "same price"], rows)


def medians(rows: Sequence[Row]) -> str:
    """p-median problems."""
    lines = []
    for row in rows:
        proof = "proven" if row.answer.proven else f"gap {100 * row.answer.gap:.2f} %"
        known = "" if row.known is None else str(row.known)
        peer = ""
        if row.peer is not None:
            state = "" if row.peer["proven"] else " (not proven)"
            peer = f"{row.peer['seconds']:.1f}{state}"
        lines.append(
            [
                row.name,
                str(row.k),
                f"{row.answer.cost:.0f}",
                known,
                proof,
                f"{row.seconds:.2f}",
                f"{row.processor:.2f}",
                str(row.answer.nodes),
                str(row.megabytes),
                peer,
            ]
        )
    head = ["problem", "k", "weighted way", "known optimum", "proof", "seconds"]
    head += ["of the processor", "nodes", "MB resident", "spopt + HiGHS, seconds"]
    return _table(head, lines)


def least_late_line(runs: Runs) -> str:
    """How little late share any plan could have, on its own."""
    shares = [f"{s.name} {runs.mean(s.name, LEAST_LATE, 'late'):.2f}" for s in SETTINGS]
    return ", ".join(share for share in shares if "nan" not in share)
