"""The cluster file on a real broker: applied once, refused to whom it does not name."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException
from confluent_kafka import KafkaError as ConfluentError
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient

from deploy.local.kafka import Kafka
from deploy.local.processes import wait_until
from deploy.topology.admin import Access, Admin, TopologyError
from deploy.topology.plan import compare, to_apply
from deploy.topology.state import wanted
from shared.topics import Cluster, parse

HOLBAEK, RANDERS = "100000000000316", "100000000000730"


@asynccontextmanager
async def producer_of(kafka: Kafka, user: str, **more: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**kafka.access(user).aiokafka(), **more)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consumer_of(kafka: Kafka, user: str, **more: Any) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **kafka.access(user).aiokafka(), auto_offset_reset="earliest", **more
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def write(kafka: Kafka, user: str, topic: str, value: bytes = b"{}") -> int:
    """Writes a record; returns its offset."""
    async with producer_of(kafka, user) as producer:
        written = await producer.send_and_wait(topic, value, key=b"k", partition=0)
        return int(written.offset)


def read_one(kafka: Kafka, user: str, topic: str, offset: int = OFFSET_BEGINNING) -> bytes:
    """By librdkafka: aiokafka asks on without end for a topic that it may not see."""
    seen = AdminClient(kafka.access(user).librdkafka()).list_topics(topic, timeout=20)
    # Who may not even see the topic is told here; consume would go on asking.
    if seen.topics[topic].error is not None:
        raise KafkaException(seen.topics[topic].error)
    consumer = Consumer({**kafka.access(user).librdkafka(), "group.id": f"{user}.test"})
    try:
        consumer.assign([Place(topic, 0, offset)])
        (record,) = consumer.consume(1, timeout=20)
        error = record.error()
        if error is not None:
            raise KafkaException(error)
        return record.value() or b""
    finally:
        consumer.close()


@contextmanager
def refused_topic() -> Iterator[None]:
    with pytest.raises(KafkaException) as raised:
        yield
    assert raised.value.args[0].code() == ConfluentError.TOPIC_AUTHORIZATION_FAILED


async def commit(kafka: Kafka, user: str, group: str, topic: str) -> None:
    async with consumer_of(kafka, user, group_id=group, enable_auto_commit=False) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.commit({place: 0})


def small_file(
    *,
    topic: str,
    principal: str,
    rights: str = "",
    config: Mapping[str, str] | None = None,
    parties: str = "",
) -> str:
    """A cluster file with one topic and one limited user, beside the committed one."""
    settings = "\n".join(f'"{key}" = "{value}"' for key, value in (config or {}).items())
    return f"""
        replication_factor = 1
        party = [{parties}]
        [profile.p]
        {settings}
        [[topic]]
        name = "{topic}"
        about = "of a test"
        key = "none"
        partitions = 1
        profile = "p"
        {rights}
        [[principal]]
        name = "{principal}"
        about = "of a test"
        quotas = {{ producer_byte_rate = 1024 }}
    """


def test_applying_twice_changes_nothing_the_second_time(kafka: Kafka, cluster: Cluster) -> None:
    admin = Admin(kafka.access())
    admin.apply(cluster, kafka.password)
    assert to_apply(admin.plan(cluster)) == []


def test_what_somebody_changed_by_hand_is_said_and_put_right(
    kafka: Kafka, cluster: Cluster
) -> None:
    text = small_file(
        topic="by-hand",
        principal="byhand",
        config={"retention.ms": "1000"},
        rights='produces = ["byhand"]\nconsumes = ["byhand"]',
    )
    admin = Admin(kafka.access())
    admin.apply(parse(text), kafka.password)
    changed = parse(
        text.replace("1000", "2000")
        .replace("partitions = 1", "partitions = 2")
        .replace('consumes = ["byhand"]', "")
        .replace("1024", "2048")
    )
    lines = [str(change) for change in admin.plan(changed) if "hand" in str(change)]
    assert lines == [
        "refuse: topic by-hand has 1 partition and should have 2: keys would move, so make a new "
        "generation of topics",
        "change: topic by-hand: retention.ms from 1000 to 2000",
        "remove: right: byhand may read topic by-hand",
        "change: quotas of byhand: producer_byte_rate 2048",
    ]
    admin.apply(changed, kafka.password)
    assert [c.action for c in admin.plan(changed) if "hand" in str(c)] == ["refuse"]
    # What the first file declares was never touched by the second one.
    assert to_apply(admin.plan(cluster)) == []
    admin.empty(changed)


def test_a_hospital_that_leaves_loses_its_user_and_rights_but_no_records(
    kafka: Kafka, cluster: Cluster
) -> None:
    text = small_file(
        topic="clinic.{clinic}.in",
        principal="clinic-{clinic}",
        rights='produces = ["clinic-{clinic}"]',
        parties='{ kind = "clinic", code = "a" }, { kind = "clinic", code = "b" }',
    )
    admin = Admin(kafka.access())
    both = parse(text)
    admin.apply(both, kafka.password)
    left = parse(text.replace(', { kind = "clinic", code = "b" }', ""))
    assert [str(c) for c in admin.plan(left) if "clinic" in str(c)] == [
        "remove: user clinic-b, whose party has gone",
        "leave: topic clinic.b.in, of a party that is not declared",
        "remove: right: clinic-b may write topic clinic.b.in",
        "remove: quotas of clinic-b: producer_byte_rate none",
    ]
    admin.apply(left, kafka.password)
    assert to_apply(admin.plan(left)) == []
    admin.empty(both)


def test_a_new_user_without_a_password_stops_before_anything_is_changed(kafka: Kafka) -> None:
    text = small_file(topic="unmade", principal="nobodys")
    admin = Admin(kafka.access())
    with pytest.raises(TopologyError, match="no password is given for the new users nobodys"):
        admin.apply(parse(text), lambda user: None)
    assert any(c.topic == "unmade" for c in admin.plan(parse(text)))


def test_with_three_brokers_a_topic_has_three_replicas_and_survives_the_loss_of_one(
    cluster: Cluster,
) -> None:
    state = wanted(cluster, brokers=3).topics["referrals"]
    assert (state.replication, state.config["min.insync.replicas"]) == (3, "2")
    assert compare(cluster, wanted(cluster, 3), wanted(cluster, 3)) == []


async def test_a_hospital_writes_its_intake_and_reads_its_answers(kafka: Kafka) -> None:
    await write(kafka, f"hospital-{HOLBAEK}", f"hospital.{HOLBAEK}.referrals")
    for answer in ("receipts", "status", "dialogue"):
        topic = f"hospital.{HOLBAEK}.{answer}"
        offset = await write(kafka, "referral", topic, b"answer")
        assert read_one(kafka, f"hospital-{HOLBAEK}", topic, offset) == b"answer"


@pytest.mark.parametrize(
    "topic",
    [
        *(f"hospital.{RANDERS}.{of}" for of in ("receipts", "status", "dialogue", "referrals")),
        *(f"hospital.{HOLBAEK}.referrals", "referrals", "citizens", "training", "notifications"),
        *("capacity", "responses", "capacity-status", "referral.dead-letters"),
        "__consumer_offsets",
    ],
)
def test_a_hospital_reads_nothing_but_its_own_answers(kafka: Kafka, topic: str) -> None:
    with refused_topic():
        read_one(kafka, f"hospital-{HOLBAEK}", topic)


@pytest.mark.parametrize(
    "topic",
    [
        *(f"hospital.{RANDERS}.referrals", f"hospital.{HOLBAEK}.receipts"),
        *("roster.randers.capacity", "referrals", "citizens", "training", "capacity"),
        *("responses", "notifications"),
    ],
)
async def test_a_hospital_writes_nothing_but_its_own_intake(kafka: Kafka, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(kafka, f"hospital-{HOLBAEK}", topic)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("roster-randers", "roster.holbaek.capacity"),
        ("roster-randers", "capacity"),
        ("scheduling", "referrals"),
        ("scheduling", "citizens"),
        ("notifications", "training"),
        ("referral", "training"),
        ("referral", "roster.randers.capacity"),
        ("planner", "responses"),
        ("ops", "referral.dead-letters"),
        ("transport", "training"),
    ],
)
async def test_nobody_writes_another_ones_topic(kafka: Kafka, user: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await write(kafka, user, topic)


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("scheduling", "citizens"),
        ("scheduling", f"hospital.{HOLBAEK}.referrals"),
        ("planner", "citizens"),
        ("ops", "citizens"),
        ("ops", f"hospital.{HOLBAEK}.referrals"),
        ("ops", f"hospital.{HOLBAEK}.receipts"),
        ("transport", "citizens"),
        ("transport", "referrals"),
        ("roster-randers", "roster.holbaek.receipts"),
    ],
)
def test_personal_data_and_others_answers_stay_closed(kafka: Kafka, user: str, topic: str) -> None:
    with refused_topic():
        read_one(kafka, user, topic)


async def test_a_principal_uses_no_group_but_its_own(kafka: Kafka) -> None:
    topic = f"hospital.{HOLBAEK}.receipts"
    await commit(kafka, f"hospital-{HOLBAEK}", f"hospital-{HOLBAEK}.inbox", topic)
    for foreign in ("referral.intake", f"hospital-{RANDERS}.inbox", f"hospital-{HOLBAEK}0.inbox"):
        with pytest.raises(GroupAuthorizationFailedError):
            await commit(kafka, f"hospital-{HOLBAEK}", foreign, topic)


async def test_nobody_fences_another_ones_relay(kafka: Kafka) -> None:
    with pytest.raises(TransactionalIdAuthorizationFailed):
        async with producer_of(kafka, "scheduling", transactional_id="referral-relay"):
            pass
    async with (
        producer_of(kafka, "referral", transactional_id="referral-relay") as producer,
        producer.transaction(),
    ):
        await producer.send_and_wait("referrals", b"{}", key=b"730")


async def test_a_document_over_one_mebibyte_is_refused_by_the_broker(kafka: Kafka) -> None:
    topic = f"hospital.{HOLBAEK}.referrals"
    user = f"hospital-{HOLBAEK}"
    # Zeros shrink to a few kilobytes: the limit must hold for what a reader gets.
    async with producer_of(
        kafka, user, compression_type="gzip", max_request_size=8 * 1024 * 1024
    ) as producer:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(topic, b"0" * 2 * 1024 * 1024, partition=0)


async def test_no_topic_comes_about_by_being_written_to(kafka: Kafka, cluster: Cluster) -> None:
    async with producer_of(kafka, "admin", request_timeout_ms=1000) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait("misspelt", b"{}")
    assert not [c for c in Admin(kafka.access()).plan(cluster) if "misspelt" in c.line]


@pytest.mark.parametrize("user", ["referral", "ops", f"hospital-{HOLBAEK}"])
async def test_only_the_administrator_makes_topics(kafka: Kafka, user: str) -> None:
    client = AIOKafkaAdminClient(**kafka.access(user).aiokafka())
    await client.start()
    try:
        answer = await client.create_topics([NewTopic("mine", 1, 1)])
        codes = [error[1] for error in answer.topic_errors]
    finally:
        await client.close()
    assert codes == [TopicAuthorizationFailedError.errno]


def test_only_the_administrator_reads_the_rights(kafka: Kafka, cluster: Cluster) -> None:
    with pytest.raises(TopologyError, match="authorization failed"):
        Admin(kafka.access("ops")).plan(cluster)
    assert ClusterAuthorizationFailedError.errno == 31


def test_a_wrong_password_is_refused(kafka: Kafka) -> None:
    errors: list[ConfluentError] = []
    access = Access(bootstrap=kafka.bootstrap, user="referral", password="guess")
    options: dict[str, Any] = {**access.librdkafka(), "error_cb": errors.append}
    client = AdminClient(options)
    assert wait_until(lambda: client.poll(0.1) >= 0 and bool(errors), seconds=20)
    assert errors[0].code() == ConfluentError._AUTHENTICATION


def request(key: int, version: int, body: bytes) -> bytes:
    """A request of Kafka's protocol with the header that older versions use."""
    head = struct.pack(">hhih", key, version, 1, 1) + b"x"
    return struct.pack(">i", len(head + body)) + head + body


@pytest.mark.parametrize("port", ["port", "controller_port"])
def test_without_a_user_neither_port_answers(kafka: Kafka, port: str) -> None:
    metadata_of_all_topics = request(3, 1, struct.pack(">i", -1))
    acls_for_everybody = request(30, 1, struct.pack(">i", 0))
    for asked in (metadata_of_all_topics, acls_for_everybody):
        with socket.create_connection(("127.0.0.1", getattr(kafka, port)), timeout=20) as line:
            line.sendall(asked)
            assert line.recv(1) == b"", "the connection must be closed without an answer"
