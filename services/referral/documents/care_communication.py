"""Reads MedCom's CareCommunication (Korrespondancemeddelelse).

Source: medcomdk/dk-medcom-carecommunication, input/fsh (MessageHeader.focus is the Communication;
its identifier is the thread; each payload has an id, a time, an author and a telephone as
extensions; a reply holds all earlier segments, and its Provenance names those that are new as
entities of role source) and medcomdk/dk-medcom-core (the extensions). The content of attachments
isn't kept: `dialogue.Attachment` says what there was.

An instant without an offset is Danish local time. Where the Provenance names no segment, all are
new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.referral.dialogue import Attachment, Author, CareMessage, Segment, Step
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

EVENT: Final = "care-communication-message"

COMMUNICATION_PATH: Final = "MessageHeader.focus"
SENDER_PATH: Final = "MessageHeader.sender"
PAYLOAD_PATH: Final = "Communication.payload"
MAX_PAYLOADS: Final = 200

_STEPS: Final = {
    "new-message": Step.NEW,
    "reply-message": Step.REPLY,
    "forward-message": Step.FORWARD,
}
_DATE: Final = "medcom-core-datetime-extension"
_AUTHOR: Final = "medcom-core-practitioner-extension"
_CONTACT: Final = "medcom-core-contact-extension"
_IDENTIFIER: Final = "medcom-core-identifier-extension"


def read_communication(frame: Frame) -> CareMessage | Unreadable:
    """The message, or everything that is wrong with it."""
    message, problems = frame.message, frame.problems
    within = frame.focus("Communication")
    found = message.read(within, fhir.Communication) if within is not None else None
    if found is None:
        if within is None:
            problems.missing(COMMUNICATION_PATH, "Korrespondancen (Communication)")
        return frame.unreadable()
    sender_sor, sender_name = frame.department(None, SENDER_PATH)
    receiver = frame.address()
    provenances = frame.provenances()
    step = _step(activities_of(provenances), frame)
    previous = bounded_id(earlier_message(provenances), EARLIER_PATH, problems)
    if step in {Step.REPLY, Step.FORWARD} and previous is None:
        problems.missing(EARLIER_PATH, "Id på den meddelelse, der besvares eller videresendes,")
    thread = fields.identifier(
        next((one.value for one in found.identifier if one.value), None),
        "Communication.identifier.value",
        "Korrespondancens id",
        problems,
    )
    category = fields.identifier(
        next((coding.code for one in found.category for coding in one.coding), None),
        "Communication.category.coding.code",
        "Kategorien",
        problems,
    )
    patient = message.find(found.subject, fhir.Patient, within)
    if patient is None and message.raw(found.subject, within) is None:
        problems.missing("Communication.subject", "Borgeren (Patient)")
    number = people.number(patient, problems) if patient is not None else None
    new = _named_new(provenances)
    problems.bounded(len(found.payload), MAX_PAYLOADS, PAYLOAD_PATH, "dele")
    segments = _segments(frame, found, new)
    if not segments:
        problems.missing(f"{PAYLOAD_PATH}.contentString", "Teksten")
    if (
        problems.found()
        or frame.document_id is None
        or sender_sor is None
        or receiver is None
        or step is None
        or thread is None
        or category is None
        or number is None
    ):
        return frame.unreadable(sender_sor)
    return CareMessage(
        document_id=frame.document_id,
        thread=thread,
        step=step,
        previous=previous,
        sender_sor=sender_sor,
        sender_name=sender_name,
        receiver=receiver[0],
        receiver_kind=receiver[1],
        cpr=number[0],
        cpr_kind=number[1],
        category=category,
        topic=fields.optional(found.topic.text if found.topic is not None else None),
        urgent=found.priority == "asap",
        stays=_stays(frame, found, within),
        segments=segments,
        attachments=_attachments(found, new),
        original=frame.original,
    )


def _step(activities: list[str], frame: Frame) -> Step | None:
    step = _STEPS.get(activities[0]) if activities else None
    if not activities:
        frame.problems.missing("Provenance.activity", "Meddelelsens art")
    elif step is None:
        frame.problems.add(
            "Provenance.activity",
            "not-supported",
            f"Arten{fields.named(activities[0])} kendes ikke: kun ny, svar og videresendt.",
        )
    return step


def _named_new(provenances: Sequence[fhir.Provenance]) -> set[str]:
    entities = (entity for one in provenances for entity in one.entity if entity.role == "source")
    identifiers = (one.what.identifier for one in entities if one.what is not None)
    return {fields.clean(one.value, fields.ID_LENGTH) for one in identifiers if one is not None}


def _segments(
    frame: Frame, communication: fhir.Communication, new: set[str]
) -> tuple[Segment, ...]:
    segments = []
    for number, payload in enumerate(communication.payload[:MAX_PAYLOADS]):
        text = fields.prose(payload.content_string)
        if not text:
            continue
        date = _extension(payload, _DATE)
        path = f"{PAYLOAD_PATH}[{number}].extension('{_DATE}').valueDateTime"
        written = date.value_date_time if date is not None else None
        at = fields.instant(written, path, "Tidspunktet for teksten", frame.problems)
        if not fields.clean(written):
            frame.problems.missing(path, "Tidspunktet for teksten")
        segment_id = _id_of(payload) or f"{number}"
        if at is not None:
            segments.append(
                Segment(
                    segment_id=segment_id,
                    at=at,
                    author=_author(frame, payload),
                    text=text,
                    new=not new or segment_id in new,
                )
            )
    return tuple(segments)


def _attachments(communication: fhir.Communication, new: set[str]) -> tuple[Attachment, ...]:
    found = []
    for number, payload in enumerate(communication.payload[:MAX_PAYLOADS]):
        content = payload.content_attachment
        if content is not None:
            attachment_id = _id_of(payload) or f"{number}"
            data = content.data or ""
            found.append(
                Attachment(
                    attachment_id=attachment_id,
                    title=fields.clean(content.title),
                    content_type=fields.optional(content.content_type),
                    size=len(data) * 3 // 4 - data[-2:].count("="),
                    url=fields.optional(content.url, fields.TEXT_LENGTH),
                    new=not new or attachment_id in new,
                )
            )
    return tuple(found)


def _author(frame: Frame, payload: fhir.Payload) -> Author:
    named, phone = _extension(payload, _AUTHOR), _extension(payload, _CONTACT)
    reference = named.value_reference if named is not None else None
    role = frame.message.find(reference, fhir.PractitionerRole)
    person = frame.message.find(role.practitioner if role else reference, fhir.Practitioner)
    titles = (
        text
        for concept in (role.code if role is not None else ())
        for text in (concept.text, *(one.display or one.code for one in concept.coding))
    )
    point = phone.value_contact_point if phone is not None else None
    return Author(
        name=" ".join(filter(None, people.name(person.name))) or None if person else None,
        role=next((title for text in titles if (title := fields.clean(text))), None),
        phone=fields.optional(point.value if point is not None else None),
    )


def _stays(
    frame: Frame, communication: fhir.Communication, within: fhir_types.Json | None
) -> tuple[str, ...]:
    encounter = frame.message.find(communication.encounter, fhir.Encounter, within)
    episodes = encounter.episode_of_care if encounter is not None else ()
    values = (one.identifier.value for one in episodes if one.identifier is not None)
    return tuple(filter(None, (fields.clean(value, fields.ID_LENGTH) for value in values)))


def _id_of(payload: fhir.Payload) -> str:
    found = _extension(payload, _IDENTIFIER)
    identifier = found.value_identifier if found is not None else None
    return fields.clean(identifier.value if identifier is not None else None, fields.ID_LENGTH)


def _extension(payload: fhir.Payload, name: str) -> fhir_types.Extension | None:
    return next(
        (one for one in payload.extension if (one.url or "").rpartition("/")[2] == name), None
    )
