"""SQL on two citizens who are one: what is whose moves to the one who is kept, and back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.database import Connection

NEAR: Final = timedelta(hours=2)
"""Sessions that begin closer to each other than this may overlap (our choice)."""

_MOVE: Final = (
    "UPDATE referrals SET citizen_id = $2, former_citizen = $1 WHERE citizen_id = $1",
    "UPDATE stay_messages SET citizen_id = $2, former_citizen = $1 WHERE citizen_id = $1",
    "UPDATE former_numbers SET citizen_id = $2, former_citizen = $1 WHERE citizen_id = $1",
)
_BACK: Final = (
    "UPDATE referrals SET citizen_id = $1, former_citizen = NULL WHERE former_citizen = $1",
    "UPDATE stay_messages SET citizen_id = $1, former_citizen = NULL WHERE former_citizen = $1",
    "UPDATE former_numbers SET citizen_id = $1, former_citizen = NULL WHERE former_citizen = $1",
)
_OVERLAP: Final = """
SELECT count(*) FROM sessions a JOIN referrals ra USING (referral_id),
    sessions b JOIN referrals rb USING (referral_id)
WHERE ra.citizen_id = $1 AND rb.citizen_id = $2 AND NOT a.cancelled AND NOT b.cancelled
  AND a.starts_at > $3 AND b.starts_at BETWEEN a.starts_at - $4::interval AND a.starts_at + $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A citizen who was found to be another. `filled`: what the kept record took over."""

    gone: str
    kept: str
    cpr_hash: bytes
    filled: Sequence[str]
    decided_by: str


async def sessions_overlap(conn: Connection, one: str, other: str, now: datetime) -> bool:
    """Whether both citizens have sessions ahead that may overlap."""
    return bool(await conn.fetchval(_OVERLAP, one, other, now, NEAR))


async def merged(conn: Connection, gone: str) -> Merged | None:
    """How a citizen was merged into another; None where they were not."""
    row = await conn.fetchrow(
        "SELECT gone, kept, cpr_hash, filled, decided_by FROM merged_citizens WHERE gone = $1", gone
    )
    return Merged(**row) if row is not None else None


async def involved(conn: Connection, kept: str, gone: str) -> bool:
    """Whether one was merged into another already, or somebody into the one who would go."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM merged_citizens WHERE gone IN ($1, $2) OR kept = $2)",
            kept,
            gone,
        )
    )


async def merged_into(conn: Connection, kept: str) -> list[str]:
    """The ids of citizens who were merged into this one."""
    rows = await conn.fetch("SELECT gone FROM merged_citizens WHERE kept = $1 ORDER BY 1", kept)
    return [row["gone"] for row in rows]


async def move(conn: Connection, merging: Merged, now: datetime) -> None:
    """Moves all that is the one citizen's to the other; the number is found there from now on."""
    await conn.execute(
        "UPDATE citizens SET cpr_hash = $2 WHERE citizen_id = $1",
        merging.gone,
        secrets.token_bytes(32),
    )
    for statement in _MOVE:
        await conn.execute(statement, merging.gone, merging.kept)
    await conn.execute(
        """INSERT INTO former_numbers (cpr_hash, citizen_id, since) VALUES ($1, $2, $3)
           ON CONFLICT (cpr_hash) DO UPDATE SET citizen_id = excluded.citizen_id""",
        merging.cpr_hash,
        merging.kept,
        now,
    )
    await conn.execute(
        """INSERT INTO merged_citizens (gone, kept, cpr_hash, filled, decided_by, merged_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        merging.gone,
        merging.kept,
        merging.cpr_hash,
        list(merging.filled),
        merging.decided_by,
        now,
    )


async def move_back(conn: Connection, merging: Merged) -> None:
    """Undoes `move`; what came after it stays with the citizen who was kept."""
    await conn.execute("DELETE FROM merged_citizens WHERE gone = $1", merging.gone)
    await conn.execute("DELETE FROM former_numbers WHERE cpr_hash = $1", merging.cpr_hash)
    for statement in _BACK:
        await conn.execute(statement, merging.gone)
    await conn.execute(
        "UPDATE citizens SET cpr_hash = $2 WHERE citizen_id = $1", merging.gone, merging.cpr_hash
    )


async def sealed_assessments(conn: Connection, referral_ids: Sequence[str]) -> dict[str, bytes]:
    """What is sealed under a citizen's own key in these referrals, by the assessment's id."""
    rows = await conn.fetch(
        "SELECT assessment_id, sealed FROM assessments WHERE referral_id = ANY($1::text[])",
        referral_ids,
    )
    return {row["assessment_id"]: row["sealed"] for row in rows}


async def reseal(conn: Connection, sealed: dict[str, bytes]) -> None:
    """Writes what is sealed under another key now."""
    await conn.executemany(
        "UPDATE assessments SET sealed = $2 WHERE assessment_id = $1", list(sealed.items())
    )
