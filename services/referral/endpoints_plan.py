"""What whoever carries an order out has to know of the citizen, as long as the order is theirs.

Topics name nobody: a supplier, or another municipality's institution, asks here, by its own staff,
and that it was asked stands in the access log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.referral import store, store_assessments, store_citizens, store_orders
from services.referral.register import Register
from services.referral.store_citizens import Access
from shared.crypto import Unreadable
from shared.endpoints import Call, Endpoint, Refused

if TYPE_CHECKING:
    from services.referral.referral import Referral
    from services.referral.store_citizens import Citizen
    from shared.handling import Unit

ROLES: Final = frozenset({"supplier", "therapist", "desk"})
_OF_THE_PLAN: Final = (
    "sender_name",
    "authored",
    "diagnoses",
    "icf",
    "narrative",
    "contacts",
    "deadline_text",
    "custody",
)
"""What of a document's details is for whoever trains; the rest is its keeper's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """The endpoint of those who carry orders out."""

    register: Register

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (Endpoint(method="GET", path="/orders/{id}/plan", handler=self.show, roles=ROLES),)

    async def show(self, unit: Unit, call: Call) -> object:
        """The citizen, the plan and the newest assessment, while the order stands."""
        order_id = call.path["id"]
        about = await unit.conn.fetchval(
            "SELECT referral_id FROM orders WHERE order_id = $1", order_id
        )
        if about is None:
            raise Refused(404, f"no order has the id {order_id}")
        row = (await store_orders.newest_orders(unit.conn, [about]))[about]
        referral = (await store.referrals(unit.conn, [about]))[about]
        # Whoever had an order before is told no more than that somebody else has it.
        if row.order.order_id == order_id:
            call.must_work_for(row.provider)
        stands = referral.order_stands and referral.closed is None
        if row.order.order_id != order_id or not stands:
            raise Refused(409, "the order no longer stands: its plan is no longer shown")
        mine = referral.citizen_id
        citizen = (await store_citizens.by_ids(unit.conn, [mine]))[mine]
        access = Access(
            actor=f"staff:{call.staff.id}", action="order.plan", citizen_id=mine, cause=call.id
        )
        await store_citizens.log_access(unit.conn, [access], unit.now)
        return {
            "order_id": order_id,
            "referral_id": about,
            "programme": row.order.programme,
            "earliest": row.order.earliest,
            "limit": referral.limit,
            "type": referral.type,
            "discharge_date": referral.discharge_date,
            "later_start": referral.later_start,
            "citizen": self._person(citizen),
            "plan": await self._plan(unit, about),
            "assessment": await self._assessment(unit, referral, citizen),
        }

    def _person(self, citizen: Citizen) -> Mapping[str, Any]:
        known = self.register.open(citizen)
        return {
            "name": f"{known.name.given} {known.name.family}".strip(),
            "number": self.register.number_of(citizen),
            "birth_date": known.birth_date,
            "address": known.address.model_dump() if known.address is not None else None,
            "protected": known.protected,
            "phone": known.phone,
            "email": known.email,
            "language": known.language,
            "relatives": [
                {"name": one.name, "phone": one.phone, "relation": one.relation}
                for one in known.relatives
            ],
            "gp": known.gp.name if known.gp is not None else None,
        }

    async def _plan(self, unit: Unit, referral_id: str) -> Mapping[str, Any]:
        sealed = await store.details(unit.conn, referral_id)
        if not sealed:
            return {}
        found = orjson.loads(self.register.vault.open(sealed, referral_id))
        return {name: found[name] for name in _OF_THE_PLAN if name in found}

    async def _assessment(
        self, unit: Unit, referral: Referral, citizen: Citizen
    ) -> Mapping[str, Any] | None:
        rows = await store_assessments.rows_of(unit.conn, referral.referral_id)
        if not rows:
            return None
        newest = rows[-1]
        try:
            opened = self.register.open_for(citizen, newest["sealed"], newest["assessment_id"])
            goals = orjson.loads(opened).get("goals")
        except Unreadable:
            goals = None  # erased with the citizen's key
        named = "point", "level", "track", "complexity", "resources", "motivation", "readiness"
        return {name: newest[name] for name in named} | {"goals": goals}
