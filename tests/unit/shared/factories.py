"""Messages and times for tests of the mechanism."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.envelope import Message

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def a_message(**other: Any) -> Message:
    fields: dict[str, Any] = {
        "topic": "orders",
        "partition": 0,
        "offset": 7,
        "key": b"730",
        "value": b"{}",
        "timestamp": NOW,
        "id": "e1",
        "source": "/genvej/other",
        "subject": "s1",
        **other,
    }
    return Message(**fields)
