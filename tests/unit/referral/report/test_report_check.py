"""What KL's profiles refuse is found: Ruddi's second and last reports, spoilt in one place each."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from services.referral.report.check import faults
from services.referral.report.codes import HoldReason
from services.referral.report.deliver import references
from tests.unit.referral.report import ruddi

Json = dict[str, Any]
REPORTS = [report.resource for report in ruddi.reports()]
SECOND, LAST = REPORTS[1], REPORTS[7]


def spoilt(report: Json, id_: str, spoil: Callable[[Json], object]) -> Json:
    """The report with one resource changed."""
    report = copy.deepcopy(report)
    [resource] = [e["resource"] for e in report["entry"] if e["resource"]["id"] == id_]
    spoil(resource)
    return report


def setting(*path: str | int, to: Any) -> Callable[[Json], object]:
    """Sets what stands at a path; None removes it."""

    def spoil(tree: Any) -> None:
        for step in path[:-1]:
            tree = tree[step]
        if to is None:
            del tree[path[-1]]
        else:
            tree[path[-1]] = to

    return spoil


DETAIL = ("activity", 0, "detail")
NOWHERE = {"reference": "Organization/nowhere"}
SPOILT: list[tuple[str, Json, str, Callable[[Json], object], str]] = [
    ("no CPR", SECOND, ruddi.RUDDI, setting("identifier", to=None), "occurs 0 times"),
    ("eCPR", SECOND, ruddi.RUDDI, setting("identifier", 0, "value", to="0703921VJ4"), "no CPR"),
    ("a name", SECOND, ruddi.RUDDI, setting("name", to=[{"family": "B"}]), "not allowed"),
    ("alive?", SECOND, ruddi.RUDDI, setting("deceasedBoolean", to=None), "occurs 0 times"),
    ("no keeper", SECOND, ruddi.RUDDI, setting("managingOrganization", to=None), "occurs 0 times"),
    ("SOR", SECOND, ruddi.SENDER.id, setting("identifier", 0, "value", to="123"), "no SOR"),
    ("SOR system", SECOND, ruddi.SENDER.id, setting("identifier", 0, "use", to="usual"), "no SOR"),
    ("an address", SECOND, ruddi.SENDER.id, setting("address", to=[{"city": "H"}]), "not allowed"),
    ("a status", SECOND, ruddi.FRACTURE, setting("clinicalStatus", to=None), "occurs 0 times"),
    (
        "FSIII",
        SECOND,
        ruddi.FRACTURE,
        setting("code", "coding", 0, "system", to="urn:oid:1.2.208.176.2.21"),
        "no diagnosis",
    ),
    (
        "con-5",
        SECOND,
        ruddi.MOBILITY,
        setting("verificationStatus", "coding", 0, "code", to="entered-in-error"),
        "con-5",
    ),
    (
        "display",
        SECOND,
        ruddi.MOBILITY,
        setting("category", 0, "coding", 0, "display", to="x"),
        "no p",
    ),
    ("condition", SECOND, ruddi.MOBILITY, setting("code", "coding", 0, "code", to="x"), "no FSIII"),
    ("not recorded", SECOND, ruddi.MOBILITY, setting("recordedDate", to=None), "occurs 0 times"),
    ("no discharge", SECOND, ruddi.PLAN, setting("extension", to=None), "occurs 0 times"),
    ("no type", SECOND, ruddi.PLAN, lambda plan: plan["category"].pop(0), "has no type"),
    (
        "three types",
        SECOND,
        ruddi.PLAN,
        lambda plan: plan["category"].append(plan["category"][0]),
        "occurs 3 times",
    ),
    ("no sender", SECOND, ruddi.PLAN, setting("requester", to=None), "occurs 0 times"),
    ("sender", SECOND, ruddi.PLAN, setting("requester", to=NOWHERE), "no organisation"),
    ("order", SECOND, ruddi.PLAN, setting("intent", to="order"), "no plan"),
    ("a note", SECOND, ruddi.PLAN, setting("note", to=[{"text": "x"}]), "not allowed"),
    ("no day", SECOND, ruddi.PLAN, setting("authoredOn", to="23-05-2022"), "no day"),
    ("an end", SECOND, ruddi.PLAN, setting("occurrencePeriod", "end", to="2022-06-01"), "start al"),
    ("status", SECOND, ruddi.PLAN, setting("status", to="waiting"), "no status"),
    (
        "reason",
        SECOND,
        ruddi.PLAN,
        lambda plan: plan["extension"].append(
            {
                "url": "http://hl7.org/fhir/StructureDefinition/request-statusReason",
                "valueCodeableConcept": {
                    "coding": [
                        {
                            "system": "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes",
                            "code": HoldReason.FREE_CHOICE.value,
                        }
                    ]
                },
            }
        ),
        "without being on hold",
    ),
    ("no category", SECOND, ruddi.COURSE, setting("category", to=None), "occurs 0 times"),
    ("no performer", SECOND, ruddi.COURSE, setting(*DETAIL, "performer", to=None), "occurs 0 tim"),
    ("no reason", LAST, ruddi.COURSE, setting(*DETAIL, "statusReason", to=None), "care-plan-1"),
    ("a reason", LAST, ruddi.COURSE, setting(*DETAIL, "status", to="completed"), "care-plan-1"),
    ("backwards", LAST, ruddi.COURSE, setting("period", "end", to="2022-01-01"), "per-1"),
    ("a goal", SECOND, ruddi.COURSE, setting("goal", to=[NOWHERE]), "not allowed"),
    ("a code", SECOND, ruddi.COURSE, setting(*DETAIL, "location", to=NOWHERE), "detail of"),
    ("no plan", SECOND, ruddi.TRAINING, setting("basedOn", to=None), "intervention-1"),
    (
        "a plan",
        SECOND,
        ruddi.EXAMINATION,
        setting("basedOn", to=[{"reference": f"CarePlan/{ruddi.COURSE}"}]),
        "intervention-2",
    ),
    ("no way", SECOND, ruddi.TRAINING, setting(*DETAIL, "extension", to=None), "occurs 0 times"),
    (
        "code",
        SECOND,
        ruddi.TRAINING,
        setting(*DETAIL, "code", "coding", 0, "code", to="x"),
        "FSIII",
    ),
    (
        "a reason",
        LAST,
        ruddi.TRAINING,
        setting(*DETAIL, "statusReason", to={"coding": [{"code": "x"}]}),
        "0..0",
    ),
    ("no end", SECOND, ruddi.EXAMINED, setting("period", "end", to=None), "occurs 0 times"),
    ("no zone", SECOND, ruddi.EXAMINED, setting("period", "end", to="2022-05-28T12:40:00"), "inst"),
    ("class", SECOND, ruddi.EXAMINED, setting("class", "code", to="IMP"), "no class"),
    ("profile", SECOND, ruddi.EXAMINED, setting("meta", "profile", to=["x"]), "none of KL's"),
    ("kind", SECOND, ruddi.EXAMINED, setting("resourceType", to="Appointment"), "is of Encounter"),
    ("id", SECOND, ruddi.EXAMINED, setting("id", to="a b"), "no FHIR id"),
    ("empty", SECOND, ruddi.EXAMINED, setting("extension", to=[]), "is empty"),
]


@pytest.mark.parametrize(
    ("report", "id_", "spoil", "text"),
    [case[1:] for case in SPOILT],
    ids=[f"{case[0]} {number}" for number, case in enumerate(SPOILT)],
)
def test_what_the_profiles_refuse_is_found(
    report: Json, id_: str, spoil: Callable[[Json], object], text: str
) -> None:
    assert faults(report) == ()
    found = faults(spoilt(report, id_, spoil))
    assert any(text in fault.text for fault in found), found


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (setting("type", to="message"), "collection"),
        (setting("timestamp", to="2022-05-28"), "instant"),
        (setting("total", to=11), "not allowed"),
        (setting("meta", to=None), "is not"),
        (setting("entry", 0, to=None), "one citizen"),
        (lambda bundle: bundle["entry"].append(bundle["entry"][1]), "bdl-7"),
        (setting("entry", 3, "resource", to=None), "missing"),
    ],
)
def test_what_the_profile_of_the_bundle_refuses_is_found(
    spoil: Callable[[Json], object], text: str
) -> None:
    report = copy.deepcopy(SECOND)
    spoil(report)
    assert any(text in fault.text for fault in faults(report))


def test_a_reference_to_what_is_not_in_the_report_is_found() -> None:
    for report in REPORTS:
        for number in range(1, len(report["entry"])):
            short = copy.deepcopy(report)
            gone = short["entry"].pop(number)["resource"]
            name = f"{gone['resourceType']}/{gone['id']}"
            rest = [entry["resource"] for entry in short["entry"]]
            assert (name in references(rest)) == bool(faults(short))


def test_faults_name_no_citizen() -> None:
    report = spoilt(SECOND, ruddi.RUDDI, setting("identifier", 0, "use", to="usual"))
    assert "1502779995" not in str(faults(report))
