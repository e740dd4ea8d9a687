"""Writes MedCom's CareCommunication: what the municipality answers, or asks, a hospital.

Source: medcomdk/dk-medcom-carecommunication, input/fsh (Communication.status is unknown; the thread
is its identifier; every text has a time, an id, an author with a title, and a telephone number; a
reply repeats all earlier texts; its Provenance names the message that it answers and the texts that
are new). Equal input gives equal bytes. What an attachment held is not here, so none is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from services.referral.dialogue import Segment, Step
from services.referral.documents import fhir_people as people
from services.referral.documents.acknowledgement import CONTENT_TYPE
from services.referral.documents.fields import COPENHAGEN

__all__ = ["CONTENT_TYPE", "Earlier", "Organisation", "Patient", "Written", "communication"]

REGARDING_REFERRAL: Final = "regarding-referral"
"""The only category in which a message may be urgent (invariant medcom-careCommunication-5)."""

_NAMESPACE: Final = UUID("0c1d9c7e-3d57-5a0e-8b0e-1f6a9d6d7f42")
_TERMINOLOGY: Final = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-"
_CORE: Final = "http://medcomfhir.dk/ig/core/StructureDefinition/medcom-core-"
_USE: Final = (
    "http://medcomfhir.dk/ig/messaging/StructureDefinition/medcom-messaging-destinationUseExtension"
)
_PROFILES: Final = "http://medcomfhir.dk/ig/carecommunication/StructureDefinition/medcom-"
_DEFINITION: Final = (
    "http://medcomfhir.dk/ig/carecommunication/medcom-careCommunication-message-definition|4.0.0"
)
_ACTIVITIES: Final = {
    Step.NEW: "new-message",
    Step.REPLY: "reply-message",
    Step.FORWARD: "forward-message",
}

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who sends or receives. `ean` None where it isn't known."""

    sor: str
    ean: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Whom it is about. `cpr` is a number or a replacement number."""

    cpr: str
    given: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A message that came before in the thread. `ours`: we wrote it."""

    document_id: str
    step: Step
    ours: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message to be sent. `segments`: all texts of the thread, the new one last.

    `document_id` is a UUID. `earlier`: the messages of the thread, the oldest first; the last is
    the one that is answered.
    """

    document_id: str
    thread: str
    category: str
    topic: str | None
    urgent: bool
    sender: Organisation
    receiver: Organisation
    patient: Patient
    segments: tuple[Segment, ...]
    earlier: tuple[Earlier, ...]
    at: datetime


def communication(message: Written) -> bytes:
    """The message as a Bundle."""
    return _Writer(message).bundle()


class _Writer:
    def __init__(self, message: Written) -> None:
        self._message = message
        self._base = uuid5(_NAMESPACE, message.document_id)
        self._entries: list[Resource] = []

    def bundle(self) -> bytes:
        message = self._message
        sender, receiver = self._name("sender"), self._name("receiver")
        communication, patient = self._name("Communication"), self._name("Patient")
        self._add(
            f"urn:uuid:{message.document_id}",
            {
                "resourceType": "MessageHeader",
                "meta": _profile("careCommunication-messageHeader"),
                "eventCoding": _coding("messaging-eventCodes", "care-communication-message"),
                "destination": [
                    {
                        "extension": [
                            {
                                "url": _USE,
                                "valueCoding": _coding("messaging-destinationUse", "primary"),
                            }
                        ],
                        "endpoint": _endpoint(message.receiver),
                        "receiver": {"reference": receiver},
                    }
                ],
                "sender": {"reference": sender},
                "source": {"endpoint": _endpoint(message.sender)},
                "focus": [{"reference": communication}],
                "definition": _DEFINITION,
            },
            "Korrespondancemeddelelse.",
        )
        self._organisation(sender, message.sender)
        self._organisation(receiver, message.receiver)
        self._patient(patient)
        self._communication(communication, patient)
        self._provenances(sender, receiver)
        bundle = {
            "resourceType": "Bundle",
            "id": str(uuid5(self._base, "Bundle")),
            "meta": _profile("careCommunication-message"),
            "type": "message",
            "timestamp": _instant(message.at),
            "entry": self._entries,
        }
        return orjson.dumps(bundle)

    def _name(self, part: str) -> str:
        return f"urn:uuid:{uuid5(self._base, part)}"

    def _add(self, address: str, resource: Resource, narrative: str) -> None:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(narrative)}</p></div>'
        whole = {
            "resourceType": resource["resourceType"],
            "id": address.removeprefix("urn:uuid:"),
            "text": {"status": "generated", "div": div},
            **resource,
        }
        self._entries.append({"fullUrl": address, "resource": whole})

    def _organisation(self, address: str, one: Organisation) -> None:
        identifiers = [
            {"use": "official", "system": system, "value": value}
            for system, value in ((people.SOR, one.sor), (people.EAN, one.ean))
            if value
        ]
        resource = {"resourceType": "Organization", "identifier": identifiers, "name": one.name}
        self._add(address, resource, f"{one.name}, SOR {one.sor}.")

    def _patient(self, address: str) -> None:
        patient = self._message.patient
        resource = {
            "resourceType": "Patient",
            "identifier": [{"system": _system_of(patient.cpr), "value": patient.cpr}],
            "name": [{"use": "official", "family": patient.family, "given": patient.given.split()}],
        }
        self._add(address, resource, f"{patient.given} {patient.family}, {patient.cpr}.")

    def _communication(self, address: str, patient: str) -> None:
        message = self._message
        resource: Resource = {
            "resourceType": "Communication",
            "meta": _profile("careCommunication-communication"),
            "identifier": [{"value": message.thread}],
            "status": "unknown",
            "category": [{"coding": [_coding("careCommunication-categories", message.category)]}],
            "subject": {"reference": patient},
        }
        if message.urgent and message.category == REGARDING_REFERRAL:
            resource["priority"] = "asap"
        if message.topic:
            resource["topic"] = {"text": message.topic}
        resource["payload"] = [self._payload(one) for one in message.segments]
        told = "\n".join(f"{one.author.name}: {one.text}" for one in message.segments)
        self._add(address, resource, f"{message.category}. {message.topic or ''} {told}")

    def _payload(self, segment: Segment) -> Resource:
        author = segment.author
        person = self._name(f"Practitioner/{segment.segment_id}")
        role = self._name(f"PractitionerRole/{segment.segment_id}")
        *given, family = (author.name or "ukendt").split()
        named = {"given": given, "family": family} if given else {"family": family}
        self._add(person, {"resourceType": "Practitioner", "name": [named]}, author.name or "")
        title = author.role or "medarbejder"
        practises = {
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": person},
            "code": [{"text": title}],
        }
        self._add(role, practises, title)
        at = segment.at.astimezone(COPENHAGEN).isoformat(timespec="seconds")
        return {
            "extension": [
                {"url": f"{_CORE}datetime-extension", "valueDateTime": at},
                {
                    "url": f"{_CORE}identifier-extension",
                    "valueIdentifier": {"value": segment.segment_id},
                },
                {"url": f"{_CORE}practitioner-extension", "valueReference": {"reference": role}},
                {
                    "url": f"{_CORE}contact-extension",
                    "valueContactPoint": {"system": "phone", "value": author.phone or "ukendt"},
                },
            ],
            "contentString": segment.text,
        }

    def _provenances(self, sender: str, receiver: str) -> None:
        message = self._message
        before: str | None = None
        for one in message.earlier:
            who = sender if one.ours else receiver
            self._provenance(f"MessageHeader/{one.document_id}", who, one.step, before, (), one.at)
            before = one.document_id
        new = tuple(one.segment_id for one in message.segments if one.new)
        step = Step.REPLY if before is not None else Step.NEW
        own = f"urn:uuid:{message.document_id}"
        self._provenance(own, sender, step, before, new, message.at)

    def _provenance(  # noqa: PLR0917 - what a Provenance says, in its order
        self,
        target: str,
        who: str,
        step: Step,
        before: str | None,
        new: tuple[str, ...],
        at: datetime,
    ) -> None:
        entities: list[Resource] = []
        if before is not None:
            entities.append({"role": "revision", "what": {"reference": f"MessageHeader/{before}"}})
        entities += [{"role": "source", "what": {"identifier": {"value": one}}} for one in new]
        resource: Resource = {
            "resourceType": "Provenance",
            "target": [{"reference": target}],
            "occurredDateTime": at.astimezone(COPENHAGEN).isoformat(timespec="seconds"),
            "recorded": _instant(at),
            "activity": {"coding": [_coding("messaging-activityCodes", _ACTIVITIES[step])]},
            "agent": [{"who": {"reference": who}}],
        }
        if entities:
            resource["entity"] = entities
        self._add(self._name(f"Provenance/{target}"), resource, f"{_ACTIVITIES[step]}.")


def _system_of(cpr: str) -> str:
    """The system of a CPR or a replacement CPR (X-eCPR, D-eCPR), by its shape."""
    if cpr.isdigit():
        return people.CPR
    return f"{people.REPLACEMENT_CPR}{1 if cpr[6:7] in {'1', '7'} else 3}"


def _coding(system: str, code: str) -> Resource:
    return {"system": f"{_TERMINOLOGY}{system}", "code": code}


def _profile(name: str) -> Resource:
    return {"profile": [f"{_PROFILES}{name}"]}


def _endpoint(one: Organisation) -> str:
    return f"https://sor2.sum.dsdn.dk/#id={one.sor}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
