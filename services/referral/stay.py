"""What a hospital says of a citizen's stay. Standard library only.

Facts: MedCom's HospitalNotification (medcomdk/dk-medcom-hospitalnotification, input/fsh). It comes
for all residents of a municipality: one that concerns no referral is acknowledged and forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.referral.plan import Format, Original


class StayEvent(StrEnum):
    """What happened; MedCom's short name beside."""

    ADMITTED = "admitted"  # STIN
    ACUTE = "acute"  # STAA: at the hospital, not admitted
    LEAVE_STARTED = "leave-started"  # STOR
    LEAVE_ENDED = "leave-ended"  # SLOR
    DISCHARGED = "discharged"  # SLHJ: home, or to the primary sector
    DECEASED = "deceased"  # MORS


class Change(StrEnum):
    """Whether it is news, or changes what an earlier message said."""

    NEW = "new"
    REVISED = "revised"  # RE_…
    CANCELLED = "cancelled"  # AN_…


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalNotification:
    """One message about a stay. Instants are UTC.

    `previous`: the id of the message that this one follows in the same stay; what a revision or a
    cancellation changes. `stay`: the hospital's id of the whole stay. `started` and `ended`: of the
    stay; `leave_started` and `leave_ended`: of a leave from it. `deceased`: whether the citizen is
    said to be dead; None where the message says nothing, False where an earlier one is corrected.
    `report_wanted`: the hospital asks for what the municipality knows (indlæggelsesrapport).
    """

    document_id: str
    sender_sor: str
    sender_name: str
    receiver: str
    receiver_kind: str
    cpr: str
    event: StayEvent
    change: Change
    previous: str | None
    stay: str
    started: datetime
    ended: datetime | None
    leave_started: datetime | None
    leave_ended: datetime | None
    deceased: bool | None
    report_wanted: bool
    original: Original | None = None

    @property
    def format(self) -> Format:
        """MedCom has it as FHIR alone."""
        return Format.FHIR
