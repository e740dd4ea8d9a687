"""The reports of Ruddi's eight events, against the values of KL's own reports.

The expectations are written out by hand from hl7dk/kl-gateway-rehab 2.2.0, `input/fsh/ruddi.fsh`
(events 1, 2, 6, 7, 8) and `input/pagecontent/example.md` (3 to 5 "almost alike"): every element but
profiles and display texts. Not followed: two fullUrls of KL's say "Careplan" for "CarePlan".
"""

from __future__ import annotations

from typing import Any

import pytest

from services.referral.report.check import faults
from tests.unit.referral.report import ruddi

Json = dict[str, Any]
REPORTS = list(ruddi.reports())

KL = "http://fhir.kl.dk/term/CodeSystem/CareSocialCodes"
FSIII = "urn:oid:1.2.208.176.2.21"
SOR = "urn:oid:1.2.208.176.1.1"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
PROFILE = "http://fhir.kl.dk/rehab/StructureDefinition/"


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def to(kind: str, id_: str) -> Json:
    return {"reference": f"{kind}/{id_}"}


TO_RUDDI = to("Patient", ruddi.RUDDI)
TO_TRAINER = to("Organization", ruddi.TRAINER.id)
FROM_PLAN = {
    "url": f"{PROFILE}BasedOnServiceRequestExtension",
    "valueReference": to("ServiceRequest", ruddi.PLAN),
}
IN_A_GROUP = {
    "url": f"{PROFILE}DeliveryType",
    "valueCodeableConcept": concept(KL, "2865f123-15a7-4a36-a514-32ea37c400ca"),
}
ALONE = {
    "url": f"{PROFILE}DeliveryType",
    "valueCodeableConcept": concept(KL, "8d12d74c-17da-47a7-a4fe-e69dbaec0a8c"),
}

PATIENT: Json = {
    "id": "95ce3be6-dba6-48ab-b5d1-8a25929414dc",
    "identifier": [{"use": "official", "value": "1502779995", "system": "urn:oid:1.2.208.176.1.2"}],
    "deceasedBoolean": False,
    "managingOrganization": {
        "identifier": {"use": "official", "value": "451000016003", "system": SOR}
    },
}
SENDER: Json = {
    "id": "55a0e014-0e97-4c26-8ef2-29d528bfcc46",
    "identifier": [{"use": "official", "value": "227871000016001", "system": SOR}],
}
TRAINER: Json = {
    "id": "7fdd6dc0-3f9f-4914-b34a-7c6495ba0880",
    "identifier": [{"use": "official", "value": "1037801000016003", "system": SOR}],
}
FRACTURE: Json = {
    "id": "51d652a8-0ece-4d1d-8071-7baceb9701b2",
    "code": concept("urn:oid:1.2.208.176.2.4.12", "DS721"),
    "clinicalStatus": concept(CLINICAL, "active"),
    "subject": TO_RUDDI,
}
PLAN: Json = {
    "id": "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22",
    "requester": to("Organization", "55a0e014-0e97-4c26-8ef2-29d528bfcc46"),
    "status": "active",
    "intent": "plan",
    "code": concept(KL, "7fc66c15-0cb3-4c89-9e18-f3a01e6a6592"),
    "category": [
        concept(KL, "ffd81f78-352e-4589-a195-5350dd1df2a4"),
        concept(KL, "8b962281-2ab6-4b10-9c91-4bac592d6d49"),
    ],
    "extension": [{"url": f"{PROFILE}PreconditionDate", "valueDate": "2022-05-24"}],
    "reasonReference": [to("Condition", "51d652a8-0ece-4d1d-8071-7baceb9701b2")],
    "subject": TO_RUDDI,
    "authoredOn": "2022-05-23",
    "occurrencePeriod": {"start": "2022-05-28"},
}


def examination(status: str, activity: str, period: Json) -> Json:
    return {
        "id": "0735f195-a0fc-4f1f-b7be-5b3f6b8fee4a",
        "extension": [FROM_PLAN],
        "status": status,
        "intent": "plan",
        "subject": TO_RUDDI,
        "period": period,
        "activity": [
            {
                "detail": {
                    "extension": [ALONE],
                    "code": concept(FSIII, "1130ad70-6553-490d-87f8-5e8941687a0c"),
                    "status": activity,
                    "performer": [TO_TRAINER],
                }
            }
        ],
    }


def condition(id_: str, code: str, *, in_focus: bool) -> Json:
    focus = concept("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item")
    return {
        "id": id_,
        "code": concept(FSIII, code),
        "clinicalStatus": concept(CLINICAL, "active"),
        "verificationStatus": concept(VERIFICATION, "confirmed"),
        "recordedDate": "2022-05-28",
        "subject": TO_RUDDI,
        **({"category": [focus]} if in_focus else {}),
    }


def mobility(*, in_focus: bool) -> Json:
    return condition(
        "a6ed3134-f27a-41bb-976c-b627af1c85bb",
        "dd41df82-3c13-4523-b9c5-e83676425299",
        in_focus=in_focus,
    )


def transfers(*, in_focus: bool) -> Json:
    return condition(
        "0b9adc44-6ab6-4060-8adc-a723e7da6608",
        "86e1982c-f459-4658-9071-e4bf3453a687",
        in_focus=in_focus,
    )


def encounter(id_: str, of: str, start: str, end: str) -> Json:
    return {
        "id": id_,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "period": {"start": start, "end": end},
        "subject": TO_RUDDI,
        "extension": [
            {
                "url": f"{PROFILE}BasedOnCarePlanExtension",
                "valueReference": to("CarePlan", of),
            }
        ],
    }


def care_plan(id_: str, status: str, period: Json, detail: Json, *, of_plan: bool = True) -> Json:
    return {
        "id": id_,
        "category": [concept(KL, "f15b2663-94d9-4d0c-a5de-d8bd8e1e4ebb")],
        "period": period,
        "status": status,
        "intent": "plan",
        "subject": TO_RUDDI,
        "activity": [{"detail": {**detail, "performer": [TO_TRAINER]}}],
        **({"extension": [FROM_PLAN]} if of_plan else {}),
    }


def training(id_: str, code: str, of: str, *, state: tuple[str, str], period: Json) -> Json:
    return {
        "id": id_,
        "basedOn": [to("CarePlan", of)],
        "status": state[0],
        "intent": "plan",
        "subject": TO_RUDDI,
        "period": period,
        "activity": [
            {
                "detail": {
                    "extension": [IN_A_GROUP],
                    "code": concept(FSIII, code),
                    "status": state[1],
                }
            }
        ],
    }


PHYSICAL = "2abe20c7-c0b4-41c1-b397-52acf36499ef"
FUNCTIONAL = "58293f63-00d7-4730-8dbc-c784d40f9e23"
COURSE = "1c74e3e8-e038-4182-a545-d86a9f064d44"
PETERS = "c8be2dc6-caa3-4c7e-81e8-0347896fb4d3"
RUNNING = {"status": "in-progress"}
RUDDIS_COURSE = care_plan(COURSE, "active", {"start": "2022-05-28"}, RUNNING)
STANDING = (PATIENT, SENDER, TRAINER, FRACTURE, PLAN)


def peters(status: str) -> tuple[Json, ...]:
    """What was meant for Peter; it says nothing of Ruddi's plan."""
    start = {"start": "2022-06-22"}
    return (
        care_plan(PETERS, status, start, RUNNING, of_plan=False),
        training(
            "8f0db8cd-af6e-4221-9aca-01da21706779",
            PHYSICAL,
            PETERS,
            state=(status, "in-progress"),
            period=start,
        ),
        training(
            "abf3df7f-8b61-4c01-89dd-ac6ca9c58ae3",
            FUNCTIONAL,
            PETERS,
            state=(status, "in-progress"),
            period=start,
        ),
    )


def trained(id_: str, day: str) -> tuple[Json, ...]:
    hour = (f"{day}T10:20:00Z", f"{day}T11:20:00Z")
    return (*STANDING, RUDDIS_COURSE, encounter(id_, COURSE, *hour))


OVER = {"start": "2022-05-28", "end": "2022-06-23"}
EXPECTED: tuple[tuple[str, tuple[Json, ...]], ...] = (
    (
        "2022-05-23T19:25:12Z",
        (*STANDING, examination("active", "scheduled", {"start": "2022-05-23"})),
    ),
    (
        "2022-05-28T19:25:12Z",
        (
            *STANDING,
            examination("completed", "completed", {"start": "2022-05-23", "end": "2022-05-28"}),
            encounter(
                "c4558767-7524-4aa6-8280-bf042d5d3e85",
                "0735f195-a0fc-4f1f-b7be-5b3f6b8fee4a",
                "2022-05-28T12:10:00Z",
                "2022-05-28T12:40:00Z",
            ),
            mobility(in_focus=True),
            transfers(in_focus=True),
            RUDDIS_COURSE,
            training(
                "663797c4-1024-4971-978c-c02c5caf8861",
                PHYSICAL,
                COURSE,
                state=("active", "in-progress"),
                period={"start": "2022-05-28"},
            ),
        ),
    ),
    ("2022-05-31T19:25:12Z", trained(ruddi.TRAINED[0], "2022-05-31")),
    ("2022-06-07T19:25:12Z", trained(ruddi.TRAINED[1], "2022-06-07")),
    ("2022-06-14T19:25:12Z", trained(ruddi.TRAINED[2], "2022-06-14")),
    (
        "2022-06-21T19:25:12Z",
        trained("955eda13-0ee6-4de0-91d6-598ed92cef5e", "2022-06-21"),
    ),
    ("2022-06-21T19:25:12Z", (PATIENT, TRAINER, *peters("active"))),
    (
        "2022-06-23T19:25:12Z",
        (
            *STANDING,
            mobility(in_focus=False),
            transfers(in_focus=False),
            care_plan(
                COURSE,
                "revoked",
                OVER,
                {
                    "status": "cancelled",
                    "statusReason": concept(KL, "a3f2bd01-078b-486e-81be-797d192ad7bd"),
                },
            ),
            training(
                "663797c4-1024-4971-978c-c02c5caf8861",
                PHYSICAL,
                COURSE,
                state=("revoked", "cancelled"),
                period=OVER,
            ),
            *peters("entered-in-error"),
        ),
    ),
)
KINDS = {
    PATIENT["id"]: "Patient",
    SENDER["id"]: "Organization",
    TRAINER["id"]: "Organization",
    FRACTURE["id"]: "Condition",
    PLAN["id"]: "ServiceRequest",
    "a6ed3134-f27a-41bb-976c-b627af1c85bb": "Condition",
    "0b9adc44-6ab6-4060-8adc-a723e7da6608": "Condition",
    "c4558767-7524-4aa6-8280-bf042d5d3e85": "Encounter",
    **dict.fromkeys(ruddi.TRAINED, "Encounter"),
}


def bare(tree: Any) -> Any:
    """A resource without profiles, display texts and its type."""
    if isinstance(tree, dict):
        return {
            key: bare(value)
            for key, value in tree.items()
            if key not in {"meta", "display", "resourceType"}
        }
    return [bare(value) for value in tree] if isinstance(tree, list) else tree


@pytest.mark.parametrize("number", range(1, 9))
def test_each_event_gives_the_report_that_kl_gives(number: int) -> None:
    report = REPORTS[number - 1].resource
    timestamp, expected = EXPECTED[number - 1]
    assert report["timestamp"] == timestamp
    told = {entry["resource"]["id"]: bare(entry["resource"]) for entry in report["entry"]}
    assert told == {resource["id"]: resource for resource in expected}
    for entry in report["entry"]:
        kind, id_ = entry["resource"]["resourceType"], entry["resource"]["id"]
        assert kind == KINDS.get(id_, "CarePlan")
        assert entry["fullUrl"] == f"https://test.fhir.dk/{kind}/{id_}"


@pytest.mark.parametrize("base", [ruddi.BASE, None], ids=["below an address", "by UUID"])
def test_kls_profiles_find_nothing_wrong_with_any_of_them(base: str | None) -> None:
    for report in ruddi.reports(base):
        assert faults(report.resource) == ()
        assert report.withheld == ()
