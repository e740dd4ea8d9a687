"""The cluster file: topics, who may write and read them, and the parties they are expanded for.

A name with a placeholder, such as "intake.{sender}.letters", is a family: one topic for each
declared party of the kind "sender". `load` reads the file, `Cluster` answers for what is in it.
Applying it to brokers is another matter.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# Kafka's own rule for topic names, here also for principals and codes (placeholders aside).
_NAME = re.compile(r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class ClusterFileError(Exception):
    """The cluster file can't be used; the message says which entry and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Party(_Strict):
    """Somebody whom topics and principals are declared for, known by kind and code."""

    kind: str
    code: str
    name: str = ""
    attributes: Mapping[str, Any] = {}


class TopicFamily(_Strict):
    """Topics as declared; `config` holds Kafka's topic settings, all as text.

    `key` says in words what records are keyed by. `produces` and `consumes` name principals.
    `carries` lists the event types (CloudEvents), or media types where it carries none.
    """

    name: str
    about: str
    key: str
    partitions: Annotated[int, Field(ge=1)]
    profile: str
    config: Mapping[str, str] = {}
    produces: Sequence[str] = ()
    consumes: Sequence[str] = ()
    carries: Sequence[str] = ()


class PrincipalFamily(_Strict):
    """Users as declared: their consumer groups (by prefix), transactional ids and quotas.

    `oversees` lets a principal see all topics and groups, not the records in them.
    `quotas` are Kafka's client quotas (bytes a second, percent).
    """

    name: str
    about: str
    groups: Sequence[str] = ()
    transactional_ids: Sequence[str] = ()
    oversees: bool = False
    quotas: Mapping[str, float] = {}


class _File(_Strict):
    replication_factor: Annotated[int, Field(ge=1)] = 3
    party: Sequence[Party] = ()
    profile: Mapping[str, Mapping[str, str]] = {}
    topic: Sequence[TopicFamily] = ()
    principal: Sequence[PrincipalFamily] = ()


class Topic(_Strict):
    """One topic of a family. `party` is whom it was expanded for; None for a plain name."""

    name: str
    family: TopicFamily
    party: Party | None
    config: Mapping[str, str]
    producers: Sequence[str]
    consumers: Sequence[str]

    @property
    def partitions(self) -> int:
        """How many partitions the topic is made with; never changed afterwards."""
        return self.family.partitions


class Principal(_Strict):
    """One user of a family. `party` is whom it was expanded for; None for a plain name."""

    name: str
    family: PrincipalFamily
    party: Party | None
    groups: Sequence[str]
    transactional_ids: Sequence[str]

    @property
    def quotas(self) -> Mapping[str, float]:
        """Kafka's client quotas of this user; empty where it is not limited."""
        return self.family.quotas


class Cluster:
    """What the cluster file declares, with its families expanded."""

    def __init__(self, file: _File, origin: str = "the cluster file") -> None:
        self._file = file
        self.replication_factor = file.replication_factor
        self.parties: Sequence[Party] = tuple(file.party)
        for problem in _problems(file):
            raise ClusterFileError(f"{origin}: {problem}")

    @cached_property
    def topics(self) -> Mapping[str, Topic]:
        """All topics by name."""
        return {topic.name: topic for family in self._file.topic for topic in self._topics(family)}

    @cached_property
    def principals(self) -> Mapping[str, Principal]:
        """All users by name."""
        return {p.name: p for family in self._file.principal for p in self._principals(family)}

    @property
    def families(self) -> Sequence[TopicFamily]:
        """The topics as declared, unexpanded, in the file's order."""
        return self._file.topic

    @property
    def principal_families(self) -> Sequence[PrincipalFamily]:
        """The users as declared, unexpanded, in the file's order."""
        return self._file.principal

    def expand(self, names: Iterable[str]) -> list[Topic]:
        """The topics behind names and families, in order; a family without parties gives none.

        Raises KeyError for a name that is declared neither as a topic nor as a family.
        """
        by_family: dict[str, list[Topic]] = {family.name: [] for family in self.families}
        for topic in self.topics.values():
            by_family[topic.family.name].append(topic)
        found: list[Topic] = []
        for name in names:
            if name not in by_family and name not in self.topics:
                raise KeyError(f"the cluster file declares no topic or family {name}")
            found += by_family[name] if name in by_family else [self.topics[name]]
        return found

    def pattern(self, name: str) -> str:
        """A regular expression that all topics of a family match, also ones made later."""
        parts = _PLACEHOLDER.split(name)
        return "^" + "[A-Za-z0-9_-]+".join(re.escape(part) for part in parts[::2]) + "$"

    def of_kind(self, kind: str) -> list[Party]:
        """The parties of one kind, in the file's order."""
        return [party for party in self.parties if party.kind == kind]

    def party(self, kind: str, code: str) -> Party | None:
        """The party of that kind and code, or None."""
        return next((p for p in self.parties if (p.kind, p.code) == (kind, code)), None)

    def _topics(self, family: TopicFamily) -> Iterator[Topic]:
        config = {**self._file.profile[family.profile], **family.config}
        for party in self._bound(family.name):
            yield Topic(
                name=_fill(family.name, [party]),
                family=family,
                party=party,
                config=config,
                producers=self._names(family.produces, party),
                consumers=self._names(family.consumes, party),
            )

    def _principals(self, family: PrincipalFamily) -> Iterator[Principal]:
        for party in self._bound(family.name):
            yield Principal(
                name=_fill(family.name, [party]),
                family=family,
                party=party,
                groups=[_fill(group, [party]) for group in family.groups],
                transactional_ids=[_fill(text, [party]) for text in family.transactional_ids],
            )

    def _bound(self, text: str) -> list[Party] | list[None]:
        kinds = _PLACEHOLDER.findall(text)
        return self.of_kind(kinds[0]) if kinds else [None]

    def _names(self, texts: Sequence[str], party: Party | None) -> list[str]:
        """Fills in the topic's own party; other placeholders stand for all their parties."""
        names: list[str] = []
        for text in texts:
            kinds = dict.fromkeys(_PLACEHOLDER.findall(text))
            choices = [
                [party] if party is not None and party.kind == kind else self.of_kind(kind)
                for kind in kinds
            ]
            names += [_fill(text, chosen) for chosen in product(*choices)]
        return names


def load(path: Path) -> Cluster:
    """Reads a cluster file. Raises ClusterFileError where it can't be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ClusterFileError(f"{path} can't be read: {error.strerror}") from error
    return parse(text, str(path))


def parse(text: str, origin: str = "the cluster file") -> Cluster:
    """Reads a cluster file's text. Raises ClusterFileError, which names `origin`."""
    try:
        return Cluster(_File.model_validate(tomllib.loads(text)), origin)
    except tomllib.TOMLDecodeError as error:
        raise ClusterFileError(f"{origin} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ClusterFileError(f"{origin}: {where}: {first['msg']}") from error


def _fill(text: str, parties: Iterable[Party | None]) -> str:
    for party in parties:
        if party is not None:
            text = text.replace("{" + party.kind + "}", party.code)
    return text


def _problems(file: _File) -> Iterator[str]:
    """Names that are unfit, unknown or there twice."""
    for party in file.party:
        if not _NAME.match(party.code) or "." in party.code:
            yield f"{party.kind} {party.code!r}: a code is of letters, digits, _ and -"
    topics, principals = [t.name for t in file.topic], [p.name for p in file.principal]
    for name in [*topics, *principals]:
        if not _NAME.match(_PLACEHOLDER.sub("x", name)):
            yield f"{name!r} is no name that Kafka takes"
        if len(_PLACEHOLDER.findall(name)) > 1:
            yield f"{name} has more than one placeholder"
    for names in (topics, principals, [f"{p.kind} {p.code}" for p in file.party]):
        yield from (f"{name} is declared twice" for name in set(names) if names.count(name) > 1)
    known = {_fill(name, [party]) for name in principals for party in [None, *file.party]}
    for topic in file.topic:
        if topic.profile not in file.profile:
            yield f"{topic.name} has the profile {topic.profile}, which is not declared"
        for name in [*topic.produces, *topic.consumes]:
            if name not in known:
                yield f"{topic.name} names {name}, which is no declared principal"
