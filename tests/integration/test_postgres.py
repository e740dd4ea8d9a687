"""The server that the launcher starts keeps the services apart."""

from __future__ import annotations

import asyncpg
import pytest

from deploy.local.postgres import Postgres
from tests.conftest import Databases

SERVICES = ("referral", "scheduling", "notifications", "gateway")


@pytest.mark.parametrize("role", SERVICES)
@pytest.mark.parametrize("database", SERVICES)
@pytest.mark.parametrize("suffix", ["", "_owner"])
async def test_a_service_reaches_its_own_database_only(
    postgres: Postgres, role: str, database: str, suffix: str
) -> None:
    postgres.provide(SERVICES)
    dsn = postgres.dsn(database, f"{role}{suffix}")
    if role == database:
        connection = await asyncpg.connect(dsn)
        await connection.close()
    else:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn)


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_a_service_reaches_none_of_the_servers_own_databases(
    postgres: Postgres, database: str
) -> None:
    postgres.provide(["referral"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres.dsn(database, "referral"))


async def test_nobody_connects_without_the_password(postgres: Postgres) -> None:
    postgres.provide(["referral"])
    for role in ("postgres", "referral", "referral_owner"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://{role}:guess@127.0.0.1:{postgres.port}/referral")


async def test_the_runtime_role_changes_rows_and_no_tables(database: Databases) -> None:
    dsn = await database("referral")
    owner = await asyncpg.connect(database.owner(dsn))
    connection = await asyncpg.connect(dsn)
    try:
        for refused in ("CREATE TABLE mine ()", "DROP TABLE public._pogo_migration"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(refused)
        await owner.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    finally:
        await connection.close()
        await owner.close()


async def test_databases_of_a_test_are_fresh_and_apart(database: Databases) -> None:
    first, second = await database("referral"), await database("referral")
    assert first != second
    owner = await asyncpg.connect(database.owner(first))
    other = await asyncpg.connect(database.owner(second))
    try:
        await owner.execute("CREATE TABLE public.seen ()")
        assert await other.fetchval("SELECT to_regclass('public.seen')") is None
    finally:
        await owner.close()
        await other.close()


def test_a_killed_server_starts_again_with_its_data(postgres: Postgres) -> None:
    postgres.provide(["referral"])
    before = postgres.port
    postgres.kill()
    postgres.start()
    assert postgres.port == before
    postgres.provide(["referral"])
