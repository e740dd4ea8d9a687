"""The differences between a cluster and the cluster file, each in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deploy.topology.state import Acl, TopicState, Topology
from shared.topics import Cluster

# "refuse": must be changed and can't be without harm. "leave": not ours; said, never touched.
Action = Literal["create", "change", "remove", "refuse", "leave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `line` says it in words; the rest is what applying it needs."""

    action: Action
    line: str
    topic: str | None = None
    state: TopicState | None = None
    config: Mapping[str, str | None] | None = None
    acl: Acl | None = None
    user: str | None = None
    quotas: Mapping[str, float | None] | None = None

    @property
    def applies(self) -> bool:
        """Whether `apply` does something about it."""
        return self.action in {"create", "change", "remove"}

    def __str__(self) -> str:
        return f"{self.action}: {self.line}"


def compare(cluster: Cluster, want: Topology, have: Topology) -> list[Change]:
    """All differences, in the order in which they are to be applied."""
    return [
        *_users(cluster, want, have),
        *_topics(cluster, want, have),
        *_acls(cluster, want, have),
        *_quotas(cluster, want, have),
    ]


def _topics(cluster: Cluster, want: Topology, have: Topology) -> Iterator[Change]:
    for name, state in want.topics.items():
        found = have.topics.get(name)
        if found is None:
            line = f"topic {name}, {_count(state.partitions, 'partition')}, {_text(state.config)}"
            yield Change(action="create", line=line, topic=name, state=state)
            continue
        if found.partitions != state.partitions:
            yield Change(
                action="refuse",
                line=f"topic {name} has {_count(found.partitions, 'partition')} and should have "
                f"{state.partitions}: keys would move, so make a new generation of topics",
            )
        if found.replication != state.replication:
            yield Change(
                action="refuse",
                line=f"topic {name} has {_count(found.replication, 'replica')} and should have "
                f"{state.replication}: reassign it with kafka-reassign-partitions",
            )
        yield from _config(name, state.config, found.config)
    patterns = [re.compile(cluster.pattern(family.name)) for family in cluster.families]
    for name in sorted(set(have.topics) - set(want.topics)):
        ours = any(pattern.match(name) for pattern in patterns)
        whose = "of a party that is not declared" if ours else "not declared here"
        yield Change(action="leave", line=f"topic {name}, {whose}")


def _config(topic: str, want: Mapping[str, str], have: Mapping[str, str]) -> Iterator[Change]:
    changed: dict[str, str | None] = {k: v for k, v in want.items() if have.get(k) != v}
    changed |= dict.fromkeys(sorted(set(have) - set(want)))
    for key, value in changed.items():
        was = have.get(key, "Kafka's default")
        now = "Kafka's default" if value is None else value
        line = f"topic {topic}: {key} from {was} to {now}"
        yield Change(action="change", line=line, topic=topic, config={key: value})


def _acls(cluster: Cluster, want: Topology, have: Topology) -> Iterator[Change]:
    for acl in sorted(want.acls - have.acls):
        yield Change(action="create", line=f"right: {acl}", acl=acl)
    for acl in sorted(have.acls - want.acls):
        if _is_ours(cluster, acl):
            yield Change(action="remove", line=f"right: {acl}", acl=acl)
        else:
            reach = (
                " and reaching our topics" if acl.resource == "topic" and acl.name == "*" else ""
            )
            yield Change(action="leave", line=f"right: {acl}, not declared here{reach}")


def _is_ours(cluster: Cluster, acl: Acl) -> bool:
    """A right of a principal of ours, or on a topic of ours."""
    if acl.resource == "topic" and not acl.prefixed:
        names = [family.name for family in cluster.families]
        if any(re.match(cluster.pattern(n), acl.name) for n in names):
            return True
    return _is_principal(cluster, acl.principal)


def _is_principal(cluster: Cluster, name: str) -> bool:
    """Whether the name is a declared principal's, or that of one whose party has gone."""
    if name in cluster.principals:
        return True
    families = [family.name for family in cluster.principal_families]
    # A bare placeholder would match anybody's name.
    return any(re.match(cluster.pattern(f), name) for f in families if not f.startswith("{"))


def _users(cluster: Cluster, want: Topology, have: Topology) -> Iterator[Change]:
    for user in sorted(want.users - have.users):
        yield Change(action="create", line=f"user {user}", user=user)
    for user in sorted(have.users - want.users):
        if _is_principal(cluster, user):
            yield Change(action="remove", line=f"user {user}, whose party has gone", user=user)


def _quotas(cluster: Cluster, want: Topology, have: Topology) -> Iterator[Change]:
    for user in sorted({*want.quotas, *have.quotas}):
        new, old = want.quotas.get(user, {}), have.quotas.get(user, {})
        changed: dict[str, float | None] = {k: v for k, v in new.items() if old.get(k) != v}
        changed |= dict.fromkeys(sorted(set(old) - set(new)))
        if not changed:
            continue
        line = f"quotas of {user}: {_text({k: _number(v) for k, v in changed.items()})}"
        if _is_principal(cluster, user):
            action: Action = "change" if new else "remove"
            yield Change(action=action, line=line, user=user, quotas=changed)
        else:
            yield Change(action="leave", line=f"quotas of {user}, not declared here")


def summary(changes: Sequence[Change]) -> str:
    """The plan in one line."""
    if not changes:
        return "The cluster is as the cluster file says."
    counts = {action: sum(c.action == action for c in changes) for action in _WORDS}
    return ", ".join(f"{n} {_WORDS[a]}" for a, n in counts.items() if n) + "."


_WORDS: Mapping[Action, str] = {
    "create": "to create",
    "change": "to change",
    "remove": "to remove",
    "refuse": "refused",
    "leave": "left alone",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _text(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items()) or "no settings"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.10g}"


def to_apply(changes: Iterable[Change]) -> list[Change]:
    """The changes that `apply` carries out."""
    return [change for change in changes if change.applies]
