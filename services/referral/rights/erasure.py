"""Erasure: removes who a citizen is from this service and, by a tombstone, from all others.

What stays is the course without a person: days, orders, receipts and the access log under an id
that nobody can connect with anybody any more. The health record itself is kept by its keeper, the
municipality's journal. Nothing here ever held more of it than it needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.referral.events import CITIZENS
from services.referral.events_citizen import CITIZEN_RECORDED, CitizenName, CitizenRecord
from services.referral.register import Register
from services.referral.rights.holdings import SEALED, tables
from services.referral.store_citizens import Access, Citizen, by_ids, lock_people, log_access
from services.referral.store_merging import merged_into
from shared.crypto import new_data_key, seal_record
from shared.envelope import Event

if TYPE_CHECKING:
    from shared.database import Connection

_ERASE: Final = """
UPDATE citizens SET cpr_hash = $2, cpr_sealed = $3, version = version + 1, data_key = $4,
    record = $5, erased_at = $6, recorded_at = $6
WHERE citizen_id = $1
"""
_REFERRALS: Final = "SELECT referral_id FROM referrals WHERE citizen_id = $1"
# What other tables say of a person beyond the course; `holdings` and a test know them all.
_CLEAR: Final = (
    "DELETE FROM stay_messages WHERE citizen_id = $1",
    "DELETE FROM former_numbers WHERE citizen_id = $1",
    "UPDATE referrals SET gp = NULL WHERE citizen_id = $1",
    """DELETE FROM posts USING threads t JOIN referrals r USING (referral_id)
       WHERE posts.thread_id = t.thread_id AND r.citizen_id = $1""",
)


async def erase(
    conn: Connection,
    register: Register,
    citizens: Sequence[Citizen],
    *,
    now: datetime,
    actor: str,
    cause: str,
) -> list[Event]:
    """Erases citizens and gives the tombstones to publish. Their referrals must be closed."""
    events: list[Event] = []
    await lock_people(conn, [citizen.cpr_hash for citizen in citizens])
    gone = [one for mine in citizens for one in await merged_into(conn, mine.citizen_id)]
    others = await by_ids(conn, gone)
    await conn.execute("DELETE FROM merged_citizens WHERE gone = ANY($1::text[])", gone)
    for citizen in (*citizens, *(others[one] for one in gone)):
        mine, data_key = citizen.citizen_id, new_data_key()
        blank = nobody(mine, citizen.version + 1).model_dump_json().encode()
        await conn.execute(
            _ERASE,
            mine,
            secrets.token_bytes(32),
            register.vault.seal(b"", mine),
            register.records.seal(data_key, mine),
            seal_record(register.records, data_key, blank, mine),
            now,
        )
        await _overwrite(conn, register, mine)
        for statement in _CLEAR:
            await conn.execute(statement, mine)
        events.append(
            Event(topic=CITIZENS, key=mine, type=CITIZEN_RECORDED, subject=mine, value=None)
        )
    accesses = [
        Access(actor=actor, action="citizen.erase", citizen_id=one.citizen_id, cause=cause)
        for one in citizens
    ]
    await log_access(conn, accesses, now)
    return events


async def _overwrite(conn: Connection, register: Register, citizen_id: str) -> None:
    """Seals nothing in the place of everything that is sealed about a citizen's referrals."""
    referral_ids = [row["referral_id"] for row in await conn.fetch(_REFERRALS, citizen_id)]
    named = await tables(conn)
    for (table, column), how in SEALED.items():
        if how is None or named.get(table) is None or table == "citizens":
            continue
        by = "citizen_id" if named[table] == "citizen_id" else "referral_id"
        rows = await conn.fetch(
            f"""SELECT "{how.context}" AS context FROM "{table}"
                WHERE "{by}" = ANY($1::text[]) AND "{column}" IS NOT NULL""",  # noqa: S608 - own names
            [citizen_id] if by == "citizen_id" else referral_ids,
        )
        for row in rows:
            context = row["context"]
            await conn.execute(
                f"""UPDATE "{table}" SET "{column}" = $2
                    WHERE "{how.context}" = $1""",  # noqa: S608 - own names
                context,
                register.vault.seal(how.blank, str(context)),
            )


def nobody(citizen_id: str, version: int) -> CitizenRecord:
    """The record of somebody who was erased: readers need no case of their own for them."""
    return CitizenRecord(
        citizen_id=citizen_id,
        cpr_kind="ecpr",
        name=CitizenName(given="", family=""),
        birth_date=None,
        address=None,
        protected=True,
        phone=None,
        email=None,
        language="da",
        deceased=False,
        relatives=(),
        gp=None,
        version=version,
    )
