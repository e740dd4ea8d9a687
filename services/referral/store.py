"""All SQL on the service's own tables. Set-based: a batch costs a few statements, however long.

Nothing here opens a connection or asks for the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from services.referral.plan import PlanType
from services.referral.referral import CloseReason, FreeChoiceReason, Referral

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that was answered for good. `receipt` is compressed (zlib)."""

    source: str
    document_id: str
    content_hash: bytes
    referral_id: str | None
    receipt: bytes
    receipt_type: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A record whose document waits for its original; its sender has been told so."""

    origin: tuple[str, int, int]
    source: str
    document_id: str
    content_hash: bytes
    since: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistEntry:
    """Something that a human has to look at."""

    entry_id: str
    referral_id: str
    reason: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """What was last said of a session; an older revision is stale."""

    session_id: str
    referral_id: str
    revision: int
    starts_at: datetime
    cancelled: bool


async def lock_people(conn: Connection, hashes: Iterable[bytes]) -> None:
    """Lets no other process decide for the same citizens until the transaction ends."""
    numbers = sorted({int.from_bytes(one[:8], "big", signed=True) for one in hashes})
    await conn.execute(
        "SELECT count(pg_advisory_xact_lock(n)) FROM unnest($1::bigint[]) AS n", numbers
    )


async def documents(
    conn: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Document]:
    """The documents of these sources and ids that were answered for good."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = await conn.fetch(
        """SELECT d.source, d.document_id, d.content_hash, d.referral_id, d.receipt,
                  d.receipt_type, d.received_at
           FROM documents d JOIN unnest($1::text[], $2::text[]) AS w(source, document_id)
             USING (source, document_id)""",
        *zip(*keys, strict=True),
    )
    return {(row["source"], row["document_id"]): Document(**row) for row in rows}


async def waiting(
    conn: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, int, int], Waiting]:
    """The records of these sources and document ids that wait for an original."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = await conn.fetch(
        """SELECT w.topic, w.partition, w.record_offset, w.source, w.document_id, w.content_hash,
                  w.since
           FROM waiting w JOIN unnest($1::text[], $2::text[]) AS n(source, document_id)
             USING (source, document_id)""",
        *zip(*keys, strict=True),
    )
    found = (
        Waiting(
            origin=(row["topic"], row["partition"], row["record_offset"]),
            source=row["source"],
            document_id=row["document_id"],
            content_hash=row["content_hash"],
            since=row["since"],
        )
        for row in rows
    )
    return {one.origin: one for one in found}


async def citizens(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Citizen]:
    """The citizens by the keyed hash of their number."""
    rows = await conn.fetch(
        """SELECT citizen_id, cpr_hash, cpr_sealed, version, data_key, record
           FROM citizens WHERE cpr_hash = ANY($1::bytea[])""",
        list(hashes),
    )
    return {row["cpr_hash"]: Citizen(**row) for row in rows}


_REFERRALS: Final = """
WITH wanted AS (
    SELECT unnest($1::text[]) AS referral_id
    UNION SELECT r.referral_id FROM referrals r WHERE r.citizen_id = ANY($2::text[])
    UNION SELECT r.referral_id FROM referrals r
        JOIN unnest($3::text[], $4::text[]) AS d(hospital, document_id)
          ON r.hospital = d.hospital AND r.replaces_document = d.document_id
)
SELECT r.* FROM referrals r JOIN wanted USING (referral_id)
ORDER BY r.referral_id FOR NO KEY UPDATE OF r
"""


async def referrals(
    conn: Connection,
    ids: Iterable[str],
    *,
    citizen_ids: Iterable[str] = (),
    replaced: Iterable[tuple[str, str]] = (),
) -> dict[str, Referral]:
    """Locks and loads referrals: by id, of citizens, and those that replace (hospital, document).

    Always in the order of their ids, so that no two batches wait for each other. The offered days
    are read after the locks are had: a statement that waited for a lock sees what stood before.
    """
    pairs = list(replaced)
    rows = await conn.fetch(
        _REFERRALS,
        list(ids),
        list(citizen_ids),
        [hospital for hospital, _ in pairs],
        [document for _, document in pairs],
    )
    if not rows:
        return {}
    offered: dict[str, list[date]] = {}
    for row in await conn.fetch(
        """SELECT referral_id, day FROM offered_days
           WHERE referral_id = ANY($1::text[]) ORDER BY day""",
        [row["referral_id"] for row in rows],
    ):
        offered.setdefault(row["referral_id"], []).append(row["day"])
    return {row["referral_id"]: _referral(row, offered.get(row["referral_id"], ())) for row in rows}


def _referral(row: Row, offered: Iterable[date]) -> Referral:
    return Referral(
        referral_id=row["referral_id"],
        citizen_id=row["citizen_id"],
        hospital=row["hospital"],
        document_id=row["document_id"],
        municipality=row["municipality"],
        provider=row["provider"],
        type=PlanType(row["type"]),
        discharge_date=row["discharge_date"],
        later_start=row["later_start"],
        received_at=row["received_at"],
        limit=row["limit_date"],
        may_choose=row["may_choose"],
        limit_known_at=row["limit_known_at"],
        replaces=row["replaces"],
        replaces_document=row["replaces_document"],
        order_id=row["order_id"],
        order_stands=row["order_stands"],
        closed=CloseReason(row["closed"]) if row["closed"] else None,
        offered=tuple(offered),
        at_risk=row["at_risk"],
        missed=row["missed"],
        free_choice=FreeChoiceReason(row["free_choice"]) if row["free_choice"] else None,
    )


async def sessions(conn: Connection, ids: Iterable[str]) -> dict[str, SessionRow]:
    """What was last said of these sessions."""
    rows = await conn.fetch(
        """SELECT session_id, referral_id, revision, starts_at, cancelled
           FROM sessions WHERE session_id = ANY($1::text[])""",
        list(ids),
    )
    return {row["session_id"]: SessionRow(**row) for row in rows}


_SAVE_CITIZENS: Final = """
INSERT INTO citizens (citizen_id, cpr_hash, cpr_sealed, version, data_key, record, recorded_at)
SELECT c.*, $7 FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int[], $5::bytea[],
                           $6::bytea[]) AS c
ON CONFLICT (citizen_id) DO UPDATE SET
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


_SAVE_REFERRALS: Final = """
INSERT INTO referrals (referral_id, citizen_id, hospital, document_id, municipality, provider,
    type, discharge_date, later_start, received_at, limit_date, may_choose, limit_known_at,
    replaces, replaces_document, order_id, order_stands, closed, at_risk, missed, free_choice,
    details, changed_at)
SELECT r.*, $23 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::text[], $8::date[], $9::date[], $10::timestamptz[], $11::date[], $12::bool[],
    $13::timestamptz[], $14::text[], $15::text[], $16::text[], $17::bool[], $18::text[],
    $19::bool[], $20::bool[], $21::text[], $22::bytea[]) AS r
"""
_UPDATE_REFERRALS: Final = """
UPDATE referrals r SET
    discharge_date = n.discharge_date, later_start = n.later_start, limit_date = n.limit_date,
    limit_known_at = n.limit_known_at, order_stands = n.order_stands, closed = n.closed,
    at_risk = n.at_risk, missed = n.missed, free_choice = n.free_choice, changed_at = $11
FROM unnest($1::text[], $2::date[], $3::date[], $4::date[], $5::timestamptz[], $6::bool[],
    $7::text[], $8::bool[], $9::bool[], $10::text[])
    AS n(referral_id, discharge_date, later_start, limit_date, limit_known_at, order_stands,
         closed, at_risk, missed, free_choice)
WHERE r.referral_id = n.referral_id
"""


async def add_referrals(
    conn: Connection, rows: Sequence[tuple[Referral, bytes]], now: datetime
) -> None:
    """Writes new referrals, each with its sealed details."""
    if not rows:
        return
    columns: Iterable[tuple[Any, ...]] = zip(
        *(
            (
                r.referral_id,
                r.citizen_id,
                r.hospital,
                r.document_id,
                r.municipality,
                r.provider,
                r.type,
                r.discharge_date,
                r.later_start,
                r.received_at,
                r.limit,
                r.may_choose,
                r.limit_known_at,
                r.replaces,
                r.replaces_document,
                r.order_id,
                r.order_stands,
                r.closed,
                r.at_risk,
                r.missed,
                r.free_choice,
                details,
            )
            for r, details in rows
        ),
        strict=True,
    )
    await conn.execute(_SAVE_REFERRALS, *columns, now)


async def change_referrals(conn: Connection, rows: Sequence[Referral], now: datetime) -> None:
    """Writes what may change of referrals that are there."""
    if not rows:
        return
    columns: Iterable[tuple[Any, ...]] = zip(
        *(
            (
                r.referral_id,
                r.discharge_date,
                r.later_start,
                r.limit,
                r.limit_known_at,
                r.order_stands,
                r.closed,
                r.at_risk,
                r.missed,
                r.free_choice,
            )
            for r in rows
        ),
        strict=True,
    )
    await conn.execute(_UPDATE_REFERRALS, *columns, now)
    closed = [row.referral_id for row in rows if row.closed is not None]
    if closed:
        await conn.execute(
            """UPDATE worklist SET closed_at = $2, closed_by = 'referral closed'
               WHERE referral_id = ANY($1::text[]) AND closed_at IS NULL""",
            closed,
            now,
        )


async def add_offered_days(conn: Connection, rows: Sequence[Referral]) -> None:
    """Writes the days that were offered; those that are there stay."""
    pairs = [(row.referral_id, day) for row in rows for day in row.offered]
    if pairs:
        await conn.execute(
            """INSERT INTO offered_days (referral_id, day)
               SELECT * FROM unnest($1::text[], $2::date[]) ON CONFLICT DO NOTHING""",
            *zip(*pairs, strict=True),
        )


async def save_sessions(conn: Connection, rows: Sequence[SessionRow]) -> None:
    """Writes what was last said of sessions; never goes back to an older revision."""
    if rows:
        await conn.execute(
            """INSERT INTO sessions (session_id, referral_id, revision, starts_at, cancelled)
               SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[],
                                    $5::bool[])
               ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision,
                   starts_at = excluded.starts_at, cancelled = excluded.cancelled
               WHERE sessions.revision < excluded.revision""",
            *zip(
                *(
                    (r.session_id, r.referral_id, r.revision, r.starts_at, r.cancelled)
                    for r in rows
                ),
                strict=True,
            ),
        )


async def add_documents(conn: Connection, rows: Sequence[Document]) -> None:
    """Writes documents that were answered for good; `referral_id` None means refused."""
    if rows:
        columns: Iterable[tuple[Any, ...]] = zip(
            *(
                (
                    r.source,
                    r.document_id,
                    r.content_hash,
                    "refused" if r.referral_id is None else "accepted",
                    r.referral_id,
                    r.receipt,
                    r.receipt_type,
                    r.received_at,
                )
                for r in rows
            ),
            strict=True,
        )
        await conn.execute(
            """INSERT INTO documents (source, document_id, content_hash, outcome, referral_id,
                                      receipt, receipt_type, received_at)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[],
                                    $6::bytea[], $7::text[], $8::timestamptz[])""",
            *columns,
        )


async def add_waiting(conn: Connection, rows: Sequence[Waiting]) -> None:
    """Writes records that now wait for an original."""
    if rows:
        columns: Iterable[tuple[Any, ...]] = zip(
            *((*r.origin, r.source, r.document_id, r.content_hash, r.since) for r in rows),
            strict=True,
        )
        await conn.execute(
            """INSERT INTO waiting (topic, partition, record_offset, source, document_id,
                                    content_hash, since)
               SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[],
                                    $6::bytea[], $7::timestamptz[])
               ON CONFLICT DO NOTHING""",
            *columns,
        )


async def end_waiting(conn: Connection, origins: Sequence[tuple[str, int, int]]) -> None:
    """Forgets records that wait no longer."""
    if origins:
        await conn.execute(
            """DELETE FROM waiting w USING unnest($1::text[], $2::int[], $3::bigint[])
                   AS d(topic, partition, record_offset)
               WHERE (w.topic, w.partition, w.record_offset)
                   = (d.topic, d.partition, d.record_offset)""",
            *zip(*origins, strict=True),
        )


async def add_worklist(conn: Connection, rows: Sequence[WorklistEntry], now: datetime) -> None:
    """Opens entries; one that was ever opened for the same reason isn't opened again."""
    if rows:
        await conn.execute(
            """INSERT INTO worklist (entry_id, referral_id, reason, about, opened_at)
               SELECT w.*, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w
               ON CONFLICT DO NOTHING""",
            *zip(*((r.entry_id, r.referral_id, r.reason, r.about) for r in rows), strict=True),
            now,
        )


async def log_access(conn: Connection, rows: Sequence[Access], now: datetime) -> None:
    """Writes who did what with whose data, and because of what."""
    if rows:
        await conn.execute(
            """INSERT INTO access_log (at, actor, action, citizen_id, cause)
               SELECT $5, a.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS a""",
            *zip(*((r.actor, r.action, r.citizen_id, r.cause) for r in rows), strict=True),
            now,
        )
