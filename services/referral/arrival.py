"""A document as it has arrived: its record, its hospital, and what it could be read as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.referral.commands import Municipality
from services.referral.configuration import Hospital
from services.referral.dialogue import CareMessage
from services.referral.plan import Plan, Unreadable
from services.referral.request import Request
from services.referral.stay import HospitalNotification

if TYPE_CHECKING:
    from shared.envelope import Message

Readable: TypeAlias = Plan | Request | HospitalNotification | CareMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A record of a hospital's topic, read.

    `municipality` is None where the receiver is unknown; `cpr_hash` empty where nothing was read.
    """

    message: Message
    hospital: Hospital
    reading: Readable | Unreadable
    municipality: Municipality | None
    cpr_hash: bytes
    content_hash: bytes

    @property
    def origin(self) -> tuple[str, int, int]:
        """Topic, partition and offset."""
        return (self.message.topic, self.message.partition, self.message.offset)

    @property
    def cause(self) -> str:
        """The record, as the access log names it."""
        return "/".join(map(str, self.origin))

    def document(self, document_id: str) -> tuple[str, str]:
        """What a document of the same hospital is known by."""
        return (self.hospital.sor, document_id)


def number_of(document: Readable) -> tuple[str, str]:
    """(kind, number) of the citizen whom a document is about; the kind is "cpr" or "ecpr"."""
    match document:
        case Plan(person=person) | Request(person=person):
            return person.cpr_kind, person.cpr
        case HospitalNotification(cpr=cpr):
            return ("cpr" if cpr.isdigit() else "ecpr"), cpr
        case CareMessage(cpr_kind=kind, cpr=cpr):
            return kind, cpr
