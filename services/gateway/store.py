"""SQL on submissions: what was sent for whom, and the receipt that came. No document is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from shared.database import Connection

Way = Literal["http", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt as it came from the topic."""

    reference: str
    topic: str
    offset: int
    value: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One document that was sent. `receipt` is None until it has come."""

    reference: str
    receipt: bytes | None
    receipt_type: str | None


async def note(
    conn: Connection,
    reference: str,
    *,
    principal: str,
    answers_on: str,
    way: Way,
    now: datetime,
) -> None:
    """Remembers that a document is about to be sent; the same one again changes nothing."""
    await conn.execute(
        """INSERT INTO submissions (reference, principal, answers_on, way, submitted_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING""",
        reference,
        principal,
        answers_on,
        way,
        now,
    )


_TAKE: Final = """
UPDATE submissions s SET receipt = n.value, receipt_type = n.content_type,
    receipt_offset = n.place, received_at = $6
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::text[])
    AS n(reference, topic, place, value, content_type)
WHERE s.reference = n.reference AND s.answers_on = n.topic
  AND (s.receipt_offset IS NULL OR s.receipt_offset < n.place)
"""


async def take(conn: Connection, receipts: Iterable[Receipt], now: datetime) -> None:
    """Keeps receipts of what was sent here; the last of each reference counts."""
    last = {(one.reference, one.topic): one for one in receipts}
    if last:
        columns = zip(
            *((r.reference, r.topic, r.offset, r.value, r.content_type) for r in last.values()),
            strict=True,
        )
        await conn.execute(_TAKE, *columns, now)


async def submission(conn: Connection, reference: str, principal: str) -> Submission | None:
    """What was sent under a reference, if it was this sender's."""
    found = await submissions(conn, [reference], principal)
    return found[0] if found else None


async def submissions(
    conn: Connection, references: Sequence[str], principal: str
) -> list[Submission]:
    """Those of a sender under these references."""
    rows = await conn.fetch(
        """SELECT reference, receipt, receipt_type FROM submissions
           WHERE reference = ANY($1::text[]) AND principal = $2""",
        references,
        principal,
    )
    return [Submission(**row) for row in rows]


async def forget(conn: Connection, before: datetime) -> None:
    """Removes what was sent before that instant, answered or not."""
    await conn.execute("DELETE FROM submissions WHERE submitted_at < $1", before)
