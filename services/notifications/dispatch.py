"""What is checked at the moment of sending, and what follows from how it went.

Standard library only. Between the writing of a message and its sending a citizen may die, be
erased, or get another address; so nothing that was true earlier is relied on here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.notifications.message import (
    Channel,
    Reach,
)
from services.notifications.quiet import Quiet

FIRST_RETRY: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often temporary failures are tried again: GOV.UK Notify's 48 times 300 seconds."""

    limit: int = 48
    longest: timedelta = timedelta(seconds=300)

    def after(self, attempts: int) -> timedelta | None:
        """The pause after `attempts` (≥ 1) failed ones: doubling up to `longest`; None: give up."""
        if attempts > self.limit:
            return None
        # 2**20 pauses are far beyond any limit, and keep the arithmetic in range.
        doublings: int = 2 ** min(attempts - 1, 20)
        return min(FIRST_RETRY * doublings, self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A message whose time has come. `not_by` is a channel that has failed for good.

    `lacks`: what follows because a child's custody holder is unknown, or holds custody no more.
    """

    expires: datetime
    urgent: bool
    not_by: Channel | None = None
    lacks: Drop | GiveUp | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send it now, this way."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Hold:
    """Not before this instant (UTC)."""

    until: datetime
    channel: Channel


@dataclass(frozen=True, slots=True)
class Drop:
    """Never send it, and tell nobody: there is nobody to call."""

    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It can't be sent: a human must call."""

    reason: str


Order = Send | Hold | Drop | GiveUp


def dispatch(pending: Pending, reach: Reach | None, now: datetime, quiet: Quiet) -> Order:
    """What to do with a message whose time has come. `reach` None: the citizen is erased."""
    if reach is None or reach.erased or reach.deceased:
        return Drop("deceased" if reach is not None and reach.deceased else "erased")
    if now >= pending.expires:
        return GiveUp("expired")
    if pending.lacks is not None:
        return pending.lacks
    usable = Reach(
        email=reach.email and pending.not_by is not Channel.EMAIL,
        mobile=reach.mobile and pending.not_by is not Channel.SMS,
    )
    channel = usable.channel
    if channel is None:
        return GiveUp("no-channel")
    if channel is Channel.SMS and not pending.urgent:
        release = quiet.release(now, before=pending.expires)
        if release > now:
            return Hold(release, channel)
    return Send(channel)


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has accepted it."""


@dataclass(frozen=True, slots=True)
class Temporary:
    """Certainly not accepted; another try may go well. `wait` is what the provider asks for."""

    reason: str
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Permanent:
    """Certainly not accepted, and it never will be by this channel."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call ended without an answer: it may have been accepted."""

    reason: str


Answer = Sent | Temporary | Permanent | Unknown


@dataclass(frozen=True, slots=True)
class Again:
    """Back among the waiting. `not_by` is set when the next try takes the other channel."""

    due: datetime
    reason: str
    not_by: Channel | None = None


def after_failure(
    answer: Temporary | Permanent,
    channel: Channel,
    attempts: int,
    *,
    fallback: bool,
    now: datetime,
    retry: Retry,
) -> Again | GiveUp:
    """What follows from a failure. `fallback`: another channel reaches the citizen."""
    match answer:
        case Temporary():
            pause = retry.after(attempts)
            if pause is not None:
                return Again(now + max(pause, answer.wait or pause), answer.reason)
        case Permanent():
            pass
    if fallback:
        return Again(now, answer.reason, not_by=channel)
    return GiveUp(answer.reason)
