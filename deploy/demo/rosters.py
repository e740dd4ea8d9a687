"""The demo's roster systems: they state what the municipalities can offer, and read the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import date

from deploy.cli import kafka
from deploy.cli.errors import CommandError
from deploy.demo import capacity
from deploy.local.stack import Stack
from shared.topics import load


async def state_capacity(
    stack: Stack, day: date, weeks: int, *, seconds: float = 60
) -> Mapping[str, int]:
    """States `weeks` of capacity from the week of `day` on, and waits until scheduling has it.

    Returns the number of statements by roster system. Raises CommandError where one is refused
    or not answered within `seconds`.
    """
    sources = {
        str(provider): party.code
        for party in load(stack.cluster_file).of_kind("source")
        for provider in party.attributes["providers"]
    }
    stated: dict[str, int] = {}
    for provider, path in capacity.rosters().items():
        source = sources[provider]
        statements = list(capacity.statements(path, day, weeks))
        async with kafka.writer(stack.connections.access(f"roster-{source}")) as producer:
            sent = [
                await producer.send(
                    one.topic, one.value, key=one.location.encode(), headers=_headers(source, one)
                )
                for one in statements
            ]
            await asyncio.gather(*sent)
        await _answered(stack, source, len(statements), seconds)
        stated[source] = len(statements)
    return stated


async def _answered(stack: Stack, source: str, count: int, seconds: float) -> None:
    """Waits for the answer to each statement."""
    seen = 0
    end = time.monotonic() + seconds
    access = stack.connections.access(f"roster-{source}")
    async with kafka.reader(access, [f"roster.{source}.receipts"]) as consumer:
        while seen < count:
            if time.monotonic() > end:
                raise CommandError(
                    f"scheduling answered {seen} of {count} statements of capacity; see its log"
                )
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    seen += 1
                    if "refused" in kafka.header(record, "ce_type"):
                        raise CommandError(
                            f"scheduling refused capacity: {(record.value or b'').decode()}"
                        )


def _headers(source: str, one: capacity.Statement) -> list[tuple[str, bytes]]:
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": f"{one.location}/{one.week}/{one.version}",
        "ce_source": f"roster/{source}",
        "ce_type": capacity.TYPE,
        "content-type": capacity.CONTENT_TYPE,
    }
    return [(name, value.encode()) for name, value in attributes.items()]
