"""What staff are told by telephone: written down, it goes to `responses` like any other answer."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from services.scheduling.incoming import faults
from services.scheduling.responses import MODELS, Response, to_event
from shared import ledger
from shared.envelope import TYPE_PREFIX, Event
from shared.wire import traceparent_of

if TYPE_CHECKING:
    from shared.database import Connection

ANSWERS: Final = tuple(
    name.removeprefix(f"{TYPE_PREFIX}offer.").removesuffix(".v1") for name in MODELS
)

# Whoever has the letter knows its session; whoever has the plan knows the referral.
_SESSIONS: Final = """
SELECT DISTINCT ON (o.order_id) s.session_id, coalesce(nullif(o.body ->> 'of', ''), o.order_id)
       AS order_id, o.referral_id, o.body ->> 'citizen_id' AS
       citizen_id, o.provider, s.revision, lower(s.during) AS start, s.status
FROM session s JOIN placed_order o ON o.order_id = s.order_id
WHERE s.assists IS NULL AND (s.session_id::text = $1 OR o.order_id = $1 OR o.referral_id = $1
   OR (o.body ->> 'of' = $1 AND o.referral_id = (
       SELECT w.referral_id FROM placed_order w WHERE w.order_id = $1)))
ORDER BY o.order_id, s.ordinal DESC"""


class NotUnderstoodError(Exception):
    """One line that says what to do."""


class NotThereError(NotUnderstoodError):
    """Nothing has that id."""


async def write_down(
    conn: Connection, which: str, answer: str, now: datetime, **said: Any
) -> Response:
    """Puts an answer to the last session of an order into the outbox; run it in a transaction.

    See `understood`.
    """
    response = await understood(conn, which, answer, now, **said)
    await ledger.put(conn, [outbox_row(to_event(response), now)])
    return response


async def understood(
    conn: Connection, which: str, answer: str, now: datetime, **said: Any
) -> Response:
    """An answer to the last session of an order, as it will travel.

    `which` is the id of the session, its order or its referral. Raises NotUnderstoodError.
    """
    rows = await conn.fetch(_SESSIONS, which)
    if not rows:
        raise NotThereError(f"no session, order or referral has the id {which}")
    if len(rows) > 1:
        ids = ", ".join(str(row["session_id"]) for row in rows)
        raise NotUnderstoodError(f"{which} has several sessions, name one of them: {ids}")
    if rows[0]["revision"] == 0 and answer != "requested":
        raise NotUnderstoodError(f"{which}: the citizen has not been told of a time yet")
    fields = {name: str(rows[0][name]) for name in ("session_id", "order_id", "referral_id")}
    fields |= {name: rows[0][name] for name in ("citizen_id", "provider", "revision", "start")}
    told = {name: value for name, value in said.items() if value is not None}
    try:
        model = MODELS[f"{TYPE_PREFIX}offer.{answer}.v1"]
        return model.model_validate(fields | told | {"at": now})
    except ValidationError as error:
        problem = faults(error)[0]
        raise NotUnderstoodError(f"{problem.element} {problem.reason}") from None


def wanted(start: datetime | None, location: str | None) -> dict[str, object] | None:
    """The time that a citizen wants instead; None where nothing was said of one."""
    if start is None and location is None:
        return None
    return {"start": start, "location": location}


def a_date(text: str) -> date:
    """A date such as 2026-11-30. Raises ValueError."""
    return date.fromisoformat(text)


def an_instant(text: str) -> datetime:
    """An instant with its UTC offset. Raises ValueError."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("needs its UTC offset, such as 2026-11-23T07:00:00Z")
    return found


def outbox_row(event: Event, now: datetime) -> tuple[Any, ...]:
    """An event as a row of the outbox, caused by nothing but itself."""
    event_id = uuid.uuid4()
    correlation = str(event_id)
    return (
        *(event_id, event.topic, event.key, event.type, event.subject, now),
        *(event.content_type, correlation, traceparent_of("", correlation, event_id), event.value),
    )
