"""What staff write down over HTTP of who holds custody of a child, where no document says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from services.referral import store_citizens
from services.referral.carrying_out import Decided
from services.referral.desk import Desk
from services.referral.events_citizen import CitizenRelative
from services.referral.register import Register
from services.referral.store_citizens import Access
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.handling import Unit

WRITERS: Final = frozenset({"desk"})


class Holder(BaseModel):
    """Somebody who holds custody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200)
    phone: str | None = Field(default=None, max_length=40)
    email: str | None = Field(default=None, max_length=254)


class Holders(BaseModel):
    """All who hold custody; whoever is not named does not, as far as is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holders: tuple[Holder, ...] = Field(max_length=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """The endpoint that says who is told in a child's place."""

    decided: Decided
    register: Register

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        path = "/citizens/{id}/custody"
        return (Endpoint(method="POST", path=path, handler=self.write, roles=WRITERS),)

    async def write(self, unit: Unit, call: Call) -> Answer:
        """Writes down who holds custody; messages about the child go to them from then on."""
        mine, said = call.path["id"], call.read(Holders)
        await self._theirs(unit, call, mine)
        (citizen,) = (await store_citizens.by_ids(unit.conn, [mine])).values()
        await store_citizens.lock_people(unit.conn, [citizen.cpr_hash])
        (citizen,) = (await store_citizens.by_ids(unit.conn, [mine])).values()
        record = self.register.open(citizen)
        if not (record.name.given or record.name.family):
            raise Refused(409, "the citizen was erased")
        holders = {self.register.holder_id(mine, one.name): one for one in said.holders}
        related = {self.register.holder_id(mine, one.name): one for one in record.relatives}
        told = record.model_copy(
            update={
                "version": record.version + 1,
                "relatives": (
                    *(_relative(id_, one, related.get(id_)) for id_, one in holders.items()),
                    *(
                        one.model_copy(update={"custody": None})
                        for id_, one in related.items()
                        if id_ not in holders
                    ),
                ),
            }
        )
        desk = Desk()
        desk.laid_out({citizen.cpr_hash: citizen})
        event = self.register.rewrite(desk, citizen.cpr_hash, told, call.id)
        actor = f"staff:{call.staff.id}"
        desk.accessed(Access(actor=actor, action="citizen.custody", citizen_id=mine, cause=call.id))
        await desk.save(unit.conn, unit.now)
        content = {"citizen_id": mine, "holders": sorted(holders)}
        return Answer(content=content, applied=Applied(events=[event]))

    async def _theirs(self, unit: Unit, call: Call, citizen_id: str) -> None:
        """Raises Refused where the citizen is not one of the member's municipalities."""
        rows = await unit.conn.fetch(
            "SELECT DISTINCT municipality FROM referrals WHERE citizen_id = $1", citizen_id
        )
        among = self.decided.municipalities_of(call)
        if not rows or (among is not None and not {row["municipality"] for row in rows} & {*among}):
            raise Refused(404, "no citizen of your municipality has this id")


def _relative(id_: str, holder: Holder, known: CitizenRelative | None) -> CitizenRelative:
    """A holder with what is known of them; a contact that is not said stays."""
    return CitizenRelative(
        name=holder.name,
        phone=holder.phone or (known.phone if known else None),
        email=holder.email or (known.email if known else None),
        relation=known.relation if known else None,
        custody=id_,
    )
