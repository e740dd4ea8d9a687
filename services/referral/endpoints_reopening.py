"""What staff do over HTTP when a referral's end was an error: open it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral.choosing import Choosing
from services.referral.referral import CloseReason
from services.referral.reopening import reopening
from services.referral.terms import WorkReason
from shared.endpoints import Answer, Call, Endpoint, Refused

if TYPE_CHECKING:
    from shared.handling import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """The endpoint that undoes a referral's end."""

    choosing: Choosing

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        path = "/referrals/{id}/reopen"
        return (Endpoint(method="POST", path=path, handler=self.reopen, roles=frozenset({"desk"})),)

    async def reopen(self, unit: Unit, call: Call) -> Answer:
        """Opens a referral again, places its order anew, and tells the hospital."""
        me = call.path["id"]
        desk = await self.choosing.load(unit, {me})
        referral = desk.referrals.get(me)
        if referral is None:
            raise Refused(404, f"no referral has the id {me}")
        case = await self.choosing.case(unit, desk, referral)
        if not call.staff.works_for(case.home):
            call.must_work_for(referral.provider)
        if referral.closed is None:
            raise Refused(409, "the referral is open")
        taken_back = any(reason == WorkReason.DEATH_TAKEN_BACK for reason, _ in referral.work)
        if referral.closed is CloseReason.DECEASED and not taken_back:
            raise Refused(409, "the citizen is said to be dead; the hospital has to take that back")
        facts = tuple(reopening(referral, case.order, case.ordinal, unit.now))
        applied = self.choosing.decided.apply(desk, facts)
        await desk.save(unit.conn, unit.now)
        after = desk.referrals[me]
        content = {"referral_id": me, "order_id": after.order_id, "provider": after.provider}
        return Answer(content=content, applied=applied)
