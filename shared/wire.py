"""Between Kafka's records and ours: reading never raises, whatever a record carries."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import orjson
from aiokafka.partitioner import murmur2
from asyncpg.pgproto.pgproto import UUID

from shared.envelope import NAMESPACE, Message

if TYPE_CHECKING:
    from shared.database import Row

_ATTRIBUTES: Final = frozenset(
    {
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_specversion",
        "ce_correlationid",
        "correlationid",
        "ce_traceparent",
        "traceparent",
        "content-type",
    }
)
_NAMESPACE: Final = NAMESPACE.bytes
MAX_ATTRIBUTE: Final = 1024
"""Bytes of one CloudEvents attribute; a longer one is dropped, for it would bloat every table."""


class Record(Protocol):
    """What aiokafka's ConsumerRecord offers."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def read(record: Record, shift: timedelta = timedelta(0)) -> Message:
    """The message of a record; its append time is moved by `shift`. Never raises."""
    texts: dict[str, str] = {}
    rest: dict[str, bytes] = {}
    for name, value in record.headers:
        if name in _ATTRIBUTES:
            # Postgres stores no NUL in a text.
            if value is not None and len(value) <= MAX_ATTRIBUTE and 0 not in value:
                try:
                    texts[name] = value.decode()
                except UnicodeDecodeError:
                    continue
        elif value is not None:
            rest[name] = value
    get = texts.get
    event_id = get("ce_id", "")
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        timestamp=_append_time(record.timestamp, shift),
        id=event_id or f"{record.topic}/{record.partition}/{record.offset}",
        source=get("ce_source", ""),
        type=get("ce_type", ""),
        subject=get("ce_subject", ""),
        time=_time(get("ce_time")),
        content_type=get("content-type", ""),
        correlation_id=get("ce_correlationid") or get("correlationid") or event_id,
        traceparent=get("traceparent") or get("ce_traceparent") or "",
        headers=rest,
    )


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 253_370_764_800_000  # the year 9999, in milliseconds


@lru_cache(maxsize=64)
def _append_time(milliseconds: int, shift: timedelta) -> datetime:
    return _EPOCH + timedelta(milliseconds=min(max(milliseconds, 0), _LATEST)) + shift


@lru_cache(maxsize=64)
def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value if value.tzinfo is not None else None


def source_of(service: str) -> str:
    """The CloudEvents source of what a service publishes."""
    return f"/genvej/{service}"


def headers(row: Row, source: bytes) -> list[tuple[str, bytes]]:
    """The headers of an outbox row (CloudEvents 1.0, Kafka binary mode; W3C trace context)."""
    time: datetime = row["time"]
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row["event_id"]).encode()),
        ("ce_source", source),
        ("ce_type", row["type"].encode()),
        ("ce_subject", row["subject"].encode()),
        ("ce_time", time.isoformat().replace("+00:00", "Z").encode()),
        ("content-type", row["content_type"].encode()),
        ("ce_correlationid", row["correlation_id"].encode()),
        ("traceparent", row["traceparent"].encode()),
    ]


@lru_cache(maxsize=65_536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key, as Java's and aiokafka's default partitioners place it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def traceparent_of(parent: str, correlation_id: str, event_id: uuid.UUID) -> str:
    """The W3C trace context of an event: its cause's trace, or one that its correlation gives."""
    parts = parent.split("-")
    if len(parts) >= 4 and len(parts[1]) == 32 and parts[1] != "0" * 32:
        trace = parts[1]
    else:
        trace = hashlib.blake2b(correlation_id.encode(), digest_size=16).hexdigest()
    return f"00-{trace}-{event_id.hex[:16]}-01"


def inbox_key(consumer: str, source: str, event_id: str) -> uuid.UUID:
    """What the inbox remembers of (consumer, source, event id)."""
    data = f"{consumer}\x00{source}\x00{event_id}".encode()
    return fast_uuid(hashlib.blake2b(data, digest_size=16).digest())


def fast_uuid(data: bytes) -> uuid.UUID:
    """A UUID of 16 bytes, of asyncpg's class: a tenth of the cost, equal and usable as any."""
    made: uuid.UUID = UUID(data)
    return made


def derived_uuid(name: str) -> uuid.UUID:
    """What `envelope.derived_id` gives, quicker: UUIDv5 of a cause and an index."""
    data = bytearray(hashlib.sha1(_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    data[6] = data[6] & 0x0F | 0x50
    data[8] = data[8] & 0x3F | 0x80
    return fast_uuid(bytes(data))


def pack(message: Message) -> bytes:
    """The whole message as bytes, for sealing."""
    return orjson.dumps(
        {
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "key": _encode(message.key),
            "value": _encode(message.value),
            "timestamp": message.timestamp,
            "id": message.id,
            "source": message.source,
            "type": message.type,
            "subject": message.subject,
            "time": message.time,
            "content_type": message.content_type,
            "correlation_id": message.correlation_id,
            "traceparent": message.traceparent,
            "headers": {
                name.encode("utf-8", "replace").decode(): _encode(value)
                for name, value in message.headers.items()
            },
        }
    )


def unpack(packed: bytes) -> Message:
    """What `pack` packed."""
    fields = orjson.loads(packed)
    for name in ("key", "value"):
        fields[name] = _decode(fields[name])
    fields["timestamp"] = datetime.fromisoformat(fields["timestamp"])
    fields["time"] = datetime.fromisoformat(fields["time"]) if fields["time"] else None
    fields["headers"] = {name: _decode(value) or b"" for name, value in fields["headers"].items()}
    return Message(**fields)


def _encode(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _decode(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)
