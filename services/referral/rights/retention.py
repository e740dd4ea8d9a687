"""Retention: what is kept for how long is data; each night what is past is deleted or erased."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral.configuration import ConfigurationError
from services.referral.register import Register
from services.referral.rights.erasure import erase
from services.referral.store_citizens import by_ids
from shared.envelope import Message
from shared.files import read_toml
from shared.handling import Applied
from shared.repeating import repeat
from shared.startup import NotYet

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.envelope import Event
    from shared.handling import Outcome, Unit
    from shared.runtime import Runtime

RULES: Final = Path(__file__).parent / "retention.toml"
ACTOR: Final = "service:referral"
MOST: Final = 2000
"""Rows of one kind that one transaction deletes or erases at most."""
_PAUSE: Final = 3600.0

What = Literal["citizens", "access-log", "documents", "stays", "worklist"]
_DELETE: Final[Mapping[str, str]] = {
    "access-log": """DELETE FROM access_log WHERE id = ANY(ARRAY(
        SELECT id FROM access_log WHERE at < $1 ORDER BY at LIMIT $2))""",
    "documents": """DELETE FROM documents WHERE (source, document_id) IN (
        SELECT source, document_id FROM documents WHERE received_at < $1 LIMIT $2)""",
    "stays": """DELETE FROM stay_messages WHERE (hospital, document_id) IN (
        SELECT hospital, document_id FROM stay_messages WHERE said_at < $1 LIMIT $2)""",
    "worklist": """DELETE FROM worklist WHERE entry_id IN (
        SELECT entry_id FROM worklist WHERE closed_at < $1 LIMIT $2)""",
}
_PAST: Final = """
SELECT c.citizen_id FROM citizens c
WHERE c.erased_at IS NULL AND c.recorded_at < $1
  AND NOT EXISTS (SELECT FROM merged_citizens m WHERE m.gone = c.citizen_id) AND NOT EXISTS (
    SELECT FROM referrals r WHERE r.citizen_id = c.citizen_id
      AND (r.closed IS NULL OR r.changed_at >= $1))
ORDER BY c.citizen_id LIMIT $2
"""


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    what: What
    days: Annotated[int, Field(strict=True, ge=35, le=36_525)]
    from_: str = Field(alias="from", min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Sequence[_Rule]


def rules(path: Path = RULES) -> Mapping[str, timedelta]:
    """How long what is kept. Raises ConfigurationError: a forgotten rule keeps nothing for ever."""
    found = read_toml(path, _File, ConfigurationError).rule
    kept: dict[str, timedelta] = {rule.what: timedelta(days=rule.days) for rule in found}
    missing = ({*_DELETE, "citizens"} - set(kept)) | {
        rule.what for rule in found if [one.what for one in found].count(rule.what) > 1
    }
    if missing:
        raise ConfigurationError(
            f"{path}: one rule each is needed for: {', '.join(sorted(missing))}"
        )
    return kept


@dataclass(frozen=True, slots=True)
class Retention:
    """Deletes and erases what is past; a handler of the runtime's own hourly command."""

    register: Register
    kept: Mapping[str, timedelta]

    async def __call__(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`."""
        for what, statement in _DELETE.items():
            await unit.conn.execute(statement, unit.now - self.kept[what], MOST)
        events = await self._erase(unit.conn, unit.now, messages[0].id)
        return [Applied(events=events), *(Applied() for _ in messages[1:])]

    async def _erase(self, conn: Connection, now: datetime, cause: str) -> list[Event]:
        rows = await conn.fetch(_PAST, now - self.kept["citizens"], MOST // 10)
        found = await by_ids(conn, [row["citizen_id"] for row in rows])
        past = [found[one] for one in sorted(found)]
        if not past:
            return []
        return await erase(conn, self.register, past, now=now, actor=ACTOR, cause=cause)


def tidying(retention: Retention) -> Callable[[Runtime], Awaitable[None]]:
    """A task that gives the command once an hour, whichever process comes first."""

    async def once(runtime: Runtime) -> None:
        now = runtime.clock.now()
        cause = f"retention/{now:%Y-%m-%dT%H}"
        message = Message(
            topic="",
            partition=0,
            offset=0,
            key=None,
            value=None,
            timestamp=now,
            id=cause,
            source="/genvej/referral/retention",
            correlation_id=cause,
        )
        while not runtime.stopping.is_set():
            with contextlib.suppress(NotYet):
                await runtime.execute(cause, retention, [message])
                return
            await runtime.pause(1.0)

    async def tidy(runtime: Runtime) -> None:
        await repeat(
            "retention", _PAUSE, partial(once, runtime), runtime.stopping, runtime.telemetry
        )

    return tidy
