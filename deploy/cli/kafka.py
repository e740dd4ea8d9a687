"""A plain client's view of the cluster: reading topics and writing to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from deploy.cli.errors import CommandError
from deploy.topology.admin import Access


@asynccontextmanager
async def explained(access: Access, topic: str) -> AsyncIterator[None]:
    """Turns Kafka's errors into one line that says what to do."""
    try:
        yield
    except TopicAuthorizationFailedError:
        raise CommandError(f"{access.user} may not use the topic {topic}") from None
    except UnknownTopicOrPartitionError:
        raise CommandError(
            f"there is no topic {topic}; `genvej topics plan` lists the declared ones"
        ) from None
    except SaslAuthenticationFailed:
        raise CommandError(
            f"{access.bootstrap} does not know {access.user} with this password; a new principal "
            "needs `genvej topics apply`"
        ) from None
    except KafkaConnectionError:
        raise CommandError(
            f"no Kafka answers at {access.bootstrap}; is the stack up? (genvej status)"
        ) from None
    except KafkaError as error:
        raise CommandError(f"Kafka refused: {error}") from None


@asynccontextmanager
async def reader(access: Access, topics: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside any group, standing at the beginning of all partitions of the topics.

    Raises CommandError where a topic is missing or may not be read.
    """
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
        **access.aiokafka(),
    )
    async with explained(access, ", ".join(topics)):
        try:
            await consumer.start()
            # Asked first, because a subscription to a missing topic would wait for it for ever.
            missing = sorted(set(topics) - await consumer.topics())
            if missing:
                raise CommandError(
                    f"{access.user} sees no topic {', '.join(missing)}: it isn't declared, or "
                    "the principal may not read it (genvej topics plan)"
                )
            consumer.subscribe(topics)
            # aiokafka tells nobody when it has assigned what a consumer without a group reads.
            while {p.topic for p in consumer.assignment()} != set(topics):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            yield consumer
        finally:
            await consumer.stop()


@asynccontextmanager
async def writer(access: Access) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that waits for all replicas and never doubles a record."""
    producer = AIOKafkaProducer(
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        max_request_size=4 * 1024 * 1024,
        **access.aiokafka(),
    )
    try:
        async with explained(access, "(any)"):
            await producer.start()
        yield producer
    finally:
        await producer.stop()


def header(record: ConsumerRecord[Any, Any], name: str) -> str:
    """A header's text, or "" where it is missing or no text."""
    for key, value in record.headers:
        if key == name and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
    return ""


def headers_of(record: ConsumerRecord[Any, Any]) -> Mapping[str, str]:
    """All headers as text."""
    return {
        key: value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
        for key, value in record.headers
    }
