"""What is known of a citizen's person, as their plans tell it one after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from services.referral.commands import Residence
from services.referral.documents.relations import DANISH
from services.referral.events_citizen import (
    CitizenAddress,
    CitizenGp,
    CitizenName,
    CitizenRecord,
    CitizenRelative,
)
from services.referral.plan import Plan
from services.referral.request import Request, birthday

GUARDIAN: Final = DANISH["GUARD"]


def residence_of(record: CitizenRecord) -> Residence:
    """What planning may know of it."""
    postcode = record.address.postcode if record.address else ""
    return Residence(postcode=postcode, language=record.language)


def told_by(
    plan: Plan | Request,
    citizen_id: str,
    known: CitizenRecord | None,
    holder_id: Callable[[str, str], str],
) -> CitizenRecord:
    """The record after a plan; the same object as `known` where the plan says nothing new.

    The newest plan is right, but its silence takes nothing away: a phone number that it doesn't
    name stays. A protection stays until somebody who knows lifts it, and no address is kept with
    it. Danish is what a plan says that says nothing of the language. `holder_id` makes the id of
    who holds custody from the citizen's id and the holder's name.
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
    born = birthday(person) or (known.birth_date if known else None)
    told = CitizenRecord(
        citizen_id=citizen_id,
        cpr_kind="ecpr" if person.cpr_kind == "ecpr" else "cpr",
        name=CitizenName(given=person.given, family=person.family),
        birth_date=born,
        address=address,
        protected=protected,
        phone=person.phone or (known.phone if known else None),
        email=person.email or (known.email if known else None),
        language=known.language if known and person.language == "da" else person.language,
        deceased=known.deceased if known else False,
        relatives=_relatives(plan, born, known, lambda name: holder_id(citizen_id, name)),
        gp=CitizenGp(name=plan.gp.name, ean=plan.gp.ean) if plan.gp else None,
        version=known.version if known else 1,
    )
    if known is None or told == known:
        return known or told
    return told.model_copy(update={"version": known.version + 1})


def _relatives(
    plan: Plan | Request,
    born: date | None,
    known: CitizenRecord | None,
    holder_id: Callable[[str], str],
) -> tuple[CitizenRelative, ...]:
    """Whom the plan names; those who are known to hold custody stay where it names nobody who does.

    A child's guardian is who holds custody (værgemålsloven § 2); that somebody is the mother or the
    father says nothing of it. GGOP knows the guardian alone.
    """
    before = known.relatives if known else ()
    said = tuple(
        CitizenRelative(
            name=one.name,
            phone=one.phone,
            email=one.email,
            relation=one.relation,
            custody=holder_id(one.name)
            if one.custody or (one.relation == GUARDIAN and born is not None)
            else None,
        )
        for one in plan.relatives
    )
    if not said:
        return before
    if any(one.custody for one in said):
        return said
    holders = {one.custody: one for one in before if one.custody}
    others = (one for one in said if holder_id(one.name) not in holders)
    return (*holders.values(), *others)
