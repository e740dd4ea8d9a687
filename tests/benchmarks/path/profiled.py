"""A service under a sampling profiler: `python -m tests.benchmarks.path.profiled MODULE FILE`.

Every few milliseconds of CPU the stack is noted, until SIGUSR2 or the end of the service. Then
FILE holds how many of a hundred samples were in each function (`self`), and in it or below it
(`total`).
"""

from __future__ import annotations

import runpy
import signal
import sys
import types
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.local.stack import ROOT, Stack

INTERVAL: Final = 0.002
_SHOWN: Final = 150


def start_profiled(stack: Stack, service: str, file: Path) -> None:
    """Starts a service of a stack like `Stack.start`, under the profiler."""
    stack.processes.forget(service)
    stack.processes.start(
        service,
        [sys.executable, "-m", __name__, f"services.{service}", str(file)],
        log=stack.log(service),
        env=stack.environment(service),
        cwd=ROOT,
    )


def end_profiles(stack: Stack, services: Sequence[str]) -> None:
    """Ends the sampling; the services run on."""
    for service in services:
        stack.processes.send(service, signal.SIGUSR2)


class Samples:
    """Where the CPU was seen."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._total: Counter[str] = Counter()
        self._count = 0

    def take(self, number: int, frame: types.FrameType | None) -> None:
        """Notes one stack: a handler of SIGPROF."""
        if frame is None:
            return
        self._count += 1
        self._own[_name(frame)] += 1
        self._lines[f"{_name(frame)}:{frame.f_lineno}"] += 1
        seen = set()
        while frame is not None:
            seen.add(_name(frame))
            frame = frame.f_back
        self._total.update(seen)

    def text(self) -> str:
        """Three tables."""
        parts = [f"{self._count} samples"]
        for title, counts in (
            ("total", self._total),
            ("self", self._own),
            ("self, by line", self._lines),
        ):
            parts.append(f"\n{title}")
            parts += [
                f"{100 * count / self._count:6.2f}  {name}"
                for name, count in counts.most_common(_SHOWN)
            ]
        return "\n".join(parts) + "\n"


def _name(frame: types.FrameType) -> str:
    path = frame.f_code.co_filename.rpartition("site-packages/")[2].removeprefix(f"{ROOT}/")
    return f"{path} {frame.f_code.co_qualname}"


def main() -> None:
    """Runs the module that is named first."""
    module, file = sys.argv[1:3]
    sys.argv = [module]
    samples = Samples()

    def end(number: int = 0, frame: types.FrameType | None = None) -> None:
        if signal.setitimer(signal.ITIMER_PROF, 0) != (0, 0):
            Path(file).write_text(samples.text(), encoding="utf-8")

    signal.signal(signal.SIGPROF, samples.take)
    signal.signal(signal.SIGUSR2, end)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        end()


if __name__ == "__main__":
    main()
