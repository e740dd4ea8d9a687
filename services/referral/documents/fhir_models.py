"""The parts of FHIR R4 resources that a plan is read from. What isn't named here is ignored.

Every element is optional here: what a plan must have is asked in `fhir`, where it can be named in
Danish. A wrong JSON type in a named element is a structural problem of the document.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

Json = dict[str, Any]


class Part(BaseModel):
    """An element or resource; unknown parts are ignored, and numbers aren't taken for text."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Coding(Part):
    """A code, its system and its display."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Part):
    """Codings that mean the same, or a text."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Identifier(Part):
    """A number or name that someone else has given."""

    use: str | None = None
    system: str | None = None
    value: str | None = None


class Reference(Part):
    """Another resource, by address or by identifier."""

    reference: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Period(Part):
    """From start to end."""

    start: str | None = None
    end: str | None = None


class Extension(Part):
    """An element that a profile adds."""

    url: str | None = None
    value_date: str | None = Field(None, alias="valueDate")
    value_date_time: str | None = Field(None, alias="valueDateTime")
    value_boolean: StrictBool | None = Field(None, alias="valueBoolean")
    value_coding: Coding | None = Field(None, alias="valueCoding")
    value_concept: CodeableConcept | None = Field(None, alias="valueCodeableConcept")


class HumanName(Part):
    """A person's name."""

    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str | None, ...] = ()


class ContactPoint(Part):
    """A telephone number or an address of e-mail."""

    system: str | None = None
    value: str | None = None
    use: str | None = None


class PostalAddress(Part):
    """A postal address."""

    use: str | None = None
    line: tuple[str | None, ...] = ()
    postal_code: str | None = Field(None, alias="postalCode")
    city: str | None = None


class Meta(Part):
    """What is said about a resource."""

    profile: tuple[str, ...] = ()
    security: tuple[Coding, ...] = ()


class Destination(Part):
    """Where a message goes."""

    extension: tuple[Extension, ...] = ()
    receiver: Reference | None = None
    endpoint: str | None = None


class MessageHeader(Part):
    """The first entry of a message."""

    id: str | None = None
    event_coding: Coding | None = Field(None, alias="eventCoding")
    event_uri: str | None = Field(None, alias="eventUri")
    destination: tuple[Destination, ...] = ()
    sender: Reference | None = None
    focus: tuple[Reference, ...] = ()


class Organization(Part):
    """A unit of the health service."""

    identifier: tuple[Identifier, ...] = ()
    name: str | None = None


class Communication(Part):
    """A language that a person speaks."""

    language: CodeableConcept | None = None
    preferred: StrictBool | None = None


class Contact(Part):
    """A relative."""

    relationship: tuple[CodeableConcept, ...] = ()
    name: HumanName | None = None
    telecom: tuple[ContactPoint, ...] = ()


class Patient(Part):
    """The citizen."""

    meta: Meta | None = None
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    birth_date: str | None = Field(None, alias="birthDate")
    address: tuple[PostalAddress, ...] = ()
    contact: tuple[Contact, ...] = ()
    communication: tuple[Communication, ...] = ()


class RelatedPerson(Part):
    """A relative, as a resource of its own."""

    relationship: tuple[CodeableConcept, ...] = ()
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()


class ServiceRequest(Part):
    """The plan."""

    id: str | None = None
    meta: Meta | None = None
    extension: tuple[Extension, ...] = ()
    replaces: tuple[Reference, ...] = ()
    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    code: CodeableConcept | None = None
    subject: Reference | None = None
    requester: Reference | None = None
    authored_on: str | None = Field(None, alias="authoredOn")
    occurrence_date_time: str | None = Field(None, alias="occurrenceDateTime")
    occurrence_period: Period | None = Field(None, alias="occurrencePeriod")
    reason_code: tuple[CodeableConcept, ...] = Field((), alias="reasonCode")
    reason_reference: tuple[Reference, ...] = Field((), alias="reasonReference")


class Condition(Part):
    """A diagnosis."""

    code: CodeableConcept | None = None


class Encounter(Part):
    """The hospital contact."""

    status: str | None = None
    period: Period | None = None


class Entity(Part):
    """What a message follows from."""

    role: str | None = None
    what: Reference | None = None


class Provenance(Part):
    """What was done, and to which earlier message."""

    target: tuple[Reference, ...] = ()
    activity: CodeableConcept | None = None
    entity: tuple[Entity, ...] = ()


class Entry(Part):
    """One resource of a Bundle, not yet looked into."""

    full_url: str | None = Field(None, alias="fullUrl")
    resource: Json | None = None


class Bundle(Part):
    """A message, its resources not yet looked into."""

    id: str | None = None
    type: str | None = None
    entry: tuple[Entry, ...] = ()
