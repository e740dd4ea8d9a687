"""People and organisations in a GGOP letter: the citizen, relatives, the GP, the units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.referral.documents import fields
from services.referral.documents.fields import Problems
from services.referral.documents.relations import DANISH
from services.referral.documents.xml_tree import Node
from services.referral.plan import (
    Address,
    GeneralPractitioner,
    Person,
    Relative,
    is_replacement_cpr,
)

PATIENT_PATH: Final = "/Emessage/RehabilitationPlan/Patient"
CPR_PATH: Final = f"{PATIENT_PATH}/CivilRegistrationNumber"
REPLACEMENT_CPR_PATH: Final = f"{PATIENT_PATH}/AlternativeIdentifier"

_PHONE_LENGTH: Final = 25  # the family's TelephoneSubscriberIdentifier


def citizen(plan: Node, problems: Problems, path: str = PATIENT_PATH) -> Person | None:
    """The citizen; None and a problem without a CPR or replacement CPR. `path`: of Patient."""
    if plan.count("Patient") == 0:
        problems.missing(path, "Borgeren (Patient)")
        return None
    patient = plan.child("Patient")
    civil, replacement = (
        patient.text("CivilRegistrationNumber"),
        patient.text("AlternativeIdentifier"),
    )
    number = (
        fields.person_number(replacement, f"{path}/AlternativeIdentifier", problems)
        if civil is None and replacement is not None
        else fields.person_number(civil, f"{path}/CivilRegistrationNumber", problems)
    )
    given = fields.clean(patient.text("PersonGivenName"))
    family = fields.clean(patient.text("PersonSurnameName"))
    if not given and not family:
        problems.missing(f"{path}/PersonSurnameName", "Borgerens navn")
    if number is None:
        return None
    return Person(
        cpr=number[0],
        cpr_kind=number[1],
        given=given,
        family=family,
        birth_date=None,
        address=_address(patient),
        protected=False,
        phone=phone(patient),
        email=fields.optional(patient.text("EmailAddressIdentifier")),
        language="da",
        earlier_cprs=_earlier(replacement) if civil is not None else (),
    )


def _earlier(replacement: str | None) -> tuple[str, ...]:
    """The replacement CPR that the citizen had before the CPR that stands beside it."""
    written = fields.compact_number(replacement)
    return (written,) if is_replacement_cpr(written) else ()


def relatives(plan: Node) -> tuple[Relative, ...]:
    """Everyone in Relatives who has a name."""
    return named_relatives(plan.child("Relatives").all("Relative"))


def named_relatives(people: Iterable[Node]) -> tuple[Relative, ...]:
    """Everyone who has a name."""
    return tuple(
        Relative(
            name=name,
            phone=phone(person),
            relation=_relation(person.text("RelationCode")),
        )
        for person in people
        if (name := full_name(person))
    )


def receiver(node: Node) -> tuple[str, str] | None:
    """(number, kind) of who receives a letter; None where it has no number."""
    written = node.text("Identifier")
    code = fields.clean(node.text("IdentifierCode")).casefold()
    found: tuple[str | None, str] = (fields.number(node.text("EANIdentifier")), "ean")
    if code == "kommunenummer":
        found = (fields.municipality_code(written), "municipality")
    elif code in {"sorkode", "sor"}:
        found = (fields.number(written), "sor")
    elif code == "lokationsnummer" and found[0] is None:
        found = (fields.number(written), "ean")
    return (found[0], found[1]) if found[0] is not None else None


def gp_copy(plan: Node) -> GeneralPractitioner | None:
    """The GP who gets a copy; None where there is none or the citizen has deselected it."""
    copy = plan.child("GPCCReceiver")
    if copy.count("Deselected"):
        return None
    receivers = [copy, *copy]
    for receiver in receivers:
        name = fields.optional(receiver.text("OrganisationName")) or full_name(receiver) or None
        ean = fields.optional(receiver.text("EANIdentifier"), fields.ID_LENGTH)
        if name or ean:
            return GeneralPractitioner(name=name, ean=ean)
    return None


def organisation_name(organisation: Node) -> str:
    """Organisation, department and unit on one line."""
    names = (organisation.text(f"{part}Name") for part in ("Organisation", "Department", "Unit"))
    return fields.clean(", ".join(filter(None, map(fields.clean, names))))


def full_name(person: Node) -> str:
    """Given names and surname."""
    names = (person.text("PersonGivenName"), person.text("PersonSurnameName"))
    return " ".join(filter(None, map(fields.clean, names)))


def _relation(code: str | None) -> str | None:
    text = fields.optional(code)
    return DANISH.get(text or "", text)


def _address(person: Node) -> Address | None:
    postcode = fields.postcode(person.text("PostCodeIdentifier"))
    if not postcode:
        return None
    return Address(
        street=fields.clean(person.text("StreetName")),
        suburb=fields.optional(person.text("SuburbName")),
        postcode=postcode,
        district=fields.clean(person.text("DistrictName")),
    )


def phone(person: Node) -> str | None:
    """The number itself, else a mobile subscriber's, else any subscriber's."""
    subscribers = sorted(
        person.all("TelephoneSubscriber"),
        key=lambda one: not fields.clean(one.text("TelephoneSubscriberCode")).startswith("mobil"),
    )
    numbers = (
        fields.optional(one.text("TelephoneSubscriberIdentifier"), _PHONE_LENGTH)
        for one in (person, *subscribers)
    )
    return next((number for number in numbers if number), None)
