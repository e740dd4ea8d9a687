"""The parts of FHIR R4 resources that a plan is read from. What isn't named here is ignored.

Every element is optional here: what a plan must have is asked in `fhir`, where it can be named in
Danish. A wrong JSON type in a named element is a structural problem of the document.
"""

from __future__ import annotations

from pydantic import Field, StrictBool, StrictInt

from services.referral.documents.fhir_types import (
    Annotation,
    AttachedFile,
    CodeableConcept,
    Coding,
    ContactPoint,
    Extension,
    HumanName,
    Identifier,
    Json,
    Meta,
    Part,
    Period,
    PostalAddress,
    Reference,
    Several,
)


class Destination(Part):
    """Where a message goes."""

    extension: Several[Extension] = ()
    receiver: Reference | None = None
    endpoint: str | None = None


class Response(Part):
    """What an acknowledgement says of the message that it answers."""

    identifier: str | None = None
    code: str | None = None


class MessageHeader(Part):
    """The first entry of a message."""

    id: str | None = None
    extension: Several[Extension] = ()
    event_coding: Coding | None = Field(None, alias="eventCoding")
    event_uri: str | None = Field(None, alias="eventUri")
    destination: Several[Destination] = ()
    sender: Reference | None = None
    focus: Several[Reference] = ()
    response: Response | None = None


class Organization(Part):
    """A unit of the health service."""

    identifier: Several[Identifier] = ()
    name: str | None = None


class Language(Part):
    """A language that a person speaks."""

    language: CodeableConcept | None = None
    preferred: StrictBool | None = None


class Contact(Part):
    """A relative."""

    relationship: Several[CodeableConcept] = ()
    name: HumanName | None = None
    telecom: Several[ContactPoint] = ()


class Link(Part):
    """Another record of the same person."""

    other: Reference | None = None


class Patient(Part):
    """The citizen."""

    meta: Meta | None = None
    identifier: Several[Identifier] = ()
    name: Several[HumanName] = ()
    telecom: Several[ContactPoint] = ()
    birth_date: str | None = Field(None, alias="birthDate")
    deceased_boolean: StrictBool | None = Field(None, alias="deceasedBoolean")
    deceased_date_time: str | None = Field(None, alias="deceasedDateTime")
    address: Several[PostalAddress] = ()
    contact: Several[Contact] = ()
    communication: Several[Language] = ()
    link: Several[Link] = ()


class RelatedPerson(Part):
    """A relative, as a resource of its own."""

    relationship: Several[CodeableConcept] = ()
    name: Several[HumanName] = ()
    telecom: Several[ContactPoint] = ()


class ServiceRequest(Part):
    """The plan."""

    id: str | None = None
    meta: Meta | None = None
    extension: Several[Extension] = ()
    replaces: Several[Reference] = ()
    status: str | None = None
    intent: str | None = None
    do_not_perform: StrictBool | None = Field(None, alias="doNotPerform")
    category: Several[CodeableConcept] = ()
    code: CodeableConcept | None = None
    subject: Reference | None = None
    requester: Reference | None = None
    authored_on: str | None = Field(None, alias="authoredOn")
    occurrence_date_time: str | None = Field(None, alias="occurrenceDateTime")
    occurrence_period: Period | None = Field(None, alias="occurrencePeriod")
    reason_code: Several[CodeableConcept] = Field((), alias="reasonCode")
    reason_reference: Several[Reference] = Field((), alias="reasonReference")
    note: Several[Annotation] = ()
    patient_instruction: str | None = Field(None, alias="patientInstruction")


class Condition(Part):
    """A diagnosis."""

    code: CodeableConcept | None = None


class Observation(Part):
    """Something observed, such as a function."""

    code: CodeableConcept | None = None
    value_integer: StrictInt | None = Field(None, alias="valueInteger")


class Flag(Part):
    """What staff must look out for."""

    status: str | None = None
    code: CodeableConcept | None = None


class Provision(Part):
    """What a consent permits or denies."""

    type: str | None = None


class Consent(Part):
    """What the citizen has agreed to."""

    status: str | None = None
    provision: Provision | None = None


class Practitioner(Part):
    """A health professional."""

    name: Several[HumanName] = ()
    telecom: Several[ContactPoint] = ()


class PractitionerRole(Part):
    """What a health professional is, and where."""

    practitioner: Reference | None = None
    organization: Reference | None = None
    code: Several[CodeableConcept] = ()
    telecom: Several[ContactPoint] = ()


class Encounter(Part):
    """The hospital contact."""

    extension: Several[Extension] = ()
    status: str | None = None
    subject: Reference | None = None
    episode_of_care: Several[Reference] = Field((), alias="episodeOfCare")
    period: Period | None = None


class Payload(Part):
    """A part of a communication."""

    extension: Several[Extension] = ()
    content_string: str | None = Field(None, alias="contentString")
    content_attachment: AttachedFile | None = Field(None, alias="contentAttachment")


class Communication(Part):
    """A thread of words about a citizen."""

    identifier: Several[Identifier] = ()
    category: Several[CodeableConcept] = ()
    priority: str | None = None
    subject: Reference | None = None
    topic: CodeableConcept | None = None
    encounter: Reference | None = None
    payload: Several[Payload] = ()


class Entity(Part):
    """What a message follows from."""

    role: str | None = None
    what: Reference | None = None


class Provenance(Part):
    """What was done, and to which earlier message."""

    target: Several[Reference] = ()
    activity: CodeableConcept | None = None
    entity: Several[Entity] = ()


class Entry(Part):
    """One resource of a Bundle, not yet looked into."""

    full_url: str | None = Field(None, alias="fullUrl")
    resource: Json | None = None


class Bundle(Part):
    """A message, its resources not yet looked into."""

    id: str | None = None
    type: str | None = None
    entry: Several[Entry] = ()
