"""SQL on the documents that came: those that were answered for good, and those that wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.database import Connection


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
