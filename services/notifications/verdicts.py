"""What a provider's answer makes of a message, and what is decided on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from services.notifications.deliveries import Taken, Verdict
from services.notifications.dispatch import (
    Again,
    Answer,
    Drop,
    GiveUp,
    Pending,
    Permanent,
    Retry,
    Sent,
    Temporary,
    Unknown,
    after_failure,
)
from services.notifications.message import Channel, Reach, Status
from services.notifications.ports import Job

if TYPE_CHECKING:
    pass


def pending_of(message: Taken, lacks: Drop | GiveUp | None) -> Pending:
    """What decides when a message is sent."""
    return Pending(
        expires=message.expires, urgent=message.urgent, not_by=message.not_by, lacks=lacks
    )


def reach_of(message: Taken) -> Reach | None:
    """How its citizen can be reached; None where no contact is known."""
    if message.sealed is None:
        return None
    return Reach(email=message.has_email, mobile=message.has_mobile, deceased=message.deceased)


def verdict_of(answer: Answer, job: Job, channel: Channel, now: datetime, retry: Retry) -> Verdict:
    """What is written down of a message after a call, and when it is tried again."""
    message = job.message
    match answer:
        case Sent():
            return Verdict(id=message.id, status=Status.SENT)
        case Unknown(reason):
            return Verdict(id=message.id, status=Status.UNCERTAIN, reason=reason)
        case Temporary() | Permanent():
            return _after(answer, job, channel, now, retry)


def _after(
    answer: Temporary | Permanent, job: Job, channel: Channel, now: datetime, retry: Retry
) -> Verdict:
    message, contact = job.message, job.contact
    other = Channel.SMS if channel is Channel.EMAIL else Channel.EMAIL
    address = contact.mobile if other is Channel.SMS else contact.email
    fallback = address is not None and message.not_by is None
    # The row counts the try that has just ended; what was read counts those before.
    attempts = message.attempts + 1
    match after_failure(answer, channel, attempts, fallback=fallback, now=now, retry=retry):
        case Again(due, reason, not_by):
            return Verdict(
                id=message.id,
                status=Status.CREATED,
                reason=reason,
                due=due,
                not_by=not_by,
                next_channel=other if not_by else None,
            )
        case GiveUp(reason):
            return Verdict(id=message.id, status=Status.FAILED, reason=reason)
