"""SQL on citizens, whose rows are sealed, and on the log of who looked at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """A citizen's row: everything that could name them is sealed."""

    citizen_id: str
    cpr_hash: bytes
    cpr_sealed: bytes
    version: int
    data_key: bytes
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One reading or writing of a citizen's data."""

    actor: str
    action: str
    citizen_id: str
    cause: str


async def lock_people(conn: Connection, hashes: Iterable[bytes]) -> None:
    """Lets no other process decide for the same citizens until the transaction ends."""
    numbers = sorted({int.from_bytes(one[:8], "big", signed=True) for one in hashes})
    await conn.execute(
        "SELECT count(pg_advisory_xact_lock(n)) FROM unnest($1::bigint[]) AS n", numbers
    )


_CITIZENS: Final = """
SELECT cpr_hash AS asked, citizen_id, cpr_hash, cpr_sealed, version, data_key, record
FROM citizens WHERE cpr_hash = ANY($1::bytea[])
UNION ALL
SELECT f.cpr_hash, c.citizen_id, c.cpr_hash, c.cpr_sealed, c.version, c.data_key, c.record
FROM former_numbers f JOIN citizens c USING (citizen_id) WHERE f.cpr_hash = ANY($1::bytea[])
"""


async def citizens(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Citizen]:
    """The citizens by the keyed hash that was asked for: of their number, or of a former one."""
    rows = await conn.fetch(_CITIZENS, list(hashes))
    return {row["asked"]: _citizen(row) for row in rows}


def _citizen(row: Row) -> Citizen:
    return Citizen(**{name: value for name, value in row.items() if name != "asked"})


async def add_former(conn: Connection, rows: Iterable[tuple[bytes, str]], now: datetime) -> None:
    """Remembers numbers (by their hashes) that citizens had before."""
    await conn.executemany(
        """INSERT INTO former_numbers (cpr_hash, citizen_id, since) VALUES ($1, $2, $3)
           ON CONFLICT (cpr_hash) DO NOTHING""",
        [(*row, now) for row in rows],
    )


async def by_ids(conn: Connection, ids: Iterable[str]) -> dict[str, Citizen]:
    """The citizens of these ids."""
    rows = await conn.fetch(
        """SELECT citizen_id, cpr_hash, cpr_sealed, version, data_key, record
           FROM citizens WHERE citizen_id = ANY($1::text[])""",
        list(ids),
    )
    return {row["citizen_id"]: Citizen(**row) for row in rows}


_SAVE_CITIZENS: Final = """
INSERT INTO citizens (citizen_id, cpr_hash, cpr_sealed, version, data_key, record, recorded_at)
SELECT c.*, $7 FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int[], $5::bytea[],
                           $6::bytea[]) AS c
ON CONFLICT (citizen_id) DO UPDATE SET
    cpr_hash = excluded.cpr_hash, cpr_sealed = excluded.cpr_sealed,
    version = excluded.version, record = excluded.record, recorded_at = excluded.recorded_at
"""


async def save_citizens(conn: Connection, rows: Sequence[Citizen], now: datetime) -> None:
    """Writes new citizens and new versions of known ones."""
    if rows:
        columns = zip(
            *(
                (r.citizen_id, r.cpr_hash, r.cpr_sealed, r.version, r.data_key, r.record)
                for r in rows
            ),
            strict=True,
        )
        await conn.execute(_SAVE_CITIZENS, *columns, now)


async def log_access(conn: Connection, rows: Sequence[Access], now: datetime) -> None:
    """Writes who did what with whose data, and because of what."""
    if rows:
        await conn.execute(
            """INSERT INTO access_log (at, actor, action, citizen_id, cause)
               SELECT $5, a.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS a""",
            *zip(*((r.actor, r.action, r.citizen_id, r.cause) for r in rows), strict=True),
            now,
        )
