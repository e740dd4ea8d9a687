"""What every test may ask for: real servers, and fresh databases with a service's own schema."""

from __future__ import annotations

import itertools
import os
import re
import signal
import types
import unittest
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import is_hypothesis_test, settings

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres, close_database
from deploy.local.stack import Stack
from deploy.local.state import State
from deploy.topology.admin import Admin
from shared.migrate import migrate
from shared.topics import Cluster, load

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """A test run that is asked to end ends as with Ctrl-C, so that its servers are stopped."""

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    # The same commit gives the same result; the long mode looks for what nobody has seen yet.
    settings.register_profile("steady", derandomize=True)
    settings.register_profile("long", derandomize=False, print_blob=True)
    settings.load_profile("long" if os.environ.get("GENVEJ_LONG") else "steady")
    os.environ["COLUMNS"] = "200"  # tables look alike, whatever terminal the tests run in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what draws many examples: `make check` leaves it to `make test`."""
    for item in items:
        function = getattr(item, "obj", None)
        machine = isinstance(getattr(function, "__self__", None), unittest.TestCase)
        if machine or (function is not None and is_hypothesis_test(function)):
            item.add_marker(pytest.mark.examples)


class Databases:
    """Clones of a template per service, in which all migrations are applied."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._templates: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self.unused: list[str] = []

    async def __call__(self, service: str) -> str:
        """The DSN of a fresh database of the service, as its runtime role."""
        template = self._templates.get(service) or await self._make_template(service)
        name = f"test_{service}_{next(self._numbers)}"
        await self._create(name, service, template)
        self.unused.append(name)
        return self.server.dsn(name, service)

    def owner(self, dsn: str) -> str:
        """The same database as its owner, who may migrate it."""
        return self._as(dsn, "{service}_owner")

    def superuser(self, dsn: str) -> str:
        """The same database as the server's superuser."""
        return self._as(dsn, "postgres")

    async def drop(self, names: list[str]) -> None:
        """Removes databases, whoever is still connected."""
        connection = await asyncpg.connect(self.server.dsn())
        try:
            for name in names:
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    def _as(self, dsn: str, role: str) -> str:
        found = re.match(r"postgresql://([a-z]+):.*/([a-z0-9_]+)$", dsn)
        assert found is not None, "not a DSN of this fixture"
        return self.server.dsn(found[2], role.format(service=found[1]))

    async def _make_template(self, service: str) -> str:
        self.server.provide([service])
        name = f"template_{service}"
        await self._create(name, service, service)
        homes = (ROOT / room / service / "migrations" for room in ("services", "examples"))
        folders = [home for home in homes if home.is_dir()]
        await migrate(self.server.dsn(name, f"{service}_owner"), folders, runtime_role=service)
        self._templates[service] = name
        return name

    async def _create(self, name: str, service: str, template: str) -> None:
        connection = await asyncpg.connect(self.server.dsn())
        try:
            await connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER "{service}_owner"'
            )
            await close_database(connection, name, service)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server for this test run; without fsync, because nobody needs its data after."""
    server = Postgres(State(tmp_path_factory.mktemp("postgres")), durable=False)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Databases:
    return Databases(postgres)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Databases]:
    """`await database("referral")` gives the DSN of a fresh database; dropped after the test."""
    yield databases
    names, databases.unused = databases.unused, []
    if names:
        await databases.drop(names)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """What the committed cluster file declares."""
    return load(ROOT / "deploy" / "topics.toml")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Kafka]:
    """An Apache Kafka for this test run, on which the cluster file is applied.

    `kafka.access("referral").aiokafka()` are the connection arguments of a user.
    """
    broker = Kafka(State(tmp_path_factory.mktemp("kafka")), heap="384m")
    try:
        broker.start()
        Admin(broker.access()).apply(cluster, broker.password)
        yield broker
    finally:
        broker.destroy()


class Stacks:
    """Stacks for the tests of a module, on free ports; gone after it, whatever happened."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self.all: list[Stack] = []

    def __call__(self, **given: Any) -> Stack:
        """A stack that is not up yet; see `Stack` for what can be given."""
        given.setdefault("folder", self._folders.mktemp("stack"))
        stack = Stack(**{"durable": False, "preferred_ports": False, "heap": "384m", **given})
        self.all.append(stack)
        return stack


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """`stack = stacks(clock=…)`, then `stack.up()`: the services, real broker and database."""
    made = Stacks(tmp_path_factory)
    yield made
    for stack in made.all:
        stack.destroy()


@pytest.fixture
def fresh_kafka(kafka: Kafka, cluster: Cluster) -> Kafka:
    """The same broker with all topics empty and no consumer group remembered."""
    admin = Admin(kafka.access())
    admin.empty(cluster)
    admin.apply(cluster, kafka.password)
    return kafka
