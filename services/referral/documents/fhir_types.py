"""FHIR R4's data types, as far as a document is read. What isn't named here is ignored.

Every element is optional, and numbers aren't taken for text.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, StrictBool

Json = dict[str, Any]
T = TypeVar("T")
# One wrong member is enough to know: a million of them must not be listed.
Several = Annotated[tuple[T, ...], FailFast()]


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

    coding: Several[Coding] = ()
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


class ContactPoint(Part):
    """A telephone number or an address of e-mail."""

    system: str | None = None
    value: str | None = None
    use: str | None = None


class Extension(Part):
    """An element that a profile adds."""

    url: str | None = None
    value_date: str | None = Field(None, alias="valueDate")
    value_date_time: str | None = Field(None, alias="valueDateTime")
    value_boolean: StrictBool | None = Field(None, alias="valueBoolean")
    value_coding: Coding | None = Field(None, alias="valueCoding")
    value_concept: CodeableConcept | None = Field(None, alias="valueCodeableConcept")
    value_period: Period | None = Field(None, alias="valuePeriod")
    value_identifier: Identifier | None = Field(None, alias="valueIdentifier")
    value_reference: Reference | None = Field(None, alias="valueReference")
    value_contact_point: ContactPoint | None = Field(None, alias="valueContactPoint")


class HumanName(Part):
    """A person's name."""

    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: Several[str | None] = ()


class PostalAddress(Part):
    """A postal address."""

    use: str | None = None
    line: Several[str | None] = ()
    postal_code: str | None = Field(None, alias="postalCode")
    city: str | None = None


class Meta(Part):
    """What is said about a resource."""

    profile: Several[str] = ()
    security: Several[Coding] = ()


class Annotation(Part):
    """Words about a resource."""

    text: str | None = None


class AttachedFile(Part):
    """A file or a link."""

    content_type: str | None = Field(None, alias="contentType")
    data: str | None = None
    url: str | None = None
    title: str | None = None
