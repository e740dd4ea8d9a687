"""Instants as people here read them."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_HERE: Final = ZoneInfo("Europe/Copenhagen")


def local(instant: str | None) -> str:
    """An ISO 8601 instant as Danish local time, "23.11.2026 08:00"; "" where there is none."""
    if not instant:
        return ""
    return f"{datetime.fromisoformat(instant).astimezone(_HERE):%d.%m.%Y %H:%M}"
