"""MedCom's HospitalNotification and CareCommunication, as a hospital writes them.

Shapes from medcomdk/dk-medcom-hospitalnotification and dk-medcom-carecommunication, input/fsh.
Everything is synthetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from deploy.demo import fhir_frame as messaging
from deploy.demo.fhir_frame import Resource

_CORE = "http://medcomfhir.dk/ig/core/StructureDefinition/medcom-core"
_STAY = "http://medcomfhir.dk/ig/hospitalnotification/StructureDefinition/medcom-hospitalnot"
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a communication: a text, or the title of an attachment with its content."""

    id: str
    at: datetime
    text: str | None = None
    title: str | None = None
    data: str | None = None
    url: str | None = None
    author: str = "Michael Test Burns"
    role: str = "Sygeplejerske"
    phone: str = "38683868"


def hospital_notification(
    *,
    document_id: str = "b9b4818e-02de-4cc4-b418-d20cbc7b5404",
    activity: str = "admit-inpatient",
    status: str = "in-progress",
    kind: str = "IMP",
    previous: str | None = None,
    role: str = "revision",
    stay: str | None = "bd481c38-a921-11ed-afa1-0242ac120002",
    started: str | None = "2022-06-07T12:00:00+02:00",
    ended: str | None = None,
    leave_started: str | None = None,
    leave_ended: str | None = None,
    cpr: str = "1502779995",
    deceased: bool | None = None,
    report_wanted: bool = False,
    history: Sequence[str] = (),
    sender_sor: str = "227871000016001",
    receiver_sor: str | None = "451000016003",
    sent_at: datetime = datetime(2022, 6, 7, 10, 0, 2, tzinfo=UTC),
) -> bytes:
    """An admission of Ruddi by default.

    `history`: ids of earlier messages, whose Provenances the message repeats. Instants as text, to
    write one that is none.
    """
    patient, encounter = _ref(document_id, "Patient"), _ref(document_id, "Encounter")
    extensions = []
    if leave_started is not None:
        period = {"start": leave_started, **({"end": leave_ended} if leave_ended else {})}
        url = f"{_STAY}ifiation-leave-period-extension"
        extensions.append({"url": url, "valuePeriod": period})
    stay_resource: Resource = {
        "resourceType": "Encounter",
        "extension": extensions,
        "status": status,
        "class": {"system": _ACT, "code": kind},
        "subject": {"reference": patient},
        "period": {
            name: value for name, value in (("start", started), ("end", ended)) if value is not None
        },
    }
    if stay is not None:
        system = f"https://sor2.sum.dsdn.dk/#id={sender_sor}"
        stay_resource["episodeOfCare"] = [{"identifier": {"system": system, "value": stay}}]
    header: Resource = {}
    if report_wanted:
        url = f"{_STAY}ification-reportOfAdmissionExtension"
        header["extension"] = [{"url": url, "valueBoolean": True}]
    return _message(
        document_id=document_id,
        event="hospital-notification-message",
        header=header,
        focus=encounter,
        resources=[
            (patient, _patient(cpr, deceased)),
            (encounter, stay_resource),
        ],
        activity=activity,
        entities=_previous(previous, role),
        history=history,
        sender_sor=sender_sor,
        receiver_sor=receiver_sor,
        sent_at=sent_at,
    )


def care_communication(
    *,
    document_id: str = "42cb9200-f421-4d08-8391-7d51a2503cb4",
    thread: str | None = "urn:uuid:b2eb3d0e-5de5-4de9-b2a3-0ff321ad1c3a",
    activity: str = "new-message",
    previous: str | None = None,
    category: str | None = "training",
    topic: str | None = "Genoptræning",
    priority: str | None = None,
    parts: Sequence[Part] = (
        Part(
            id="urn:uuid:24d01288-ad36-4af2-96a8-fd1432dadee1",
            at=datetime(2022, 5, 24, 9, 0, tzinfo=UTC),
            text="Til rette vedkommende.\nHvornår begynder træningen?",
        ),
    ),
    new: Sequence[str] | None = None,
    stay: str | None = None,
    cpr: str = "1502779995",
    history: Sequence[str] = (),
    sender_sor: str = "227871000016001",
    receiver_sor: str | None = "451000016003",
    sent_at: datetime = datetime(2022, 5, 24, 9, 0, tzinfo=UTC),
) -> bytes:
    """A new message about Ruddi by default. `new`: ids of the parts that are; None for all."""
    patient, communication = _ref(document_id, "Patient"), _ref(document_id, "Communication")
    resources: list[tuple[str, Resource]] = [(patient, _patient(cpr, None))]
    content: Resource = {
        "resourceType": "Communication",
        "identifier": [{"value": thread}] if thread is not None else [],
        "status": "unknown",
        "subject": {"reference": patient},
        "payload": [_payload(document_id, part, resources) for part in parts],
    }
    if category is not None:
        system = (
            "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-careCommunication-categories"
        )
        content["category"] = [{"coding": [{"system": system, "code": category}]}]
    if topic is not None:
        content["topic"] = {"text": topic}
    if priority is not None:
        content["priority"] = priority
    if stay is not None:
        encounter = _ref(document_id, "Encounter")
        episode = {"identifier": {"value": stay}}
        resources.append((encounter, {"resourceType": "Encounter", "episodeOfCare": [episode]}))
        content["encounter"] = {"reference": encounter}
    resources.append((communication, content))
    sources = [part.id for part in parts] if new is None else new
    return _message(
        document_id=document_id,
        event="care-communication-message",
        header={},
        focus=communication,
        resources=resources,
        activity=activity,
        entities=[
            *_previous(previous, "revision"),
            *({"role": "source", "what": {"identifier": {"value": one}}} for one in sources),
        ],
        history=history,
        sender_sor=sender_sor,
        receiver_sor=receiver_sor,
        sent_at=sent_at,
    )


def _message(
    *,
    document_id: str,
    event: str,
    header: Resource,
    focus: str,
    resources: Sequence[tuple[str, Resource]],
    activity: str,
    entities: Sequence[Resource],
    history: Sequence[str],
    sender_sor: str,
    receiver_sor: str | None,
    sent_at: datetime,
) -> bytes:
    sender = _ref(document_id, "Organization", "sender")
    receiver = _ref(document_id, "Organization", "receiver")
    own = f"MessageHeader/{document_id}"
    whole: Resource = {
        "resourceType": "MessageHeader",
        **header,
        "eventCoding": {"system": messaging.EVENTS, "code": event},
        "destination": [messaging.destination("primary", receiver, receiver_sor)],
        "sender": {"reference": sender},
        "source": {"endpoint": f"https://sor2.sum.dsdn.dk/#id={sender_sor}"},
        "focus": [{"reference": focus}],
    }
    name = "Ortopædkirurgisk Afdeling"
    everything: list[tuple[str, Resource]] = [
        (own, whole),
        (sender, messaging.organisation(name, sender_sor, "5790001382445")),
        (receiver, messaging.organisation("Holbæk Kommune", receiver_sor, "5790000121526")),
        *resources,
        *(
            (
                _ref(document_id, "Provenance", earlier),
                _provenance(f"MessageHeader/{earlier}", sender, "new-message", (), sent_at),
            )
            for earlier in history
        ),
        (
            _ref(document_id, "Provenance", "own"),
            _provenance(own, sender, activity, entities, sent_at),
        ),
    ]
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "id": str(uuid5(NAMESPACE_URL, f"{document_id}/Bundle")),
            "type": "message",
            "timestamp": messaging.instant(sent_at),
            "entry": [messaging.entry(*one) for one in everything],
        }
    )


def _ref(document_id: str, kind: str, name: str = "") -> str:
    return f"{kind}/{uuid5(NAMESPACE_URL, f'{document_id}/{kind}/{name}')}"


def _previous(previous: str | None, role: str) -> list[Resource]:
    if previous is None:
        return []
    return [{"role": role, "what": {"reference": f"MessageHeader/{previous}"}}]


def _provenance(
    target: str, sender: str, activity: str, entities: Sequence[Resource], at: datetime
) -> Resource:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "occurredDateTime": at.isoformat(),
        "recorded": messaging.instant(at),
        "activity": {"coding": [{"system": messaging.ACTIVITIES, "code": activity}]},
        "agent": [{"who": {"reference": sender}}],
        "entity": list(entities),
    }


def _patient(cpr: str, deceased: bool | None) -> Resource:
    patient: Resource = {
        "resourceType": "Patient",
        "identifier": [{"system": messaging.cpr_system(cpr), "value": cpr}],
        "name": [{"use": "official", "family": "Berggren", "given": ["Ruddi", "Test"]}],
    }
    if deceased is not None:
        patient["deceasedBoolean"] = deceased
    return patient


def _payload(document_id: str, part: Part, resources: list[tuple[str, Resource]]) -> Resource:
    person = _ref(document_id, "Practitioner", part.id)
    role = _ref(document_id, "PractitionerRole", part.id)
    given, _, family = part.author.rpartition(" ")
    resources += [
        (
            person,
            {"resourceType": "Practitioner", "name": [{"given": [given], "family": family}]},
        ),
        (
            role,
            {
                "resourceType": "PractitionerRole",
                "practitioner": {"reference": person},
                "code": [{"text": part.role}],
            },
        ),
    ]
    payload: dict[str, Any] = {
        "extension": [
            {"url": f"{_CORE}-datetime-extension", "valueDateTime": part.at.isoformat()},
            {"url": f"{_CORE}-identifier-extension", "valueIdentifier": {"value": part.id}},
            {"url": f"{_CORE}-practitioner-extension", "valueReference": {"reference": role}},
            {
                "url": f"{_CORE}-contact-extension",
                "valueContactPoint": {"system": "phone", "value": part.phone},
            },
        ]
    }
    if part.text is not None:
        payload["contentString"] = part.text
    else:
        payload["contentAttachment"] = {
            name: value
            for name, value in (
                ("contentType", "application/pdf" if part.data is not None else None),
                ("title", part.title),
                ("data", part.data),
                ("url", part.url),
            )
            if value is not None
        }
    return payload
