"""SQL on care communication: threads and what was written in them, sealed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.referral.dialogue import Step

if TYPE_CHECKING:
    from shared.database import Connection, Row

_COLUMNS: Final = """thread_id, hospital, thread, referral_id, municipality, category,
    department_sor, department_ean, department_name, topic, newest_document, unread_since,
    opened_at"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation with one department. `topic` is sealed; `newest_document`: what is answered.

    `unread_since`: when the oldest message came that nobody here has read.
    """

    thread_id: str
    hospital: str
    thread: str
    referral_id: str
    municipality: str
    category: str
    department_sor: str
    department_ean: str | None
    department_name: str
    topic: bytes
    newest_document: str | None
    unread_since: datetime | None
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What was written in a thread, sealed; `ours`: by us."""

    thread_id: str
    post_id: str
    document_id: str
    step: Step
    ours: bool
    written_at: datetime
    sealed: bytes


async def threads(
    conn: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Thread]:
    """The threads of these hospitals and MedCom ids, locked."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM threads
            JOIN unnest($1::text[], $2::text[]) AS w(hospital, thread) USING (hospital, thread)
            ORDER BY thread_id FOR NO KEY UPDATE OF threads""",  # noqa: S608 - our own columns
        *zip(*keys, strict=True),
    )
    return {(row["hospital"], row["thread"]): _thread(row) for row in rows}


async def threads_of(conn: Connection, referral_id: str) -> list[Thread]:
    """The threads of a referral, the oldest first, locked."""
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM threads WHERE referral_id = $1
            ORDER BY opened_at, thread_id FOR NO KEY UPDATE""",  # noqa: S608 - our own columns
        referral_id,
    )
    return [_thread(row) for row in rows]


def _thread(row: Row) -> Thread:
    return Thread(**{name: row[name] for name in Thread.__dataclass_fields__})


async def answered(
    conn: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Thread]:
    """The threads of our own messages with these hospitals and document ids, locked."""
    keys = sorted(set(wanted))
    if not keys:
        return {}
    rows = await conn.fetch(
        """SELECT w.hospital AS party, w.document_id, t.* FROM threads t
           JOIN posts p ON p.thread_id = t.thread_id AND p.ours
           JOIN unnest($1::text[], $2::text[]) AS w(hospital, document_id)
             ON w.hospital = t.hospital AND w.document_id = p.document_id
           ORDER BY t.thread_id FOR NO KEY UPDATE OF t""",
        *zip(*keys, strict=True),
    )
    return {(row["party"], row["document_id"]): _thread(row) for row in rows}


async def posts_of(conn: Connection, thread_ids: Iterable[str]) -> dict[str, list[Post]]:
    """What was written in these threads, in the order in which it came."""
    found: dict[str, list[Post]] = {}
    for row in await conn.fetch(
        """SELECT thread_id, post_id, document_id, step, ours, written_at, sealed FROM posts
           WHERE thread_id = ANY($1::text[]) ORDER BY number""",
        sorted(set(thread_ids)),
    ):
        fields = {name: row[name] for name in Post.__dataclass_fields__}
        post = Post(**fields | {"step": Step(row["step"])})
        found.setdefault(post.thread_id, []).append(post)
    return found


async def save_threads(conn: Connection, rows: Sequence[Thread]) -> None:
    """Writes new threads, and what has changed of known ones."""
    if rows:
        names = list(Thread.__dataclass_fields__)
        await conn.execute(
            f"""INSERT INTO threads ({_COLUMNS})
                SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                    $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::text[],
                    $12::timestamptz[], $13::timestamptz[])
                ON CONFLICT (thread_id) DO UPDATE SET
                    newest_document = excluded.newest_document,
                    unread_since = excluded.unread_since""",  # noqa: S608 - our own columns
            *([getattr(row, name) for row in rows] for name in names),
        )


async def add_posts(conn: Connection, rows: Sequence[Post]) -> None:
    """Writes what is new in threads."""
    if rows:
        names = list(Post.__dataclass_fields__)
        await conn.execute(
            """INSERT INTO posts (thread_id, post_id, document_id, step, ours, written_at, sealed)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[],
                                    $6::timestamptz[], $7::bytea[])
               ON CONFLICT DO NOTHING""",
            *([getattr(row, name) for row in rows] for name in names),
        )


async def unread(conn: Connection) -> tuple[int, datetime | None]:
    """How many threads nobody has read, and since when the oldest waits."""
    row = await conn.fetchrow(
        "SELECT count(*), min(unread_since) FROM threads WHERE unread_since IS NOT NULL"
    )
    assert row is not None, "an aggregate has a row"
    return row[0], row[1]
