"""The referral and its clock: the state, and when the clock has something to say next.

Standard library only; `docs/referral.md` draws the states.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.referral.limit import at_risk_due, missed_due
from services.referral.plan import PlanType
from services.referral.programme_terms import Basis


class CloseReason(StrEnum):
    """Why a referral ended: before its course, or with it (completed, self-directed)."""

    REVOKED = "revoked"
    ENTERED_IN_ERROR = "entered-in-error"
    DECEASED = "deceased"
    COMPLETED = "completed"
    SELF_DIRECTED = "self-directed"
    STOPPED = "stopped"


class FreeChoiceReason(StrEnum):
    """Why the limit can't be held, so that the citizen may choose a private supplier."""

    LATE_ARRIVAL = "late-arrival"
    INFEASIBLE = "infeasible"
    LIMIT_MISSED = "limit-missed"


class NoStart(StrEnum):
    """Why there is no start in time, as KL's § 140 code system has the reasons.

    Source: hl7dk/kl-gateway-rehab, 140CodeSystem (ServiceRequestStatusReasons140).
    """

    OTHER_MUNICIPALITY = "other-municipality"  # handed over at the citizen's request
    LATER_START = "later-start"  # the plan asks for it
    FREE_CHOICE = "free-choice"  # went to a private supplier
    SENT_IN_ERROR = "sent-in-error"
    FREE_CHOICE_DECLINED = "free-choice-declined"  # offered, and prefers to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One accepted plan, or referral on another ground, and its clock.

    `hospital`: the code of the party that sent it. `type`: of a hospital's plan; on other grounds
    None, and `programme` says what was chosen, None until somebody has. `discharge_date`: on other
    grounds the day of the referral. `provider` plans for it. `may_choose`: the type gives free
    choice when the limit can't be held.
    `limit_known_at`: when the limit that holds now became known (receipt, or its correction).
    `paused_at`: since when the citizen is in hospital again, and the clock stands still.
    `clock_from`: the day of discharge from a readmission, from which the limit runs anew.
    `started`: local day of the first session attended. `gp`: EAN of the GP who gets a copy.
    `wishes`: whom the citizen wants next, should the provider decline. `no_start`: why there is no
    start in time, where somebody decided so (`reason_of_no_start` tells all five).
    `work`: what a human still has to look at, as (reason, about).
    `offered`: local days of all first sessions ever offered; a cancelled one still counts (KL).
    """

    referral_id: str
    citizen_id: str
    hospital: str
    document_id: str
    municipality: str
    provider: str
    type: PlanType | None
    discharge_date: date
    later_start: date | None
    received_at: datetime
    limit: date | None
    may_choose: bool
    limit_known_at: datetime
    replaces: str | None = None
    replaces_document: str | None = None
    basis: Basis = Basis.HOSPITAL
    programme: str | None = None
    order_id: str | None = None
    order_stands: bool = False
    closed: CloseReason | None = None
    offered: tuple[date, ...] = ()
    at_risk: bool = False
    missed: bool = False
    free_choice: FreeChoiceReason | None = None
    paused_at: datetime | None = None
    clock_from: date | None = None
    work: tuple[tuple[str, str], ...] = ()
    started: date | None = None
    gp: str | None = None
    wishes: tuple[str, ...] = ()
    no_start: NoStart | None = None

    @property
    def begins(self) -> date:
        """The day of discharge that counts: the plan's, or that from a readmission after it."""
        return max(self.discharge_date, self.clock_from or self.discharge_date)

    @property
    def started_in_time(self) -> bool:
        """Whether a first session was offered inside the limit, which stops the clock."""
        if self.limit is None:
            return False
        start = max(self.begins, self.later_start or self.begins)
        return any(start <= day <= self.limit for day in self.offered)

    def reason_of_no_start(self, today: date) -> NoStart | None:
        """KL's reason why there is no start in time on this local day; None where none is due."""
        if self.closed is CloseReason.ENTERED_IN_ERROR:
            return NoStart.SENT_IN_ERROR
        if self.started is not None or self.started_in_time:
            return None
        if self.no_start is not None:
            return self.no_start
        waits = self.later_start is not None and self.later_start > max(today, self.begins)
        return NoStart.LATER_START if waits else None

    @property
    def waits(self) -> bool:
        """Whether the clock runs: open, ordered, not paused, with a limit, no offer inside it."""
        running = self.closed is None and self.order_stands and self.limit is not None
        return running and self.paused_at is None and not self.started_in_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """When the clock has something to say next (UTC); None where it has not."""

    at_risk: datetime | None
    missed: datetime | None


def deadlines(referral: Referral, *, at_risk_days: int, grace: timedelta) -> Deadlines:
    """What the clock of a referral waits for.

    Where free choice is open, a warning warns of nothing. A limit that was out of reach from the
    beginning isn't missed by anybody: free choice with reason late-arrival has said it.
    """
    if referral.limit is None or not referral.waits:
        return Deadlines(at_risk=None, missed=None)
    warned = referral.at_risk or referral.missed or referral.free_choice is not None
    beyond = referral.missed or referral.free_choice is FreeChoiceReason.LATE_ARRIVAL
    known_at = referral.limit_known_at
    return Deadlines(
        at_risk=None if warned else at_risk_due(referral.limit, at_risk_days, known_at, grace),
        missed=None if beyond else missed_due(referral.limit),
    )
