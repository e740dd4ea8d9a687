"""Calls of members of staff as endpoints get them, each in a transaction of its own."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.endpoints import Answer, Call, EndpointHandler
from shared.handling import Unit
from shared.staff import Member

if TYPE_CHECKING:
    from shared.database import Connection

KAREN = Member(id="316-desk", name="Karen Prøve", role="desk", unit="Visitationen", provider="316")
JENS = Member(
    id="316-therapist", name="Jens Prøve", role="therapist", unit="Genoptræningen", provider="316"
)
LIS = Member(
    id="316-privacy", name="Lis Prøve", role="privacy", unit="Databeskyttelse", provider="316"
)
FAR_AWAY = Member(id="730-desk", name="Åse Prøve", role="desk", unit="Visitationen", provider="730")


def a_call(
    staff: Member = KAREN,
    *,
    path: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
) -> Call:
    return Call(
        staff=staff, id=str(uuid.uuid4()), path=path or {}, body=body or {}, query=query or {}
    )


async def asked(conn: Connection, handler: EndpointHandler, call: Call, now: datetime) -> Answer:
    """What the handler answers; whatever it raises undoes everything."""
    unit = Unit(conn=conn, now=now)
    try:
        async with conn.transaction():
            answer = await handler(unit, call)
    except BaseException:
        for undo in unit.on_rollback:
            undo()
        raise
    for done in unit.on_commit:
        done()
    return answer if isinstance(answer, Answer) else Answer(content=answer)
