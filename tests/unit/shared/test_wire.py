"""Records are read whatever they carry, and keys are placed as every other client places them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import derived_id
from shared.wire import (
    MAX_ATTRIBUTE,
    derived_uuid,
    inbox_key,
    pack,
    partition_of,
    read,
    traceparent_of,
    unpack,
)
from tests.unit.shared.factories import a_message


@dataclass
class ARecord:
    topic: str = "orders"
    partition: int = 2
    offset: int = 11
    timestamp: int = 1_795_365_600_000
    key: bytes | None = b"730"
    value: bytes | None = b"{}"
    headers: Sequence[tuple[str, bytes | None]] = ()


NAMES = st.one_of(
    st.sampled_from(["ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "traceparent"]),
    st.text(),
)


@given(
    headers=st.lists(st.tuples(NAMES, st.one_of(st.none(), st.binary(max_size=80)))),
    key=st.one_of(st.none(), st.binary()),
    value=st.one_of(st.none(), st.binary()),
    timestamp=st.integers(min_value=-(2**63), max_value=2**63 - 1),
)
def test_no_record_is_unreadable(
    headers: list[tuple[str, bytes | None]], key: bytes | None, value: bytes | None, timestamp: int
) -> None:
    record = ARecord(headers=headers, key=key, value=value, timestamp=timestamp)
    message = read(record)
    assert (message.key, message.value) == (key, value)
    assert message.id
    assert "\x00" not in message.id + message.source + message.type + message.subject
    assert unpack(pack(message)) == message


def test_without_an_id_the_place_in_the_log_is_the_id() -> None:
    assert read(ARecord()).id == "orders/2/11"


def test_an_attribute_that_is_too_long_is_dropped() -> None:
    long = b"x" * (MAX_ATTRIBUTE + 1)
    assert read(ARecord(headers=[("ce_subject", long)])).subject == ""


def test_the_append_time_is_moved_to_the_services_clock() -> None:
    back = timedelta(days=-1643)
    shown = read(ARecord(), back).timestamp
    assert shown == datetime.fromtimestamp(1_795_365_600, UTC) + back


def test_a_time_without_offset_is_no_time() -> None:
    assert read(ARecord(headers=[("ce_time", b"2026-11-22T16:00:00")])).time is None
    assert read(ARecord(headers=[("ce_time", b"2026-11-22T16:00:00Z")])).time is not None


@given(key=st.text(min_size=1), partitions=st.integers(min_value=1, max_value=64))
def test_keys_are_placed_as_the_default_partitioner_places_them(key: str, partitions: int) -> None:
    every = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key.encode(), every, every)


@given(cause=st.text(), index=st.integers(min_value=0, max_value=1000))
def test_the_quick_id_is_the_contracts_id(cause: str, index: int) -> None:
    assert str(derived_uuid(f"{cause}/{index}")) == derived_id(cause, index)


def test_consumer_source_and_id_each_make_another_inbox_key() -> None:
    keys = {inbox_key(*parts) for parts in (("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""))}
    assert len(keys) == 3


def test_a_trace_goes_on_and_one_without_begins_with_its_correlation() -> None:
    span = uuid.uuid4()
    trace = "0af7651916cd43dd8448eb211c80319c"
    assert traceparent_of(f"00-{trace}-b7ad6b7169203331-01", "c", span).split("-")[1] == trace
    fresh = [
        traceparent_of(parent, "c", span) for parent in ("", "nonsense", f"00-{'0' * 32}-x-01")
    ]
    assert len(set(fresh)) == 1
    assert len(fresh[0].split("-")[1]) == 32


def test_a_message_survives_being_packed() -> None:
    message = a_message(
        key=None, value=b"\xff\x00", headers={"h": b"\xfe"}, time=datetime.now(UTC), partition=3
    )
    assert unpack(pack(message)) == message
