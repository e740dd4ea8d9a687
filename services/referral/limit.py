"""The statutory limit as arithmetic: Sundhedsloven § 140's seven days and the days around them.

Seven calendar days from discharge, or from the later start that the plan sets for health reasons:
the programmes' files say how many, and whether. All dates are local (Europe/Copenhagen), all
instants UTC. Standard library only.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.referral.programme import LimitRule

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
WORKDAY_BEGINS: Final = time(8)


def local_day(instant: datetime) -> date:
    """The date in Denmark at an instant."""
    return instant.astimezone(COPENHAGEN).date()


def local_instant(day: date, at: time) -> datetime:
    """The UTC instant at which clocks in Denmark show this time (the first of two)."""
    return datetime.combine(day, at, tzinfo=COPENHAGEN).astimezone(UTC)


def begins(discharge: date, later_start: date | None) -> date:
    """The day that the limit runs from. A later start before the discharge delays nothing."""
    return discharge if later_start is None else max(discharge, later_start)


def limit_of(rule: LimitRule | None, discharge: date, later_start: date | None) -> date | None:
    """The last day on which a first session is in time; None where there is no limit."""
    if rule is None:
        return None
    start = begins(discharge, later_start if rule.later_start else None)
    return start + timedelta(days=rule.days)


def earliest_start(received_at: datetime, discharge: date, later_start: date | None) -> date:
    """The first day that can be offered.

    Never the day of receipt, so that people can be told, nor the day of discharge, on which nobody
    knows when the citizen is home.
    """
    day = timedelta(days=1)
    return max(local_day(received_at) + day, discharge + day, begins(discharge, later_start))


def too_late(known_at: datetime, limit: date, discharge: date, later_start: date | None) -> bool:
    """Whether a limit was out of reach when it became known: no day was left to offer.

    So a plan that comes on the last day of its limit came too late: that day isn't offered.
    """
    return earliest_start(known_at, discharge, later_start) > limit


def at_risk_due(limit: date, days_before: int, known_at: datetime, grace: timedelta) -> datetime:
    """When to say that the limit is at risk: 08:00 so many days before, or after the grace."""
    warning = local_instant(limit - timedelta(days=days_before), WORKDAY_BEGINS)
    return max(warning, known_at + grace)


def missed_due(limit: date) -> datetime:
    """When the limit has passed: the local midnight at which the day after it begins."""
    return local_instant(limit + timedelta(days=1), time(0))
