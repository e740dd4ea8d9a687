"""What is done once an hour is tried again at once when it fails."""

from __future__ import annotations

import asyncio

from shared.repeating import repeat
from shared.telemetry import Telemetry


async def test_a_failure_is_retried_long_before_the_next_turn() -> None:
    stop, telemetry, failures = asyncio.Event(), Telemetry("probe"), [ValueError(), OSError()]

    async def look() -> None:
        if failures:
            raise failures.pop()
        assert "tidying" in telemetry.troubles
        stop.set()

    await repeat("tidying", 3600.0, look, stop, telemetry)
    assert failures == []
    assert telemetry.troubles == {}
