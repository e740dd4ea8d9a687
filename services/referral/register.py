"""The register of citizens: who a number belongs to, and the record that others get of them.

A number is kept encrypted and looked up by a keyed hash; the record that is published is sealed
under a key of the citizen's own. Every look and every change is written to the access log.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace

import orjson

from services.referral import identity
from services.referral.desk import Desk
from services.referral.details import details_of
from services.referral.events import CITIZENS
from services.referral.events_citizen import CITIZEN_RECORDED, CitizenRecord
from services.referral.plan import Person, Plan
from services.referral.request import Request
from services.referral.store_citizens import Access, Citizen
from shared.crypto import (
    Vault,
    keyed_hash,
    new_data_key,
    open_record,
    open_under,
    seal_record,
    seal_under,
)
from shared.envelope import Event

ACTOR = "service:referral"


def key_bytes(encoded: str) -> bytes:
    """A secret key of at least 32 bytes from base64. Raises ValueError without showing it."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 32:
        raise ValueError("not base64 of at least 32 bytes")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The keys that stand between a number and an id.

    `records` seals what notifications reads; `vault` what only this service reads.
    """

    id_key: bytes
    cpr_key: bytes
    records: Vault
    vault: Vault

    def hash_of(self, person: Person) -> bytes:
        """What a person's number is looked up by."""
        return self.hash_number(person.cpr_kind, person.cpr)

    def hash_number(self, kind: str, number: str) -> bytes:
        """What a number is looked up by; `kind` is "cpr" or "ecpr"."""
        return keyed_hash(self.cpr_key, kind, number)

    def earlier(self, person: Person) -> set[bytes]:
        """What the numbers are looked up by that a document says a person had before."""
        return {
            self.hash_number("cpr" if number.isdigit() else "ecpr", number)
            for number in person.earlier_cprs
        }

    def renumber(self, desk: Desk, person: Person, cpr_hash: bytes, cause: str) -> tuple[str, ...]:
        """Gives a citizen the number of a document that names one of theirs as a former one.

        Where the new number is somebody's already nothing is done: two citizens who turn out to be
        one are for a human. The ids of those who are said to be this one are returned.
        """
        if (mine := desk.citizens.get(cpr_hash)) is not None:
            others = (
                desk.citizens.get(desk.former.get(before, before))
                for before in self.earlier(person)
            )
            ids = {one.citizen_id for one in others if one is not None}
            return tuple(sorted(ids - {mine.citizen_id}))
        for before in sorted(self.earlier(person)):
            known = desk.citizens.get(desk.former.get(before, before))
            if known is not None:
                me = known.citizen_id
                sealed = self.vault.seal(person.cpr.encode(), me)
                renumbered = replace(known, cpr_hash=cpr_hash, cpr_sealed=sealed)
                desk.renumbered(known.cpr_hash, renumbered)
                access = Access(actor=ACTOR, action="citizen.renumber", citizen_id=me, cause=cause)
                desk.accessed(access)
                return ()
        return ()

    def new_id(self, source: str, document_id: str) -> str:
        """The id of a citizen who is first met in this document."""
        return identity.citizen_id(keyed_hash(self.id_key, source, document_id))

    def holder_id(self, citizen_id: str, name: str) -> str:
        """The opaque id of who holds custody of a citizen; the same name gives it again."""
        return identity.citizen_id(keyed_hash(self.id_key, "custody", citizen_id, name.casefold()))

    def evaluation_code(self, referral_id: str, programme: str, moment: str) -> str:
        """What a citizen is asked for when they answer forms; nobody guesses it (50 bits)."""
        digest = keyed_hash(self.id_key, "evaluation", referral_id, programme, moment)
        letters = base64.b32encode(digest)[:10].decode()
        return f"{letters[:5]}-{letters[5:]}"

    def find(self, desk: Desk, cpr_hash: bytes, cause: str) -> None:
        """Notes that a number was looked up and belongs to a citizen."""
        if (citizen := desk.citizens.get(cpr_hash)) is not None:
            mine = citizen.citizen_id
            desk.accessed(Access(actor=ACTOR, action="citizen.find", citizen_id=mine, cause=cause))

    def look(self, desk: Desk, cpr_hash: bytes, cause: str) -> CitizenRecord | None:
        """What is known of a citizen. `cause` is the document that asks, for the access log."""
        citizen = desk.citizens.get(cpr_hash)
        if citizen is None:
            return None
        mine = citizen.citizen_id
        desk.accessed(Access(actor=ACTOR, action="citizen.read", citizen_id=mine, cause=cause))
        return self.open(citizen)

    def open(self, citizen: Citizen) -> CitizenRecord:
        """What is known of a citizen; that it is read is the caller's to log."""
        plain = open_record(self.records, citizen.record, citizen.citizen_id)
        return CitizenRecord.model_validate_json(plain)

    def keep(
        self, desk: Desk, person: Person, cpr_hash: bytes, told: CitizenRecord, cause: str
    ) -> Event:
        """Writes a new record of a citizen, and gives the event that publishes it."""
        citizen, mine = desk.citizens.get(cpr_hash), told.citizen_id
        if citizen is None:
            data_key = new_data_key()
            citizen = Citizen(
                citizen_id=mine,
                cpr_hash=cpr_hash,
                cpr_sealed=self.vault.seal(person.cpr.encode(), mine),
                version=told.version,
                data_key=self.records.seal(data_key, mine),
                record=b"",
            )
        else:
            data_key = self.records.open(citizen.data_key, mine)
        return self._publish(desk, citizen, data_key, told, cause)

    def rewrite(self, desk: Desk, cpr_hash: bytes, told: CitizenRecord, cause: str) -> Event:
        """Writes a new record of a citizen who is on the desk, and gives the event for it."""
        citizen = desk.citizens[cpr_hash]
        data_key = self.records.open(citizen.data_key, citizen.citizen_id)
        return self._publish(desk, citizen, data_key, told, cause)

    def _publish(
        self, desk: Desk, citizen: Citizen, data_key: bytes, told: CitizenRecord, cause: str
    ) -> Event:
        mine = citizen.citizen_id
        sealed = seal_record(self.records, data_key, told.model_dump_json().encode(), mine)
        desk.recorded(replace(citizen, version=told.version, record=sealed))
        desk.accessed(Access(actor=ACTOR, action="citizen.write", citizen_id=mine, cause=cause))
        return Event(topic=CITIZENS, key=mine, type=CITIZEN_RECORDED, subject=mine, value=sealed)

    def number_of(self, citizen: Citizen) -> str:
        """The citizen's CPR or replacement CPR; whoever asks writes the access log."""
        return self.vault.open(citizen.cpr_sealed, citizen.citizen_id).decode()

    def sender_in(self, sealed: bytes, referral_id: str) -> tuple[str, str] | None:
        """(SOR, name) of the department that sent a plan, from its sealed details."""
        found = orjson.loads(self.vault.open(sealed, referral_id))
        sor = found.get("sender")
        return (sor, found.get("sender_name") or sor) if sor else None

    def seal_for(self, citizen: Citizen, plaintext: bytes, context: str) -> bytes:
        """Seals what is the citizen's own, under their own key: erasing that erases it."""
        return seal_under(self._key_of(citizen), plaintext, context)

    def open_for(self, citizen: Citizen, sealed: bytes, context: str) -> bytes:
        """What `seal_for` sealed; that it is read is the caller's to log. Raises Unreadable."""
        return open_under(self._key_of(citizen), sealed, context)

    def _key_of(self, citizen: Citizen) -> bytes:
        return self.records.open(citizen.data_key, citizen.citizen_id)

    def seal_details(self, plan: Plan | Request, referral_id: str) -> bytes:
        """What the plan says beyond planning, for the record's keeper alone."""
        return self.vault.seal(orjson.dumps(details_of(plan)), referral_id)
