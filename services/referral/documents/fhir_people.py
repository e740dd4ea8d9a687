"""People and organisations in a FHIR message: the citizen, relatives, the GP, the units.

Sources: HL7 Denmark's core profiles (hl7dk/dk-core, input/fsh: CPR, X-eCPR and the regions' D-eCPR
systems, municipality codes) and MedCom's messaging organisation (SOR and EAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_types, fields
from services.referral.documents.bundle import Message
from services.referral.documents.fields import Problems
from services.referral.documents.relations import DANISH, PARENTAL_AUTHORITY
from services.referral.plan import (
    Address,
    GeneralPractitioner,
    Original,
    Person,
    Relative,
    is_cpr,
    is_replacement_cpr,
)

SOR: Final = "urn:oid:1.2.208.176.1.1"
EAN: Final = "urn:oid:1.3.88"
MUNICIPALITY: Final = "http://hl7.dk/fhir/core/CodeSystem/dk-core-municipality-codes"
CPR: Final = "urn:oid:1.2.208.176.1.2"
REPLACEMENT_CPR: Final = "urn:oid:1.2.208.176.1.6.1."  # X-eCPR 1, D-eCPR 3 and 3.<region>

CPR_PATH: Final = f"Patient.identifier.where(system='{CPR}').value"

_NOTHING: Final = Original()


def citizen(message: Message, patient: fhir.Patient, problems: Problems) -> Person | None:
    """The citizen; None and a problem without a CPR or replacement CPR.

    An outdated identifier (use old) counts only where there is no other; it, and those of the
    records that Patient.link names, are the citizen's earlier numbers. The address is left out
    where the patient is marked restricted (v3-Confidentiality R or V).
    """
    identified = _numbers(patient)
    found = number(patient, problems)
    given, family = name(patient.name)
    if not given and not family:
        problems.missing("Patient.name.family", "Borgerens navn")
    birth_date = fields.day(patient.birth_date, "Patient.birthDate", "Fødselsdatoen", problems)
    protected = _is_restricted(patient.meta)
    if found is None:
        return None
    return Person(
        cpr=found[0],
        cpr_kind=found[1],
        given=given,
        family=family,
        birth_date=birth_date,
        address=None if protected else _address(patient.address),
        protected=protected,
        phone=contact_point(patient.telecom, "phone"),
        email=contact_point(patient.telecom, "email"),
        language=_language(patient.communication),
        earlier_cprs=_earlier(message, patient, identified[1:], found[0]),
    )


def number(patient: fhir.Patient, problems: Problems) -> tuple[str, str] | None:
    """(number, "cpr" or "ecpr"); None and a problem where there is none or it is malformed."""
    identified = _numbers(patient)
    for other in patient.identifier[:3] if not identified else ():
        if system := fields.named(other.system):
            text = f"Numre af typen{system} læses ikke her; borgeren skal have et CPR-nummer."
            problems.add("Patient.identifier.system", "not-supported", text)
    return fields.person_number(identified[0].value if identified else None, CPR_PATH, problems)


def _numbers(patient: fhir.Patient) -> list[fhir_types.Identifier]:
    """CPRs and replacement CPRs, those in use first and a CPR before others."""
    known = [
        identifier
        for identifier in patient.identifier
        if identifier.system == CPR or (identifier.system or "").startswith(REPLACEMENT_CPR)
    ]
    return sorted(known, key=lambda one: (one.use == "old", one.system != CPR))


def _earlier(
    message: Message, patient: fhir.Patient, others: Sequence[fhir_types.Identifier], current: str
) -> tuple[str, ...]:
    linked = [message.find(link.other, fhir.Patient) for link in patient.link]
    named = [link.other.identifier for link in patient.link if link.other is not None]
    written = [
        *others,
        *(identifier for other in linked if other is not None for identifier in _numbers(other)),
        *(identifier for identifier in named if identifier is not None),
    ]
    numbers = (fields.compact_number(identifier.value) for identifier in written)
    known = (number for number in numbers if is_cpr(number) or is_replacement_cpr(number))
    return tuple(dict.fromkeys(number for number in known if number != current))


def relatives(message: Message, patient: fhir.Patient) -> tuple[Relative, ...]:
    """The patient's contacts, and the RelatedPersons in the message."""
    people: list[tuple[Sequence[fhir_types.HumanName], fhir.Contact | fhir.RelatedPerson]] = [
        *(((one.name,) if one.name is not None else (), one) for one in patient.contact),
        *((one.name, one) for one in message.all(fhir.RelatedPerson)),
    ]
    return tuple(
        Relative(
            name=full_name,
            phone=contact_point(person.telecom, "phone"),
            email=contact_point(person.telecom, "email"),
            relation=_relation(person.relationship),
            custody=any(
                coding.code == PARENTAL_AUTHORITY
                for concept in person.relationship
                for coding in concept.coding
            ),
        )
        for names, person in people
        if (full_name := " ".join(filter(None, name(names))))
    )


def gp_copy(message: Message, header: fhir.MessageHeader) -> GeneralPractitioner | None:
    """Who gets a copy: the destination with use cc; None where there is none."""
    for destination in header.destination:
        if use(destination) == "cc":
            gp = organisation(message, destination.receiver)
            if gp is not None:
                ean = fields.optional(number_of(gp, EAN), fields.ID_LENGTH)
                return GeneralPractitioner(name=fields.optional(gp.name), ean=ean)
    return None


def organisation(
    message: Message, reference: fhir_types.Reference | None, within: fhir_types.Json | None = None
) -> fhir.Organization | None:
    """The organisation that a reference leads to, itself or by a role, or whose number it holds."""
    found = message.find(reference, fhir.Organization, within)
    if found is None and (role := message.find(reference, fhir.PractitionerRole, within)):
        found = message.find(role.organization, fhir.Organization)
    if found is None and reference is not None and reference.identifier is not None:
        return fhir.Organization(identifier=(reference.identifier,), name=reference.display)
    return found


def use(destination: fhir.Destination) -> str | None:
    """MedCom's use of a destination: primary or cc."""
    return next(
        (
            extension.value_coding.code
            for extension in destination.extension
            if extension.value_coding is not None
        ),
        None,
    )


def number_of(found: fhir.Organization | None, system: str) -> str | None:
    """The organisation's number in this system, as written; None where it has none."""
    if found is None:
        return None
    return next(
        (
            identifier.value
            for identifier in found.identifier
            if identifier.system == system and fields.clean(identifier.value)
        ),
        None,
    )


def original(sender: fhir.Organization | None, receiver: fhir.Organization | None) -> Original:
    """What a receipt repeats."""
    sender_ean = fields.optional(number_of(sender, EAN), fields.ID_LENGTH)
    receiver_ean = fields.optional(number_of(receiver, EAN), fields.ID_LENGTH)
    if sender_ean is None and receiver_ean is None:
        return _NOTHING
    return Original(sender_ean=sender_ean, receiver_ean=receiver_ean)


def name(names: Sequence[fhir_types.HumanName]) -> tuple[str, str]:
    """(given, family) of the official name, else of the first that isn't outdated."""
    for one in sorted(names, key=lambda one: (one.use == "old", one.use != "official")):
        given = fields.clean(" ".join(part for part in one.given if part))
        family = fields.clean(one.family)
        if given or family:
            return given, family
        text = fields.clean(one.text)
        if text:
            first, _, last = text.rpartition(" ")
            return first, last
    return "", ""


def contact_point(points: Sequence[fhir_types.ContactPoint], system: str) -> str | None:
    """A mobile number before others, and nothing that is outdated."""
    known = [point for point in points if point.system == system and point.use != "old"]
    known.sort(key=lambda point: point.use != "mobile")
    return next((text for point in known if (text := fields.clean(point.value))), None)


def _is_restricted(meta: fhir_types.Meta | None) -> bool:
    return meta is not None and any(coding.code in {"R", "V"} for coding in meta.security)


def _address(addresses: Sequence[fhir_types.PostalAddress]) -> Address | None:
    for address in sorted(addresses, key=lambda one: one.use in {"old", "billing"}):
        postcode = fields.postcode(address.postal_code)
        lines = [line for line in map(fields.clean, address.line) if line]
        if postcode:
            return Address(
                street=lines[0] if lines else "",
                suburb=", ".join(lines[1:]) or None,
                postcode=postcode,
                district=fields.clean(address.city),
            )
    return None


def _language(languages: Sequence[fhir.Language]) -> str:
    for language in sorted(languages, key=lambda one: one.preferred is not True):
        for coding in language.language.coding if language.language is not None else ():
            if code := fields.clean(coding.code, 35):
                return code
    return "da"


def _relation(relationships: Sequence[fhir_types.CodeableConcept]) -> str | None:
    for concept in relationships:
        named = (DANISH.get(one.code or "", one.display or one.code) for one in concept.coding)
        if text := next((fields.clean(text) for text in (concept.text, *named) if text), ""):
            return text
    return None
