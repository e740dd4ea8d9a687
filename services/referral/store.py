"""SQL on referrals and their sessions.

All stores are set-based: a batch costs a few statements, however long. None of them opens a
connection or asks for the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from services.referral import store_worklist
from services.referral.plan import PlanType
from services.referral.programme_terms import Basis
from services.referral.referral import CloseReason, FreeChoiceReason, NoStart, Referral

if TYPE_CHECKING:
    from shared.database import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """What was last said of a session; an older revision is stale. `place`: its location's code."""

    session_id: str
    referral_id: str
    revision: int
    starts_at: datetime
    place: str
    cancelled: bool


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
    and the open work are read after the locks are had: a statement that waited for a lock sees
    what stood before.
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
    work = await store_worklist.open_work(conn, [row["referral_id"] for row in rows])
    return {
        row["referral_id"]: _referral(
            row, offered.get(row["referral_id"], ()), work.get(row["referral_id"], ())
        )
        for row in rows
    }


def _referral(row: Row, offered: Iterable[date], work: Iterable[tuple[str, str]]) -> Referral:
    return Referral(
        referral_id=row["referral_id"],
        citizen_id=row["citizen_id"],
        hospital=row["hospital"],
        document_id=row["document_id"],
        municipality=row["municipality"],
        provider=row["provider"],
        type=PlanType(row["type"]) if row["type"] else None,
        basis=Basis(row["basis"]),
        programme=row["programme"],
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
        paused_at=row["paused_at"],
        clock_from=row["clock_from"],
        wishes=tuple(row["wishes"]),
        no_start=NoStart(row["no_start"]) if row["no_start"] else None,
        work=tuple(work),
        started=row["started_on"],
        gp=row["gp"],
    )


async def details(conn: Connection, referral_id: str) -> bytes | None:
    """What a referral's plan said beyond planning, sealed; None where there is no such referral."""
    sealed: bytes | None = await conn.fetchval(
        "SELECT details FROM referrals WHERE referral_id = $1", referral_id
    )
    return sealed


async def sessions(conn: Connection, ids: Iterable[str]) -> dict[str, SessionRow]:
    """What was last said of these sessions."""
    rows = await conn.fetch(
        """SELECT session_id, referral_id, revision, starts_at, place, cancelled
           FROM sessions WHERE session_id = ANY($1::text[])""",
        list(ids),
    )
    return {row["session_id"]: SessionRow(**row) for row in rows}


_SAVE_REFERRALS: Final = """
INSERT INTO referrals (referral_id, citizen_id, hospital, document_id, municipality, provider,
    type, discharge_date, later_start, received_at, limit_date, may_choose, limit_known_at,
    replaces, replaces_document, order_id, order_stands, closed, at_risk, missed, free_choice,
    gp, details, basis, programme, changed_at)
SELECT r.*, $26 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::text[], $8::date[], $9::date[], $10::timestamptz[], $11::date[], $12::bool[],
    $13::timestamptz[], $14::text[], $15::text[], $16::text[], $17::bool[], $18::text[],
    $19::bool[], $20::bool[], $21::text[], $22::text[], $23::bytea[], $24::text[], $25::text[])
    AS r
"""
_UPDATE_REFERRALS: Final = """
UPDATE referrals r SET
    discharge_date = n.discharge_date, later_start = n.later_start, limit_date = n.limit_date,
    limit_known_at = n.limit_known_at, order_stands = n.order_stands, closed = n.closed,
    at_risk = n.at_risk, missed = n.missed, free_choice = n.free_choice, programme = n.programme,
    paused_at = n.paused_at, clock_from = n.clock_from, order_id = n.order_id,
    changed_at = $15
FROM unnest($1::text[], $2::date[], $3::date[], $4::date[], $5::timestamptz[], $6::bool[],
    $7::text[], $8::bool[], $9::bool[], $10::text[], $11::timestamptz[], $12::date[],
    $13::text[], $14::text[])
    AS n(referral_id, discharge_date, later_start, limit_date, limit_known_at, order_stands,
         closed, at_risk, missed, free_choice, paused_at, clock_from, programme, order_id)
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
                r.gp,
                details,
                r.basis,
                r.programme,
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
                r.paused_at,
                r.clock_from,
                r.programme,
                r.order_id,
            )
            for r in rows
        ),
        strict=True,
    )
    await conn.execute(_UPDATE_REFERRALS, *columns, now)


async def change_details(conn: Connection, sealed: Mapping[str, bytes]) -> None:
    """Writes what corrections say beyond planning in the place of what was said before."""
    if sealed:
        await conn.execute(
            """UPDATE referrals SET details = new.details
               FROM unnest($1::text[], $2::bytea[]) AS new (referral_id, details)
               WHERE referrals.referral_id = new.referral_id""",
            list(sealed),
            list(sealed.values()),
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
            """INSERT INTO sessions (session_id, referral_id, revision, starts_at, place,
                                     cancelled)
               SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[],
                                    $5::text[], $6::bool[])
               ON CONFLICT (session_id) DO UPDATE SET revision = excluded.revision,
                   starts_at = excluded.starts_at, place = excluded.place,
                   cancelled = excluded.cancelled
               WHERE sessions.revision < excluded.revision""",
            *zip(
                *(
                    (r.session_id, r.referral_id, r.revision, r.starts_at, r.place, r.cancelled)
                    for r in rows
                ),
                strict=True,
            ),
        )
