"""SQL on what hospitals said of citizens' stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.referral.stay import Change, StayEvent
from services.referral.stays import StayMessage

if TYPE_CHECKING:
    from shared.database import Connection


async def stay_messages(
    conn: Connection, citizen_ids: Iterable[str]
) -> dict[str, list[StayMessage]]:
    """The messages about these citizens' stays, in the order in which they came."""
    found: dict[str, list[StayMessage]] = {}
    for row in await conn.fetch(
        """SELECT citizen_id, hospital, document_id, stay, event, change, previous, started, ended
           FROM stay_messages WHERE citizen_id = ANY($1::text[]) ORDER BY number""",
        sorted(set(citizen_ids)),
    ):
        message = StayMessage(
            hospital=row["hospital"],
            document_id=row["document_id"],
            stay=row["stay"],
            event=StayEvent(row["event"]),
            change=Change(row["change"]),
            previous=row["previous"],
            started=row["started"],
            ended=row["ended"],
        )
        found.setdefault(row["citizen_id"], []).append(message)
    return found


async def add_stay_messages(
    conn: Connection, rows: Sequence[tuple[str, StayMessage]], now: datetime
) -> None:
    """Writes messages about citizens (by id), in the order in which they came."""
    if rows:
        await conn.execute(
            """INSERT INTO stay_messages (citizen_id, hospital, document_id, stay, event, change,
                                          previous, started, ended, said_at)
               SELECT m.*, $10 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],
                                           $5::text[], $6::text[], $7::text[], $8::timestamptz[],
                                           $9::timestamptz[]) AS m""",
            *zip(
                *(
                    (
                        citizen_id,
                        m.hospital,
                        m.document_id,
                        m.stay,
                        m.event,
                        m.change,
                        m.previous,
                        m.started,
                        m.ended,
                    )
                    for citizen_id, m in rows
                ),
                strict=True,
            ),
            now,
        )
