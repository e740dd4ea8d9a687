"""SQL on courses and on who came to their sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from services.referral.course.course import Attendance, Course
from services.referral.store_orders import OrderRow

if TYPE_CHECKING:
    from shared.database import Connection


async def courses(conn: Connection, orders: Mapping[str, OrderRow]) -> dict[str, Course]:
    """The courses of these orders by referral; their referrals are locked by the caller."""
    ids = sorted(orders)
    sessions: dict[str, dict[str, Attendance]] = {}
    for row in await conn.fetch(
        """SELECT referral_id, session_id, order_id, step_id, starts_at, attended, said_at
           FROM attendance WHERE referral_id = ANY($1::text[])""",
        ids,
    ):
        sessions.setdefault(row["referral_id"], {})[row["session_id"]] = Attendance(
            session_id=row["session_id"],
            order_id=row["order_id"],
            step_id=row["step_id"],
            start=row["starts_at"],
            attended=row["attended"],
            said_at=row["said_at"],
        )
    said = {
        row["referral_id"]: row
        for row in await conn.fetch(
            """SELECT referral_id, started_at, ended_at FROM courses
               WHERE referral_id = ANY($1::text[])""",
            ids,
        )
    }
    return {
        id_: Course(
            referral_id=id_,
            order=orders[id_].order,
            sessions=sessions.get(id_, {}),
            started_at=said[id_]["started_at"] if id_ in said else None,
            ended_at=said[id_]["ended_at"] if id_ in said else None,
        )
        for id_ in ids
    }


async def keep(
    conn: Connection, courses_: Iterable[Course], heard: Sequence[tuple[str, Attendance]]
) -> None:
    """Writes who came, and what was said of the courses."""
    if heard:
        await conn.execute(
            """INSERT INTO attendance (referral_id, session_id, order_id, step_id, starts_at,
                                       attended, said_at)
               SELECT DISTINCT ON (a.session_id) a.*
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                           $6::bool[], $7::timestamptz[])
                    AS a(referral_id, session_id, order_id, step_id, starts_at, attended, said_at)
               ORDER BY a.session_id, a.said_at DESC
               ON CONFLICT (session_id) DO UPDATE SET
                   attended = excluded.attended, starts_at = excluded.starts_at,
                   said_at = excluded.said_at
               WHERE attendance.said_at < excluded.said_at""",
            *zip(
                *(
                    (id_, a.session_id, a.order_id, a.step_id, a.start, a.attended, a.said_at)
                    for id_, a in heard
                ),
                strict=True,
            ),
        )
    for one in courses_:
        await conn.execute(
            """INSERT INTO courses (referral_id, programme, provider, started_at, ended_at)
               SELECT referral_id, $2, provider, $3, $4 FROM referrals WHERE referral_id = $1
               ON CONFLICT (referral_id) DO UPDATE SET programme = excluded.programme,
                   provider = excluded.provider, started_at = excluded.started_at,
                   ended_at = excluded.ended_at""",
            one.referral_id,
            one.order.programme,
            one.started_at,
            one.ended_at,
        )
