"""What stands in a delivery report, rule by rule. Ruddi's record is where it begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.referral.plan import PlanType
from services.referral.report import Contradiction, deliver
from services.referral.report.check import faults
from services.referral.report.codes import (
    ASSESSMENT,
    Delivery,
    EndReason,
    HoldReason,
    Level,
    Mode,
)
from services.referral.report.facts import (
    CarriedOver,
    CitizenDied,
    ConditionFound,
    ConditionResolved,
    CourseEnded,
    DatesCorrected,
    Diagnosis,
    EncounterHeld,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    Organisation,
    PlanEnd,
    PlanEnded,
    PlanHeld,
    PlanTakenUp,
    ReportDelivered,
    TakenBack,
    TypeChanged,
)
from tests.unit.referral.report.ruddi import (
    BASE,
    COURSE,
    EVENTS,
    EXAMINATION,
    EXAMINED,
    FIRST,
    FRACTURE,
    MOBILITY,
    PLAN,
    RUDDI,
    SECOND,
    TRAINED,
    TRAINING,
    citizen,
    course,
    evening,
    examination,
    plan,
    trained,
    training_of,
    whole_story,
)

Json = dict[str, Any]
LATER = evening(6, 24)
NEW_PLAN = "5f2b6f0a-3c0c-4c59-9a3c-0b8f6c6f9b11"


def told(history: Sequence[Fact], at: datetime = LATER) -> dict[str, Json]:
    """The report's resources by id; KL's profiles find nothing wrong with them."""
    bundle = deliver(history, at=at, base=BASE)
    assert faults(bundle.resource) == ()
    return {entry["resource"]["id"]: entry["resource"] for entry in bundle.resource["entry"]}


def code_of(concept: Json) -> str:
    [coding] = concept["coding"]
    return str(coding["code"])


def reason_of(request: Json) -> str | None:
    """Why a plan is on hold, by KL's code."""
    url = "http://hl7.org/fhir/StructureDefinition/request-statusReason"
    found = [one for one in request["extension"] if one["url"] == url]
    return code_of(found[0]["valueCodeableConcept"]) if found else None


def activity(course: Json) -> str:
    return str(course["activity"][0]["detail"]["status"])


# --- The citizen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("replacement", ["0703921VJ4", "1502770AB1"])
def test_a_replacement_cpr_is_withheld_with_the_reason(replacement: str) -> None:
    bundle = deliver([citizen(cpr=replacement), plan()], at=evening(5, 23))
    assert replacement not in str(bundle.resource)
    patient = bundle.resource["entry"][0]["resource"]
    [identifier] = patient["identifier"]
    [absent] = identifier["_value"]["extension"]
    assert absent == {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "not-permitted",
    }
    [withheld] = bundle.withheld
    assert withheld.element == "Patient.identifier.value"
    assert "eCPR" in withheld.reason
    assert [fault.text for fault in faults(bundle.resource)] == ["is no CPR"]


def test_what_is_not_known_of_the_citizen_is_said_to_be_so_and_never_guessed() -> None:
    bundle = deliver([citizen(cpr=None, deceased=None, keeper_sor=None)], at=evening(5, 23))
    patient = bundle.resource["entry"][0]["resource"]
    assert "value" not in patient["identifier"][0]
    assert "deceasedBoolean" not in patient
    assert "managingOrganization" not in patient
    assert {one.element for one in bundle.withheld} == {
        "Patient.identifier.value",
        "Patient.deceasedBoolean",
        "Patient.managingOrganization",
    }
    assert len(faults(bundle.resource)) == 3


def test_a_dead_citizen_is_reported_dead() -> None:
    assert told([*FIRST, CitizenDied()])[RUDDI]["deceasedBoolean"] is True


def test_a_record_opened_in_error_is_inactive() -> None:
    assert "active" not in told(FIRST)[RUDDI]
    assert told([*FIRST, TakenBack(of=RUDDI)])[RUDDI]["active"] is False


# --- The plan -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(HoldReason))
def test_a_plan_that_nobody_acts_on_is_on_hold_with_kls_reason(reason: HoldReason) -> None:
    request = told([*FIRST, PlanHeld(request_id=PLAN, reason=reason)])[PLAN]
    assert (request["status"], reason_of(request)) == ("on-hold", reason.value)


def test_a_held_plan_that_is_taken_up_is_active_and_gives_no_reason() -> None:
    held = PlanHeld(request_id=PLAN, reason=HoldReason.FREE_CHOICE_DECLINED)
    request = told([*FIRST, held, PlanTakenUp(request_id=PLAN)])[PLAN]
    assert (request["status"], reason_of(request)) == ("active", None)


@pytest.mark.parametrize(
    ("day", "status"), [(13, "on-hold"), (14, "active")], ids=["the day before", "its day"]
)
def test_a_plan_that_requires_a_later_start_is_on_hold_until_its_day(day: int, status: str) -> None:
    postponed = plan(later_start=date(2022, 6, 14))
    request = told([citizen(), postponed], datetime(2022, 6, day, 12, tzinfo=UTC))[PLAN]
    assert request["status"] == status
    assert reason_of(request) == (HoldReason.LATER_START if status == "on-hold" else None)


def test_the_day_of_a_later_start_begins_at_danish_midnight() -> None:
    history: list[Fact] = [citizen(), plan(later_start=date(2022, 6, 14))]
    before = told(history, datetime(2022, 6, 13, 21, 59, tzinfo=UTC))
    after = told(history, datetime(2022, 6, 13, 22, 0, tzinfo=UTC))
    assert (before[PLAN]["status"], after[PLAN]["status"]) == ("on-hold", "active")


def test_a_plan_whose_later_start_is_not_awaited_is_active() -> None:
    postponed: list[Fact] = [citizen(), plan(later_start=date(2022, 6, 30)), examination()]
    met = EncounterHeld(
        encounter_id=EXAMINED,
        of=EXAMINATION,
        start=datetime(2022, 5, 28, 12, 10, tzinfo=UTC),
        minutes=30,
    )
    assert told(postponed)[PLAN]["status"] == "on-hold"
    assert told([*postponed, met])[PLAN]["status"] == "active"
    assert told([*postponed, met, TakenBack(of=EXAMINED)])[PLAN]["status"] == "on-hold"
    assert told([*postponed, PlanTakenUp(request_id=PLAN)])[PLAN]["status"] == "active"


@pytest.mark.parametrize("how", list(PlanEnd))
def test_a_plan_that_ended_says_how_and_is_no_longer_on_hold(how: PlanEnd) -> None:
    held = PlanHeld(request_id=PLAN, reason=HoldReason.FREE_CHOICE)
    request = told([*FIRST, held, PlanEnded(request_id=PLAN, how=how)])[PLAN]
    assert (request["status"], reason_of(request)) == (how.value, None)


def test_a_plan_sent_on_the_wrong_citizen_is_entered_in_error() -> None:
    assert told([*FIRST, TakenBack(of=PLAN)])[PLAN]["status"] == "entered-in-error"


def test_the_level_stands_beside_the_type_and_may_change() -> None:
    assert [code_of(one) for one in told([citizen(), plan()])[PLAN]["category"]] == [
        "ffd81f78-352e-4589-a195-5350dd1df2a4"
    ]
    changed = [*FIRST, LevelSet(request_id=PLAN, level=Level.AVANCERET)]
    assert [code_of(one) for one in told(changed)[PLAN]["category"]] == [
        "ffd81f78-352e-4589-a195-5350dd1df2a4",
        "b679c454-2da2-46dd-9425-0e52d4aa2bf3",
    ]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (PlanType.ALMEN, "ffd81f78-352e-4589-a195-5350dd1df2a4"),
        (PlanType.GENOPTRAENING_SPECIALISERET, "0c8e2bfc-1350-45d1-90da-c07e2645d073"),
        (PlanType.REHABILITERING_SPECIALISERET, "83c89857-8fb8-4163-97b1-eb1a56345c29"),
    ],
)
def test_the_type_is_kls_code_and_may_be_changed_without_a_new_plan(
    kind: PlanType, code: str
) -> None:
    assert code_of(told([citizen(), plan(type=kind)])[PLAN]["category"][0]) == code
    changed: list[Fact] = [citizen(), plan(), TypeChanged(request_id=PLAN, type=kind)]
    assert code_of(told(changed)[PLAN]["category"][0]) == code


def test_only_almen_has_a_level() -> None:
    changed = TypeChanged(request_id=PLAN, type=PlanType.REHABILITERING_SPECIALISERET)
    assert len(told([*FIRST, changed])[PLAN]["category"]) == 1


def test_the_first_day_offered_is_the_start_whatever_is_offered_later() -> None:
    later = EncounterOffered(of=EXAMINATION, day=date(2022, 6, 2))
    assert told([*FIRST, later])[PLAN]["occurrencePeriod"] == {"start": "2022-05-28"}
    assert "occurrencePeriod" not in told([citizen(), plan(), examination()])[PLAN]


def test_a_corrected_discharge_counts_the_offers_anew() -> None:
    corrected = DatesCorrected(request_id=PLAN, discharge=date(2022, 5, 30), later_start=None)
    request = told([*FIRST, corrected])[PLAN]
    assert request["extension"][0]["valueDate"] == "2022-05-30"
    assert "occurrencePeriod" not in request


def test_a_replaced_plan_is_revoked_and_comes_with_the_one_that_replaces_it() -> None:
    new = plan(request_id=NEW_PLAN, replaces=PLAN, received=date(2022, 6, 10), diagnoses=())
    history: list[Fact] = [*FIRST, *SECOND, ReportDelivered(evening(6, 1))]
    history += [new, PlanEnded(request_id=PLAN, how=PlanEnd.REVOKED)]
    history += [CarriedOver(of=COURSE, request_id=NEW_PLAN)]
    resources = told(history)
    assert resources[NEW_PLAN]["replaces"] == [{"reference": f"ServiceRequest/{PLAN}"}]
    assert resources[PLAN]["status"] == "revoked"
    assert resources[COURSE]["extension"][0]["valueReference"] == {
        "reference": f"ServiceRequest/{NEW_PLAN}"
    }
    assert TRAINING not in resources


def test_a_replaced_plan_that_is_not_known_is_withheld_with_the_reason() -> None:
    bundle = deliver([citizen(), plan(replaces=NEW_PLAN)], at=evening(5, 23))
    assert [one.element for one in bundle.withheld] == ["ServiceRequest.replaces"]
    assert faults(bundle.resource) == ()


def test_diagnoses_that_are_not_known_here_are_withheld_and_none_are_none() -> None:
    unknown = deliver([citizen(), plan(diagnoses=None)], at=evening(5, 23))
    assert [one.element for one in unknown.withheld] == ["ServiceRequest.reasonReference"]
    assert faults(unknown.resource) == ()
    assert deliver([citizen(), plan(diagnoses=())], at=evening(5, 23)).withheld == ()


@pytest.mark.parametrize(
    ("system", "code"), [("", None), ("urn:oid:1.2.208.176.2.31", "L75")], ids=["text", "ICPC-2"]
)
def test_a_diagnosis_without_a_code_that_kl_takes_is_told_as_text(
    system: str, code: str | None
) -> None:
    diagnosis = Diagnosis(condition_id=FRACTURE, system=system, code=code, text="Brud på lårben")
    condition = told([citizen(), plan(diagnoses=(diagnosis,))])[FRACTURE]
    assert condition["code"] == {"text": "Brud på lårben"}


# --- Courses --------------------------------------------------------------------------------------


def test_an_assessment_goes_from_not_started_to_scheduled_to_in_progress_to_completed() -> None:
    history: list[Fact] = [citizen(), plan(), examination()]
    seen = [activity(told(history)[EXAMINATION])]
    for fact in (
        EncounterOffered(of=EXAMINATION, day=date(2022, 5, 28)),
        EncounterHeld(
            encounter_id=EXAMINED,
            of=EXAMINATION,
            start=datetime(2022, 5, 28, 12, 10, tzinfo=UTC),
            minutes=30,
        ),
        CourseEnded(of=EXAMINATION, on=date(2022, 5, 28)),
    ):
        history.append(fact)
        seen.append(activity(told(history)[EXAMINATION]))
    assert seen == ["not-started", "scheduled", "in-progress", "completed"]


def test_a_course_that_was_completed_gives_no_reason_and_ends_what_is_in_it() -> None:
    resources = told([*FIRST, *SECOND, CourseEnded(of=COURSE, on=date(2022, 6, 23))])
    for id_ in (COURSE, TRAINING):
        assert (resources[id_]["status"], activity(resources[id_])) == ("completed", "completed")
        assert resources[id_]["period"]["end"] == "2022-06-23"
    assert "statusReason" not in resources[COURSE]["activity"][0]["detail"]


def test_what_ended_before_its_care_plan_keeps_its_own_end() -> None:
    ended = CourseEnded(of=TRAINING, on=date(2022, 6, 10))
    stopped = CourseEnded(of=COURSE, on=date(2022, 6, 23), reason=EndReason.NOT_SEEN)
    resources = told([*FIRST, *SECOND, ended, stopped])
    assert resources[TRAINING]["period"]["end"] == "2022-06-10"
    assert resources[TRAINING]["status"] == "completed"
    assert resources[COURSE]["status"] == "revoked"


@pytest.mark.parametrize("reason", list(EndReason))
def test_a_cancelled_care_plan_gives_kls_reason_and_its_interventions_none(
    reason: EndReason,
) -> None:
    resources = told([*FIRST, *SECOND, CourseEnded(of=COURSE, on=date(2022, 6, 1), reason=reason)])
    assert code_of(resources[COURSE]["activity"][0]["detail"]["statusReason"]) == reason.value
    assert activity(resources[TRAINING]) == "cancelled"
    assert "statusReason" not in resources[TRAINING]["activity"][0]["detail"]


def test_a_care_plan_taken_back_takes_what_is_part_of_it_along() -> None:
    resources = told([*FIRST, *SECOND, trained(0, date(2022, 5, 31)), TakenBack(of=COURSE)])
    for id_ in (COURSE, TRAINING, TRAINED[0]):
        assert resources[id_]["status"] == "entered-in-error"
    assert resources[EXAMINATION]["status"] == "completed"


def test_an_encounter_taken_back_is_told_again_as_entered_in_error() -> None:
    history = [*FIRST, *SECOND, trained(0, date(2022, 5, 31)), ReportDelivered(evening(5, 31))]
    resources = told([*history, TakenBack(of=TRAINED[0])])
    assert resources[TRAINED[0]]["status"] == "entered-in-error"
    assert COURSE in resources
    assert TRAINING not in resources


def test_interventions_may_be_delivered_in_several_ways_and_name_what_they_mend() -> None:
    both = InterventionPlanned(
        intervention_id=NEW_PLAN,
        code="66fb32c9-ecc3-484b-be49-f20094be237c",
        delivery=(Delivery.INDIVIDUAL, Delivery.DIGITAL),
        granted=date(2022, 6, 1),
        care_plan_id=COURSE,
        conditions=(MOBILITY,),
    )
    detail = told([*FIRST, *SECOND, both])[NEW_PLAN]["activity"][0]["detail"]
    assert [code_of(one["valueCodeableConcept"]) for one in detail["extension"]] == [
        "8d12d74c-17da-47a7-a4fe-e69dbaec0a8c",
        "284857a4-5e91-499a-a001-64d7f0b7038a",
    ]
    assert detail["reasonReference"] == [{"reference": f"Condition/{MOBILITY}"}]


@pytest.mark.parametrize(
    ("mode", "system", "code"),
    [
        (Mode.LOCATION, "http://terminology.hl7.org/CodeSystem/v3-ActCode", "AMB"),
        (Mode.HOME, "http://terminology.hl7.org/CodeSystem/v3-ActCode", "HH"),
        (
            Mode.SCREEN,
            "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes",
            "124be95d-6924-4609-9d2a-e7c73ae3ab3d",
        ),
        (
            Mode.TELEPHONE,
            "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes",
            "1b55a4b0-1156-4f58-b2df-b5c6014d9048",
        ),
    ],
)
def test_an_encounter_says_where_it_was_held(mode: Mode, system: str, code: str) -> None:
    held = EncounterHeld(
        encounter_id=TRAINED[0],
        of=COURSE,
        start=datetime(2022, 5, 31, 10, 20, tzinfo=UTC),
        minutes=45,
        mode=mode,
    )
    encounter = told([*FIRST, *SECOND, held])[TRAINED[0]]
    assert (encounter["class"]["system"], encounter["class"]["code"]) == (system, code)
    assert encounter["period"]["end"] == "2022-05-31T11:05:00Z"


# --- Conditions -----------------------------------------------------------------------------------


def test_a_resolved_condition_is_inactive_and_out_of_focus() -> None:
    condition = told([*FIRST, *SECOND, ConditionResolved(condition_id=MOBILITY)])[MOBILITY]
    assert code_of(condition["clinicalStatus"]) == "inactive"
    assert "category" not in condition


def test_a_condition_entered_in_error_has_no_clinical_status() -> None:
    condition = told([*FIRST, *SECOND, TakenBack(of=MOBILITY)])[MOBILITY]
    assert code_of(condition["verificationStatus"]) == "entered-in-error"
    assert "clinicalStatus" not in condition
    assert "category" not in condition


# --- What a report holds --------------------------------------------------------------------------


def test_without_a_delivered_report_everything_is_told_as_it_stands() -> None:
    resources = told(whole_story())
    # The citizen, 2 organisations, 3 conditions, the plan, 2 care plans, 4 interventions, 5 times.
    assert len(resources) == 18
    assert resources[COURSE]["status"] == "revoked"


def test_where_nothing_changed_there_is_nothing_to_report() -> None:
    bundle = deliver([*FIRST, ReportDelivered(evening(5, 23))], at=evening(5, 24))
    assert bundle.is_empty
    assert not deliver(FIRST, at=evening(5, 23)).is_empty


def test_what_changes_by_time_alone_is_told_too() -> None:
    history: list[Fact] = [
        citizen(),
        plan(later_start=date(2022, 6, 14)),
        ReportDelivered(evening(6, 13)),
    ]
    assert deliver(history, at=datetime(2022, 6, 13, 20, tzinfo=UTC)).is_empty
    assert told(history, evening(6, 14))[PLAN]["status"] == "active"


def test_what_was_told_and_then_undone_before_the_next_report_is_not_told_again() -> None:
    history = [*FIRST, ReportDelivered(evening(5, 23))]
    held = PlanHeld(request_id=PLAN, reason=HoldReason.FREE_CHOICE_DECLINED)
    taken_up = PlanTakenUp(request_id=PLAN)
    assert deliver([*history, held, taken_up], at=evening(5, 24)).is_empty


def test_the_same_history_at_the_same_instant_gives_the_same_report() -> None:
    at, _ = EVENTS[-1]
    assert deliver(whole_story(), at=at) == deliver(whole_story(), at=at)
    later = deliver(whole_story(), at=evening(6, 25))
    assert later.resource["id"] != deliver(whole_story(), at=at).resource["id"]


# --- What can't have happened ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "begins with the citizen"),
        ([plan()], "begins with the citizen"),
        ([citizen(), citizen()], "one citizen"),
        ([citizen(), examination()], "nothing is known of the plan"),
        ([citizen(), plan(), plan()], "was entered before"),
        ([citizen(), TakenBack(of=PLAN)], "was never entered"),
        ([citizen(), plan(), CourseEnded(of=COURSE, on=date(2022, 6, 1))], "of the course"),
        ([citizen(), training_of(COURSE, TRAINING, ASSESSMENT, date(2022, 6, 1))], "care plan"),
        ([citizen(), training_of(COURSE, TRAINING, "yoga", date(2022, 6, 1))], "interventions"),
        (
            [citizen(), ConditionFound(condition_id=MOBILITY, code="x", recorded=date(2022, 6, 1))],
            "conditions",
        ),
        (
            [citizen(), plan(), course(COURSE, date(2022, 6, 1), NEW_PLAN)],
            "nothing is known of the plan",
        ),
    ],
)
def test_a_history_that_cannot_have_happened_is_refused(
    history: Sequence[Fact], message: str
) -> None:
    with pytest.raises(Contradiction, match=message):
        deliver(history, at=evening(6, 1))


def test_one_organisation_has_one_number() -> None:
    other = Organisation(id=plan().requester.id, sor="100000000000316")
    second = plan(request_id=NEW_PLAN, requester=other, diagnoses=())
    with pytest.raises(Contradiction, match="two SOR numbers"):
        deliver([*FIRST, second], at=evening(6, 1))
