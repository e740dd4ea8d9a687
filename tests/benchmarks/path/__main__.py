"""The whole path, measured: `python -m tests.benchmarks.path --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import types
from pathlib import Path

from tests.benchmarks.path.bench import Bench, Options, Result
from tests.benchmarks.path.report import figures, text

DESCRIPTION = """Publishes a country's backlog while the services are stopped, starts them, and
measures until the last message row is committed; then publishes at a steady rate and measures from
the broker's append to the committed row. All three services, Apache Kafka and PostgreSQL (fsync
on) run on this machine. Exit status 1 where the account does not close."""


def main() -> None:
    """Measures and prints."""
    given = _arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    documents, seconds = (2_000, 10.0) if given.quick else (20_000, 60.0)
    options = Options(
        documents=given.documents or documents,
        municipalities=given.municipalities,
        hospitals=given.hospitals,
        rate=given.rate,
        seconds=seconds if given.seconds is None else given.seconds,
        seed=given.seed,
        connections=given.sender_connections,
        profile=given.profile or (),
    )
    folder = Path(tempfile.mkdtemp(prefix="genvej-path-"))
    try:
        result = asyncio.run(_run(folder, options))
    finally:
        for file in folder.glob("*.profile"):
            shutil.move(file, Path.cwd() / file.name)
        shutil.rmtree(folder, ignore_errors=True)
    found = figures(result)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    print(text(found))
    sys.exit(1 if result.account.breaches else 0)


async def _run(folder: Path, options: Options) -> Result:
    return await Bench(folder, options, lambda line: print(line, file=sys.stderr)).run()


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.path", description=DESCRIPTION
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="2,000 documents and 10 seconds: whether it works")
    add("--documents", type=int, help="preloaded documents (20,000)")
    add("--municipalities", type=int, default=98, help="how many of the 98 (98)")
    add("--hospitals", type=int, default=10, help="each with an intake topic of its own (10)")
    add("--rate", type=float, default=100.0, help="documents a second in the open loop (100)")
    add("--seconds", type=float, help="how long the open loop lasts (60); 0 leaves it out")
    add("--seed", type=int, default=1, help="draws country and documents (1)")
    add(
        "--sender-connections",
        type=int,
        help="messages in flight by channel; 1 paces the sender (the service's default)",
    )
    add("--json", type=Path, metavar="FILE", help="writes all figures there, too")
    add(
        "--profile",
        action="append",
        metavar="SERVICE",
        help="samples where a service's CPU goes and leaves SERVICE.profile here",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
