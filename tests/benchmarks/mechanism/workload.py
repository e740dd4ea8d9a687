"""The common work of all contestants: seeded events, a state table, an answer for each event.

Six partitions, 10,000 keys by Zipf's law, events of 1.5 kB with CloudEvents headers, 5 % of them
duplicates, 0.1 % malformed. Each good event raises its key's version by one and is answered by an
event of 1 kB.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import orjson
from pydantic import BaseModel, ConfigDict

PARTITIONS = 6
KEYS = 10_000
SOURCE = b"/bench"
ANSWER = "x" * 880


class Step(BaseModel):
    """One step of an order."""

    model_config = ConfigDict(frozen=True)
    step_id: str
    kind: str
    minutes: int
    competences: list[str]


class Order(BaseModel):
    """An event as contestants that validate read it."""

    model_config = ConfigDict(frozen=True)
    order_id: str
    key: str
    provider: str
    earliest: str
    limit: str | None
    vulnerable: bool
    transport: bool
    steps: list[Step]
    note: str


@dataclass(frozen=True, slots=True)
class Made:
    """One event to preload."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def events(count: int, seed: int) -> Iterator[Made]:
    """The same events for the same seed."""
    dice = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, KEYS + 1)))
    past: list[Made] = []
    for number in range(count):
        if past and dice.random() < 0.05:
            yield dice.choice(past)
            continue
        key = f"key-{dice.choices(range(KEYS), cum_weights=weights)[0]:05d}"
        event_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
        bad = dice.random() < 0.001
        made = Made(
            key.encode(),
            dice.choice([None, b"", b"{", b"\xff\xfe"]) if bad else _value(number, key, event_id),
            [
                ("ce_specversion", b"1.0"),
                ("ce_id", event_id.encode()),
                ("ce_source", SOURCE),
                ("ce_type", b"dk.genvej.bench.order.v1"),
                ("ce_subject", event_id.encode() if bad else key.encode()),
                ("ce_time", b"2026-11-22T16:00:00Z"),
                ("content-type", b"application/json"),
                ("ce_correlationid", event_id.encode()),
                ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ],
        )
        if not bad:
            past.append(made)
            if len(past) > 2000:
                past.pop(0)
        yield made


def _value(number: int, key: str, event_id: str) -> bytes:
    order = {
        "order_id": event_id,
        "key": key,
        "provider": "730",
        "earliest": "2026-11-23",
        "limit": "2026-11-30",
        "vulnerable": False,
        "transport": number % 3 == 0,
        "steps": [
            {
                "step_id": f"{event_id}-{step}",
                "kind": "training",
                "minutes": 45,
                "competences": ["almen"],
            }
            for step in range(6)
        ],
        "note": "",
    }
    size = len(orjson.dumps(order))
    return orjson.dumps({**order, "note": "n" * (1500 - size)})


def answer(key: str, version: int) -> bytes:
    """The answer to one event, about 1 kB."""
    return orjson.dumps({"key": key, "version": version, "text": ANSWER})
