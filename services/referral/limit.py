"""The statutory limit as arithmetic: Sundhedsloven § 140's seven days and the days around them.

Seven calendar days from discharge, or from the later start that the plan sets for health reasons.
All dates are local (Europe/Copenhagen), all instants UTC. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.referral.plan import PlanType

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")
WORKDAY_BEGINS: Final = time(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What is ordered first: one step, the therapist's assessment. `minutes` is its length."""

    code: str
    competences: tuple[str, ...]
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRule:
    """What the law says of one type of plan, for plans whose discharge is `since` or later.

    `days` None: no limit. `programme` None: nothing is ordered here (the hospital trains).
    `grace` is how long a plan that comes with less left than the warning time has for its offer
    before a human is told.
    """

    type: PlanType
    since: date
    days: int | None
    free_choice: bool
    authority: str
    legal_basis: str
    grace: timedelta
    programme: Programme | None


def rule_for(rules: Sequence[TypeRule], kind: PlanType, discharge: date) -> TypeRule:
    """The newest rule of this type that holds on the day of discharge; else the oldest one."""
    of_type = sorted((rule for rule in rules if rule.type is kind), key=lambda rule: rule.since)
    holding = [rule for rule in of_type if rule.since <= discharge]
    return holding[-1] if holding else of_type[0]


def local_day(instant: datetime) -> date:
    """The date in Denmark at an instant."""
    return instant.astimezone(COPENHAGEN).date()


def local_instant(day: date, at: time) -> datetime:
    """The UTC instant at which clocks in Denmark show this time (the first of two)."""
    return datetime.combine(day, at, tzinfo=COPENHAGEN).astimezone(UTC)


def begins(discharge: date, later_start: date | None) -> date:
    """The day that the limit runs from. A later start before the discharge delays nothing."""
    return discharge if later_start is None else max(discharge, later_start)


def limit_of(rule: TypeRule, discharge: date, later_start: date | None) -> date | None:
    """The last day on which a first session is in time; None where the type has no limit."""
    if rule.days is None:
        return None
    return begins(discharge, later_start) + timedelta(days=rule.days)


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
