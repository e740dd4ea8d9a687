"""SQL of echoes: what was said of sessions and this database does not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from services.scheduling.echoes import Cancelled, Echo, remembered

if TYPE_CHECKING:
    from shared.database import Connection

# In a database that was never restored every row is at least as far as what was said of it.
_AS_FAR: Final = """
SELECT x.id FROM unnest($1::uuid[], $2::int[], $3::boolean[]) AS x (id, revision, gone)
JOIN session s ON s.session_id = x.id AND (s.revision > x.revision
    OR s.revision = x.revision AND (s.status = 'cancelled' OR NOT x.gone))
UNION
SELECT x.id FROM unnest($1::uuid[], $2::int[]) AS x (id, revision)
JOIN echo e ON e.session_id = x.id AND (e.body ->> 'revision')::int >= x.revision"""
_OF: Final = """
SELECT type, body, at, done FROM echo WHERE provider = ANY($1) ORDER BY at, session_id"""
_KEEP: Final = """
INSERT INTO echo (session_id, provider, order_id, at, done, type, body)
SELECT i, p, o, a, d, t, b::jsonb
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::text[],
    $7::text[]) AS x (i, p, o, a, d, t, b)
ON CONFLICT (session_id) DO UPDATE SET at = excluded.at, done = excluded.done,
    type = excluded.type, body = excluded.body"""


async def news(conn: Connection, echoes: Sequence[Echo]) -> list[Echo]:
    """Those that say more than the database knows."""
    rows = await conn.fetch(
        _AS_FAR,
        [echo.said.session_id for echo in echoes],
        [echo.said.revision for echo in echoes],
        [isinstance(echo.said, Cancelled) for echo in echoes],
    )
    known = {row["id"] for row in rows}
    return [echo for echo in echoes if echo.said.session_id not in known]


async def of_providers(conn: Connection, codes: Sequence[str]) -> list[Echo]:
    """What providers have been found to have forgotten, in the order in which it was said."""
    rows = await conn.fetch(_OF, codes)
    found = (remembered(r["type"], r["body"], r["at"], done=r["done"]) for r in rows)
    return [echo for echo in found if echo is not None]


async def keep(conn: Connection, echoes: Iterable[Echo]) -> None:
    """Saves echoes in their last state."""
    rows = sorted(echoes, key=lambda echo: echo.said.session_id)
    if rows:
        await conn.execute(
            _KEEP,
            [echo.said.session_id for echo in rows],
            [echo.said.provider for echo in rows],
            [echo.said.order_id for echo in rows],
            [echo.at for echo in rows],
            [echo.done for echo in rows],
            [echo.type for echo in rows],
            [echo.body for echo in rows],
        )
