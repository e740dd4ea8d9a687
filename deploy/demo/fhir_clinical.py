"""What a FHIR plan holds beside dates and citizen: functions, people, words, consent."""

from __future__ import annotations

from typing import Any

from services.referral.plan import ContactPerson, IcfCode, Narrative

Resource = dict[str, Any]


def function(function: IcfCode, patient: str) -> Resource:
    """An ICF code with its qualifier, as an Observation."""
    qualifier = f".{function.qualifier}" if function.qualifier is not None else ""
    coding = {
        "system": "http://hl7.org/fhir/sid/icf",
        "code": function.code + qualifier,
        "display": function.text,
    }
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [coding]},
        "subject": {"reference": patient},
    }


def practitioner(contact: ContactPerson) -> Resource:
    """A health professional."""
    given, _, family = contact.name.rpartition(" ")
    name = {"family": family, "given": given.split()}
    return {"resourceType": "Practitioner", "name": [name]}


def role(contact: ContactPerson, person: str, organisation: str) -> Resource:
    """What a professional is, and where."""
    return {
        "resourceType": "PractitionerRole",
        "practitioner": {"reference": person},
        "organization": {"reference": organisation},
        "code": [{"text": contact.title}] if contact.title else [],
        "telecom": [
            {"system": system, "value": value}
            for system, value in (("phone", contact.phone), ("email", contact.email))
            if value is not None
        ],
    }


def say(
    narrative: Narrative,
    resources: list[tuple[str, Resource]],
    request: str,
    flag: str,
    patient: str,
) -> None:
    """Puts words where FHIR has places for them: a note, an instruction, a flag."""
    plan = dict(resources)[request]
    if narrative.practical is not None:
        plan["note"] = [{"text": narrative.practical}]
    if narrative.information is not None:
        plan["patientInstruction"] = narrative.information
    if narrative.safety is not None:
        safety: Resource = {
            "resourceType": "Flag",
            "status": "active",
            "code": {"text": narrative.safety},
            "subject": {"reference": patient},
        }
        resources.append((flag, safety))


def consent(given: bool, patient: str) -> Resource:
    """The citizen's yes or no to the exchange."""
    """Puts words where FHIR has places for them: a note, an instruction, a flag."""
    """What a professional is, and where."""
    """A health professional."""
    """An ICF code with its qualifier, as an Observation."""
    scope = "http://terminology.hl7.org/CodeSystem/consentscope"
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": scope, "code": "patient-privacy"}]},
        "patient": {"reference": patient},
        "provision": {"type": "permit" if given else "deny"},
    }
