"""The words in which orders, answers and the worklist state reasons. Standard library only."""

from __future__ import annotations

from enum import StrEnum


class WithdrawReason(StrEnum):
    """Why an order no longer stands."""

    REPLACED = "replaced"
    REVOKED = "revoked"
    ENTERED_IN_ERROR = "entered-in-error"
    FREE_CHOICE = "free-choice"
    OTHER_MUNICIPALITY = "other-municipality"
    HANDED_BACK = "handed-back"
    DECLINED = "declined"
    MOVED = "moved"
    MOVED_BACK = "moved-back"
    DECEASED = "deceased"
    COMPLETED = "completed"
    STOPPED = "stopped"


class WorkReason(StrEnum):
    """What a human has to look at, because no rule decides it."""

    SECOND_PLAN = "second-plan"
    DEADLINE_TEXT = "deadline-text"
    REPLACED_UNKNOWN = "replaced-plan-unknown"
    OTHER_MUNICIPALITY = "other-municipality-named"
    NO_CAPACITY_KNOWN = "no-capacity-known"
    INFEASIBLE = "infeasible"
    OFFER_LOST = "offer-lost"
    FREE_CHOICE_TO_RECONSIDER = "free-choice-to-reconsider"
    DEATH_TAKEN_BACK = "death-taken-back"
    STAY_UNCLEAR = "stay-unclear"
    DECLINED = "declined"
    NOT_ESTABLISHED = "not-established"
    PROVIDER_TO_CHOOSE = "provider-to-choose"
    REGION_RESPONSIBLE = "region-responsible"
    ACTION_OVERDUE = "action-overdue"
    PROGRAMME_TO_CHOOSE = "programme-to-choose"
    STAYS_AWAY = "stays-away"
    ASSESSMENT_MISSING = "assessment-missing"
    ASSESSMENT_DISPUTED = "assessment-disputed"
    REASSESSMENT_DUE = "reassessment-due"
    SAME_PERSON = "same-person"
    NOT_TOLD = "not-told"


class Right(StrEnum):
    """By which right somebody trains: the rule's own choice, or the citizen's."""

    OWN = "own"
    OTHER_MUNICIPALITY = "other-municipality"
    PRIVATE = "private"


class Note(StrEnum):
    """What the sender is told beside the ok."""

    HOSPITAL_LEVEL = "hospital-level"
    SECOND_PLAN = "second-plan"
    DEADLINE_TEXT = "deadline-text"
    REPLACED_UNKNOWN = "replaced-plan-unknown"
    OTHER_MUNICIPALITY = "other-municipality-named"
    ALREADY_REPLACED = "already-replaced"
    ALREADY_CLOSED = "already-closed"
    NOTHING_CHANGED = "nothing-changed"
    TOO_LATE = "too-late"
    PAUSED = "paused"
    RESUMED = "resumed"
    DISCHARGE_KNOWN = "discharge-known"
    DECEASED = "deceased"
    DEATH_TAKEN_BACK = "death-taken-back"
    ATTACHMENTS = "attachments"
    NOT_ESTABLISHED = "not-established"
    REGION_RESPONSIBLE = "region-responsible"
    RUN_FOR_REGION = "run-for-region"
    PROGRAMME_TO_CHOOSE = "programme-to-choose"
    SAME_PERSON = "same-person"


class Told(StrEnum):
    """What the hospital hears of its citizen's way."""

    OFFERED = "offered"
    CANCELLED = "cancelled"
    STARTED = "started"
    NOT_STARTED = "not-started"
    ENDED = "ended"
    REOPENED = "reopened"


class Track(StrEnum):
    """How a citizen's course is given."""

    SELF_DIRECTED = "self-directed"
    GROUP = "group"
    INDIVIDUAL = "individual"
    COORDINATED = "coordinated"
