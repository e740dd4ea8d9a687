"""Two citizens who turn out to be one, by a human's decision; and that decision undone.

The one of today's number is kept. What is the other's becomes theirs: referrals, stays, former
numbers and what is sealed under the other's own key. The other's record says on `citizens` whom
they were merged into, so that whoever still names the old id is understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.referral import store, store_citizens, store_merging
from services.referral.carrying_out import Decided
from services.referral.events import CITIZENS
from services.referral.events_citizen import CITIZEN_RECORDED, CitizenRecord
from services.referral.facts import CitizenChanged, Fact, OrderChanged, WorkClosed
from services.referral.register import Register
from services.referral.rights.erasure import nobody
from services.referral.side_by_side import beside_the_last
from services.referral.signature import ITSELF
from services.referral.store_citizens import Access, Citizen
from services.referral.store_merging import Merged
from services.referral.terms import WorkReason
from services.referral.worklist_effects import Impossible
from shared.crypto import seal_record
from shared.envelope import Event
from shared.handling import Applied

if TYPE_CHECKING:
    from services.referral.desk import Desk
    from services.referral.referral import Referral
    from shared.handling import Unit

FILLED = ("phone", "email", "birth_date")
"""What the kept record takes over where it says nothing itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Makes two citizens one, and two again. `actor`: who decided, as the access log names them."""

    decided: Decided
    register: Register

    async def lock(self, unit: Unit, *citizen_ids: str) -> dict[str, Citizen]:
        """The citizens, whom no document concerns until the transaction ends."""
        found = await store_citizens.by_ids(unit.conn, citizen_ids)
        await store_citizens.lock_people(unit.conn, [one.cpr_hash for one in found.values()])
        return await store_citizens.by_ids(unit.conn, citizen_ids)

    async def merge(
        self, unit: Unit, kept: str, gone: str, *, actor: str, cause: str
    ) -> Applied | Impossible:
        """Makes `gone` one with `kept`; what follows, or why it can't be."""
        found = await self.lock(unit, kept, gone)
        fault = await self._fault(unit, kept, gone, found)
        if fault is not None:
            return fault
        one, other = found[kept], found[gone]
        record, theirs = self.register.open(one), self.register.open(other)
        filled = [
            name for name in FILLED if getattr(record, name) is None and getattr(theirs, name)
        ]
        if theirs.protected and not record.protected:
            filled.append("protected")
        told = {name: getattr(theirs, name) for name in filled}
        if "protected" in filled:
            told["address"] = None
        merging = Merged(
            gone=gone, kept=kept, cpr_hash=other.cpr_hash, filled=filled, decided_by=actor
        )
        moved = await self._move(unit, merging, one, other)
        events = [
            *([await self._publish(unit, one, record.model_copy(update=told))] if told else []),
            await self._points(unit, other, kept),
        ]
        await self._log(unit, "citizen.merge", (kept, gone), actor, cause)
        return await self._told(unit, events, moved, kept)

    async def split(self, unit: Unit, gone: str, *, actor: str, cause: str) -> Applied | Impossible:
        """Undoes a merge that was entered in error: both have their own again."""
        merging = await store_merging.merged(unit.conn, gone)
        if merging is None:
            return Impossible(409, "nobody with this id was merged into another")
        await store_citizens.lock_people(unit.conn, [merging.cpr_hash])
        found = await self.lock(unit, merging.kept, gone)
        one, other = found[merging.kept], found[gone]
        mine = await self._referrals(unit, "former_citizen", gone)
        await self._reseal(unit, mine, one, other)
        await store_merging.move_back(unit.conn, merging)
        record, theirs = self.register.open(one), self.register.open(other)
        back = {
            name: name != "protected" and None
            for name in merging.filled
            if getattr(record, name) == getattr(theirs, name)
        }
        other = replace(other, cpr_hash=merging.cpr_hash)
        events = [
            *([await self._publish(unit, one, record.model_copy(update=back))] if back else []),
            await self._publish(unit, other, theirs),
        ]
        await self._log(unit, "citizen.split", (merging.kept, gone), actor, cause)
        return await self._told(unit, events, mine, gone, merging.kept)

    async def _fault(
        self, unit: Unit, kept: str, gone: str, found: dict[str, Citizen]
    ) -> Impossible | None:
        if len(found) < 2 or await store_merging.involved(unit.conn, kept, gone):
            return Impossible(
                409, "one of the two was merged before: split that first (genvej citizen split)"
            )
        records = [self.register.open(one) for one in found.values()]
        if any(not (one.name.given or one.name.family) for one in records):
            return Impossible(409, "one of the two was erased")
        if len({one.deceased for one in records}) > 1:
            return Impossible(409, "one of the two is said to be dead: that is settled first")
        if await store_merging.sessions_overlap(unit.conn, kept, gone, unit.now):
            return Impossible(409, "both have a session at the same time: move one of them first")
        return None

    async def _move(
        self, unit: Unit, merging: Merged, one: Citizen, other: Citizen
    ) -> Sequence[str]:
        moved = await self._referrals(unit, "citizen_id", merging.gone)
        await self._reseal(unit, moved, other, one)
        await store_merging.move(unit.conn, merging, unit.now)
        return moved

    async def _referrals(self, unit: Unit, column: str, citizen_id: str) -> list[str]:
        rows = await unit.conn.fetch(
            f"SELECT referral_id FROM referrals WHERE {column} = $1 ORDER BY 1 FOR UPDATE",  # noqa: S608 - own names
            citizen_id,
        )
        return [row["referral_id"] for row in rows]

    async def _reseal(
        self, unit: Unit, referral_ids: Sequence[str], before: Citizen, after: Citizen
    ) -> None:
        """What lies under the one's own key lies under the other's from now on."""
        sealed = await store_merging.sealed_assessments(unit.conn, referral_ids)
        await store_merging.reseal(
            unit.conn,
            {
                id_: self.register.seal_for(after, self.register.open_for(before, one, id_), id_)
                for id_, one in sealed.items()
            },
        )

    async def _publish(self, unit: Unit, citizen: Citizen, told: CitizenRecord) -> Event:
        """A new version of a record, under the citizen's own key."""
        version = citizen.version + 1
        record = self._sealed(citizen, told.model_copy(update={"version": version}))
        await store_citizens.save_citizens(
            unit.conn, [replace(citizen, version=version, record=record)], unit.now
        )
        return _recorded(citizen.citizen_id, record)

    async def _points(self, unit: Unit, gone: Citizen, kept: str) -> Event:
        """Says on `citizens` whom somebody was merged into; the record itself stays here."""
        version = gone.version + 1
        await unit.conn.execute(
            "UPDATE citizens SET version = $2 WHERE citizen_id = $1", gone.citizen_id, version
        )
        blank = nobody(gone.citizen_id, version).model_copy(update={"merged_into": kept})
        return _recorded(gone.citizen_id, self._sealed(gone, blank))

    def _sealed(self, citizen: Citizen, record: CitizenRecord) -> bytes:
        data_key = self.register.records.open(citizen.data_key, citizen.citizen_id)
        plain = record.model_dump_json().encode()
        return seal_record(self.register.records, data_key, plain, citizen.citizen_id)

    async def _log(
        self, unit: Unit, action: str, citizens: Iterable[str], actor: str, cause: str
    ) -> None:
        rows = [Access(actor=actor, action=action, citizen_id=one, cause=cause) for one in citizens]
        await store_citizens.log_access(unit.conn, rows, unit.now)

    async def _told(
        self, unit: Unit, events: Sequence[Event], moved: Sequence[str], to: str, *left: str
    ) -> Applied:
        """Tells whose each referral is now, and what a human has to look at for it."""
        if not moved:
            return Applied(events=events)
        desk = await self.decided.load(unit, moved[0])
        desk.put((await store.referrals(unit.conn, (), citizen_ids=left)).values())
        applied = self.decided.apply(desk, tuple(_changes(desk, moved, to, unit)))
        await desk.save(unit.conn, unit.now)
        return Applied(events=[*events, *applied.events], timers=applied.timers)


def _changes(desk: Desk, moved: Sequence[str], to: str, unit: Unit) -> Iterable[Fact]:
    for id_ in moved:
        referral = desk.referrals[id_]
        yield CitizenChanged(referral_id=id_, citizen_id=to, at=unit.now)
        order = desk.order_of(referral)
        if referral.closed is None and referral.order_stands and order is not None:
            yield OrderChanged(referral_id=id_, order=order)
    yield from _beside(desk.of_citizen(to), set(moved))
    yield from _apart(desk, unit)


def _apart(desk: Desk, unit: Unit) -> Iterable[Fact]:
    """Two plans of two citizens stand beside each other no more."""
    pairs = [
        (referral, about, desk.referrals[about])
        for referral in desk.referrals.values()
        for reason, about in referral.work
        if reason == WorkReason.SECOND_PLAN and about in desk.referrals
    ]
    for referral, about, other in pairs:
        if other.citizen_id != referral.citizen_id:
            yield WorkClosed(
                referral_id=referral.referral_id,
                reason=WorkReason.SECOND_PLAN,
                about=about,
                decision="two-citizens",
                by=ITSELF,
                at=unit.now,
            )


def _beside(mine: Sequence[Referral], moved: set[str]) -> Iterable[Fact]:
    """The newest pair of open referrals that were two citizens' before."""
    standing = [one for one in mine if one.closed is None]
    for at, one in enumerate(standing):
        if at and (one.referral_id in moved) != (standing[at - 1].referral_id in moved):
            yield from beside_the_last(one, standing[:at])


def _recorded(citizen_id: str, record: bytes) -> Event:
    return Event(
        topic=CITIZENS, key=citizen_id, type=CITIZEN_RECORDED, subject=citizen_id, value=record
    )
