"""A service under cProfile: `python -m tests.benchmarks.path.profiled services.referral FILE`.

The statistics are written to FILE when the service has stopped; `python -m pstats FILE` reads them.
"""

from __future__ import annotations

import cProfile
import runpy
import sys
from pathlib import Path

from deploy.local.stack import ROOT, Stack


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


def main() -> None:
    """Runs the module that is named first."""
    module, file = sys.argv[1:3]
    sys.argv = [module]
    profile = cProfile.Profile()
    profile.enable()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        profile.disable()
        profile.dump_stats(file)


if __name__ == "__main__":
    main()
