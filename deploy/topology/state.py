"""What a cluster holds, as far as the cluster file has a say: wanted or found, in the same form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.topics import Cluster, Principal

# The name that Kafka gives the cluster in an ACL.
CLUSTER = "kafka-cluster"
EVERY = "*"

Resource = Literal["topic", "group", "transactional-id", "cluster"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Acl:
    """One allowed operation: who, what, on which resource. `prefixed`: on all that begin so."""

    principal: str
    operation: str
    resource: Resource
    name: str
    prefixed: bool = False
    host: str = EVERY
    allow: bool = True

    def __str__(self) -> str:
        verb = "may" if self.allow else "may not"
        name = f"{self.name}…" if self.prefixed else self.name
        host = "" if self.host == EVERY else f" from {self.host}"
        return f"{self.principal} {verb} {self.operation} {self.resource} {name}{host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic's partitions and replicas, and the settings that are not the cluster's defaults."""

    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Topics, rights, SCRAM users and quotas of a cluster."""

    topics: Mapping[str, TopicState] = field(default_factory=dict)
    acls: frozenset[Acl] = frozenset()
    users: frozenset[str] = frozenset()
    quotas: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def wanted(cluster: Cluster, brokers: int) -> Topology:
    """What the cluster file asks of a cluster with so many brokers.

    With too few brokers for the declared replication, each topic has a replica on every broker.
    One replica may be away without stopping writers, where there is more than one.
    """
    replication = max(1, min(cluster.replication_factor, brokers))
    in_sync = {"min.insync.replicas": str(max(1, replication - 1))}
    return Topology(
        topics={
            topic.name: TopicState(
                partitions=topic.partitions,
                replication=replication,
                config={**in_sync, **topic.config},
            )
            for topic in cluster.topics.values()
        },
        acls=frozenset(_acls(cluster)),
        users=frozenset(cluster.principals),
        quotas={p.name: p.quotas for p in cluster.principals.values() if p.quotas},
    )


def _acls(cluster: Cluster) -> Iterator[Acl]:
    for topic in cluster.topics.values():
        for name in topic.producers:
            yield Acl(principal=name, operation="write", resource="topic", name=topic.name)
        for name in topic.consumers:
            yield Acl(principal=name, operation="read", resource="topic", name=topic.name)
    for principal in cluster.principals.values():
        yield from _own(principal)


def _own(principal: Principal) -> Iterator[Acl]:
    who = principal.name
    for prefix in principal.groups:
        yield Acl(principal=who, operation="read", resource="group", name=prefix, prefixed=True)
    for name in principal.transactional_ids:
        yield Acl(principal=who, operation="write", resource="transactional-id", name=name)
    if principal.family.oversees:
        yield Acl(principal=who, operation="describe", resource="topic", name=EVERY)
        yield Acl(principal=who, operation="describe", resource="group", name=EVERY)
        yield Acl(principal=who, operation="describe", resource="cluster", name=CLUSTER)
