"""Reads everything that operators may read, and feeds the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from deploy.cli import kafka
from deploy.demo.ledger import Ledger, Record
from deploy.topology.admin import Access


@asynccontextmanager
async def keeping(ledger: Ledger, access: Access, topics: Sequence[str]) -> AsyncIterator[None]:
    """Feeds the ledger with the topics' records, from their beginning, until left."""
    async with kafka.reader(access, topics) as consumer:

        async def read() -> None:
            while True:
                for records in (await consumer.getmany(timeout_ms=100, max_records=2000)).values():
                    for record in records:
                        ledger.feed(
                            Record(
                                topic=record.topic,
                                key=(record.key or b"").decode("utf-8", "replace"),
                                type=kafka.header(record, "ce_type"),
                                id=kafka.header(record, "ce_id"),
                                value=record.value or b"",
                                at=record.timestamp,
                            )
                        )

        task = asyncio.create_task(read())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
