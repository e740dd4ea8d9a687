"""Named points where a fault test kills the process. Inert unless GENVEJ_FAILPOINT names one.

GENVEJ_FAILPOINT is "NAME" or "NAME:COUNT": the process kills itself (SIGKILL, no clean-up) when it
reaches the point for the COUNT-th time.
"""

from __future__ import annotations

import os
import signal
from typing import Final, Literal

Point = Literal[
    "before-commit", "after-commit", "after-produce", "after-delete", "before-call", "after-call"
]

_name, _, _count = os.environ.get("GENVEJ_FAILPOINT", "").partition(":")
_left: Final = {_name: int(_count or 1)} if _name else {}


def reach(point: Point) -> None:
    """Dies here, if this is the point that the environment names."""
    if point in _left:
        _left[point] -= 1
        if _left[point] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
