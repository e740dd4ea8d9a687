"""The rows that a call of a member of staff leaves: its answer, and that it was made."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from shared.crypto import Vault
from shared.endpoints import Answer, Call, Endpoint

if TYPE_CHECKING:
    from shared.database import Connection


def cause_of(call_id: str) -> str:
    """What the ids of a call's events derive from."""
    return f"staff/{call_id}"


def dump(content: object) -> bytes:
    """What is answered, as JSON."""
    return orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)


async def keep_answer(
    conn: Connection, vault: Vault, *, call_id: str, request: bytes, now: datetime, answer: Answer
) -> None:
    """Keeps what whoever asks once more under the same key is answered."""
    await conn.execute(
        """INSERT INTO runtime.answers (key, request, answered_at, sealed) VALUES ($1, $2, $3, $4)
           ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed""",
        uuid.UUID(call_id),
        request,
        now,
        vault.seal(dump([answer.status]) + dump(answer.content), call_id),
    )


async def on_record(
    conn: Connection, now: datetime, endpoint: Endpoint, call: Call, status: int
) -> None:
    """Writes down who asked what, and what became of it."""
    await conn.execute(
        """INSERT INTO runtime.staff_calls (at, staff, unit, action, about, status, cause)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        now,
        call.staff.id,
        call.staff.unit,
        name_of(endpoint),
        list(call.path.values()),
        status,
        uuid.UUID(call.id),
    )


def name_of(endpoint: Endpoint) -> str:
    """What is asked, as records say it."""
    return f"{endpoint.method} {endpoint.path}"


async def is_done(conn: Connection, call: Call, at: datetime) -> bool:
    """Whether the database knows of the call; answers alone are kept for some weeks only."""
    found: bool = await conn.fetchval(
        """SELECT EXISTS (SELECT FROM runtime.answers WHERE key = $1)
               OR EXISTS (SELECT FROM runtime.staff_calls
                          WHERE staff = $2 AND at = $3 AND cause = $1 AND status < 400)""",
        uuid.UUID(call.id),
        call.staff.id,
        at,
    )
    return found
