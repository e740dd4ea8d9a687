"""What hospital and municipality write to each other about a citizen. Standard library only.

Facts: MedCom's CareCommunication (medcomdk/dk-medcom-carecommunication, input/fsh). A reply holds
all segments of its thread; the thread keeps its id until the message is forwarded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.plan import Format, Original


class Step(StrEnum):
    """What the message is in its thread."""

    NEW = "new"
    REPLY = "reply"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a segment. `role` is a title; each is None where the message doesn't say."""

    name: str | None
    role: str | None
    phone: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A text of the thread, whole and with its lines. `new`: this message brings it."""

    segment_id: str
    at: datetime
    author: Author
    text: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or link of the thread, without its content. `size` in bytes, 0 for none sent."""

    attachment_id: str
    title: str
    content_type: str | None
    size: int
    url: str | None
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A hospital's receipt for a message of ours. `code`: ok, fatal-error or transient-error."""

    document_id: str
    answered: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CareMessage:
    """One message. `thread` is the same in all replies; `previous` is the message answered.

    `category` is MedCom's code, `topic` the sender's own words. `urgent`: priority asap. `stays`:
    the hospital's ids of the stay or contact that it is about. Instants are UTC.
    """

    document_id: str
    thread: str
    step: Step
    previous: str | None
    sender_sor: str
    sender_name: str
    receiver: str
    receiver_kind: str
    cpr: str
    cpr_kind: str
    category: str
    topic: str | None
    urgent: bool
    stays: tuple[str, ...]
    segments: tuple[Segment, ...]
    attachments: tuple[Attachment, ...]
    original: Original | None = None

    @property
    def format(self) -> Format:
        """MedCom has it as FHIR alone."""
        return Format.FHIR
