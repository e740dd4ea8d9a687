"""The demo's documents: valid where they should be, and wrong only where they say so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest

from deploy.demo.citizens import SERIALS, citizen, replacement_cpr
from deploy.demo.documents import (
    RUDDI_ID,
    Document,
    documents,
    drafts,
    hospitals,
    morning,
    municipalities,
    write,
)
from deploy.demo.senders import Municipality
from services.referral.documents import read
from services.referral.plan import Format, Plan, PlanType, Purpose, Unreadable

ROOT = Path(__file__).parents[3]
DAY = date(2022, 5, 23)
HOSPITALS = hospitals(ROOT / "deploy/topics.toml")
MUNICIPALITIES = municipalities(ROOT / "deploy/municipalities")


def plan_of(value: bytes | None, content_type: str | None) -> Plan:
    reading = read(value, content_type)
    assert isinstance(reading, Plan), reading
    return reading


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    found = documents(7, 1_000, HOSPITALS, MUNICIPALITIES, DAY)
    assert {expected for _, _, _, expected in found} == {"accepted"}
    return [plan_of(value, content_type) for _, content_type, value, _ in found]


def test_every_plan_is_of_another_citizen_and_has_its_own_id(plans: list[Plan]) -> None:
    assert len({plan.person.cpr for plan in plans}) == len(plans)
    assert len({plan.document_id for plan in plans}) == len(plans)
    assert {plan.person.cpr_kind for plan in plans} == {"ecpr"}


def test_citizens_are_unique_over_a_country() -> None:
    born = date(1950, 2, 28)
    assert len({replacement_cpr(born, serial) for serial in range(SERIALS)}) == SERIALS
    for serial in range(50):
        births = {
            citizen(Random(seed), serial + SERIALS * seed, ("4300", "Holbæk")).birth_date
            for seed in range(8)
        }
        assert len(births) == 8, "serials that would share a number have other birth dates"


def test_shares_are_those_of_the_danish_figures(plans: list[Plan]) -> None:
    count = len(plans)
    lags = Counter((DAY - plan.discharge_date).days for plan in plans)
    assert 0.78 < (lags[-2] + lags[0] + lags[1]) / count < 0.86
    types = Counter(plan.type for plan in plans)
    assert 0.84 < types[PlanType.ALMEN] / count < 0.91
    forms = Counter(plan.format for plan in plans)
    assert 0.45 < forms[Format.FHIR] / count < 0.55
    of_fhir = [plan for plan in plans if plan.format is Format.FHIR]
    later = [plan for plan in of_fhir if plan.later_start is not None]
    assert 0.02 < len(later) / len(of_fhir) < 0.09
    assert lags[8], "some come after their limit"


def test_citizens_live_where_the_municipality_is(plans: list[Plan]) -> None:
    home = {one.sor: one for one in MUNICIPALITIES} | {one.code: one for one in MUNICIPALITIES}
    for plan in plans:
        if plan.person.address is not None:
            codes = {code for code, _ in home[plan.receiver].postcodes}
            assert plan.person.address.postcode in codes


def test_departments_send_on_their_own_hospitals_topic() -> None:
    own = {one.sor: {sor for sor, _ in one.departments} for one in HOSPITALS}
    for hospital, content_type, value, _ in documents(3, 200, HOSPITALS, MUNICIPALITIES, DAY):
        assert plan_of(value, content_type).sender_sor in own[hospital]


def test_a_plan_of_a_seed_is_the_same_whatever_stands_around_it() -> None:
    few = list(drafts(5, 3, HOSPITALS, MUNICIPALITIES, DAY, first=40))
    many = list(drafts(5, 50, HOSPITALS, MUNICIPALITIES, DAY))[40:43]
    assert [write(one) for one in few] == [write(one) for one in many]
    other = next(drafts(6, 1, HOSPITALS, MUNICIPALITIES, DAY, first=40))
    assert write(other) != write(few[0])


def test_any_municipality_may_be_given() -> None:
    all_of_them = [
        Municipality(
            code=f"{100 + n}",
            name=f"Kommune {n}",
            sor=f"1000000000{n:05d}",
            ean=f"57900000{n:05d}",
            postcodes=((f"{1000 + n}", "By"),),
        )
        for n in range(98)
    ]
    plans = [
        plan_of(value, content_type)
        for _, content_type, value, _ in documents(1, 1_000, HOSPITALS, all_of_them, DAY)
    ]
    assert len({plan.receiver for plan in plans if plan.receiver_kind == "sor"}) > 90


@pytest.fixture(scope="module")
def mixture() -> list[Document]:
    return morning(1, 200, HOSPITALS, MUNICIPALITIES, DAY)


def test_a_morning_begins_with_ruddi_and_has_its_count(mixture: list[Document]) -> None:
    assert len(mixture) == 200
    assert mixture[0].document_id == RUDDI_ID
    assert plan_of(mixture[0].value, mixture[0].content_type).person.cpr == "1502779995"


def test_a_morning_is_the_same_each_time(mixture: list[Document]) -> None:
    assert morning(1, 200, HOSPITALS, MUNICIPALITIES, DAY) == mixture
    assert morning(2, 200, HOSPITALS, MUNICIPALITIES, DAY) != mixture


def test_what_should_be_refused_is_refused_at_the_element_that_it_says(
    mixture: list[Document],
) -> None:
    departments = {one.sor: {sor for sor, _ in one.departments} for one in HOSPITALS}
    receivers = {number for one in MUNICIPALITIES for number in (one.sor, one.code)}
    first: dict[str, Document] = {}
    for one in mixture:
        reading = read(one.value, one.content_type)
        known = first.setdefault(one.document_id or "", one)
        if one.expected != "refused":
            assert isinstance(reading, Plan), (one.story, reading)
            continue
        assert one.element
        if isinstance(reading, Unreadable):
            assert reading.problems[0].element == one.element, one.story
            assert one.document_id in {None, reading.document_id}, one.story
        else:  # the referral refuses it, by what it knows beyond the document
            assert (
                reading.sender_sor not in departments[one.hospital]
                or reading.receiver not in receivers
                or (known is not one and known.value != one.value)
            ), one.story


def test_a_duplicate_is_the_same_document_again(mixture: list[Document]) -> None:
    seen: dict[str, Document] = {}
    duplicates = 0
    for one in mixture:
        if one.expected == "duplicate":
            duplicates += 1
            earlier = seen[one.document_id or ""]
            assert replace(one, expected=earlier.expected, story=earlier.story) == earlier
        seen.setdefault(one.document_id or "", one)
    assert duplicates


def test_some_corrections_come_before_their_original(mixture: list[Document]) -> None:
    place = {one.document_id: number for number, one in enumerate(mixture)}
    orders = set()
    for number, one in enumerate(mixture):
        reading = read(one.value, one.content_type)
        if isinstance(reading, Plan) and reading.purpose is Purpose.CORRECTION:
            orders.add(place[reading.corrects] < number)
    assert orders == {True, False}


def test_every_type_purpose_and_format_is_in_a_morning(mixture: list[Document]) -> None:
    plans = [
        reading for one in mixture if isinstance(reading := read(one.value, one.content_type), Plan)
    ]
    assert {plan.type for plan in plans} == set(PlanType)
    assert {plan.purpose for plan in plans} == set(Purpose)
    assert {plan.format for plan in plans} == {Format.FHIR, Format.GGOP}
    assert any(plan.replaces for plan in plans)
    assert any(plan.person.protected for plan in plans)
    assert any(plan.deadline_text for plan in plans)
    assert any(plan.discharge_date > DAY for plan in plans)


def test_too_small_a_morning_says_how_many_it_needs() -> None:
    with pytest.raises(ValueError, match=r"the stories alone take \d+ documents"):
        morning(1, 10, HOSPITALS, MUNICIPALITIES, DAY)
