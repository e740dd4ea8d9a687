"""Brings a service's database to the newest schema (pogo-migrate), under the owner role.

Adds to pogo what a fleet needs: several processes may start at once (an advisory lock), a
migration that was changed after it was applied is refused, and the runtime role gets its rights.
The runtime's own tables live in the schema `runtime`, a service's in `public`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate as pogo

if TYPE_CHECKING:
    from shared.database import Connection

RUNTIME_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x67656E76  # "genv": any number that nobody else locks on

_log = logging.getLogger("shared.migrate")
_log.setLevel(logging.ERROR)  # pogo reports each migration as a warning


class MigrationError(Exception):
    """A migration can't be applied; the message says which and why."""


def _schema(folder: Path) -> str:
    return "runtime" if folder.resolve() == RUNTIME_MIGRATIONS.resolve() else "public"


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise MigrationError(f"{folder} is no folder of migrations")
    return sorted(path for path in folder.iterdir() if path.suffix == ".sql")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def migrate(
    dsn: str, folders: Sequence[Path], *, runtime_role: str | None = None
) -> list[str]:
    """Applies what is missing of the runtime's and the folders' migrations; returns their names.

    `dsn` is the owner's. `runtime_role` may then read and write all tables, and nothing else.
    Safe to run from several processes at once. Raises MigrationError, or asyncpg's and OSError
    where the database is away.
    """
    every = list(dict.fromkeys([RUNTIME_MIGRATIONS, *folders]))
    conn: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await conn.execute(
            """CREATE TABLE IF NOT EXISTS public._migration_content (
                 schema_name text, migration_id text, sha256 text NOT NULL,
                 PRIMARY KEY (schema_name, migration_id))"""
        )
        applied: list[str] = []
        for folder in every:
            applied += await _apply(conn, folder)
        if runtime_role is not None:
            await _grant(conn, runtime_role)
    except BadMigrationError as error:
        raise MigrationError(f"{error}: {error.__cause__ or ''}".rstrip(": ")) from error
    finally:
        await conn.close()  # lets the advisory lock go as well
    return applied


async def _apply(conn: asyncpg.Connection[asyncpg.Record], folder: Path) -> list[str]:
    schema = _schema(folder)
    files = _files(folder)
    await conn.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    known = {
        row["migration_id"]: row["sha256"]
        for row in await conn.fetch(
            "SELECT migration_id, sha256 FROM public._migration_content WHERE schema_name = $1",
            schema,
        )
    }
    for path in files:
        if path.stem in known and known[path.stem] != _digest(path):
            raise MigrationError(
                f"{path.name} was changed after it was applied; put the change in a new migration"
            )
    await pogo.apply(conn, folder, schema_name=schema, logger=_log)
    fresh = [path for path in files if path.stem not in known]
    await conn.executemany(
        "INSERT INTO public._migration_content VALUES ($1, $2, $3)",
        [(schema, path.stem, _digest(path)) for path in fresh],
    )
    return [path.stem for path in fresh]


async def _grant(conn: asyncpg.Connection[asyncpg.Record], role: str) -> None:
    quoted = '"' + role.replace('"', '""') + '"'
    rights = "SELECT, INSERT, UPDATE, DELETE"
    for schema in ("runtime", "public"):
        await conn.execute(
            f"""GRANT USAGE ON SCHEMA {schema} TO {quoted};
                GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {quoted};
                GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted};"""
        )
    await conn.execute(
        f"""REVOKE INSERT, UPDATE, DELETE ON public._pogo_migration, public._pogo_version,
                   public._migration_content FROM {quoted}"""
    )


async def pending(conn: Connection, folders: Sequence[Path]) -> list[str]:
    """The names of migrations that this database still lacks."""
    if await conn.fetchval("SELECT to_regclass('public._migration_content')") is None:
        known: set[tuple[str, str]] = set()
    else:
        rows = await conn.fetch("SELECT schema_name, migration_id FROM public._migration_content")
        known = {(row["schema_name"], row["migration_id"]) for row in rows}
    return [
        path.stem
        for folder in dict.fromkeys([RUNTIME_MIGRATIONS, *folders])
        for path in _files(folder)
        if (_schema(folder), path.stem) not in known
    ]
