"""What a GGOP letter says beside its dates and its citizen: functions, words, consent, whom to ask.

Element names are those of the public transformation of the format (see `ggop`). ConsentInformed has
no public list of values: yes and no are read in Danish and English, anything else is unknown.
"""

from __future__ import annotations

from typing import Final

from services.referral.documents import fields
from services.referral.documents import ggop_people as people
from services.referral.documents.xml_tree import Node
from services.referral.plan import ContactPerson, IcfCode, Narrative

_CONSENT: Final = {
    **dict.fromkeys(("true", "1", "ja", "yes", "givet"), True),
    **dict.fromkeys(("false", "0", "nej", "no", "ikke givet"), False),
}


def icf(plan: Node) -> tuple[IcfCode, ...]:
    """The classified functions; the gradients belong to the codes in their order."""
    found = []
    for entry in plan.child("ICFClassifications").all("ICFClassification"):
        gradients = [fields.clean(one.text("Code"), 8) for one in entry.all("ICFGradient")]
        for number, function in enumerate(entry.all("ICFCode")):
            written = fields.clean(function.text("Code"), fields.ID_LENGTH)
            code, _, qualifier = written.partition(".")
            gradient = gradients[number] if number < len(gradients) else ""
            if code:
                found.append(
                    IcfCode(
                        code=code,
                        qualifier=gradient.lstrip(".") or qualifier or None,
                        text=fields.clean(function.text("Text"), fields.TEXT_LENGTH),
                    )
                )
    return tuple(found)


def narrative(plan: Node) -> Narrative:
    """What the letter says in words."""
    excerpts = (
        "\n".join(filter(None, (fields.clean(one.text("TypeOfExcerpt")), one.prose("Comment"))))
        for one in plan.all("JournalExcerpt")
    )
    ability = (plan.prose("AbilityAtDischargeSummary"), plan.prose("AbilityAtDischargeExtended"))
    return Narrative(
        safety=plan.prose("PatientSafetyAspects"),
        practical=plan.prose("PracticalInformation"),
        information=plan.prose("InformationForPatientAndRelatives"),
        health=plan.prose("PatientHealthSummary"),
        ability="\n\n".join(filter(None, ability)) or None,
        need=plan.prose("RehabilitationNeedAndPotential"),
        journal="\n\n".join(filter(None, excerpts)) or None,
    )


def consent(plan: Node) -> bool | None:
    """ConsentInformed as yes or no."""
    return _CONSENT.get(fields.clean(plan.text("ConsentInformed")).casefold())


def contacts(plan: Node) -> tuple[ContactPerson, ...]:
    """Who signed, who is in the team, and whom the letter names at region and municipality."""
    sender = plan.child("Sender")
    groups = (
        ("signed", sender.all("SignedBy")),
        ("co-writer", sender.all("CoWriter")),
        ("team", plan.child("HealthCareTeam").all("Member")),
        ("region", plan.all("ContactCounty")),
        ("municipality", plan.all("ContactMunicipality")),
    )
    found = (_contact(node, role) for role, nodes in groups for node in nodes)
    return tuple(one for one in found if one.name or one.phone or one.email)


def _contact(node: Node, role: str) -> ContactPerson:
    return ContactPerson(
        name=people.full_name(node),
        title=fields.optional(node.text("PersonTitle", "RelationCode")),
        organisation=people.organisation_name(node) or None,
        phone=people.phone(node),
        email=fields.optional(node.text("EmailAddressIdentifier")),
        role=role,
    )
