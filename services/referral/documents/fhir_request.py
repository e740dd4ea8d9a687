"""What a ServiceRequest says: type, dates, purpose, diagnoses. See `fhir` for what is read how."""

from __future__ import annotations

from collections.abc import Sized
from datetime import date
from typing import Final

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_types, fields
from services.referral.documents import frame as messaging
from services.referral.documents.bundle import Message
from services.referral.documents.fields import Problems
from services.referral.documents.frame import (
    Frame,
    activities_of,
    bounded_id,
    document_of,
    earlier_message,
)
from services.referral.plan import PlanType, Purpose

TRAINING: Final = "7fc66c15-0cb3-4c89-9e18-f3a01e6a6592"
DISCHARGE_DATE: Final = "http://fhir.kl.dk/rehab/StructureDefinition/PreconditionDate"
STATUS_REASON: Final = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
LATER_START: Final = "a8632e22-bf0c-4f5a-92a7-70977ba104d5"

TYPE_PATH: Final = "ServiceRequest.category"
DISCHARGE_PATH: Final = f"ServiceRequest.extension('{DISCHARGE_DATE}').valueDate"
LATER_START_PATH: Final = "ServiceRequest.occurrencePeriod.start"
REPLACES_PATH: Final = "ServiceRequest.replaces"
EARLIER_PATH: Final = messaging.EARLIER_PATH

Diagnoses = tuple[tuple[str, str, str], ...]


def is_kl_request(request: fhir.ServiceRequest) -> bool:
    """Whether the request is KL's § 140 request, by its type or by what it asks for."""
    asked = request.code.coding if request.code is not None else ()
    return bool(_types(request)) or any(coding.code == TRAINING for coding in asked)


def judge(request: fhir.ServiceRequest, problems: Problems) -> None:
    """Problems where the request, read as one, would say something else than it means (R4).

    A draft and a suggestion ask for nothing yet; doNotPerform asks that it be left undone.
    """
    if request.do_not_perform:
        text = "Dokumentet beder om, at træningen ikke gives; det læses ikke her."
        problems.add("ServiceRequest.doNotPerform", "not-supported", text)
    for element, written, refused in (
        ("status", request.status, {"draft"}),
        ("intent", request.intent, {"proposal", "option"}),
    ):
        if written in refused:
            text = f"Værdien{fields.named(written)} er ikke en anmodning, der kan handles på."
            problems.add(f"ServiceRequest.{element}", "not-supported", text)


def bound(
    problems: Problems,
    relatives: Sized,
    diagnoses: Sized,
    icf: Sized,
    contacts: Sized,
) -> None:
    """Problems where a document says more of something than is taken."""
    for found, most, element, what in (
        (relatives, fields.MAX_RELATIVES, "Patient.contact", "pårørende"),
        (diagnoses, fields.MAX_DIAGNOSES, "ServiceRequest.reasonReference", "diagnoser"),
        (icf, fields.MAX_DIAGNOSES, "Observation.code", "ICF-koder"),
        (contacts, fields.MAX_CONTACTS, "PractitionerRole", "kontaktpersoner"),
    ):
        problems.bounded(len(found), most, element, what)


def type_of(request: fhir.ServiceRequest, problems: Problems) -> PlanType | None:
    """The one type; a level that only `almen` has counts as that."""
    found = _types(request)
    if len(found) == 1:
        return found.pop()
    if found:
        problems.add(TYPE_PATH, "value", "Planen har to typer, som ikke kan gælde samtidig.")
    elif any(concept.coding or concept.text for concept in request.category):
        problems.add(TYPE_PATH, "value", fields.UNKNOWN_TYPE)
    else:
        problems.missing(TYPE_PATH, "Plantypen")
    return None


def discharge_date(
    message: Message, request: fhir.ServiceRequest, problems: Problems
) -> date | None:
    """KL's extension, else the end of the last hospital contact in the message."""
    what = "Udskrivningsdatoen"
    for extension in request.extension:
        name = (extension.url or "").rpartition("/")[2].casefold()
        if name in {"preconditiondate", "dischargedate"}:
            text = extension.value_date or extension.value_date_time
            if not fields.clean(text):
                problems.missing(DISCHARGE_PATH, what)
            return fields.day(text, DISCHARGE_PATH, what, problems)
    ends = [
        encounter.period.end
        for encounter in message.all(fhir.Encounter)
        if encounter.period is not None
        and fields.clean(encounter.period.end)
        and encounter.status not in {"cancelled", "entered-in-error"}
    ]
    if not ends:
        problems.missing(DISCHARGE_PATH, what)
    days = [fields.day(end, "Encounter.period.end", what, problems) for end in ends]
    return max((day for day in days if day is not None), default=None)


def later_start(request: fhir.ServiceRequest, problems: Problems) -> date | None:
    """The later start that the hospital requires for health reasons, if it does."""
    required = any(
        coding.code == LATER_START
        for extension in request.extension
        if extension.url == STATUS_REASON and extension.value_concept is not None
        for coding in extension.value_concept.coding
    )
    if not required:
        return None
    what = "Datoen for den senere start"
    period = request.occurrence_period
    text = (period.start if period is not None else None) or request.occurrence_date_time
    if not fields.clean(text):
        problems.missing(LATER_START_PATH, what)
    return fields.day(text, LATER_START_PATH, what, problems)


def purpose_of(
    frame: Frame, request: fhir.ServiceRequest, problems: Problems
) -> tuple[Purpose, str | None]:
    """(purpose, document id): the id of what is corrected, taken back or replaced, if anything."""
    provenances = frame.provenances()
    activities, earlier = activities_of(provenances), earlier_message(provenances)
    if request.status in {"revoked", "entered-in-error"} or "retract-message" in activities:
        purpose = Purpose.REVOCATION
    elif "modified-message" in activities:
        purpose = Purpose.CORRECTION
    else:
        replaced = _replaced(request, earlier, problems)
        return Purpose.NEW, bounded_id(replaced, REPLACES_PATH, problems)
    found = earlier or document_of(request.replaces)
    if found is None:
        problems.missing(EARLIER_PATH, "Id på den meddelelse, der rettes eller tilbagekaldes,")
    return purpose, bounded_id(found, EARLIER_PATH, problems)


def diagnoses(
    message: Message, request: fhir.ServiceRequest, within: fhir_types.Json | None
) -> Diagnoses:
    """(system, code, display) of what the request gives as its reason."""
    concepts = list(request.reason_code)
    for reference in request.reason_reference:
        condition = message.find(reference, fhir.Condition, within)
        if condition is not None and condition.code is not None:
            concepts.append(condition.code)
    return tuple(
        (
            fields.clean(coding.system, fields.ID_LENGTH),
            fields.clean(coding.code, fields.ID_LENGTH),
            fields.clean(coding.display or concept.text, fields.TEXT_LENGTH),
        )
        for concept in concepts
        for coding in concept.coding or (fhir_types.Coding(),)
        if (coding.code or concept.text) and not is_icf(coding.system)
    )


def is_icf(system: str | None) -> bool:
    """Whether a code system is WHO's ICF, by the last part of its address."""
    return (system or "").rpartition("/")[2].casefold() == "icf"


def flag(request: fhir.ServiceRequest, url: str) -> bool:
    """Whether an extension of ours says true."""
    return any(
        extension.url == url and extension.value_boolean is True for extension in request.extension
    )


def _types(request: fhir.ServiceRequest) -> set[PlanType]:
    found: set[PlanType | None] = set()
    for concept in request.category:
        known = {fields.TYPE_CODES.get((coding.code or "").lower()) for coding in concept.coding}
        if not any(known):
            known = {fields.plan_type(concept.text)}
            known |= {fields.plan_type(coding.display) for coding in concept.coding}
        found |= known
    return {type_ for type_ in found if type_ is not None}


def _replaced(request: fhir.ServiceRequest, earlier: str | None, problems: Problems) -> str | None:
    """The replaced plan's document id: by identifier, by Provenance, by reference."""
    if not request.replaces:
        return None
    identified = (one.identifier.value for one in request.replaces if one.identifier is not None)
    named = next(
        (text for value in identified if (text := fields.clean(value, fields.ID_LENGTH + 1))), None
    )
    found = named or earlier or document_of(request.replaces)
    if found is None:
        problems.missing(REPLACES_PATH, "Id på den plan, der erstattes,")
    return found
