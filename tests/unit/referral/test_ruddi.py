"""KL's story of Ruddi, decided without I/O, from both formats.

Plan received 23 May 2022, discharge 24 May, type almen, Holbæk; first contact offered 28 May;
limit 31 May (hl7dk/kl-gateway-rehab, input/pagecontent/example.md).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from services.referral.clock import decide_clock
from services.referral.commands import Case, CountOffer, PassLimit
from services.referral.documents import read
from services.referral.domain import decide
from services.referral.facts import HospitalTold, OfferCounted, OrderPlaced, Received
from services.referral.order import Offer
from services.referral.plan import Plan, PlanType
from services.referral.terms import Told
from tests.unit.referral.factories import (
    DEPARTMENT,
    NOW,
    after,
    an_office,
    facts_of,
    taking,
)


@pytest.mark.parametrize("document", [ruddi_fhir(), ruddi_ggop()], ids=["FHIR", "GGOP"])
def test_ruddi_is_offered_his_assessment_inside_the_limit(document: bytes) -> None:
    plan = read(document)
    assert isinstance(plan, Plan)
    assert (plan.sender_sor, plan.type) == (DEPARTMENT, PlanType.ALMEN)
    assert plan.diagnoses[0][1] == "DS721"
    municipality = an_office().directory.find(plan.receiver_kind, plan.receiver)
    assert municipality is not None
    assert municipality.name == "Holbæk Kommune"

    facts = facts_of(decide(Case(), taking(plan, municipality=municipality), NOW))
    received, placed = facts
    assert isinstance(received, Received)
    assert isinstance(placed, OrderPlaced)
    assert received.referral.limit == date(2022, 5, 31)
    assert placed.order.earliest == date(2022, 5, 25)
    assert placed.order.bedside

    offer = Offer(
        session_id="first",
        revision=1,
        start=datetime(2022, 5, 28, 7, tzinfo=UTC),
        location=("H1", "Genoptræningscenteret", "", "4300"),
    )
    counted, told = decide_clock(Case(target=received.referral), CountOffer(offer=offer), NOW)
    assert isinstance(counted, OfferCounted)
    assert isinstance(told, HospitalTold)
    assert (told.state, told.offer) == (Told.OFFERED, offer)

    started = after(received.referral, (counted, told))
    assert started.started_in_time
    assert decide_clock(Case(target=started), PassLimit(limit=date(2022, 5, 31)), NOW) == ()
