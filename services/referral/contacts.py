"""What is known of a citizen's person, as their plans tell it one after another."""

from __future__ import annotations

from services.referral.commands import Residence
from services.referral.events_citizen import (
    CitizenAddress,
    CitizenGp,
    CitizenName,
    CitizenRecord,
    CitizenRelative,
)
from services.referral.plan import Plan
from services.referral.request import Request


def residence_of(record: CitizenRecord) -> Residence:
    """What planning may know of it."""
    postcode = record.address.postcode if record.address else ""
    return Residence(postcode=postcode, language=record.language)


def told_by(plan: Plan | Request, citizen_id: str, known: CitizenRecord | None) -> CitizenRecord:
    """The record after a plan; the same object as `known` where the plan says nothing new.

    The newest plan is right, but its silence takes nothing away: a phone number that it doesn't
    name stays. A protection stays until somebody who knows lifts it, and no address is kept with
    it. Danish is what a plan says that says nothing of the language.
    """
    person = plan.person
    protected = person.protected or (known is not None and known.protected)
    address = None
    if not protected and person.address is not None:
        address = CitizenAddress(
            street=person.address.street,
            suburb=person.address.suburb,
            postcode=person.address.postcode,
            district=person.address.district,
        )
    elif not protected and known is not None:
        address = known.address
    relatives = tuple(
        CitizenRelative(name=one.name, phone=one.phone, relation=one.relation)
        for one in plan.relatives
    )
    told = CitizenRecord(
        citizen_id=citizen_id,
        cpr_kind="ecpr" if person.cpr_kind == "ecpr" else "cpr",
        name=CitizenName(given=person.given, family=person.family),
        birth_date=person.birth_date or (known.birth_date if known else None),
        address=address,
        protected=protected,
        phone=person.phone or (known.phone if known else None),
        email=person.email or (known.email if known else None),
        language=known.language if known and person.language == "da" else person.language,
        deceased=known.deceased if known else False,
        relatives=relatives or (known.relatives if known else ()),
        gp=CitizenGp(name=plan.gp.name, ean=plan.gp.ean) if plan.gp else None,
        version=known.version if known else 1,
    )
    if known is None or told == known:
        return known or told
    return told.model_copy(update={"version": known.version + 1})
