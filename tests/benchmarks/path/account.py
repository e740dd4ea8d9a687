"""The account of a run: what came of every document, read from the topics and the databases.

It trusts no service's own figures: receipts are read as the hospitals read them, orders, sessions
and news as operators do, and message rows where they lie.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from deploy.cli import kafka
from deploy.cli.receipts import read_receipt
from deploy.demo.ledger import TELLS, TYPE_PREFIX
from deploy.local.stack import Stack
from deploy.topology.admin import Access
from tests.benchmarks.path.country import Country
from tests.benchmarks.path.databases import connected

ORDERED: Final = "order.placed.v1"
OFFERED: Final = "session.offered.v1"
INFEASIBLE: Final = "order.infeasible.v1"
DEAD: Final = "dead-letter.recorded.v1"
# Where there is something as long as messages are being sent.
SENDING: Final = frozenset({"notifications's outbox", "notifications's notifications"})


@dataclass(slots=True)
class Account:
    """What was found; `breaches` is what must be empty.

    `answered_at`, `ordered_at` and `offered_at` are the broker's append times in seconds since
    1970: of a document's receipt by document id, of the others by referral id.
    """

    documents: int
    receipts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    orders: set[str] = field(default_factory=set)
    planned: set[str] = field(default_factory=set)
    late: int = 0
    news: set[str] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)
    published_twice: int = 0
    left: dict[str, int] = field(default_factory=dict)
    answered_at: dict[str, float] = field(default_factory=dict)
    ordered_at: dict[str, float] = field(default_factory=dict)
    offered_at: dict[str, float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def close(self) -> None:
        """Holds what was found against what was promised."""
        checks = {
            "documents without exactly one receipt": abs(self.documents - len(self.receipts))
            + sum(count != 1 for count in self.receipts.values()),
            "receipts that are not ok": self.outcomes.total() - self.outcomes["ok"],
            "orders neither offered nor infeasible": len(self.orders - self.planned),
            "answers without an order": len(self.planned - self.orders),
            "news without a message row": len(self.news - self.rows.keys()),
            "message rows without news": len(self.rows.keys() - self.news),
            "news with several message rows": sum(count > 1 for count in self.rows.values()),
            "events published twice": self.published_twice,
            "dead letters": self.events[DEAD],
            **{f"left in {place}": count for place, count in self.left.items()},
        }
        self.breaches = [f"{count} {what}" for what, count in checks.items() if count]


async def account(
    stack: Stack, country: Country, documents: int, *, sending: bool = False
) -> Account:
    """Reads everything. The stack is up and has nothing left to do but, perhaps, to send."""
    found = Account(documents)
    for one in country.hospitals:
        access = stack.connections.access(f"hospital-{one.sor}")
        async for record in _everything(access, [f"hospital.{one.sor}.receipts"]):
            receipt = read_receipt(record.value or b"")
            found.receipts[receipt.document_id] += 1
            found.outcomes[receipt.outcome] += 1
            found.answered_at.setdefault(receipt.document_id, record.timestamp / 1000)
    ids: set[tuple[str, str]] = set()
    topics = ["referrals", "training", *(f"{one}.dead-letters" for one in stack.services)]
    async for record in _everything(stack.connections.access("ops"), topics):
        event_id = (record.topic, kafka.header(record, "ce_id"))
        found.published_twice += event_id in ids
        ids.add(event_id)
        _take(found, record)
    async with connected(stack, "notifications") as conn:
        for row in await conn.fetch("SELECT cause, count(*) AS n FROM message GROUP BY cause"):
            found.rows[row["cause"]] = row["n"]
    found.left = await left(stack)
    if sending:
        found.left = {place: count for place, count in found.left.items() if place not in SENDING}
    found.close()
    return found


def _take(found: Account, record: ConsumerRecord[Any, Any]) -> None:
    kind = kafka.header(record, "ce_type").removeprefix(TYPE_PREFIX)
    found.events[kind] += 1
    if kind in TELLS:
        found.news.add(kafka.header(record, "ce_id"))
    if kind not in {ORDERED, OFFERED, INFEASIBLE}:
        return
    data = json.loads(record.value)
    at = record.timestamp / 1000
    if kind == ORDERED:
        found.orders.add(data["order_id"])
        found.ordered_at.setdefault(data["referral_id"], at)
        return
    found.planned.add(data["order_id"])
    if kind == OFFERED:
        found.late += not data["inside_limit"]
        found.offered_at.setdefault(data["referral_id"], at)


async def _everything(
    access: Access, topics: Sequence[str]
) -> AsyncIterator[ConsumerRecord[Any, Any]]:
    """All records of topics to which nobody writes any more."""
    async with kafka.reader(access, topics) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while not await _read_to(consumer, ends):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    yield record


async def _read_to(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    for place, end in ends.items():
        if await consumer.position(place) < end:
            return False
    return True


async def left(stack: Stack) -> dict[str, int]:
    """What is still to be done, by place; nothing where all of it is done."""
    found: dict[str, int] = {}
    for service in stack.services:
        async with connected(stack, service) as conn:
            outbox = await conn.fetchval("SELECT count(*) FROM runtime.outbox")
            parked = await conn.fetchval("SELECT count(*) FROM runtime.parked")
            rows = await conn.fetch("SELECT topic, partition, next_offset FROM runtime.offsets")
        at = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        ends = await _ends(stack.connections.access(service), list(at))
        found[f"{service}'s outbox"] = outbox
        found[f"{service}'s parked"] = parked
        for place, end in ends.items():
            name = f"{service}'s {place.topic}"
            found[name] = found.get(name, 0) + end - at[place]
    return {place: count for place, count in found.items() if count}


async def _ends(access: Access, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False, isolation_level="read_committed", **access.aiokafka()
    )
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return ends
