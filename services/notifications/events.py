"""Our own events, topic `notifications` (key: provider): what became of each message."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from shared.envelope import TYPE_PREFIX, Event

TOPIC: Final = "notifications"


def zulu(instant: datetime) -> str:
    """An instant in UTC as ISO-8601 with Z, whole seconds where it has no fraction."""
    return instant.isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(zulu, return_type=str)]


class Outcome(BaseModel):
    """What is the same for all three."""

    model_config = ConfigDict(frozen=True)

    notification_id: str = Field(description="The message; the provider's reference for it too")
    referral_id: str
    citizen_id: str
    provider: str = Field(description="Who plans: the topic's key")
    recipient: Literal["citizen", "custody-holder"] = Field(
        default="citizen", description="Whom it is for; of a child, somebody who holds custody"
    )
    channel: Literal["email", "sms"] | None = Field(
        description="How it travelled; null where no channel reaches the citizen"
    )
    template: str
    template_version: int
    cause: str = Field(description="Id of the event that the message tells of")
    at: Instant = Field(description="When it came to this (UTC)")
    reason: str | None = Field(default=None, description="A code without personal data")


class NotificationSent(Outcome):
    """A provider has accepted the message for delivery."""


class NotificationFailed(Outcome):
    """The message will not reach the citizen: a human must call. `reason` says why."""


class NotificationUncertain(Outcome):
    """It isn't known whether the provider accepted it; a receipt or a human settles that."""


MODELS: Final[dict[str, type[Outcome]]] = {
    f"{TYPE_PREFIX}notification.sent.v1": NotificationSent,
    f"{TYPE_PREFIX}notification.failed.v1": NotificationFailed,
    f"{TYPE_PREFIX}notification.uncertain.v1": NotificationUncertain,
}
_TYPES: Final = {model: name for name, model in MODELS.items()}


def to_event(outcome: Outcome) -> Event:
    """As it is published."""
    return Event(
        topic=TOPIC,
        key=outcome.provider,
        type=_TYPES[type(outcome)],
        subject=outcome.referral_id,
        value=outcome.model_dump_json().encode(),
    )
