"""What staff do over HTTP about who trains: write down the citizen's choice, or a move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral import store_citizens
from services.referral.choice import (
    ChoiceCommand,
    MoveAway,
    TakeChoice,
    TakeLocation,
    WaiveChoice,
    decide_choice,
)
from services.referral.choosable import Unsuitable, right_of
from services.referral.choosing import Choosing
from services.referral.store_citizens import Access
from shared.endpoints import Answer, Call, Endpoint, Refused

if TYPE_CHECKING:
    from services.referral.desk import Desk
    from services.referral.referral import Referral
    from shared.handling import Unit

STAFF: Final = frozenset({"desk", "therapist"})


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choose(_Body):
    """The citizen's choice: these providers in this order, a location of the provider that has the
    order (empty: any), or to wait for the municipality."""

    choice: Literal["take", "wait"]
    providers: tuple[str, ...] = Field(default=(), max_length=10)
    location: str | None = Field(default=None, max_length=64, pattern=r"^[^\x00]*$")


class Move(_Body):
    """Where the citizen moves to."""

    municipality: str = Field(pattern=r"^[0-9]{3}$")
    postcode: str = Field(default="", pattern=r"^([0-9]{4})?$", description="Of the new home")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeChoice:
    """The endpoints of the free choice."""

    choosing: Choosing

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        path = "/referrals/{id}"
        return (
            Endpoint(method="GET", path=f"{path}/free-choice", handler=self.offered, roles=STAFF),
            Endpoint(method="POST", path=f"{path}/free-choice", handler=self.choose, roles=STAFF),
            Endpoint(method="POST", path=f"{path}/move", handler=self.move, roles=STAFF),
        )

    async def offered(self, unit: Unit, call: Call) -> object:
        """Whom the citizen may choose now, and by which right; the private ones where they may."""
        desk, referral = await self._open(unit, call)
        case = await self.choosing.case(unit, desk, referral)
        found = []
        for code, provider in sorted(case.providers.items()):
            command = TakeChoice(providers=(code,))
            if not isinstance(decide_choice(case, command, unit.now), Unsuitable):
                right = right_of(case, code)
                found.append({"provider": code, "name": provider.name, "right": right})
        return {
            "referral_id": referral.referral_id,
            "provider": referral.provider,
            "limit": referral.limit.isoformat() if referral.limit else None,
            "free_choice": referral.free_choice,
            "may_choose": found,
        }

    async def choose(self, unit: Unit, call: Call) -> Answer:
        """Writes down the citizen's choice and hands the order over."""
        said = call.read(Choose)
        located = said.location is not None
        if located and (said.providers or said.choice == "wait"):
            raise Refused(422, "location: goes alone with the choice take")
        if said.choice == "take" and not said.providers and not located:
            raise Refused(422, "providers: name at least one, or a location")
        if len(set(said.providers)) != len(said.providers):
            raise Refused(422, "providers: one stands twice")
        waits = said.choice == "wait"
        command: ChoiceCommand = WaiveChoice() if waits else TakeChoice(providers=said.providers)
        if said.location is not None:
            command = TakeLocation(location=said.location.strip())
        return await self._decide(unit, call, command)

    async def move(self, unit: Unit, call: Call) -> Answer:
        """Hands the referral to the municipality that the citizen moves to."""
        said = call.read(Move)
        home = self.choosing.decided.directory.by_code.get(said.municipality)
        if home is None:
            raise Refused(422, f"municipality {said.municipality} is not here: send it the plan")
        postcode = await self._may_be_known(unit, call, said.postcode)
        command = MoveAway(municipality=home.code, provider=home.provider, postcode=postcode)
        return await self._decide(unit, call, command)

    async def _may_be_known(self, unit: Unit, call: Call, postcode: str) -> str:
        """The postcode, unless the citizen's address is protected; that it was asked is logged."""
        if not postcode:
            return ""
        _, referral = await self._open(unit, call)
        mine = referral.citizen_id
        access = Access(
            actor=f"staff:{call.staff.id}", action="citizen.read", citizen_id=mine, cause=call.id
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)
        people = await store_citizens.by_ids(unit.conn, [mine])
        return "" if self.choosing.register.open(people[mine]).protected else postcode

    async def _open(self, unit: Unit, call: Call) -> tuple[Desk, Referral]:
        me = call.path["id"]
        desk = await self.choosing.load(unit, {me})
        referral = desk.referrals.get(me)
        if referral is None:
            raise Refused(404, f"no referral has the id {me}")
        home = self.choosing.decided.directory.by_code.get(referral.municipality)
        if home is None or not call.staff.works_for(home.provider):
            call.must_work_for(referral.provider)
        return desk, referral

    async def _decide(self, unit: Unit, call: Call, command: ChoiceCommand) -> Answer:
        desk, referral = await self._open(unit, call)
        facts = decide_choice(await self.choosing.case(unit, desk, referral), command, unit.now)
        if isinstance(facts, Unsuitable):
            raise Refused(facts.status, facts.text)
        applied = self.choosing.decided.apply(desk, facts)
        await desk.save(unit.conn, unit.now)
        after = desk.referrals[referral.referral_id]
        content = {
            "referral_id": after.referral_id,
            "municipality": after.municipality,
            "provider": after.provider,
            "order_id": after.order_id,
            "limit": after.limit.isoformat() if after.limit else None,
        }
        return Answer(content=content, applied=applied)
