"""Runs the scheduling benchmarks and writes the note: `python -m tests.benchmarks.scheduling`."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.scheduling import bonds, medians, note, online
from tests.benchmarks.scheduling.batch import (
    FIRST_SESSIONS,
    FOLLOW_UPS,
    MUNICIPALITIES,
    national_day,
    online_microseconds,
    timing,
)
from tests.benchmarks.scheduling.curves import curves
from tests.benchmarks.scheduling.policies import BOUNDED
from tests.benchmarks.scheduling.table import run_all

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PLOTS = DOCS / "scheduling-figures"
TEXT = Path(__file__).with_name("note.md")
SIZES = (300, 1_000, 3_000, 6_000, 30_000)
PEER_UP_TO = 1_000


def _plans() -> str:
    timings = [timing(size, peer=size <= PEER_UP_TO) for size in SIZES]
    day, of_day = national_day()
    median, p99 = online_microseconds()
    whole, whole_p99 = online.online_microseconds()
    points = curves()
    note.plot_cost(points, PLOTS / "plan.svg")
    return (
        f"{note.plans(timings)}\n\nOne decision in memory (least price, booking included; 2,000 "
        f"citizens): over the flow's tables, median {median:.0f} µs, 99th percentile {p99:.0f} µs; "
        f"in a provider's calendar as the service does it, with booking limits and the reason: "
        f"median {whole:.0f} µs, 99th percentile {whole_p99:.0f} µs.\n\n"
        f"A national day ({MUNICIPALITIES} municipalities one after the other, {FIRST_SESSIONS:,} "
        f"first sessions by the exact flow, {FOLLOW_UPS:,} follow-ups in courses of five by the "
        f"dynamic programme): {day:.1f} s, {of_day:.1f} s of the processor.\n\n"
        f"Time and memory against requests (at five sites) and sites (the same work spread over "
        f"more), each plan in a process of its own; memory is the process's at most, libraries "
        f"included.\n\n{note.cost_curves(points)}\n\n"
        f"With sessions of two lengths, weekly hours, shared equipment and floating staff, by the "
        f"mixed-integer program, to a gap of {100 * bonds.GAP:.2f} %:\n\n"
        f"{note.mixed(bonds.timings())}"
    )


def _medians(peers: str) -> str:
    rows = [*medians.orlib(peers.split(",")), *medians.family(), *medians.demand()]
    return note.medians(rows)


def _kept(file: Path, make: Callable[[], str], *, again: bool) -> str:
    """What stands in the file, else what `make` gives, kept there."""
    if again or not file.exists():
        print(f"{file.stem} …", flush=True)
        file.write_text(make(), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def main() -> None:
    """Runs what is not kept and writes docs/scheduling-figures.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="worlds of each row (20)")
    parser.add_argument(
        "--kept",
        type=Path,
        default=ROOT / "build" / "scheduling",
        help="folder of earlier runs; a world that stands there is not run again",
    )
    parser.add_argument("--only-kept", action="store_true", help="run nothing, use what is kept")
    parser.add_argument(
        "--timed", action="store_true", help="measure the plans' times anew, and nothing else"
    )
    parser.add_argument("--peer", default="pmed1,pmed6", help="problems that spopt is given too")
    arguments = parser.parse_args()
    kept: Path = arguments.kept
    kept.mkdir(parents=True, exist_ok=True)
    PLOTS.mkdir(parents=True, exist_ok=True)

    again = not (arguments.only_kept or arguments.timed)
    plans = _kept(kept / "plans.md", _plans, again=again or arguments.timed)
    proofs = _kept(kept / "medians.md", lambda: _medians(arguments.peer), again=again)
    runs = note.Runs(
        run_all(arguments.seeds if again else 0, kept / "runs.jsonl", up_to=arguments.seeds)
    )
    note.plot_late(runs, PLOTS / "late.svg")
    note.plot_trade(runs, PLOTS / "trade.svg")
    text = TEXT.read_text(encoding="utf-8").format(
        machine=f"Python {platform.python_version()} on {platform.machine()}",
        too_late=f"{BOUNDED.too_late // 1000:,}",
        scenario=note.scenario(runs),
        least=note.least_late_line(runs),
        aims=note.aims(runs),
        plans=plans,
        limit=medians.LIMIT_SECONDS,
        medians=proofs,
    )
    (DOCS / "scheduling-figures.md").write_text(text, encoding="utf-8")
    print(f"wrote {DOCS / 'scheduling-figures.md'}")


if __name__ == "__main__":
    main()
