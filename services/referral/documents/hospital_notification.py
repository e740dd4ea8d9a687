"""Reads MedCom's HospitalNotification (Advis om sygehusophold).

Sources: medcomdk/dk-medcom-hospitalnotification, input/fsh (MessageHeader.focus is the Encounter,
exactly one Patient with a CPR, period.start, an episode of care, leave as an extension) and
medcomdk/dk-medcom-terminology (activity codes: admit-, start-leave-, end-leave-, discharge-, each
also as revise- and cancel-). What they leave open is read thus:

- **Death** has no activity of its own (MedCom's example of MORS carries the admission's): it is an
  ended stay of a Patient who is deceased.
- A message whose Encounter is entered-in-error is a cancellation, whatever its activity.
- An instant without an offset is Danish local time.
"""

from __future__ import annotations

from typing import Final

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_people as people
from services.referral.documents import fhir_types, fields
from services.referral.documents.frame import (
    EARLIER_PATH,
    Frame,
    activities_of,
    bounded_id,
    earlier_message,
)
from services.referral.plan import Unreadable
from services.referral.stay import Change, HospitalNotification, StayEvent

EVENT: Final = "hospital-notification-message"

ENCOUNTER_PATH: Final = "MessageHeader.focus"
SENDER_PATH: Final = "MessageHeader.sender"
ACTIVITY_PATH: Final = "Provenance.activity"

_LEAVE: Final = "medcom-hospitalnotifiation-leave-period-extension"  # spelt so by MedCom
_REPORT: Final = "reportofadmissionextension"
_EVENTS: Final = {
    "admit-inpatient": StayEvent.ADMITTED,
    "admit-emergency": StayEvent.ACUTE,
    "start-leave-inpatient": StayEvent.LEAVE_STARTED,
    "end-leave-inpatient": StayEvent.LEAVE_ENDED,
    "discharge-inpatient-home": StayEvent.DISCHARGED,
    "discharge-emergency-home": StayEvent.DISCHARGED,
}
_CHANGES: Final = {"revise-": Change.REVISED, "cancel-": Change.CANCELLED}


def read_notification(frame: Frame) -> HospitalNotification | Unreadable:
    """The notification in a message, or everything that is wrong with it."""
    message, problems = frame.message, frame.problems
    within = frame.focus("Encounter")
    encounter = message.read(within, fhir.Encounter) if within is not None else None
    if encounter is None:
        if within is None:
            problems.missing(ENCOUNTER_PATH, "Sygehusopholdet (Encounter)")
        return frame.unreadable()
    sender_sor, sender_name = frame.department(None, SENDER_PATH)
    receiver = frame.address()
    provenances = frame.provenances()
    patient = message.find(encounter.subject, fhir.Patient, within)
    if patient is None and message.raw(encounter.subject, within) is None:
        problems.missing("Encounter.subject", "Borgeren (Patient)")
    number = people.number(patient, problems) if patient is not None else None
    deceased = _deceased(patient)
    event = _event(activities_of(provenances), encounter, deceased, frame)
    previous = bounded_id(earlier_message(provenances), EARLIER_PATH, problems)
    if event is not None and event[1] is not Change.NEW and previous is None:
        problems.missing(EARLIER_PATH, "Id på den meddelelse, der rettes eller annulleres,")
    stay = fields.identifier(
        _stay(encounter), "Encounter.episodeOfCare.identifier.value", "Opholdets id", problems
    )
    period = encounter.period or fhir_types.Period()
    started = fields.instant(period.start, "Encounter.period.start", "Opholdets start", problems)
    if not fields.clean(period.start):
        problems.missing("Encounter.period.start", "Opholdets start")
    ended = fields.instant(period.end, "Encounter.period.end", "Opholdets slutning", problems)
    over = event is not None and event[0] in {StayEvent.DISCHARGED, StayEvent.DECEASED}
    if over and not fields.clean(period.end):
        problems.missing("Encounter.period.end", "Opholdets slutning")
    leave = _leave(encounter)
    leave_path = f"Encounter.extension('{_LEAVE}').valuePeriod"
    leave_started = fields.instant(leave.start, f"{leave_path}.start", "Orlovens start", problems)
    leave_ended = fields.instant(leave.end, f"{leave_path}.end", "Orlovens slutning", problems)
    if (
        problems.found()
        or frame.document_id is None
        or sender_sor is None
        or receiver is None
        or number is None
        or event is None
        or stay is None
        or started is None
    ):
        return frame.unreadable(sender_sor)
    return HospitalNotification(
        document_id=frame.document_id,
        sender_sor=sender_sor,
        sender_name=sender_name,
        receiver=receiver[0],
        receiver_kind=receiver[1],
        cpr=number[0],
        event=event[0],
        change=event[1],
        previous=previous,
        stay=stay,
        started=started,
        ended=ended,
        leave_started=leave_started,
        leave_ended=leave_ended,
        deceased=deceased,
        report_wanted=any(
            extension.value_boolean is True and _REPORT in _last(extension.url)
            for extension in frame.header.extension
        ),
        original=frame.original,
    )


def _event(
    activities: list[str], encounter: fhir.Encounter, deceased: bool | None, frame: Frame
) -> tuple[StayEvent, Change] | None:
    change, base = Change.NEW, activities[0] if activities else ""
    for prefix, meaning in _CHANGES.items():
        if base.startswith(prefix):
            change, base = meaning, base.removeprefix(prefix)
    event = _EVENTS.get(base)
    if event is None:
        if not activities:
            frame.problems.missing(ACTIVITY_PATH, "Advisets type")
        else:
            frame.problems.add(
                ACTIVITY_PATH,
                "not-supported",
                f"Advistypen{fields.named(activities[0])} kendes ikke.",
            )
        return None
    if encounter.status == "entered-in-error":
        change = Change.CANCELLED
    if deceased and encounter.status == "finished":
        event = StayEvent.DECEASED
    return event, change


def _deceased(patient: fhir.Patient | None) -> bool | None:
    if patient is None:
        return None
    if patient.deceased_boolean is None and patient.deceased_date_time is not None:
        return True
    return patient.deceased_boolean


def _stay(encounter: fhir.Encounter) -> str | None:
    identifiers = (episode.identifier for episode in encounter.episode_of_care)
    return next((one.value for one in identifiers if one is not None and one.value), None)


def _leave(encounter: fhir.Encounter) -> fhir_types.Period:
    periods = (one.value_period for one in encounter.extension if _last(one.url) == _LEAVE)
    return next((period for period in periods if period is not None), fhir_types.Period())


def _last(url: str | None) -> str:
    return (url or "").rpartition("/")[2].casefold()
