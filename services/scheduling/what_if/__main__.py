"""Simulates one question: a job as JSON on stdin, and on stdout a JSON object a line: what it will
take, how far it is, and at last the answer or why there is none.

A process of its own, and a nice one: bookings never wait for a simulation.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.geography import postcodes
from services.scheduling.what_if.pose import answered
from services.scheduling.what_if.study import Progress
from services.scheduling.what_if.wire import MOST_SECONDS, Job


class _Lines:
    """Tells how far it is, a line of JSON each time."""

    def announced(self, text: str, runs: int) -> None:
        """What will be simulated."""
        _say({"announcement": text, "runs": runs})

    def went_on(self, one: Progress) -> None:
        """How far it is."""
        _say({"progress": {"done": one.done, "of": one.of, "seconds_left": one.seconds_left}})


def main() -> None:
    """Reads the job, simulates, writes."""
    os.nice(10)
    job = Job.model_validate_json(sys.stdin.buffer.read())
    try:
        _say({"answer": answered(job.posed(postcodes()), _Lines(), most=MOST_SECONDS)})
    except InvalidInputError as error:
        _say({"refused": str(error)})


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
