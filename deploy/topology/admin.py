"""Reads a cluster's topology and changes it, by the brokers' admin protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context
from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.blocking import run
from deploy.topology import quotas
from deploy.topology.plan import Change, compare, to_apply
from deploy.topology.state import Acl, Resource, TopicState, Topology, wanted
from shared.topics import Cluster

SECONDS = 30
# As many rounds as Kafka's own tools use for SCRAM-SHA-512.
ITERATIONS = 4096

_RESOURCES: Mapping[ResourceType, Resource] = {
    ResourceType.TOPIC: "topic",
    ResourceType.GROUP: "group",
    ResourceType.TRANSACTIONAL_ID: "transactional-id",
    ResourceType.BROKER: "cluster",
}
_TYPES = {name: kind for kind, name in _RESOURCES.items()}


class TopologyError(Exception):
    """The cluster can't be read or changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where a cluster is, and as whom it is changed: a superuser, or one with the rights for it."""

    bootstrap: str
    user: str = ""
    password: str = ""
    security: str = "SASL_PLAINTEXT"
    ca: str | None = None

    def librdkafka(self) -> dict[str, str | int | float | bool]:
        """The configuration of a librdkafka client."""
        options: dict[str, str | int | float | bool] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security,
            # What goes wrong is said by the call that it goes wrong in.
            "log_level": 0,
        }
        if self.security.startswith("SASL"):
            options["sasl.mechanism"] = "SCRAM-SHA-512"
            options["sasl.username"], options["sasl.password"] = self.user, self.password
        if self.security.endswith("SSL") and self.ca:
            options["ssl.ca.location"] = self.ca
        return options

    def aiokafka(self) -> dict[str, Any]:
        """The connection arguments of an aiokafka client."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security,
        }
        if self.security.startswith("SASL"):
            options["sasl_mechanism"] = "SCRAM-SHA-512"
            options["sasl_plain_username"] = self.user
            options["sasl_plain_password"] = self.password
        if self.security.endswith("SSL"):
            options["ssl_context"] = create_ssl_context(cafile=self.ca)
        return options


class Admin:
    """A cluster as an administrator sees it. Calls block; TopologyError says what went wrong."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = AdminClient(access.librdkafka())

    def plan(self, cluster: Cluster) -> list[Change]:
        """How the cluster differs from the cluster file."""
        try:
            metadata = self._client.list_topics(timeout=SECONDS)
            have = self._read()
        except (KafkaException, KafkaError, OSError) as error:
            raise self._explained(error) from error
        return compare(cluster, wanted(cluster, len(metadata.brokers)), have)

    def apply(
        self,
        cluster: Cluster,
        passwords: Callable[[str], str | None],
        progress: Callable[[Change], None] = lambda change: None,
    ) -> list[Change]:
        """Makes the cluster what the file says; returns the differences there were.

        `passwords` gives a new user's password. Refused differences are returned and left.
        Returns when the brokers act by it. Safe to repeat.
        """
        changes = self.plan(cluster)
        doing = to_apply(changes)
        lacking = [c.user for c in doing if _new_user(c) and not passwords(c.user or "")]
        if lacking:
            raise TopologyError(
                f"no password is given for the new users {', '.join(map(str, lacking))}"
            )
        try:
            self._change_users(doing, passwords)
            self._create_topics(doing)
            self._change_configs(doing)
            self._change_acls(doing)
            limits = {c.user: c.quotas for c in doing if c.user and c.quotas is not None}
            if limits:
                run(quotas.write(self._access.aiokafka(), limits))
        except (KafkaException, KafkaError, OSError) as error:
            raise self._explained(error) from error
        for change in doing:
            progress(change)
        if doing:
            self._wait(cluster)
        return changes

    def empty(self, cluster: Cluster) -> None:
        """Removes the declared topics and all idle consumer groups, for `apply` to make anew.

        All that the topics hold is lost: for tests and for a demo's fresh start.
        """
        try:
            known = self._client.list_topics(timeout=SECONDS).topics
            ours = [name for name in cluster.topics if name in known]
            if ours:
                for gone in self._client.delete_topics(ours, operation_timeout=SECONDS).values():
                    _unless_gone(gone)
            groups = self._client.list_consumer_groups().result(SECONDS).valid
            if groups:
                names = [group.group_id for group in groups]
                _all(self._client.delete_consumer_groups(names).values())
        except (KafkaException, KafkaError, OSError) as error:
            raise self._explained(error) from error

    def _wait(self, cluster: Cluster) -> None:
        """Brokers take over what the controller has confirmed a moment later."""
        end = time.monotonic() + SECONDS
        while left := to_apply(self.plan(cluster)):
            if time.monotonic() > end:
                raise TopologyError(f"the cluster does not take over: {left[0].line}")
            time.sleep(0.1)

    def _read(self) -> Topology:
        return Topology(
            topics=self._topics(),
            acls=frozenset(map(_acl, self._client.describe_acls(_EVERY_ACL).result(SECONDS))),
            users=self._users(),
            quotas=run(quotas.read(self._access.aiokafka())),
        )

    def _users(self) -> frozenset[str]:
        everybody: Any = self._client.describe_user_scram_credentials()
        return frozenset(everybody.result(SECONDS))

    def _topics(self) -> dict[str, TopicState]:
        metadata = self._client.list_topics(timeout=SECONDS).topics
        names = [name for name in metadata if not name.startswith("__")]
        if not names:
            return {}
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        configs = {
            resource.name: {
                key: entry.value
                for key, entry in future.result(SECONDS).items()
                if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
            }
            for resource, future in self._client.describe_configs(resources).items()
        }
        return {
            name: TopicState(
                partitions=len(metadata[name].partitions),
                replication=min(len(p.replicas) for p in metadata[name].partitions.values()),
                config=configs[name],
            )
            for name in names
        }

    def _create_topics(self, changes: Sequence[Change]) -> None:
        topics = [
            NewTopic(
                change.topic,
                num_partitions=change.state.partitions,
                replication_factor=change.state.replication,
                config=dict(change.state.config),
            )
            for change in changes
            if change.topic and change.state
        ]
        if topics:
            _all(self._client.create_topics(topics, operation_timeout=SECONDS).values())

    def _change_configs(self, changes: Sequence[Change]) -> None:
        wishes: dict[str, list[ConfigEntry]] = {}
        for change in changes:
            if change.topic and change.config:
                wishes.setdefault(change.topic, []).extend(_entries(change.config))
        resources = [
            ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
            for name, entries in wishes.items()
        ]
        if resources:
            _all(self._client.incremental_alter_configs(resources).values())

    def _change_acls(self, changes: Sequence[Change]) -> None:
        new = [_binding(c.acl) for c in changes if c.acl and c.action == "create"]
        old = [_filter(c.acl) for c in changes if c.acl and c.action == "remove"]
        if new:
            _all(self._client.create_acls(new).values())
        if old:
            _all(self._client.delete_acls(old).values())

    def _change_users(
        self, changes: Sequence[Change], passwords: Callable[[str], str | None]
    ) -> None:
        users = [c for c in changes if c.user and c.quotas is None]
        alterations: list[Any] = [
            UserScramCredentialUpsertion(
                change.user,
                ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS),
                (passwords(change.user) or "").encode(),
            )
            if change.action == "create"
            else UserScramCredentialDeletion(change.user, ScramMechanism.SCRAM_SHA_512)
            for change in users
            if change.user
        ]
        if alterations:
            _all(self._client.alter_user_scram_credentials(alterations).values())

    def _explained(self, error: Exception) -> TopologyError:
        text = str(error)
        if isinstance(error, KafkaException):
            text = error.args[0].str()
        return TopologyError(
            f"the cluster at {self._access.bootstrap} says to {self._access.user or 'us'}: {text}"
        )


_ANYTHING: Any = None
_EVERY_ACL = AclBindingFilter(
    ResourceType.ANY,
    _ANYTHING,
    ResourcePatternType.ANY,
    _ANYTHING,
    _ANYTHING,
    AclOperation.ANY,
    AclPermissionType.ANY,
)


def _unless_gone(deletion: Any) -> None:
    """A topic that is gone already is as it should be: metadata lags behind the controller."""
    try:
        deletion.result(SECONDS)
    except KafkaException as error:
        if error.args[0].code() != ClientError.UNKNOWN_TOPIC_OR_PART:
            raise


def _all(futures: Iterable[Any]) -> None:
    for future in futures:
        future.result(SECONDS)


def _entries(config: Mapping[str, str | None]) -> list[ConfigEntry]:
    """Changes of single settings; None goes back to the cluster's default."""
    delete, put = AlterConfigOpType.DELETE, AlterConfigOpType.SET
    return [
        ConfigEntry(key, value, incremental_operation=delete if value is None else put)
        for key, value in config.items()
    ]


def _acl(binding: Any) -> Acl:
    return Acl(
        principal=binding.principal.removeprefix("User:"),
        operation=binding.operation.name.lower(),
        resource=_RESOURCES[binding.restype],
        name=binding.name,
        prefixed=binding.resource_pattern_type == ResourcePatternType.PREFIXED,
        host=binding.host,
        allow=binding.permission_type == AclPermissionType.ALLOW,
    )


def _arguments(acl: Acl) -> tuple[Any, ...]:
    return (
        _TYPES[acl.resource],
        acl.name,
        ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL,
        f"User:{acl.principal}",
        acl.host,
        AclOperation[acl.operation.upper()],
        AclPermissionType.ALLOW if acl.allow else AclPermissionType.DENY,
    )


def _binding(acl: Acl) -> AclBinding:
    return AclBinding(*_arguments(acl))


def _filter(acl: Acl) -> AclBindingFilter:
    return AclBindingFilter(*_arguments(acl))


def _new_user(change: Change) -> bool:
    return change.user is not None and change.quotas is None and change.action == "create"
