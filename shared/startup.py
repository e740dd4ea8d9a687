"""What must hold before a service reads anything: a migrated database, and topics that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import asyncpg

from shared.kafka import client_options, is_family, partition_counts
from shared.migrate import migrate, pending

if TYPE_CHECKING:
    from shared.routes import Routes
    from shared.service import Service
    from shared.settings import ServiceSettings

# A statement ends before its batch's deadline; a process that hangs in a transaction, stopped by
# its host, is thrown out before the others have waited long for its locks.
_SESSION: Final = {
    "statement_timeout": "40000",
    "idle_in_transaction_session_timeout": "20000",
    "jit": "off",
    "timezone": "UTC",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class Refused(Exception):
    """The service must not run like this; the message says why and what to do."""


class NotYet(Exception):
    """Something is still missing that others make; the message says what."""


def session(name: str) -> dict[str, str]:
    """The settings of a database session under an application name."""
    return {**_SESSION, "application_name": name}


async def connect(service: Service, settings: ServiceSettings) -> asyncpg.Pool[asyncpg.Record]:
    """Migrates where the owner's DSN is configured, and opens the pool.

    Raises NotYet where migrations are missing that somebody else must run, MigrationError, or
    asyncpg's errors and OSError where the database is away.
    """
    dsn = settings.dsn.get_secret_value()
    if settings.migration_dsn is not None:
        role = unquote(urlsplit(dsn).username or "") or None
        owner = settings.migration_dsn.get_secret_value()
        await migrate(owner, [service.migrations], runtime_role=role)
    pool: asyncpg.Pool[asyncpg.Record] = await asyncpg.create_pool(
        dsn,
        min_size=2,
        max_size=settings.pool_size,
        timeout=10,
        server_settings=session(service.name),
    )
    try:
        async with pool.acquire() as conn:
            missing = await pending(conn, [service.migrations])
        if missing:
            raise NotYet(  # noqa: TRY301 - the pool must be closed for this one, too
                f"migrations are missing: {', '.join(missing)}"
            )
    except BaseException:
        pool.terminate()
        raise
    return pool


async def keyed_partitions(
    service: Service, settings: ServiceSettings, routes: Routes
) -> dict[str, int]:
    """The partition counts of the keyed topics.

    Raises NotYet where a topic does not exist, and Refused where the counts differ: then a key's
    records would lie in different partitions, and with different processes.
    """
    named = {t for s in service.subscriptions for t in s.topics if not is_family(t)}
    if not named:
        return {}
    counts = await partition_counts(client_options(settings), sorted(named))
    absent = [topic for topic, count in counts.items() if not count]
    if absent:
        raise NotYet(f"no such topic, or no right to see it: {', '.join(absent)}")
    keyed = {topic: counts[topic] for topic in routes.topics("keyed")}
    if len(set(keyed.values())) > 1:
        listed = ", ".join(f"{topic} has {count}" for topic, count in sorted(keyed.items()))
        raise Refused(
            f"keyed topics of one service need equal partition counts, but {listed}; "
            "make a new generation of the odd one"
        )
    return keyed
