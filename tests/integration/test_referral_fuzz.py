"""Whatever becomes of a document on its way: each is answered once, and none costs another."""

from __future__ import annotations

import os
import re
from collections import Counter
from random import Random

import asyncpg

from shared.envelope import Message
from shared.handling import Dead, Parked
from tests.conftest import Databases
from tests.delivery import deliver, events_of
from tests.integration.referral_room import verdict
from tests.unit.referral.documents.mutations import FHIR, GGOP, LETTERS, MESSAGES, spoiled
from tests.unit.referral.factories import NOW, Mailbag, an_intake

# GENVEJ_LONG=1 runs the long mode.
DOCUMENTS = 20_000 if os.environ.get("GENVEJ_LONG") else 600
BATCH = 100
IDS = re.compile(
    rb"152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22|6f1c9a52-0d3e-5f5b-9f0e-1f6f0a4c7b11"
    rb"|GGOP2022052301|XREF2022052301"
)
SENDERS = ("gp-testgade", "municipality-730", "citizens-730")


def arriving(random: Random, bag: Mailbag) -> Message:
    """A document, spoiled more often than not, on a hospital's or another sender's topic."""
    whole = FHIR + GGOP + MESSAGES + LETTERS
    value = random.choice(whole) if random.random() < 0.2 else spoiled(random)
    if random.random() < 0.9:  # or the first one would take the id of all
        value = IDS.sub(f"{random.getrandbits(48):012x}".encode(), value)
    record = bag.document(value, content_type=random.choice(["", "application/xml", "text/csv"]))
    if random.random() < 0.6:
        return record
    topic = f"sender.{random.choice(SENDERS)}.referrals"
    return Message(
        topic=topic,
        partition=0,
        offset=record.offset,
        key=None,
        value=value,
        timestamp=record.timestamp,
        id=f"{topic}/0/{record.offset}",
        source="",
        content_type=record.content_type,
    )


async def test_every_document_is_answered_and_none_costs_another(database: Databases) -> None:
    random, bag, intake = Random(140), Mailbag(NOW), an_intake()
    connection = await asyncpg.connect(await database("referral"))
    verdicts: Counter[str] = Counter()
    try:
        for _ in range(DOCUMENTS // BATCH):
            batch = [arriving(random, bag) for _ in range(BATCH)]
            for message, outcome in zip(
                batch, await deliver(connection, intake, batch, NOW), strict=True
            ):
                assert not isinstance(outcome, Dead)
                receipts = events_of([outcome], "document.acknowledged")
                assert len(receipts) == 1, message.topic
                assert receipts[0].topic == message.topic.replace(".referrals", ".receipts")
                verdicts["waits" if isinstance(outcome, Parked) else verdict(outcome)] += 1
    finally:
        await connection.close()
    assert sum(verdicts.values()) == DOCUMENTS
    assert set(verdicts) >= {"ok", "fatal-error", "waits"}, verdicts
