"""Runs the scheduling benchmarks and writes the note: `python -m tests.benchmarks.scheduling`."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

from tests.benchmarks.scheduling import medians, note
from tests.benchmarks.scheduling.batch import online_microseconds, timing
from tests.benchmarks.scheduling.table import run_all

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
SIZES = (300, 1_000, 3_000, 6_000, 30_000)
PEER_UP_TO = 1_000

TEXT = Path(__file__).with_name("note.md")


def main() -> None:
    """Runs what is asked for and writes docs/scheduling-figures.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="worlds of each row (20)")
    parser.add_argument(
        "--runs",
        type=Path,
        default=ROOT / "build" / "scheduling-runs.jsonl",
        help="where runs are kept; what stands there is not run again",
    )
    parser.add_argument("--only-kept", action="store_true", help="run no world, use those kept")
    parser.add_argument("--peer", default="pmed1,pmed6", help="problems that spopt is given too")
    arguments = parser.parse_args()
    arguments.runs.parent.mkdir(parents=True, exist_ok=True)
    plots = DOCS / "scheduling-figures"
    plots.mkdir(parents=True, exist_ok=True)

    seeds = 0 if arguments.only_kept else arguments.seeds
    kept = run_all(seeds, arguments.runs, up_to=arguments.seeds)
    runs = note.Runs(kept)
    print("one exact plan", flush=True)
    timings = [timing(size, peer=size <= PEER_UP_TO) for size in SIZES]
    median, p99 = online_microseconds()
    print("p-median", flush=True)
    problems = [
        *medians.orlib(arguments.peer.split(",")),
        *medians.family(),
        *medians.demand(),
    ]
    note.plot_late(runs, plots / "late.svg")
    note.plot_trade(runs, plots / "trade.svg")
    note.plot_cost(timings, plots / "plan.svg")
    text = TEXT.read_text(encoding="utf-8").format(
        machine=f"Python {platform.python_version()}, {platform.machine()}",
        too_late="20,000",
        scenario=note.scenario(runs),
        least=note.least_late_line(runs),
        aims=note.aims(runs),
        plans=note.plans(timings),
        median=median,
        p99=p99,
        limit=medians.LIMIT_SECONDS,
        medians=note.medians(problems),
    )
    (DOCS / "scheduling-figures.md").write_text(text, encoding="utf-8")
    print(f"wrote {DOCS / 'scheduling-figures.md'}")


if __name__ == "__main__":
    main()
