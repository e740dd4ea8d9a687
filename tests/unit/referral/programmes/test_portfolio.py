"""What the shipped programmes say, held to the facts that they are made from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from services.referral.identity import step_id
from services.referral.outgoing_order import wire_step
from services.referral.plan import PlanType
from services.referral.programme import Programme
from services.referral.programme_files import load
from services.referral.programme_terms import Basis, Delivery, Moment, Role, StepKind
from services.scheduling.incoming import StepIn
from services.scheduling.settings import COMPETENCES
from tests.unit.referral.factories import ROOT

PROGRAMMES = load().programmes
EACH = pytest.mark.parametrize("programme", PROGRAMMES.values(), ids=lambda one: one.id)
FSIII = "urn:oid:1.2.208.176.2.21"


def test_the_portfolio_is_whole() -> None:
    assert set(PROGRAMMES) == {
        "p140-almen",
        "p140-basal",
        "p140-avanceret",
        "p140-rehabilitering-specialiseret",
        "p140-genoptraening-specialiseret",
        "loss-of-function",
        "back-pain-package",
        "back-counselling",
        "back-school",
        "chronic-pain",
        "mastery",
        "mastery-relatives",
        "maintenance-training",
        "open-activities",
        "bridging-to-associations",
    }


def test_the_back_pain_package_goes_from_conversation_to_labour_market() -> None:
    package = PROGRAMMES["back-pain-package"]
    assert [step.kind for step in package.steps] == [
        StepKind.CONVERSATION,
        StepKind.TRAINING,
        StepKind.TEACHING,
        StepKind.LABOUR_MARKET,
    ]
    offer = package.steps[-1]
    assert offer.consent
    asked = {one for leader in offer.leaders for one in leader.competences}
    assert asked == {"ryg", "beskæftigelse"}


@pytest.mark.parametrize("id_", ["mastery", "mastery-relatives"])
def test_learning_and_mastery_is_as_mestring_no_says(id_: str) -> None:
    programme = PROGRAMMES[id_]
    assert 12 * 60 <= programme.minutes <= 40 * 60
    assert all(rule.ages.least == 18 for rule in programme.admissions)
    for step in programme.steps:
        assert 90 <= step.minutes <= 300
        assert (step.seats.least, step.seats.most) == (8, 12)
        roles = [leader.role for leader in step.leaders for _ in range(leader.count)]
        assert len(roles) == 2
        assert Role.PEER in roles


def test_relatives_have_a_course_of_their_own() -> None:
    assert {rule.basis for rule in PROGRAMMES["mastery-relatives"].admissions} == {Basis.RELATIVE}


def test_no_referral_is_needed_for_what_is_open() -> None:
    assert {one.id for one in PROGRAMMES.values() if one.drop_in} == {
        "back-counselling",
        "open-activities",
    }


def test_statutory_training_is_not_given_at_a_centre_for_activities() -> None:
    for programme in PROGRAMMES.values():
        if programme.id.startswith("p140"):
            assert all(step.delivery is not Delivery.CENTRE for step in programme.steps)


def test_volunteers_lead_across_to_associations() -> None:
    *_, last = PROGRAMMES["bridging-to-associations"].steps
    assert [leader.role for leader in last.leaders] == [Role.VOLUNTEER]
    assert last.delivery is Delivery.ASSOCIATION


@EACH
def test_who_is_referred_is_met_before_a_course_is_planned(programme: Programme) -> None:
    """A mastery course and what is open are signed up for; nobody refers to them alone."""
    signed_up = {"mastery", "mastery-relatives", "back-counselling", "open-activities"}
    if programme.steps and programme.id not in signed_up:
        assert [step.count for step in programme.opening] == [1]


@EACH
def test_only_seven_days_or_no_limit_are_known(programme: Programme) -> None:
    ours = {PlanType.ALMEN, PlanType.REHABILITERING_SPECIALISERET}
    types = {kind for rule in programme.admissions for kind in rule.plan_types}
    for law in programme.laws:
        if types & ours:
            assert law.limit is not None
            assert (law.limit.days, law.limit.later_start, law.limit.free_choice) == (7, True, True)
        else:
            assert law.limit is None


@EACH
def test_every_competence_is_one_that_a_roster_may_name(programme: Programme) -> None:
    asked = {one for step in programme.steps for lead in step.leaders for one in lead.competences}
    assert asked <= COMPETENCES


@EACH
def test_every_step_is_an_order_that_scheduling_reads(programme: Programme) -> None:
    schema = orjson.loads((ROOT / "shared/contracts/order.placed.v1.schema.json").read_bytes())
    valid = Draft202012Validator({**schema["$defs"]["Step"], "$defs": schema["$defs"]})
    for ordinal, step in enumerate(programme.steps, start=1):
        wire = wire_step(programme.id, step, step_id("order", ordinal))
        valid.validate(orjson.loads(wire.model_dump_json()))
        read = StepIn.model_validate_json(wire.model_dump_json())
        assert (read.minutes, read.room, tuple(read.competences)) == (
            step.minutes,
            step.room,
            step.competences,
        )


@EACH
def test_a_step_without_a_public_code_is_known_by_our_own(programme: Programme) -> None:
    for step in programme.steps:
        code = wire_step(programme.id, step, "1").code
        if step.code is None:
            assert (code.system, code.code) == ("urn:genvej:steps", f"{programme.id}/{step.id}")
            assert code.display == step.name.da
        else:
            assert code.system == FSIII


@EACH
def test_whoever_is_asked_before_is_asked_after(programme: Programme) -> None:
    for form in programme.forms:
        assert Moment.BEFORE not in form.asked or Moment.AFTER in form.asked


def test_the_first_order_of_a_plan_says_no_more_than_it_did() -> None:
    (step,) = PROGRAMMES["p140-almen"].opening
    assert orjson.loads(wire_step("p140-almen", step, "1").model_dump_json()) == {
        "step_id": "1",
        "kind": "assessment",
        "code": {
            "system": FSIII,
            "code": "1130ad70-6553-490d-87f8-5e8941687a0c",
            "display": "Terapeutfaglig udredning",
        },
        "count": 1,
        "minutes": 60,
        "delivery": "location",
        "competences": ["almen"],
        "seats": 1,
        "room": True,
    }


def test_a_group_says_how_it_is_led_and_how_often_it_meets() -> None:
    (step,) = PROGRAMMES["mastery"].opening
    wire = orjson.loads(wire_step("mastery", step, "1").model_dump_json())
    assert (wire["seats_min"], wire["seats"], wire["count"]) == (8, 12, 8)
    assert wire["spacing"] == {"min_days": 5, "max_days": 10}
    assert wire["leaders"] == [
        {"role": "staff", "count": 1, "competences": ["mestring"]},
        {"role": "peer", "count": 1, "competences": []},
    ]


def test_every_number_of_ours_is_said_to_be_ours() -> None:
    folder = Path(load.__code__.co_filename).with_name("programmes")
    for path in folder.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        if "[[step]]" in text:
            assert "our assumption" in text.replace("\n# ", " "), path.name


def test_the_day_of_discharge_picks_the_authority() -> None:
    kind = PlanType.REHABILITERING_SPECIALISERET
    on = [load().terms(kind, day).law.authority for day in (date(2026, 12, 31), date(2027, 1, 1))]
    assert on == ["municipality", "region"]
