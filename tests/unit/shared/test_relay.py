"""The relay itself, without a server: whatever goes wrong, it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from shared.clock import Clock
from shared.relay import Relay
from shared.telemetry import Telemetry


async def test_a_relay_tries_again_whatever_went_wrong() -> None:
    """One that ended in silence once left thousands of events behind a killed database."""
    stop, telemetry = asyncio.Event(), Telemetry("probe")
    answers = [
        asyncpg.InternalClientError("cannot switch to state 15"),
        RuntimeError("something that nobody thought of"),
    ]

    async def connect(*_: Any, **__: Any) -> Any:
        if answers:
            raise answers.pop()
        stop.set()
        raise ConnectionRefusedError

    relay = Relay(
        service="probe",
        dsn="",
        client={},
        clock=Clock(),
        telemetry=telemetry,
        stop=stop,
        connect=connect,
    )
    await relay.run()
    assert answers == []
    assert "relay" in telemetry.troubles
