"""SQL on what was held of courses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from services.referral.course import Attendance
from services.referral.facts import AttendanceNoted
from services.referral.referral import Referral

if TYPE_CHECKING:
    from shared.database import Connection


async def attendances(conn: Connection, referral_ids: Iterable[str]) -> dict[str, list[Attendance]]:
    """What was written down of these referrals' sessions, by referral."""
    found: dict[str, list[Attendance]] = {}
    for row in await conn.fetch(
        """SELECT referral_id, session_id, step_id, start, attended, said_at FROM attendances
           WHERE referral_id = ANY($1::text[]) ORDER BY start, session_id""",
        sorted(set(referral_ids)),
    ):
        fields = dict(row)
        found.setdefault(fields.pop("referral_id"), []).append(Attendance(**fields))
    return found


async def save_attendances(conn: Connection, rows: Sequence[AttendanceNoted]) -> None:
    """Writes what was said; an older word never replaces a newer one."""
    newest = {row.session_id: row for row in rows}
    if newest:
        await conn.execute(
            """INSERT INTO attendances (session_id, referral_id, step_id, start, attended, said_at)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[],
                                    $5::bool[], $6::timestamptz[])
               ON CONFLICT (session_id) DO UPDATE SET start = excluded.start,
                   attended = excluded.attended, said_at = excluded.said_at
               WHERE attendances.said_at < excluded.said_at""",
            *zip(
                *(
                    (r.session_id, r.referral_id, r.step_id, r.start, r.attended, r.said_at)
                    for r in newest.values()
                ),
                strict=True,
            ),
        )


async def save_starts(conn: Connection, rows: Sequence[Referral]) -> None:
    """Writes on which day each course started, or that none has."""
    if rows:
        await conn.execute(
            """UPDATE referrals r SET started_on = s.day
               FROM unnest($1::text[], $2::date[]) AS s(referral_id, day)
               WHERE r.referral_id = s.referral_id""",
            *zip(*((r.referral_id, r.started) for r in rows), strict=True),
        )
