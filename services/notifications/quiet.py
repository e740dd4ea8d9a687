"""Quiet hours: when a text message would wake somebody. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LOCAL: Final = ZoneInfo("Europe/Copenhagen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Local hours in which a text message is held. Equal hours: never quiet.

    `notice` is the least time between the release and what the message is about; a message that
    would come later than that is worth waking for.
    """

    begins: time = time(21)
    ends: time = time(7)
    notice: timedelta = timedelta(hours=1)

    def release(self, now: datetime, *, before: datetime) -> datetime:
        """The first instant, from `now` on, at which a message may go out (UTC)."""
        if not self.holds(now):
            return now
        local = now.astimezone(LOCAL)
        day = local.date()
        if local.time() >= self.ends:
            day += timedelta(days=1)
        morning = datetime.combine(day, self.ends, tzinfo=LOCAL).astimezone(UTC)
        return morning if morning + self.notice <= before else now

    def holds(self, now: datetime) -> bool:
        """Whether `now` is in the quiet hours."""
        at = now.astimezone(LOCAL).time()
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends
