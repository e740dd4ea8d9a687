"""Who may send through the door, and to which topics: never to another sender's.

The cluster file says which topics a sender and the gateway share; the senders' file holds the
SHA-256 of each sender's tokens. Both are read anew when they have changed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.files import Watched, read_toml
from shared.settings import SettingsError
from shared.topics import Cluster, ClusterFileError, load

_LOG: Final = logging.getLogger("services.gateway")
GATEWAY: Final = "gateway"


class SendersError(SettingsError):
    """The senders' file can't be used; the message names file, key and reason, never a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A sender by the name of its Kafka principal, and the topics that are its own."""

    principal: str
    intake: str
    receipts: str


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    principal: str
    sha256: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...], Field(min_length=1)
    ]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sender: Sequence[_Entry] = ()


class Senders:
    """The senders by token and by name. Raises SendersError, ClusterFileError at first reading."""

    def __init__(self, cluster: Path, senders: Path) -> None:
        self._watched = Watched(
            [cluster, senders],
            lambda: _read(cluster, senders),
            faults=(SendersError, ClusterFileError),
            what="senders",
            log=_LOG,
        )

    def refresh(self) -> None:
        """Looks whether a file has changed; one that can't be used then changes nothing."""
        self._watched.refresh()

    def bearing(self, header: str) -> Sender | None:
        """The sender whose token an Authorization header bears."""
        scheme, _, token = header.partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            return None
        digest = hashlib.sha256(token.strip().encode()).hexdigest()
        _, by_token = self._watched.found
        return by_token.get(digest)

    def all(self) -> Sequence[Sender]:
        """Everybody who may send, by name."""
        by_name, _ = self._watched.found
        return [by_name[name] for name in sorted(by_name)]


def _read(cluster: Path, senders: Path) -> tuple[dict[str, Sender], dict[str, Sender]]:
    doors = doors_of(load(cluster))
    by_name: dict[str, Sender] = {}
    by_token: dict[str, Sender] = {}
    for entry in read_toml(senders, _File, SendersError).sender:
        sender = doors.get(entry.principal)
        if sender is None:
            raise SendersError(
                f"{senders}: sender {entry.principal}: the cluster file gives it no topic that "
                "the gateway may write for it"
            )
        if entry.principal in by_name:
            raise SendersError(f"{senders}: sender {entry.principal} is there twice")
        by_name[entry.principal] = sender
        for digest in entry.sha256:
            if by_token.setdefault(digest, sender) is not sender:
                raise SendersError(f"{senders}: {entry.principal} has another sender's token")
    return by_name, by_token


def doors_of(cluster: Cluster) -> Mapping[str, Sender]:
    """For each principal: where the gateway may write for it, and where its receipts come."""
    answers = {
        name: topic.name
        for topic in cluster.topics.values()
        if GATEWAY in topic.consumers
        for name in topic.consumers
        if name != GATEWAY
    }
    return {
        name: Sender(principal=name, intake=topic.name, receipts=answers[name])
        for topic in cluster.topics.values()
        if GATEWAY in topic.producers
        for name in topic.producers
        if name != GATEWAY and name in answers
    }
