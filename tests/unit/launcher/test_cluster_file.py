"""The cluster file: families, parties, and errors that name what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.topology.plan import compare
from deploy.topology.state import Acl, Topology, wanted
from shared.topics import Cluster, ClusterFileError, load, parse

ROOT = Path(__file__).parents[3]
HEAD = """
[profile.p]
[[principal]]
name = "boss"
about = "of all"
"""


def topic(name: str, more: str = "") -> str:
    return f"""
        [[topic]]
        name = "{name}"
        about = "of a test"
        key = "none"
        partitions = 1
        profile = "p"
        {more}
    """


@pytest.fixture(scope="module")
def committed() -> Cluster:
    return load(ROOT / "deploy" / "topics.toml")


def test_a_family_has_a_topic_for_each_party(committed: Cluster) -> None:
    hospitals = committed.of_kind("hospital")
    topics = committed.expand(["hospital.{hospital}.referrals"])
    assert [t.party for t in topics] == hospitals
    assert len(hospitals) == 2
    for one in topics:
        assert one.party is not None
        assert one.producers == [f"hospital-{one.party.code}", "gateway"]
        assert re.match(committed.pattern("hospital.{hospital}.referrals"), one.name)


def test_a_private_supplier_writes_only_its_own_answers(committed: Cluster) -> None:
    (topic,) = committed.expand(["provider.{provider}.responses"])
    assert topic.producers == ["provider-fysioterapi-randers"]
    assert topic.consumers == ["scheduling"]


def test_a_department_of_the_published_story_may_send_for_its_hospital(committed: Cluster) -> None:
    senders = {
        department["sor"]: hospital.name
        for hospital in committed.of_kind("hospital")
        for department in hospital.attributes["departments"]
    }
    assert senders["227871000016001"] == "Holbæk Sygehus"


def test_keyed_topics_have_equally_many_partitions(committed: Cluster) -> None:
    keyed = ("referrals", "capacity", "training", "responses", "notifications", "citizens")
    assert {committed.topics[name].partitions for name in keyed} == {12}


def test_what_outsiders_write_is_bounded_and_uncompressed(committed: Cluster) -> None:
    services = {party.code for party in committed.of_kind("service")}
    written_by_outsiders = [
        t for t in committed.topics.values() if not set(t.producers) <= services
    ]
    assert written_by_outsiders
    for one in written_by_outsiders:
        assert one.partitions == 1, one.name
        assert one.config["compression.type"] == "uncompressed", one.name
        assert one.config["max.message.bytes"] == str(1024 * 1024), one.name


def test_contacts_are_read_by_one_service_and_erased_within_a_day(committed: Cluster) -> None:
    citizens = committed.topics["citizens"]
    assert citizens.consumers == ["notifications"]
    assert citizens.config["cleanup.policy"] == "compact"
    assert int(citizens.config["max.compaction.lag.ms"]) <= 24 * 3600 * 1000


def test_every_topic_is_written_by_somebody(committed: Cluster) -> None:
    assert [t.name for t in committed.topics.values() if not t.producers] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("topic = [", "is no TOML"),
        (HEAD + topic("a", "colour = 'red'"), "topic.0.colour: Extra inputs"),
        (HEAD + topic("a").replace("partitions = 1", "partitions = 0"), "partitions"),
        (HEAD + topic("a") + topic("a"), "a is declared twice"),
        (HEAD + topic("a b"), "'a b' is no name that Kafka takes"),
        (HEAD + topic("a", 'produces = ["nobody"]'), "a names nobody, which is no declared"),
        (topic("a"), "a has the profile p, which is not declared"),
        (HEAD + topic("{x}.{y}"), "has more than one placeholder"),
        (HEAD + '[[party]]\nkind = "x"\ncode = "æ"', "x 'æ': a code is of letters"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(ClusterFileError, match=re.escape(says)):
        parse(text)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ClusterFileError, match=r"nowhere\.toml can't be read"):
        load(Path("nowhere.toml"))


def test_another_applications_topics_and_rights_are_left_alone() -> None:
    cluster = parse(HEAD + topic("a", 'produces = ["boss"]'))
    want = wanted(cluster, brokers=1)
    theirs = Acl(principal="them", operation="read", resource="topic", name="*")
    have = Topology(
        topics={**want.topics, "theirs": want.topics["a"]},
        acls=want.acls | {theirs},
        users=want.users | {"them"},
        quotas={"them": {"producer_byte_rate": 1.0}},
    )
    assert [str(change) for change in compare(cluster, want, have)] == [
        "leave: topic theirs, not declared here",
        "leave: right: them may read topic *, not declared here and reaching our topics",
        "leave: quotas of them, not declared here",
    ]


def test_a_right_on_our_topic_that_nobody_declared_is_taken_away() -> None:
    cluster = parse(HEAD + topic("a", 'produces = ["boss"]'))
    want = wanted(cluster, brokers=1)
    intruder = Acl(principal="them", operation="write", resource="topic", name="a")
    have = Topology(topics=want.topics, acls=want.acls | {intruder}, users=want.users)
    (change,) = compare(cluster, want, have)
    assert str(change) == "remove: right: them may write topic a"
