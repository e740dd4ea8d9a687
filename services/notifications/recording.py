"""Citizens records: out of the topic's encryption into contacts of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from services.notifications import contacts, custody
from services.notifications.contact_details import CitizenRecorded, contact_of
from services.notifications.incoming import Invalid, named_faults
from services.notifications.message import Reach
from services.notifications.quiet import LOCAL
from shared.crypto import Unreadable, Vault, open_record
from shared.envelope import Message
from shared.handling import Applied, Dead, Outcome, Unit

CITIZENS: Final = "citizens"
"""The topic of contacts."""


def waits_for_citizen(citizen_id: str) -> str:
    """What messages are parked on, and what a recorded contact releases."""
    return f"citizen:{citizen_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Reads records and keeps contacts: `citizens_vault` opens the topic's, `vault` seals ours."""

    vault: Vault
    citizens_vault: Vault

    def read(
        self, unit: Unit, messages: Sequence[Message], outcomes: list[Outcome]
    ) -> dict[str, contacts.SealedContact | None]:
        """The newest contact of each citizen in the batch, sealed; None for an erased one."""
        latest: dict[str, contacts.SealedContact | None] = {}
        for number, message in enumerate(messages):
            if message.topic != CITIZENS:
                continue
            citizen_id = (message.key or b"").decode("utf-8", "replace")
            if message.value is None:
                latest[citizen_id] = None
            else:
                try:
                    contact = self._seal_again(message.value, citizen_id, unit.now)
                except Invalid as fault:
                    outcomes[number] = Dead(reason=f"citizens record: {fault}")
                    continue
                before = latest.get(citizen_id)
                if before is None or before.version <= contact.version:
                    latest[citizen_id] = contact
            outcomes[number] = Applied(releases=[waits_for_citizen(citizen_id)])
        return latest

    async def record(self, unit: Unit, latest: Mapping[str, contacts.SealedContact | None]) -> None:
        """Keeps what `read` found; the citizens are locked."""
        if not latest:
            return
        erased = [citizen_id for citizen_id, contact in latest.items() if contact is None]
        await contacts.erase_contacts(unit.conn, erased, unit.now)
        recorded = [contact for _, contact in sorted(latest.items()) if contact is not None]
        merged = [contact for contact in recorded if contact.merged_into]
        await contacts.merge(unit.conn, merged, unit.now)
        lasting = [contact for contact in recorded if not contact.merged_into]
        await contacts.save_contacts(unit.conn, lasting, unit.now)
        await contacts.no_longer_awaited(unit.conn, list(latest))

    def _seal_again(self, value: bytes, citizen_id: str, now: datetime) -> contacts.SealedContact:
        """Out of the topic's encryption into our own. Raises Invalid."""
        try:
            clear = open_record(self.citizens_vault, value, citizen_id)
            record = CitizenRecorded.model_validate_json(clear)
        except Unreadable as fault:
            raise Invalid(str(fault)) from None
        except ValidationError as error:
            raise Invalid(named_faults(error)) from None
        contact = custody.kept(contact_of(record), now.astimezone(LOCAL).date())
        return contacts.SealedContact(
            citizen_id=citizen_id,
            sealed=self.vault.seal(
                contact.model_dump_json(exclude_defaults=True).encode(), citizen_id
            ),
            version=record.version,
            reach=Reach(
                email=contact.email is not None,
                mobile=contact.mobile is not None,
                deceased=contact.deceased,
            ),
            child=contact != custody.bare(contact),
            merged_into=record.merged_into,
        )
