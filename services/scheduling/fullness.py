"""How full a location is in a week, as capacity-status says it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from services.scheduling import events
from services.scheduling.capacity import monday_of
from services.scheduling.engine.calendar import Calendar, cells_of
from services.scheduling.provider import Provider
from shared.envelope import Event

_AN_HOUR: Final = cells_of(60)
_ANYBODY: Final[frozenset[str]] = frozenset()


def fullness(
    provider: Provider, calendar: Calendar, key: tuple[str, str], backlog: int, now: datetime
) -> Event:
    """The status of a (location, week). `backlog` counts orders without a session in time."""
    location, week = key
    supply = provider.supply.get(key, timedelta())
    booked = provider.booked.get(key, timedelta())
    status = events.CapacityStatus(
        provider=provider.code,
        location=location,
        week=week,
        supply_minutes=_minutes(supply),
        booked_minutes=_minutes(booked),
        free_minutes=max(0, _minutes(supply - booked)),
        next_free=_next_free(calendar, key, provider.terms.earliest(now)),
        backlog=backlog,
        as_of=now,
    )
    return Event(
        topic=events.CAPACITY_STATUS,
        key=f"{provider.code}/{location}/{week}",
        type=events.STATUS,
        subject=location,
        value=status.model_dump_json().encode(),
    )


def _next_free(calendar: Calendar, key: tuple[str, str], earliest: date) -> datetime | None:
    location, week = key
    monday = monday_of(week)
    for day in calendar.days(location, max(monday, earliest), monday + timedelta(days=6)):
        free = day.starts(_AN_HOUR, _ANYBODY) & day.room_starts(_AN_HOUR)
        if free:
            return day.instant((free & -free).bit_length() - 1)
    return None


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
