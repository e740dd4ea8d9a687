"""The cluster file, the services and the contracts say the same of who writes and reads what."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from deploy.local import kafka
from deploy.local.stack import PREFERRED, SERVICES, Stack
from examples.transport.office import SERVICE as TRANSPORT
from shared.envelope import TYPE_PREFIX
from shared.service import Service
from shared.settings import ServiceSettings
from shared.topics import Cluster, load

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "shared" / "contracts"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return load(ROOT / "deploy" / "topics.toml")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """The services as they declare themselves, with the launcher's settings."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    for name in (*PREFERRED, kafka.CONTROLLER):
        stack.state.port(name)
    found = {TRANSPORT.name: TRANSPORT}
    for name in SERVICES:
        room = importlib.import_module(f"services.{name}.app")
        settings = settings_class(name)
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in stack.environment(name).items():
                patch.setenv(variable, value)
            # Each room has one function that makes its Service of its settings.
            make = getattr(room, "service", None) or room.build
            found[name] = make(settings.load())
    return found


def settings_class(name: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"services.{name}.settings")
    (found,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value is not ServiceSettings
    ]
    return found


def test_a_service_may_read_all_that_it_subscribes_to(
    cluster: Cluster, services: dict[str, Service]
) -> None:
    for service in services.values():
        for subscription in service.subscriptions:
            for topic in cluster.expand(subscription.topics):
                assert service.name in topic.consumers, f"{service.name} reads {topic.name}"


def test_a_service_reads_whatever_the_file_lets_it_read(
    cluster: Cluster, services: dict[str, Service]
) -> None:
    """A right that nobody uses is a right too many, but for what is declared ahead of its use."""
    ahead = {"responses", "notifications"}
    for service in services.values():
        read = {
            topic.name
            for subscription in service.subscriptions
            for topic in cluster.expand(subscription.topics)
        }
        allowed = {t.name for t in cluster.topics.values() if service.name in t.consumers}
        assert allowed - ahead <= read, service.name


def test_topics_that_are_read_together_have_equally_many_partitions(
    cluster: Cluster, services: dict[str, Service]
) -> None:
    for service in services.values():
        for kind in ("keyed", "intake"):
            subscribed = [s for s in service.subscriptions if s.kind == kind]
            topics = [t for s in subscribed for t in cluster.expand(s.topics)]
            assert len({topic.partitions for topic in topics}) <= 1, f"{service.name} {kind}"


def produced(services: dict[str, Service]) -> Iterator[tuple[str, str, str]]:
    """Service, topic family and event type."""
    for service in services.values():
        for family, types in service.produces.items():
            yield from ((service.name, family, event) for event in types)


def test_a_service_may_write_all_that_it_says_it_writes(
    cluster: Cluster, services: dict[str, Service]
) -> None:
    for service, family, _ in produced(services):
        for topic in cluster.expand([family]):
            assert service in topic.producers, f"{service} writes {topic.name}"


def test_the_file_names_the_events_that_the_services_write(
    cluster: Cluster, services: dict[str, Service]
) -> None:
    written = {(family, event) for _, family, event in produced(services)}
    of_services = set(services)
    declared = {
        (topic.family.name, event)
        for topic in cluster.topics.values()
        for event in topic.family.carries
        if set(topic.producers) <= of_services and not topic.name.endswith(".dead-letters")
    }
    # Written in formats of others', so no wire model of ours describes them.
    families = ("hospital.{hospital}.receipts", "sender.{sender}.receipts")
    theirs = {(family, f"{TYPE_PREFIX}document.acknowledged.v1") for family in families}
    theirs |= {("hospital.{hospital}.dialogue", f"{TYPE_PREFIX}care-communication.sent.v1")}
    assert declared - theirs == written


def test_every_event_has_a_schema_and_a_golden_example(cluster: Cluster) -> None:
    for topic in cluster.topics.values():
        for event in topic.family.carries:
            if not event.startswith(TYPE_PREFIX):
                continue  # a media type: outsiders' documents have contracts of their own
            name = event.removeprefix(TYPE_PREFIX)
            for kind in ("schema", "example"):
                assert (CONTRACTS / f"{name}.{kind}.json").exists(), f"{event} lacks its {kind}"


def test_every_contract_is_of_an_event_that_some_topic_carries(cluster: Cluster) -> None:
    events = [event for topic in cluster.topics.values() for event in topic.family.carries]
    carried = {event.removeprefix(TYPE_PREFIX) for event in events}
    for path in CONTRACTS.glob("*.schema.json"):
        # The clear text of an encrypted record travels inside the record.
        name = path.name.removesuffix(".schema.json").removesuffix(".clear")
        assert name in carried, f"{path.name}: no topic carries it"


def test_what_every_service_announces_of_a_dead_letter_is_as_its_schema_says() -> None:
    schema, example = (
        json.loads((CONTRACTS / f"dead-letter.recorded.v1.{kind}.json").read_text(encoding="utf-8"))
        for kind in ("schema", "example")
    )
    jsonschema.validate(example, schema)


def test_every_topic_that_carries_events_is_read_by_somebody(cluster: Cluster) -> None:
    for topic in cluster.topics.values():
        if topic.family.carries:
            assert topic.consumers, topic.name
