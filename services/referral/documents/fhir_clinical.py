"""What a FHIR plan says beside its dates and its citizen: functions, words, consent, whom to ask.

KL's profile has no element for these, so they are read from where FHIR R4 has its own: ICF codes
from Conditions and Observations (system http://hl7.org/fhir/sid/icf, a qualifier after the point),
safety from Flags, practical words from ServiceRequest.note, what the citizen was told from
ServiceRequest.patientInstruction, consent from Consent, people from PractitionerRoles and
Practitioners.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_people as people
from services.referral.documents import fhir_types, fields
from services.referral.documents.bundle import Message
from services.referral.documents.fhir_request import is_icf
from services.referral.plan import ContactPerson, IcfCode, Narrative

_REFUSED: Final = frozenset({"rejected", "inactive", "entered-in-error"})


def icf(message: Message) -> tuple[IcfCode, ...]:
    """The functions that are classified anywhere in the message."""
    found = []
    for concept, value in _concepts(message):
        for coding in concept.coding:
            if is_icf(coding.system) and fields.clean(coding.code):
                code, _, qualifier = fields.clean(coding.code, fields.ID_LENGTH).partition(".")
                found.append(
                    IcfCode(
                        code=code,
                        qualifier=qualifier or value,
                        text=fields.clean(coding.display or concept.text, fields.TEXT_LENGTH),
                    )
                )
    return tuple(found)


def _concepts(message: Message) -> Iterator[tuple[fhir_types.CodeableConcept, str | None]]:
    for condition in message.all(fhir.Condition):
        if condition.code is not None:
            yield condition.code, None
    for observation in message.all(fhir.Observation):
        if observation.code is not None:
            value = observation.value_integer
            yield observation.code, None if value is None else str(value)


def narrative(message: Message, request: fhir.ServiceRequest) -> Narrative:
    """What the plan says in words."""
    flags = (flag.code for flag in message.all(fhir.Flag) if flag.status != "entered-in-error")
    return Narrative(
        safety=_joined(_text(code) for code in flags),
        practical=_joined(note.text for note in request.note),
        information=fields.prose(request.patient_instruction) or None,
    )


def consent(message: Message) -> bool | None:
    """Whether the citizen consents; None where the message holds no Consent."""
    for found in message.all(fhir.Consent):
        denied = found.provision is not None and found.provision.type == "deny"
        return found.status not in _REFUSED and not denied
    return None


def contacts(message: Message) -> tuple[ContactPerson, ...]:
    """Everybody in the message who can be asked, by their role where they have one."""
    roles = message.all(fhir.PractitionerRole)
    people_of_roles = [message.find(role.practitioner, fhir.Practitioner) for role in roles]
    found = [
        _contact(message, person, role)
        for person, role in zip(people_of_roles, roles, strict=True)
        if person is not None
    ]
    known = {id(person) for person in people_of_roles}
    found += [
        _contact(message, person, None)
        for person in message.all(fhir.Practitioner)
        if id(person) not in known
    ]
    return tuple(contact for contact in found if contact.name)


def _contact(
    message: Message, person: fhir.Practitioner, role: fhir.PractitionerRole | None
) -> ContactPerson:
    telecom = (*(role.telecom if role is not None else ()), *person.telecom)
    titles = (_text(code) for code in (role.code if role is not None else ()))
    organisation = people.organisation(message, role.organization) if role is not None else None
    return ContactPerson(
        name=" ".join(filter(None, people.name(person.name))),
        title=next((fields.clean(title) for title in titles if title), None),
        organisation=fields.optional(organisation.name) if organisation is not None else None,
        phone=people.contact_point(telecom, "phone"),
        email=people.contact_point(telecom, "email"),
        role="team",
    )


def _text(concept: fhir_types.CodeableConcept | None) -> str | None:
    if concept is None:
        return None
    return concept.text or next((one.display or one.code for one in concept.coding), None)


def _joined(texts: Iterator[str | None]) -> str | None:
    return "\n".join(filter(None, map(fields.prose, texts))) or None
