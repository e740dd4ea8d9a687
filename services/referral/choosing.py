"""What a choice of provider rests on, whoever makes it: the referral, its order, and who trains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from services.referral import store, store_citizens, store_course, store_orders
from services.referral.admitting import order_of
from services.referral.carrying_out import Decided
from services.referral.choosable import ChoiceCase
from services.referral.configuration import Directory
from services.referral.contacts import residence_of
from services.referral.desk import Desk
from services.referral.portfolio.register import Register as Offers
from services.referral.portfolio.store import obstacles
from services.referral.register import Register
from services.referral.suppliers import providers_of
from services.referral.terms import WorkReason

if TYPE_CHECKING:
    from services.referral.order import Order
    from services.referral.referral import Referral
    from shared.database import Connection
    from shared.handling import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Loads what choices rest on, and lets them happen."""

    decided: Decided
    register: Register

    async def load(self, unit: Unit, ids: set[str]) -> Desk:
        """A desk with these referrals and their orders, locked."""
        desk = Desk()
        found = await store.referrals(unit.conn, ids)
        desk.put(found.values())
        desk.orders = await store_orders.newest_orders(unit.conn, found)
        return desk

    async def case(self, unit: Unit, desk: Desk, referral: Referral) -> ChoiceCase:
        """What a choice about a referral on the desk rests on."""
        directory = self.decided.directory
        offers = await offers_of(unit.conn, directory)
        first = await self._first(unit, referral)
        me = referral.referral_id
        desk.attendances |= await store_course.attendances(unit.conn, {me})
        origin = await store_orders.first_provider(unit.conn, me)
        found = case_of(directory, desk, referral, offers, first)
        return replace(found, origin=origin or "")

    async def _first(self, unit: Unit, referral: Referral) -> Order | None:
        """What would be ordered, where nothing is because nobody has established it."""
        waits = any(reason == WorkReason.NOT_ESTABLISHED for reason, _ in referral.work)
        if referral.order_stands or not waits:
            return None
        day = referral.discharge_date
        terms = self.decided.portfolio.standing(referral.type, referral.programme, day)
        sealed = await store.details(unit.conn, referral.referral_id)
        if terms is None or not sealed:
            return None
        people = await store_citizens.by_ids(unit.conn, [referral.citizen_id])
        said = orjson.loads(self.register.vault.open(sealed, referral.referral_id))
        return order_of(
            referral,
            terms.programme,
            residence_of(self.register.open(people[referral.citizen_id])),
            vulnerable=bool(said.get("vulnerable")),
            transport=bool(said.get("transport")),
            now=unit.now,
        )


async def offers_of(conn: Connection, directory: Directory) -> Offers:
    """What the register says of everybody who may be chosen, where it stands in the way."""
    return await obstacles(conn, providers_of(directory))


def case_of(
    directory: Directory,
    desk: Desk,
    referral: Referral,
    offers: Offers,
    first: Order | None = None,
) -> ChoiceCase:
    """What a choice rests on; its order has to lie on the desk."""
    row = desk.orders.get(referral.referral_id)
    home = directory.by_code.get(referral.municipality)
    return ChoiceCase(
        referral=referral,
        order=row.order if row is not None else None,
        ordinal=row.ordinal if row is not None else 0,
        home=home.provider if home is not None else referral.provider,
        providers=providers_of(directory),
        offers=offers,
        first=first,
        known=desk.attendances.get(referral.referral_id, ()),
    )
