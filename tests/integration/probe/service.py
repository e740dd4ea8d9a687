"""A service that does what its messages say: applies, refuses, fails, waits, sets timers.

A message's value is JSON: {"do": ..., "value": ...}. What was applied stands in the table `seen`.
Run as a module it is a process of its own, for tests that kill it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from shared.envelope import Event, Message
from shared.handling import Applied, Dead, DueTimer, Outcome, Parked, SetTimer, Unit
from shared.runtime import run
from shared.service import Service, Subscription
from shared.settings import ServiceSettings

MIGRATIONS = Path(__file__).parent / "migrations"
VAULT_KEYS = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TOKEN = "let me in"


class ProbeSettings(ServiceSettings):
    service: ClassVar[str] = "probe"
    prefix: str = ""


class Probe:
    """The probe's handlers. `patience` is how long a parked message waits."""

    def __init__(self, prefix: str, *, name: str = "one") -> None:
        self.prefix = prefix
        self.name = name
        self.patience = timedelta(seconds=60)
        self.down = False
        self.batches: list[int] = []

    async def handle(self, unit: Unit, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.batches.append(len(messages))
        return [await self._one(unit, message) for message in messages]

    async def _one(self, unit: Unit, message: Message) -> Outcome:  # noqa: PLR0911
        if self.down:
            raise ConnectionResetError
        order: dict[str, Any] = json.loads(message.value or b"")
        value = str(order.get("value", ""))
        event = Event(
            topic=f"{self.prefix}out",
            key=(message.key or b"").decode(),
            type="dk.genvej.probe.done.v1",
            subject=message.subject,
            value=json.dumps({"value": value}).encode(),
        )
        match order.get("do", "apply"):
            case "apply":
                await self._see(unit, message.subject, value)
                return Applied(events=[event])
            case "refuse":
                return Applied(events=[event])
            case "raise":
                await self._see(unit, message.subject, value)
                raise ValueError("the message's own fault, and its text is nobody's business")
            case "bury":
                return Dead(reason="unusable", holds=message.subject, events=[event])
            case "need":
                if await unit.conn.fetchval("SELECT true FROM facts WHERE name = $1", value):
                    await self._see(unit, message.subject, value)
                    return Applied(events=[event])
                return Parked(
                    waits_for=value,
                    until=unit.now + self.patience
                    if self.patience
                    else message.timestamp - timedelta(days=1),
                    reason="its fact is missing",
                    events=[event],
                )
            case "learn":
                await unit.conn.execute(
                    "INSERT INTO facts VALUES ($1) ON CONFLICT DO NOTHING", value
                )
                await self._see(unit, message.subject, value)
                return Applied(releases=[value])
            case "large":
                large = Event(topic=event.topic, key="k", type="t", subject="s", value=b"x" * 10**6)
                return Applied(events=[large])
            case "remind":
                return Applied(
                    timers=[
                        SetTimer(
                            kind="reminder",
                            key=value,
                            due=datetime.fromisoformat(order["due"]),
                            partition_key=(message.key or b"").decode(),
                            data=value.encode(),
                        )
                    ]
                )
            case other:
                raise ValueError(other)

    async def remind(self, unit: Unit, timers: Sequence[DueTimer]) -> Sequence[Outcome]:
        for timer in timers:
            if timer.data == b"raise":
                raise ValueError
            await self._see(unit, "timer", timer.data.decode())
        return [Applied() for _ in timers]

    async def _see(self, unit: Unit, subject: str, value: str) -> None:
        await unit.conn.execute(
            "INSERT INTO seen (subject, value, process) VALUES ($1, $2, $3)",
            subject,
            value,
            self.name,
        )

    def service(self) -> Service:
        return Service(
            name="probe",
            migrations=MIGRATIONS,
            subscriptions=[
                Subscription(
                    topics=[f"{self.prefix}in", f"{self.prefix}more"], handler=self.handle
                ),
                Subscription(
                    topics=[self.prefix + "from.{outsider}"], handler=self.handle, kind="intake"
                ),
            ],
            timers={"reminder": self.remind},
        )


if __name__ == "__main__":
    settings = ProbeSettings.load()
    run(Probe(settings.prefix, name=os.environ.get("PROBE_NAME", "one")).service(), settings)
    sys.exit(0)
