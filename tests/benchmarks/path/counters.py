"""What the services count themselves: how much they do in one transaction, and what is parked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.stack import Stack

_NAMES: Final = {
    "genvej_messages_applied_total": "messages",
    "genvej_batch_duration_seconds_count": "polls",
    "genvej_messages_parked_total": "parked",
    "genvej_batches_fenced_total": "fenced",
    "genvej_events_published_total": "events",
    "genvej_publish_age_seconds_count": "rounds",
}

Counters = Mapping[str, Mapping[str, float]]
"""By service and name; `polls` are of the consumers, `rounds` of the relay."""


def read(stack: Stack) -> Counters:
    """All counters since the services' starts. Raises httpx.HTTPError."""
    found: dict[str, dict[str, float]] = {}
    for service in stack.services:
        text = httpx.get(stack.connections.url(service) + "/metrics", timeout=10).text
        mine = found[service] = dict.fromkeys(_NAMES.values(), 0.0)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in _NAMES:
                    mine[_NAMES[sample.name]] += sample.value
    return found


def between(before: Counters | None, after: Counters) -> Counters:
    """What was counted from one reading to another; from zero without the first."""
    if before is None:
        return after
    return {
        service: {name: value - before[service][name] for name, value in mine.items()}
        for service, mine in after.items()
    }
