"""What a hospital's document says, whatever its format. Standard library only.

Facts: Sundhedsloven § 140; KL's FHIR profiles for § 140 (hl7dk/kl-gateway-rehab); MedCom's GGOP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PlanType(StrEnum):
    """The hospital's type of rehabilitation plan (KL's § 140 codes are in `documents`)."""

    ALMEN = "almen"
    REHABILITERING_SPECIALISERET = "rehabilitering-specialiseret"
    GENOPTRAENING_SPECIALISERET = "genoptraening-specialiseret"


class Format(StrEnum):
    """The document's format, which is also the format of its receipt."""

    FHIR = "fhir"
    GGOP = "ggop"
    XREF = "xref15"


class Purpose(StrEnum):
    """What the document asks for."""

    NEW = "new"
    CORRECTION = "correction"  # a corrected discharge date or later start of an earlier document
    REVOCATION = "revocation"  # sent in error: status entered-in-error or revoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A Danish postal address."""

    street: str
    suburb: str | None
    postcode: str
    district: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A relative that the plan names. `custody`: said to hold parental authority."""

    name: str
    phone: str | None
    relation: str | None
    custody: bool = False
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralPractitioner:
    """The GP who gets a copy; None on the plan where the citizen has deselected it."""

    name: str | None
    ean: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The citizen as the document names them. `cpr_kind` is "cpr" or "ecpr" (replacement CPR).

    `given` and `family` may be empty only where the format allows it. `language` is a BCP 47
    tag, "da" where the document says nothing. `address` is None where it is protected.
    `earlier_cprs`: numbers that the citizen had before, where the document links them.
    """

    cpr: str
    cpr_kind: str
    given: str
    family: str
    birth_date: date | None
    address: Address | None
    protected: bool
    phone: str | None
    email: str | None
    language: str
    earlier_cprs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IcfCode:
    """A function as WHO's ICF classifies it.

    `qualifier` is the extent of the problem, "0" (none) to "4" (complete), "8" not specified, "9"
    not applicable; None where the document says none.
    """

    code: str
    qualifier: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPerson:
    """Someone who can be asked about the plan.

    `role`: "signed", "co-writer" or "team" at the hospital; "region" or "municipality" for whom
    the plan names there.
    """

    name: str
    title: str | None
    organisation: str | None
    phone: str | None
    email: str | None
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """What the plan says in words, whole and with its lines; never leaves the referral service.

    `safety`: what staff must look out for. `information`: what the citizen has been told.
    """

    safety: str | None = None
    practical: str | None = None
    information: str | None = None
    health: str | None = None
    ability: str | None = None
    need: str | None = None
    journal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """What a receipt repeats of the document it answers, as written; None where it says nothing.

    `envelope` and `version`: GGOP Envelope/Identifier and Letter/VersionCode. `encoding`: of the
    XML. `sender_ean` and `receiver_ean`: where the document came from and went to.
    """

    envelope: str | None = None
    version: str | None = None
    encoding: str | None = None
    sender_ean: str | None = None
    receiver_ean: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One document that could be read. Dates are local dates (Europe/Copenhagen).

    `document_id`: FHIR MessageHeader.id or GGOP Letter/Identifier.
    `sender_sor`: the department that sent it. `receiver`: the municipality's SOR, EAN or code,
    as written; `receiver_kind` is "sor", "ean" or "municipality".
    `municipality`: the code of the municipality where the document states it, else None.
    `replaces` / `corrects`: document id of the earlier plan, where the document names one.
    `diagnoses`: (system, code, display) as written; never leaves the referral service.
    """

    format: Format
    purpose: Purpose
    document_id: str
    sender_sor: str
    sender_name: str
    receiver: str
    receiver_kind: str
    municipality: str | None
    type: PlanType
    discharge_date: date
    later_start: date | None
    deadline_text: str | None  # GGOP RehabilitationDeadline: a human reads it, nobody guesses
    authored: date | None
    replaces: str | None
    corrects: str | None
    person: Person
    relatives: tuple[Relative, ...]
    gp: GeneralPractitioner | None
    diagnoses: tuple[tuple[str, str, str], ...]
    transport: bool
    vulnerable: bool
    # A revocation's reason: sent on the wrong citizen or otherwise never true, or just taken back.
    entered_in_error: bool = False
    original: Original | None = None
    icf: tuple[IcfCode, ...] = ()
    contacts: tuple[ContactPerson, ...] = ()
    narrative: Narrative = Narrative()
    # Whether the citizen has consented to the exchange; None where the plan doesn't say.
    consent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a document, for its sender. `element` is an XPath or FHIRPath.

    `code` is an OperationOutcome issue type (required, value, structure, not-found, duplicate,
    forbidden, too-long, not-supported, security, informational). `text` is a Danish sentence
    without personal data. `severity` is fatal, error, warning or information.
    """

    element: str
    code: str
    text: str
    severity: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document that can't be accepted. `document_id`, `sender_sor`: None where unreadable."""

    format: Format
    document_id: str | None
    sender_sor: str | None
    problems: tuple[Problem, ...]
    original: Original | None = None


def is_cpr(text: str) -> bool:
    """Whether `text` is ten digits that begin with a date; modulus 11 says nothing since 2007."""
    return len(text) == 10 and text.isascii() and text.isdigit() and _is_day_month(text)


def is_replacement_cpr(text: str) -> bool:
    """Whether `text` is a replacement CPR as MedCom has them: X-eCPR (1, 7), D-eCPR (0, 5, 6)."""
    return (
        len(text) == 10
        and text.isascii()
        and text[:7].isdigit()
        and text[7:9].isalpha()
        and text[9].isdigit()
        and text[6] in "01567"
        and _is_day_month(text)
    )


def _is_day_month(text: str) -> bool:
    day, month = int(text[:2]), int(text[2:4])
    try:
        date(2000, month, day)  # a leap year: 29 February is a date in some century
    except ValueError:
        return False
    return True
