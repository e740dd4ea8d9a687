"""The rights over HTTP: who has looked at whom, a citizen's own data, and erasure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from services.referral import store_citizens
from services.referral.carrying_out import Decided
from services.referral.closing import closing
from services.referral.events import zulu
from services.referral.limit import COPENHAGEN
from services.referral.plan import is_cpr, is_replacement_cpr
from services.referral.referral import CloseReason
from services.referral.register import Register
from services.referral.rights.erasure import erase
from services.referral.rights.holdings import rows_of
from services.referral.store_citizens import Access, Citizen
from services.referral.terms import WithdrawReason
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.database import Row
    from shared.handling import Unit

ROLES: Final = frozenset({"privacy"})
MOST: Final = 5000


class Number(BaseModel):
    """Whose number it is. In the body, because an address ends up in logs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpr: str = Field(min_length=10, max_length=11)


class Erasure(BaseModel):
    """`close`: open referrals are closed with it, their orders withdrawn, their senders told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    close: bool = False


_LOG: Final = """
SELECT at, actor, action, citizen_id, cause FROM access_log a
WHERE ($1::text IS NULL OR citizen_id = $1
       OR citizen_id IN (SELECT gone FROM merged_citizens WHERE kept = $1))
  AND ($2::text IS NULL OR actor = $2)
  AND at >= $3 AND at < $4
  AND ($5::text[] IS NULL OR EXISTS (
        SELECT FROM referrals r WHERE a.citizen_id IN (r.citizen_id, r.former_citizen)
          AND r.municipality = ANY($5)))
ORDER BY at DESC, id DESC LIMIT $6
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The endpoints. A member of staff sees the citizens of the municipalities they work for."""

    decided: Decided
    register: Register

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(method="POST", path="/citizens/find", handler=self.find, roles=ROLES),
            Endpoint(method="GET", path="/citizens/{id}/data", handler=self.data, roles=ROLES),
            Endpoint(
                method="POST", path="/citizens/{id}/erasure", handler=self.erasure, roles=ROLES
            ),
            Endpoint(method="GET", path="/access-log", handler=self.log, roles=ROLES),
        )

    async def find(self, unit: Unit, call: Call) -> object:
        """The id of the citizen who has this number; that it was asked is logged."""
        number = call.read(Number).cpr.replace("-", "").upper()
        if is_cpr(number):
            kind = "cpr"
        elif is_replacement_cpr(number):
            kind = "ecpr"
        else:
            raise Refused(422, "cpr: neither a CPR number nor a replacement one")
        hashed = self.register.hash_number(kind, number)
        found = (await store_citizens.citizens(unit.conn, [hashed])).get(hashed)
        if found is None:
            raise Refused(404, "nobody here has this number")
        await self._theirs(unit, call, found.citizen_id)
        await self._logged(unit, call, "citizen.find", found.citizen_id)
        return {"citizen_id": found.citizen_id}

    async def data(self, unit: Unit, call: Call) -> object:
        """Everything that this service keeps about a citizen, in clear; that it was read is too."""
        mine = call.path["id"]
        citizen = await self._citizen(unit, call, mine)
        await self._logged(unit, call, "citizen.export", mine)
        referrals = await unit.conn.fetch(
            "SELECT referral_id FROM referrals WHERE citizen_id = $1 ORDER BY received_at", mine
        )
        ids = [row["referral_id"] for row in referrals]
        log = await self._entries(unit, citizen=mine, user=None, span=_ever(), among=None)
        own = partial(self.register.open_for, citizen)
        return {
            "service": "referral",
            "citizen_id": mine,
            "number": self.register.vault.open(citizen.cpr_sealed, mine).decode(),
            "record": orjson.loads(self.register.open(citizen).model_dump_json()),
            **await rows_of(unit.conn, self.register.vault, mine, ids, own),
            "access_log": log,
        }

    async def erasure(self, unit: Unit, call: Call) -> Answer:
        """Removes who a citizen is, here and by a tombstone everywhere. It can't be undone."""
        mine, said = call.path["id"], call.read(Erasure)
        citizen = await self._citizen(unit, call, mine)
        row = await unit.conn.fetchrow(
            "SELECT erased_at FROM citizens WHERE citizen_id = $1 FOR UPDATE", mine
        )
        if row is not None and row["erased_at"] is not None:
            raise Refused(409, f"erased already at {zulu(row['erased_at'])}")
        applied = await self._closed(unit, mine, close=said.close)
        events = await erase(
            unit.conn,
            self.register,
            [citizen],
            now=unit.now,
            actor=_actor(call),
            cause=call.id,
        )
        return Answer(
            content={"citizen_id": mine, "erased_at": zulu(unit.now)},
            applied=Applied(events=[*applied.events, *events], timers=applied.timers),
        )

    async def log(self, unit: Unit, call: Call) -> object:
        """Who has looked at whom: `?citizen=` or `?user=`, `&since=`, `&until=` (days, both in)."""
        citizen, user = call.query.get("citizen"), call.query.get("user")
        if (citizen is None) == (user is None):
            raise Refused(422, "ask for one of citizen and user")
        if citizen is not None:
            await self._theirs(unit, call, citizen)
            await self._logged(unit, call, "access-log.read", citizen)
        span = span_of(call)
        among = self.decided.municipalities_of(call)
        actor = user if user is None or ":" in user else f"staff:{user}"
        return await self._entries(unit, citizen=citizen, user=actor, span=span, among=among)

    async def _closed(self, unit: Unit, citizen_id: str, *, close: bool) -> Applied:
        ids = await unit.conn.fetch(
            "SELECT referral_id FROM referrals WHERE citizen_id = $1 AND closed IS NULL LIMIT 1",
            citizen_id,
        )
        if not ids:
            return Applied()
        if not close:
            raise Refused(
                409, "the citizen has an open referral: end it first, or close it with the erasure"
            )
        desk = await self.decided.load(unit, ids[0]["referral_id"])
        facts = [
            fact
            for referral in desk.of_citizen(citizen_id)
            if referral.closed is None
            for fact in closing(referral, CloseReason.REVOKED, WithdrawReason.REVOKED, unit.now)
        ]
        applied = self.decided.apply(desk, facts)
        await desk.save(unit.conn, unit.now)
        return applied

    async def _entries(
        self,
        unit: Unit,
        *,
        citizen: str | None,
        user: str | None,
        span: tuple[datetime, datetime],
        among: Sequence[str] | None,
    ) -> list[dict[str, Any]]:
        rows = await unit.conn.fetch(
            _LOG, citizen, user, *span, list(among) if among is not None else None, MOST
        )
        return [_entry(row) for row in rows]

    async def _citizen(self, unit: Unit, call: Call, citizen_id: str) -> Citizen:
        await self._theirs(unit, call, citizen_id)
        found = await store_citizens.by_ids(unit.conn, [citizen_id])
        return found[citizen_id]

    async def _theirs(self, unit: Unit, call: Call, citizen_id: str) -> None:
        """Raises Refused where the citizen is not one of the member's municipalities."""
        among = self.decided.municipalities_of(call)
        row = await unit.conn.fetchrow(
            """SELECT EXISTS (SELECT FROM referrals r WHERE r.citizen_id = c.citizen_id
                              AND ($2::text[] IS NULL OR r.municipality = ANY($2))) AS theirs
               FROM citizens c WHERE c.citizen_id = $1""",
            citizen_id,
            among,
        )
        if row is None or not (row["theirs"] or among is None):
            raise Refused(404, "no citizen of your municipality has this id")

    async def _logged(self, unit: Unit, call: Call, action: str, citizen_id: str) -> None:
        access = Access(actor=_actor(call), action=action, citizen_id=citizen_id, cause=call.id)
        await store_citizens.log_access(unit.conn, [access], unit.now)


def span_of(call: Call) -> tuple[datetime, datetime]:
    """The instants of `since` and `until`, local days. Raises Refused."""
    first, last = _ever()
    try:
        if since := call.query.get("since"):
            first = _midnight(date.fromisoformat(since))
        if until := call.query.get("until"):
            last = _midnight(date.fromisoformat(until) + timedelta(days=1))
    except (ValueError, OverflowError):
        raise Refused(422, "since and until are days: 2022-05-23") from None
    return first, last


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), COPENHAGEN)


def _ever() -> tuple[datetime, datetime]:
    return _midnight(date(1970, 1, 2)), _midnight(date(9000, 1, 1))


def _actor(call: Call) -> str:
    return f"staff:{call.staff.id}"


def _entry(row: Row) -> dict[str, Any]:
    return {
        "at": zulu(row["at"]),
        "service": "referral",
        "actor": row["actor"],
        "action": row["action"],
        "citizen_id": row["citizen_id"],
        "cause": row["cause"],
    }
