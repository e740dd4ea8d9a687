"""Referrals on other grounds: who is admitted to what, what is ordered, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.xref15 import xref15
from services.referral.admitting import TakeRequest, decide_request, only_referrer, proposal_of
from services.referral.commands import Case, Field, Refusal
from services.referral.documents import read_any
from services.referral.facts import Noted, OrderPlaced, Received, WorkOpened
from services.referral.identity import referral_id
from services.referral.plan import Format, Person, Purpose, Unreadable
from services.referral.portfolio.register import route
from services.referral.programme_terms import Basis, Referrer
from services.referral.referral import Referral
from services.referral.request import Request, age_on, birthday
from services.referral.terms import Note, WorkReason
from tests.unit.referral.factories import HOLBAEK, HOME, NOW, PORTFOLIO, facts_of, ruddi


def a_request(**changes: Any) -> Request:
    """A GP refers Ruddi, 45, with low back pain, without naming a programme."""
    reading = read_any(fhir_referral(given="Ruddi Test", family="Berggren", cpr="1502779995"))
    assert isinstance(reading, Request), reading
    return replace(reading, **changes)


def taking(request: Request, basis: Basis = Basis.GP, who: Referrer | None = None) -> TakeRequest:
    return TakeRequest(
        request=request,
        basis=basis,
        referred_by=who or only_referrer(basis),
        residence=HOME,
        referral_id=referral_id("gp-testgade", request.document_id),
        citizen_id="RUDDI",
        source="gp-testgade",
        municipality=HOLBAEK,
        route=lambda programme: route({}, HOLBAEK.provider, programme),
    )


def decided(command: TakeRequest, case: Case | None = None) -> object:
    proposal = proposal_of(PORTFOLIO, command, NOW)
    return decide_request(case or Case(), command, proposal, NOW)


def refused(command: TakeRequest) -> Refusal:
    result = decided(command)
    assert isinstance(result, Refusal), result
    return result


def programme_of(command: TakeRequest) -> str | None:
    """The programme that is ordered; None where a human chooses."""
    facts = facts_of(decided(command))
    orders = [fact.order.programme for fact in facts if isinstance(fact, OrderPlaced)]
    return orders[0] if orders else None


def referral_of(command: TakeRequest) -> Referral:
    (referral,) = [f.referral for f in facts_of(decided(command)) if isinstance(f, Received)]
    return referral


def test_a_gps_back_pain_goes_to_the_package_that_its_file_names_for_the_diagnosis() -> None:
    command = taking(a_request())
    assert programme_of(command) == "back-pain-package"
    referral = referral_of(command)
    assert (referral.basis, referral.type, referral.limit) == (Basis.GP, None, None)
    (order,) = [f.order for f in facts_of(decided(command)) if isinstance(f, OrderPlaced)]
    assert [step.id for step in order.steps] == ["clarifying-conversation"]
    assert order.earliest == date(2022, 5, 24)


def test_where_no_rule_chooses_the_referral_desk_does_with_the_citizen() -> None:
    command = taking(a_request(diagnoses=(("SKS", "DI10", "Forhøjet blodtryk"),)))
    facts = facts_of(decided(command))
    reasons = [fact.reason for fact in facts if isinstance(fact, WorkOpened)]
    assert reasons == [WorkReason.PROGRAMME_TO_CHOOSE]
    assert Noted(Note.PROGRAMME_TO_CHOOSE) in facts
    assert programme_of(command) is None
    assert referral_of(command).programme is None


@pytest.mark.parametrize(
    ("programme", "basis", "who"),
    [
        ("loss-of-function", Basis.MUNICIPALITY, Referrer.THERAPIST),
        ("loss-of-function", Basis.GP, None),
        ("loss-of-function", Basis.SELF, None),
        ("maintenance-training", Basis.MUNICIPALITY, Referrer.REFERRAL_DESK),
        ("back-pain-package", Basis.MUNICIPALITY, Referrer.BACK_TEAM),
        ("back-school", Basis.MUNICIPALITY, Referrer.JOB_CENTRE),
        ("back-counselling", Basis.SELF, None),
        ("mastery", Basis.SELF, None),
        ("chronic-pain", Basis.SELF, None),
        ("bridging-to-associations", Basis.SELF, None),
    ],
)
def test_each_programme_takes_those_whom_its_rules_admit(
    programme: str, basis: Basis, who: Referrer | None
) -> None:
    assert programme_of(taking(a_request(programme=programme), basis, who)) == programme


def test_a_relative_attends_with_an_own_consent() -> None:
    request = a_request(programme="mastery-relatives", consent=True)
    assert programme_of(taking(request, Basis.RELATIVE)) == "mastery-relatives"
    for consent in (None, False):
        refusal = refused(taking(replace(request, consent=consent), Basis.RELATIVE))
        assert refusal.field is Field.CONSENT


@pytest.mark.parametrize(
    ("changes", "basis", "who", "field"),
    [
        ({"programme": "massage"}, Basis.GP, None, Field.PROGRAMME),
        ({"programme": "p140-almen"}, Basis.GP, None, Field.PROGRAMME),
        ({"programme": "maintenance-training"}, Basis.SELF, None, Field.PROGRAMME),
        ({"programme": "mastery"}, Basis.RELATIVE, None, Field.CONSENT),
        ({"programme": "back-school"}, Basis.MUNICIPALITY, None, None),
        ({"consent": False}, Basis.SELF, None, Field.CONSENT),
    ],
)
def test_what_no_rule_admits_is_refused_with_its_element(
    changes: dict[str, Any], basis: Basis, who: Referrer | None, field: Field | None
) -> None:
    result = decided(taking(a_request(**changes), basis, who))
    assert (result.field if isinstance(result, Refusal) else None) is field


def test_the_law_follows_the_citizens_age() -> None:
    """Ældreloven from 1 July 2025 for those of 67; before, and for the younger, Serviceloven."""
    old = replace(ruddi(), cpr="0201501995")  # born 1950
    day = date(2025, 8, 1)
    for person, basis in ((old, "Ældreloven"), (ruddi(), "Serviceloven § 86, stk. 1")):
        request = a_request(programme="loss-of-function", asked=day, person=person)
        now = datetime(2025, 8, 1, 8, tzinfo=UTC)
        proposal = proposal_of(PORTFOLIO, taking(request, Basis.SELF), now)
        assert proposal is not None
        assert proposal.law is not None
        assert proposal.law.legal_basis == basis


def test_a_child_is_not_admitted_to_what_adults_are() -> None:
    child = replace(ruddi(), cpr="0201194995")  # born 2019
    refusal = refused(taking(a_request(programme="mastery", person=child), Basis.SELF))
    assert refusal.field is Field.PROGRAMME


def test_the_same_programme_twice_is_looked_at_by_a_human() -> None:
    first = referral_of(taking(a_request()))
    again = taking(a_request(document_id="another"))
    facts = facts_of(decided(again, Case(others=(first,))))
    reasons = [fact.reason for fact in facts if isinstance(fact, WorkOpened)]
    assert reasons == [WorkReason.SECOND_PLAN]


@pytest.mark.parametrize(
    ("cpr", "born"),
    [
        ("1502779995", date(1977, 2, 15)),
        ("0201609995", date(1960, 1, 2)),
        ("0201194995", date(2019, 1, 2)),
        ("0101010001", date(1901, 1, 1)),
        ("0101015001", date(2001, 1, 1)),
        ("0101585001", date(1858, 1, 1)),
        ("0101374001", date(1937, 1, 1)),
        ("2902010001", None),
    ],
)
def test_a_cpr_tells_the_birthday(cpr: str, born: date | None) -> None:
    person = replace(ruddi(), cpr=cpr)
    assert birthday(person) == born


def test_ages_are_whole_years_and_unknown_where_nobody_says() -> None:
    assert age_on(ruddi(), date(2022, 2, 14)) == 44
    assert age_on(ruddi(), date(2022, 2, 15)) == 45
    assert age_on(ruddi(), date(1976, 1, 1)) is None
    replacement: Person = replace(ruddi(), cpr="0703921VJ4", cpr_kind="ecpr")
    assert age_on(replacement, date(2022, 1, 1)) is None


# -- the documents -------------------------------------------------------------------------------


def test_a_fhir_referral_is_read_whole() -> None:
    reading = read_any(
        fhir_referral(
            basis="municipality",
            referrer="back-team",
            programme="back-school",
            phone="+447700900100",
            consent=True,
        )
    )
    assert isinstance(reading, Request), reading
    assert (reading.basis, reading.referred_by) == (Basis.MUNICIPALITY, Referrer.BACK_TEAM)
    assert (reading.programme, reading.asked) == ("back-school", date(2022, 5, 23))
    assert (reading.person.family, reading.person.phone) == ("Lauridsen", "+447700900100")
    assert reading.diagnoses == (("urn:oid:1.2.208.176.2.4.12", "DM545", "Lændesmerter"),)
    assert (reading.consent, reading.purpose) == (True, Purpose.NEW)


def test_an_xref15_letter_is_read_whole() -> None:
    reading = read_any(xref15(), "application/xml")
    assert isinstance(reading, Request), reading
    assert (reading.format, reading.document_id) == (Format.XREF, "XREF2022052301")
    assert (reading.sender, reading.sender_name) == ("5790000004316", "Lægerne Testgade")
    assert (reading.receiver, reading.receiver_kind) == ("5790000121526", "ean")
    assert (reading.basis, reading.programme, reading.asked) == (None, None, date(2022, 5, 23))
    assert (reading.person.given, reading.person.cpr) == ("Einer Test", "0201609995")
    assert reading.person.address is not None
    assert reading.diagnoses == (("SKSdiagnosekode", "DM545", "Lændesmerter"),)
    assert reading.narrative.health == "Smerter i lænden gennem tre måneder."
    assert reading.original is not None
    assert reading.original.version == "XH1530R"


def test_a_withdrawal_names_what_it_takes_back() -> None:
    for document in (
        fhir_referral(document_id="back", corrects="first", revoked=True),
        xref15(document_id="back", revokes="first"),
    ):
        reading = read_any(document)
        assert isinstance(reading, Request), reading
        assert (reading.purpose, reading.corrects) == (Purpose.REVOCATION, "first")


@pytest.mark.parametrize(
    ("document", "element"),
    [
        (fhir_referral(basis="friend"), "ServiceRequest.category"),
        (fhir_referral(basis="hospital"), "ServiceRequest.category"),
        (fhir_referral(referrer="neighbour"), "ServiceRequest.category"),
        (fhir_referral(asked=None), "ServiceRequest.authoredOn"),
        (fhir_referral(asked="i går"), "ServiceRequest.authoredOn"),
        (fhir_referral(receiver_sor=None), "MessageHeader.destination.receiver"),
        (
            fhir_referral(cpr="12"),
            "Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value",
        ),
        (xref15(version="XH1530X"), "/Emessage/MunicipalityReferral/Letter/VersionCode"),
        (xref15(namespace="urn:other"), "/Emessage/MunicipalityReferral"),
        (xref15(sender_ean=None), "/Emessage/MunicipalityReferral/Sender/EANIdentifier"),
        (xref15(receiver_ean=None), "/Emessage/MunicipalityReferral/Receiver/EANIdentifier"),
        (xref15(asked=None), "/Emessage/MunicipalityReferral/Letter/Authorisation/Date"),
        (xref15(status="udkast"), "/Emessage/MunicipalityReferral/Letter/StatusCode"),
        (
            xref15(cpr=None),
            "/Emessage/MunicipalityReferral/Patient/CivilRegistrationNumber",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(document: bytes, element: str) -> None:
    reading = read_any(document)
    assert isinstance(reading, Unreadable), reading
    assert element in [problem.element for problem in reading.problems]
