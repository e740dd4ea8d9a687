"""What travels: records that arrive, events that leave (CloudEvents 1.0, Kafka binary mode)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TYPE_PREFIX = "dk.genvej."
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:events")


def derived_id(cause: str, index: int) -> str:
    """The id of the `index`-th event that `cause` gives rise to; a second run gives it again."""
    return str(uuid.uuid5(NAMESPACE, f"{cause}/{index}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One arrived record, safe to look at: odd headers are dropped, a null value stays None.

    `id` is the CloudEvents id or, from outsiders who set none, "topic/partition/offset".
    `type` is the CloudEvents type as sent (with prefix), or "" where there is none.
    `subject` is the aggregate that the message concerns, or "" where unknown.
    `timestamp` is the broker's append time (UTC), moved to the service's clock.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: datetime
    id: str
    source: str
    type: str = ""
    subject: str = ""
    time: datetime | None = None
    content_type: str = ""
    correlation_id: str = ""
    traceparent: str = ""
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A past-tense fact to publish. The runtime adds id, source, time, correlation and trace.

    `type` is the full CloudEvents type, such as "dk.genvej.order.placed.v1".
    `value` None is a tombstone (compacted topics only).
    """

    topic: str
    key: str
    type: str
    subject: str
    value: bytes | None
    content_type: str = "application/json"
