"""A document as it has arrived: its record, its hospital, and what it could be read as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral.commands import Municipality
from services.referral.configuration import Hospital
from services.referral.plan import Plan, Unreadable

if TYPE_CHECKING:
    from shared.envelope import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A record of a hospital's topic, read.

    `municipality` is None where the receiver is unknown; `cpr_hash` empty where nothing was read.
    """

    message: Message
    hospital: Hospital
    reading: Plan | Unreadable
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
