"""How the sender of a referral and the GP are told of the citizen's way."""

from __future__ import annotations

from typing import Any

from services.referral.events import GP_STATUS, Code
from services.referral.events_status import GpStatus, Place, ReferralStatus
from services.referral.facts import (
    GpTold,
    HospitalTold,
)
from services.referral.outgoing_order import code_of
from services.referral.programme_policy import Portfolio
from services.referral.programme_terms import Basis
from services.referral.referral import Referral
from services.referral.terms import Told
from shared.envelope import Event


def topic_of(basis: Basis, source: str, what: str) -> str:
    """A topic of whoever sent the document: hospitals have theirs, all others are senders."""
    kind = "hospital" if basis is Basis.HOSPITAL else "sender"
    return f"{kind}.{source}.{what}"


def _offered(referral: Referral, portfolio: Portfolio) -> Code | None:
    """What a session is offered for: the first step of what the plan began."""
    day = referral.discharge_date
    terms = portfolio.standing(referral.type, referral.programme, day)
    return code_of(terms.programme.id, terms.steps[0]) if terms and terms.steps else None


def status_event(
    fact: HospitalTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> Event:
    """referral.status, for whoever sent the document."""
    wire = ReferralStatus(**_told(fact, referral, portfolio, performer))
    return Event(
        topic=topic_of(referral.basis, referral.hospital, "status"),
        key=referral.referral_id,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json().encode(),
    )


def gp_status_event(
    fact: GpTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> Event:
    """gp.status, for the GP who got a copy of the plan."""
    assert referral.gp is not None, "a GP who is told is known"
    told = _told(fact.told, referral, portfolio, performer)
    wire = GpStatus(**told, gp=referral.gp, hospital=referral.hospital)
    return Event(
        topic=GP_STATUS,
        key=referral.gp,
        type=wire.event_type,
        subject=referral.referral_id,
        value=wire.model_dump_json().encode(),
    )


def _told(
    fact: HospitalTold, referral: Referral, portfolio: Portfolio, performer: str | None
) -> dict[str, Any]:
    offer, place = fact.offer, None
    if offer is not None and offer.location is not None:
        code, name, address, postcode = offer.location
        place = Place(code=code, name=name, address=address, postcode=postcode)
    return {
        "referral_id": referral.referral_id,
        "document_id": referral.document_id,
        "state": fact.state,
        "at": fact.at,
        "start": offer.start if offer else None,
        "location": place,
        "limit": referral.limit,
        "code": _offered(referral, portfolio) if offer else None,
        "performer": performer if offer else None,
        "how": referral.closed if fact.state is Told.ENDED else None,
    }
