"""The worklist over HTTP: what waits for a human, about whom, and what they decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field

from services.referral import store_citizens, store_worklist
from services.referral.admitting import may_have, order_of
from services.referral.authority import ours
from services.referral.carrying_out import Decided, signature
from services.referral.contacts import residence_of
from services.referral.events import zulu
from services.referral.merging import Merging
from services.referral.order import Order
from services.referral.portfolio.register import route
from services.referral.portfolio.store import obstacles
from services.referral.referral import Referral
from services.referral.referral_endpoints import LISTED, READERS
from services.referral.register import Register
from services.referral.store_citizens import Access
from services.referral.terms import WorkReason
from services.referral.worklist import decide_work
from services.referral.worklist_choices import MEANS, choices
from services.referral.worklist_effects import DecideWork, Impossible, WorkCase
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.database import Row
    from shared.handling import Unit

DECIDERS: Final = frozenset({"desk"})
MERGE: Final = "merge"


class Decision(BaseModel):
    """How an entry is settled. `remark` is kept sealed and goes into no event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: str = Field(min_length=1, max_length=60)
    day: date | None = None
    referral_id: str | None = Field(default=None, max_length=100)
    programme: str | None = Field(default=None, max_length=60)
    remark: str | None = Field(default=None, max_length=2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """The endpoints of the worklist."""

    decided: Decided
    register: Register

    @property
    def merging(self) -> Merging:
        """What makes two citizens one."""
        return Merging(decided=self.decided, register=self.register)

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(method="GET", path="/worklist", handler=self.list, roles=READERS),
            Endpoint(method="GET", path="/worklist/{id}", handler=self.show, roles=READERS),
            Endpoint(
                method="POST", path="/worklist/{id}/decision", handler=self.decide, roles=DECIDERS
            ),
            Endpoint(
                method="POST", path="/citizens/{id}/split", handler=self.split, roles=DECIDERS
            ),
        )

    async def list(self, unit: Unit, call: Call) -> object:
        """The open entries of the member's municipalities, the oldest first; nobody is named.

        `?closed=1` gives those that were settled, the newest first; at most `LISTED`.
        """
        rows = await store_worklist.listed(
            unit.conn,
            closed=call.query.get("closed", "") not in {"", "0"},
            municipalities=self.decided.municipalities_of(call),
            most=LISTED,
        )
        return [_entry(row, unit) for row in rows]

    async def show(self, unit: Unit, call: Call) -> object:
        """An entry with whom it is about and what the plan says; that it was read is logged."""
        row = await self._row(unit, call)
        mine = row["citizen_id"]
        found = await store_citizens.by_ids(unit.conn, [mine])
        await self._log(unit, call, "worklist.show", mine)
        person = self.register.open(found[mine])
        details = orjson.loads(self.register.vault.open(row["details"], row["referral_id"]))
        citizen = {
            "name": f"{person.name.given} {person.name.family}".strip(),
            "birth_date": person.birth_date,
            "phone": person.phone,
            "email": person.email,
            "language": person.language,
            "protected": person.protected,
            "deceased": person.deceased,
        }
        others = await unit.conn.fetch(
            """SELECT referral_id, type, discharge_date, limit_date, closed FROM referrals
               WHERE citizen_id = $1 AND referral_id <> $2 ORDER BY received_at""",
            mine,
            row["referral_id"],
        )
        remark = self.register.vault.open(row["remark"], call.path["id"]) if row["remark"] else b""
        return {
            **_entry(row, unit),
            "citizen": citizen,
            "deadline_text": details.get("deadline_text"),
            "others": [dict(other) for other in others],
            "remark": remark.decode() or None,
        }

    async def decide(self, unit: Unit, call: Call) -> Answer:
        """Settles an entry: carries the decision out and closes it, in one transaction."""
        said = call.read(Decision)
        row = await self._row(unit, call)
        same = row["reason"] == WorkReason.SAME_PERSON
        if same:  # people before referrals, as documents are read
            await self.merging.lock(unit, row["citizen_id"], row["about"])
        desk = await self.decided.load(unit, row["referral_id"])
        referral = desk.referrals[row["referral_id"]]
        day, reason = referral.discharge_date, WorkReason(row["reason"])
        asked = row["about"] if reason is WorkReason.REGION_RESPONSIBLE else said.programme
        terms = self.decided.portfolio.standing(referral.type, referral.programme, day)
        case = WorkCase(
            referral=referral,
            order=desk.order_of(referral),
            others=desk.referrals,
            ordinal=desk.ordinal_of(referral),
            rule=terms.law.limit if terms is not None else None,
            chosen=await self._chosen(
                unit, referral, asked, row["details"], agreed=asked == row["about"]
            ),
        )
        command = DecideWork(
            reason=reason,
            about=row["about"],
            choice=said.decision,
            by=signature(call),
            day=said.day,
            other=said.referral_id,
        )
        facts = decide_work(case, command, unit.now)
        if isinstance(facts, Impossible):
            raise Refused(facts.status, facts.text)
        applied = self.decided.apply(desk, facts)
        desk.accessed(
            Access(
                actor=f"staff:{call.staff.id}",
                action="worklist.decide",
                citizen_id=referral.citizen_id,
                cause=call.id,
            )
        )
        await desk.save(unit.conn, unit.now)
        if same and said.decision == MERGE:
            merged = await self._merged(unit, call, referral.citizen_id, row["about"])
            applied = Applied(
                events=[*applied.events, *merged.events], timers=[*applied.timers, *merged.timers]
            )
        if said.remark:
            sealed = self.register.vault.seal(said.remark.encode(), call.path["id"])
            await store_worklist.remark(unit.conn, call.path["id"], sealed)
        content = {
            "entry_id": call.path["id"],
            "decision": said.decision,
            "by": call.staff.id,
            "follows": [event.type for event in applied.events],
        }
        return Answer(content=content, applied=applied)

    async def split(self, unit: Unit, call: Call) -> Answer:
        """POST /citizens/{id}/split: a merge was an error; `id` is the citizen who was merged."""
        gone = call.path["id"]
        await self._their_referral(unit, call, gone)
        split = await self.merging.split(unit, gone, actor=f"staff:{call.staff.id}", cause=call.id)
        if isinstance(split, Impossible):
            raise Refused(split.status, split.text)
        content = {"citizen_id": gone, "follows": [event.type for event in split.events]}
        return Answer(content=content, applied=split)

    async def _merged(self, unit: Unit, call: Call, kept: str, gone: str) -> Applied:
        merged = await self.merging.merge(
            unit, kept, gone, actor=f"staff:{call.staff.id}", cause=call.id
        )
        if isinstance(merged, Impossible):
            raise Refused(merged.status, merged.text)
        return merged

    async def _their_referral(self, unit: Unit, call: Call, gone: str) -> None:
        """Raises Refused where no referral that was moved is the member's municipality's."""
        rows = await unit.conn.fetch(
            "SELECT DISTINCT municipality FROM referrals WHERE former_citizen = $1", gone
        )
        mine = self.decided.municipalities_of(call)
        if mine is not None and not {row["municipality"] for row in rows} & set(mine):
            raise Refused(404, "no citizen of your municipality with this id was merged")

    async def _chosen(
        self, unit: Unit, referral: Referral, programme: str | None, details: bytes, *, agreed: bool
    ) -> Order | Impossible | None:
        """The order of the programme that was named, if one was.

        `agreed`: the decision itself says that it is run here for the region.
        """
        if programme is None:
            return None
        found = self.decided.portfolio.programmes.get(programme)
        if found is None or not may_have(found, referral.basis):
            return Impossible(422, f"{programme} is nothing to choose on basis {referral.basis}")
        municipality = self.decided.directory.by_code.get(referral.municipality)
        day = referral.discharge_date
        if not agreed and municipality is not None and not ours(found, day, municipality):
            return Impossible(
                409,
                f"the region is responsible for {programme} on {day}, and "
                f"{municipality.name} doesn't run it for the region (runs_for_region)",
            )
        way = route(await obstacles(unit.conn, [referral.provider]), referral.provider, programme)
        if way.provider != referral.provider:
            return Impossible(409, f"{programme} is not established at {referral.provider}")
        people = await store_citizens.by_ids(unit.conn, [referral.citizen_id])
        said = orjson.loads(self.register.vault.open(details, referral.referral_id))
        return order_of(
            referral,
            found,
            residence_of(self.register.open(people[referral.citizen_id])),
            vulnerable=bool(said.get("vulnerable")),
            transport=bool(said.get("transport")),
            now=unit.now,
        )

    async def _row(self, unit: Unit, call: Call) -> Row:
        row = await store_worklist.one(unit.conn, call.path["id"])
        municipalities = self.decided.municipalities_of(call)
        if row is None or (
            municipalities is not None and row["municipality"] not in municipalities
        ):
            raise Refused(404, "no entry of your municipality's worklist has this id")
        return row

    async def _log(self, unit: Unit, call: Call, action: str, citizen_id: str) -> None:
        access = Access(
            actor=f"staff:{call.staff.id}", action=action, citizen_id=citizen_id, cause=call.id
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)


def _entry(row: Row, unit: Unit) -> Mapping[str, Any]:
    reason = WorkReason(row["reason"])
    waited = (row["closed_at"] or unit.now) - row["opened_at"]
    return {
        "entry_id": row["entry_id"],
        "referral_id": row["referral_id"],
        "municipality": row["municipality"],
        "provider": row["provider"],
        "reason": reason,
        "means": MEANS.get(reason, ""),
        "about": row["about"],
        "type": row["type"],
        "discharge_date": row["discharge_date"],
        "limit": row["limit_date"],
        "referral_closed": row["referral_closed"],
        "opened_at": zulu(row["opened_at"]),
        "waited_hours": round(waited.total_seconds() / 3600, 1),
        "times": row["times"],
        "closed_at": zulu(row["closed_at"]) if row["closed_at"] else None,
        "closed_by": row["closed_by"],
        "decision": row["decision"],
        "choices": [
            {"name": one.name, "does": one.does, "needs": one.needs} for one in choices(reason)
        ],
    }
