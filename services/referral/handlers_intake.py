"""The handler of hospitals' intake topics: read, load what is concerned, answer in order, save."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.referral import (
    store,
    store_citizens,
    store_documents,
)
from services.referral.answering import Answering
from services.referral.answering_dialogue import DialogueReply
from services.referral.answering_stay import StayReply
from services.referral.answers import Read
from services.referral.arrival import Arrival, number_of
from services.referral.desk import Desk
from services.referral.dialogue import Acknowledged, CareMessage
from services.referral.laying_out import lay_out_messages
from services.referral.metrics import Metrics
from services.referral.plan import Plan, Purpose, Unreadable
from services.referral.portfolio import store as portfolio_store
from services.referral.receiving import Receipt, take_receipts
from services.referral.replying import Office, Reply
from services.referral.request import Request
from services.referral.requesting import Requesting
from services.referral.stay import HospitalNotification
from shared.handling import Applied, Dead

if TYPE_CHECKING:
    from shared.envelope import Message
    from shared.handling import Outcome, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes a batch of documents, whichever hospitals they come from."""

    office: Office
    read: Read
    metrics: Metrics

    async def __call__(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`."""
        self.office.hospitals.refresh()
        arrivals = [self._arrival(message) for message in messages]
        desk = await self._load(unit, [one for one in arrivals if isinstance(one, Arrival)])
        await take_receipts(
            unit, desk, self.office.register.vault, [o for o in arrivals if isinstance(o, Receipt)]
        )
        counts: Counter[str] = Counter()
        outcomes: list[Outcome] = []
        for arrival in arrivals:
            if arrival is None:
                outcomes.append(Dead(reason="no sender is known by this topic"))
            elif isinstance(arrival, Receipt):
                counts["acknowledged"] += 1
                outcomes.append(Applied())
            else:
                known_by = desk.former.get(arrival.cpr_hash, arrival.cpr_hash)
                one = replace(arrival, cpr_hash=known_by)
                reply = _reply_to(one)
                outcomes.append(reply(self.office, desk, unit, one, counts).outcome())
        await desk.save(unit.conn, unit.now)
        unit.on_commit.append(lambda: self.metrics.documents(counts))
        return outcomes

    def _arrival(self, message: Message) -> Arrival | Receipt | None:
        hospital = self.office.hospitals.of(message.topic)
        if hospital is None:
            return None
        reading = self.read(message.value, message.content_type)
        if isinstance(reading, Acknowledged):
            return Receipt(hospital.sor, reading, message.timestamp)
        municipality, cpr_hash = None, b""
        if not isinstance(reading, Unreadable):
            municipality = self.office.directory.find(reading.receiver_kind, reading.receiver)
            cpr_hash = self.office.register.hash_number(*number_of(reading))
        return Arrival(
            message=message,
            hospital=hospital,
            reading=reading,
            municipality=municipality,
            cpr_hash=cpr_hash,
            content_hash=hashlib.sha256(message.value or b"").digest(),
        )

    async def _load(self, unit: Unit, arrivals: Sequence[Arrival]) -> Desk:
        """Everything that the batch may touch, in a few statements; locks people and referrals."""
        own: set[tuple[str, str]] = set()
        named: set[tuple[str, str]] = set()
        new: set[tuple[str, str]] = set()
        providers: set[str] = set()
        people: set[bytes] = set()
        for one in arrivals:
            reading = one.reading
            if reading.document_id is not None:
                own.add(one.document(reading.document_id))
            if not isinstance(reading, Unreadable):
                people.add(one.cpr_hash)
            if isinstance(reading, Plan | Request):
                people |= self.office.register.earlier(reading.person)
                earlier = reading.replaces or reading.corrects
                if earlier is not None:
                    named.add(one.document(earlier))
                if reading.purpose is Purpose.NEW:
                    new.add(one.document(reading.document_id))
                orders = isinstance(reading, Request) or reading.purpose is Purpose.NEW
                if orders and one.municipality is not None:
                    providers.add(one.municipality.provider)
        desk = Desk()
        await store_citizens.lock_people(unit.conn, people)
        desk.documents = await store_documents.documents(unit.conn, own | named)
        desk.waiting = await store_documents.waiting(unit.conn, own)
        desk.laid_out(await store_citizens.citizens(unit.conn, people))
        if desk.former:  # whoever has another number now is locked by that one, too
            await store_citizens.lock_people(unit.conn, set(desk.former.values()))
            desk.laid_out(await store_citizens.citizens(unit.conn, people))
        ids = {d.referral_id for d in desk.documents.values() if d.referral_id is not None}
        known = [citizen.citizen_id for citizen in desk.citizens.values()]
        found = await store.referrals(unit.conn, ids, citizen_ids=known, replaced=new)
        desk.put(found.values())
        await lay_out_messages(unit.conn, desk, arrivals, found)
        desk.offers = await portfolio_store.obstacles(unit.conn, providers) if providers else {}
        return desk


def _reply_to(arrival: Arrival) -> type[Reply]:
    match arrival.reading:
        case HospitalNotification():
            return StayReply
        case CareMessage():
            return DialogueReply
        case Request():
            return Requesting
        case _:
            return Answering
