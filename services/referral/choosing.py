"""What a choice of provider rests on, whoever makes it: the referral, its order, and who trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral import store, store_orders
from services.referral.carrying_out import Decided
from services.referral.choice import ChoiceCase
from services.referral.configuration import Directory
from services.referral.desk import Desk
from services.referral.suppliers import providers_of

if TYPE_CHECKING:
    from services.referral.referral import Referral
    from shared.handling import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Loads what choices rest on, and lets them happen."""

    decided: Decided

    async def load(self, unit: Unit, ids: set[str]) -> Desk:
        """A desk with these referrals and their orders, locked."""
        desk = Desk()
        found = await store.referrals(unit.conn, ids)
        desk.put(found.values())
        desk.orders = await store_orders.newest_orders(unit.conn, found)
        return desk

    def case(self, desk: Desk, referral: Referral) -> ChoiceCase:
        """What a choice about a referral on the desk rests on."""
        return case_of(self.decided.directory, desk, referral)


def case_of(directory: Directory, desk: Desk, referral: Referral) -> ChoiceCase:
    """What a choice rests on; its order has to lie on the desk."""
    row = desk.orders.get(referral.referral_id)
    home = directory.by_code.get(referral.municipality)
    return ChoiceCase(
        referral=referral,
        order=row.order if row is not None else None,
        ordinal=row.ordinal if row is not None else 0,
        home=home.provider if home is not None else referral.provider,
        providers=providers_of(directory),
    )
