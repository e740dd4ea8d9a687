"""Lets a decision happen: the desk changed, its events made, the clock's timers set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral import store, store_orders
from services.referral.configuration import Directory
from services.referral.desk import Desk
from services.referral.facts import Fact
from services.referral.outgoing import events_of
from services.referral.programme_policy import Portfolio
from services.referral.signature import Signature
from services.referral.timers import Timetable
from shared.handling import Applied

if TYPE_CHECKING:
    from shared.endpoints import Call
    from shared.envelope import Event
    from shared.handling import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What makes facts happen, whoever has decided them."""

    directory: Directory
    portfolio: Portfolio
    timetable: Timetable

    async def load(self, unit: Unit, referral_id: str) -> Desk:
        """A desk with a referral, its order and all others of its citizen, locked.

        Without it the desk is empty.
        """
        citizen = await unit.conn.fetchval(
            "SELECT citizen_id FROM referrals WHERE referral_id = $1", referral_id
        )
        desk = Desk()
        if citizen is not None:
            found = await store.referrals(unit.conn, (), citizen_ids=[citizen])
            desk.put(found.values())
            desk.orders = await store_orders.newest_orders(unit.conn, found)
        return desk

    def apply(self, desk: Desk, facts: Sequence[Fact]) -> Applied:
        """Lets facts happen; the desk is the caller's to save."""
        change = desk.apply(facts)
        events: list[Event] = []
        for fact, after in change.happened:
            events += events_of(fact, after, self.portfolio, self.directory)
        return Applied(events=events, timers=self.timetable.after(change, desk))

    def municipalities_of(self, call: Call) -> list[str] | None:
        """The municipalities whose citizens a member of staff works with; None: all."""
        mine = [
            code
            for code, one in self.directory.by_code.items()
            if call.staff.works_for(one.provider)
        ]
        return None if len(mine) == len(self.directory.by_code) else mine


def signature(call: Call) -> Signature:
    """Who asks, as events say it."""
    return Signature(id=call.staff.id, role=call.staff.role, unit=call.staff.unit)
