"""The clock's timers: which ones a change of a referral sets, moves or removes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.referral.commands import Municipality
from services.referral.desk import Change, Desk
from services.referral.evaluation.timers import timers_of
from services.referral.programme_policy import Portfolio
from services.referral.referral import Deadlines, Referral, deadlines
from shared.handling import CancelTimer, SetTimer

AT_RISK: Final = "limit.at-risk"
MISSED: Final = "limit.missed"
NONE: Final = Deadlines(at_risk=None, missed=None)
DEFAULT_AT_RISK_DAYS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """Knows when each referral's clock has something to say."""

    portfolio: Portfolio
    municipalities: Mapping[str, Municipality]

    def after(self, change: Change, desk: Desk) -> list[SetTimer | CancelTimer]:
        """The timers to set or remove after a decision."""
        timers: list[SetTimer | CancelTimer] = []
        for referral_id, before in change.before.items():
            timers += self.between(before, desk.referrals[referral_id])
        return [*timers, *timers_of(change.happened, self.portfolio)]

    def between(self, before: Referral | None, after: Referral) -> list[SetTimer | CancelTimer]:
        """The timers to set or remove when a referral has changed."""
        was = self._deadlines(before) if before is not None else NONE
        now = self._deadlines(after)
        # A timer speaks of one limit: where that moves, its timer is set anew, due or not.
        moved = before is not None and _whose(before) != _whose(after)
        return [
            *_change(AT_RISK, was.at_risk, now.at_risk, after, moved),
            *_change(MISSED, was.missed, now.missed, after, moved),
        ]

    def _deadlines(self, referral: Referral) -> Deadlines:
        day = referral.discharge_date
        terms = self.portfolio.standing(referral.type, referral.programme, day)
        rule = terms.law.limit if terms is not None else None
        municipality = self.municipalities.get(referral.municipality)
        days = municipality.at_risk_days if municipality else DEFAULT_AT_RISK_DAYS
        grace = rule.grace if rule is not None else timedelta(0)
        return deadlines(referral, at_risk_days=days, grace=grace)


def _whose(referral: Referral) -> tuple[date | None, str]:
    """The limit that a timer speaks of, and whose partition's owner takes it."""
    return referral.limit, referral.provider


def limit_in(data: bytes) -> date:
    """The limit that a timer speaks of. Raises ValueError."""
    return date.fromisoformat(data.decode())


def _change(
    kind: str, was: datetime | None, due: datetime | None, referral: Referral, moved: bool
) -> list[SetTimer | CancelTimer]:
    if due is None:
        return [CancelTimer(kind=kind, key=referral.referral_id)] if was is not None else []
    if due == was and not moved:
        return []
    assert referral.limit is not None, "a deadline has a limit"
    return [
        SetTimer(
            kind=kind,
            key=referral.referral_id,
            due=due,
            partition_key=referral.provider,
            data=referral.limit.isoformat().encode(),
        )
    ]
