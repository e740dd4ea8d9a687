"""What all our own events have in common; `outgoing` makes them of the domain's facts.

Keyed by provider on `referrals`, by citizen on `citizens`; a hospital's status by referral.
Dates are local (Europe/Copenhagen), instants UTC with Z.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from shared.envelope import TYPE_PREFIX

REFERRALS: Final = "referrals"
CITIZENS: Final = "citizens"
GP_STATUS: Final = "gp.status"
ACKNOWLEDGED: Final = f"{TYPE_PREFIX}document.acknowledged.v1"
COMMUNICATION_SENT: Final = f"{TYPE_PREFIX}care-communication.sent.v1"
STEPS: Final = "urn:genvej:steps"
"""Our own code system, of programmes' steps that no public code is known for."""


def zulu(instant: datetime) -> str:
    """An instant in UTC as ISO-8601 with Z."""
    return instant.isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(zulu, return_type=str)]


class Wire(BaseModel):
    """What is written to a topic; two that say the same are equal."""

    model_config = ConfigDict(frozen=True)

    event_type: ClassVar[str]


class AboutReferral(Wire):
    """What every event of a referral says."""

    referral_id: str
    citizen_id: str
    provider: str = Field(description="Who plans: the topic's key")
    municipality: str = Field(default="", description="Who is responsible for the citizen")


class SignedBy(Wire):
    """Who did something: a member of staff, or a service by itself (role "service")."""

    id: str
    role: str
    unit: str


class Code(Wire):
    """A coded concept."""

    system: str
    code: str
    display: str
