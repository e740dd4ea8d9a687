"""KL's § 140 profiles as rules.

Source: hl7dk/kl-gateway-rehab 2.2.0, `input/fsh/140*.fsh` (cardinalities, value sets, invariants),
which build on R4 and on hl7dk/dk-core (CPR and SOR identifiers). What a profile sets to 0..0 is
here what it doesn't list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.referral.report import codes
from services.referral.report.codes import Profile
from services.referral.report.datatypes import Json
from services.referral.report.rules import (
    Rule,
    coded,
    is_class,
    is_cpr_identifier,
    is_day,
    is_diagnosis,
    is_instant,
    is_sor,
    is_truth,
    means,
    one_of,
    values,
)

_REQUEST_STATUS: Final = frozenset(
    {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
)
_ACTIVITY_STATUS: Final = frozenset(
    {"not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped"}
    | {"unknown", "entered-in-error"}
)
_ENCOUNTER_STATUS: Final = frozenset(
    {"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled"}
    | {"entered-in-error", "unknown"}
)


def _statuses(prefix: str) -> tuple[Rule, ...]:
    """Both kinds of Condition: what their status codings may be."""
    clinical = coded(codes.CLINICAL, {"active", "inactive"}, bare=True)
    verified = coded(
        codes.VERIFICATION,
        {"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"},
        bare=True,
    )
    return (
        Rule(f"{prefix}clinicalStatus.coding", 0, 1, clinical, "clinical status"),
        Rule(f"{prefix}verificationStatus.coding", 0, 1, verified, "verification status"),
    )


_MANY: Final = 1_000_000
_CITIZEN: Final = Rule("subject", 1, 1, means(Profile.CITIZEN), "citizen in this report")
_DETAIL: Final = frozenset(
    {"extension", "code", "reasonReference", "status", "statusReason", "performer"}
)
_COURSE: Final = (
    Rule("status", 1, 1, one_of(*_REQUEST_STATUS), "status"),
    Rule("intent", 1, 1, one_of("plan"), "plan"),
    _CITIZEN,
    Rule("period.start", 1, 1, is_day, "day"),
    Rule("period.end", 0, 1, is_day, "day"),
    Rule(
        f"extension({codes.BASED_ON_REQUEST}).valueReference",
        0,
        1,
        means(Profile.REQUEST),
        "plan in this report",
    ),
    Rule("activity", 1, 1, lambda one, _: set(one) == {"detail"}, "detail alone"),
    Rule("activity.detail", 1, 1, lambda one, _: set(one) <= _DETAIL, "detail of the profile's"),
    Rule("activity.detail.status", 1, 1, one_of(*_ACTIVITY_STATUS), "status of an activity"),
)
_ORGANISATION: Final = means(Profile.ORGANISATION)

KINDS: Final[Mapping[Profile, str]] = {
    Profile.CITIZEN: "Patient",
    Profile.ORGANISATION: "Organization",
    Profile.FOCUS: "Condition",
    Profile.CONDITION: "Condition",
    Profile.REQUEST: "ServiceRequest",
    Profile.CARE_PLAN: "CarePlan",
    Profile.INTERVENTION: "CarePlan",
    Profile.ENCOUNTER: "Encounter",
}
ALLOWED: Final[Mapping[Profile, frozenset[str]]] = {
    Profile.CITIZEN: frozenset({"identifier", "active", "deceasedBoolean", "managingOrganization"}),
    Profile.ORGANISATION: frozenset({"identifier", "active", "name"}),
    Profile.FOCUS: frozenset({"clinicalStatus", "verificationStatus", "code", "subject"}),
    Profile.CONDITION: frozenset(
        {"clinicalStatus", "verificationStatus", "category", "code", "subject", "recordedDate"}
    ),
    Profile.REQUEST: frozenset(
        {"replaces", "status", "intent", "category", "code", "subject", "occurrencePeriod"}
        | {"authoredOn", "requester", "reasonReference"}
    ),
    Profile.CARE_PLAN: frozenset({"status", "intent", "category", "subject", "period", "activity"}),
    Profile.INTERVENTION: frozenset(
        {"basedOn", "status", "intent", "subject", "period", "activity"}
    ),
    Profile.ENCOUNTER: frozenset({"status", "class", "subject", "period"}),
}
RULES: Final[Mapping[Profile, tuple[Rule, ...]]] = {
    Profile.CITIZEN: (
        Rule("identifier", 1, 1, is_cpr_identifier, "CPR"),
        Rule("active", 0, 1, is_truth, "truth value"),
        Rule("deceasedBoolean", 1, 1, is_truth, "truth value"),
        Rule("managingOrganization.identifier", 1, 1, is_sor, "SOR number"),
    ),
    Profile.ORGANISATION: (Rule("identifier", 1, 1, is_sor, "SOR number"),),
    Profile.FOCUS: (
        Rule("clinicalStatus", 1, 1, lambda *_: True, ""),
        *_statuses(""),
        Rule("code", 0, 1, is_diagnosis, "diagnosis of a system that the profile allows"),
        _CITIZEN,
    ),
    Profile.CONDITION: (
        *_statuses(""),
        Rule(
            "category.coding",
            0,
            1,
            coded(codes.CONDITION_CATEGORY, {"problem-list-item"}, bare=True),
            "problem-list-item",
        ),
        Rule("code.coding", 1, 1, coded(codes.FSIII, codes.CONDITIONS), "FSIII condition"),
        _CITIZEN,
        Rule("recordedDate", 1, 1, is_day, "day"),
    ),
    Profile.REQUEST: (
        Rule(f"extension({codes.DISCHARGE_DATE}).valueDate", 1, 1, is_day, "day"),
        Rule(
            f"extension({codes.STATUS_REASON}).valueCodeableConcept.coding",
            0,
            1,
            coded(codes.KL, frozenset(codes.HoldReason)),
            "reason of KL's",
        ),
        Rule("replaces", 0, 1, means(Profile.REQUEST), "plan in this report"),
        Rule("status", 1, 1, one_of(*_REQUEST_STATUS), "status"),
        Rule("intent", 1, 1, one_of("plan"), "plan"),
        Rule(
            "category.coding",
            1,
            2,
            coded(codes.KL, {*codes.TYPES.values(), *codes.Level}),
            "type or level",
        ),
        Rule("code.coding", 1, 1, coded(codes.KL, {codes.REHABILITATION}), "rehabilitation"),
        _CITIZEN,
        Rule("occurrencePeriod", 0, 1, lambda one, _: set(one) == {"start"}, "start alone"),
        Rule("occurrencePeriod.start", 0, 1, is_day, "day"),
        Rule("authoredOn", 1, 1, is_day, "day"),
        Rule("requester", 1, 1, _ORGANISATION, "organisation in this report"),
        Rule("reasonReference", 0, _MANY, means(Profile.FOCUS), "diagnosis in this report"),
    ),
    Profile.CARE_PLAN: (
        *_COURSE,
        Rule(
            "category.coding", 1, 1, coded(codes.KL, frozenset(codes.Category)), "category of KL's"
        ),
        Rule("activity.detail.performer", 1, 1, _ORGANISATION, "organisation in this report"),
        Rule(
            "activity.detail.statusReason.coding",
            0,
            1,
            coded(codes.KL, frozenset(codes.EndReason)),
            "reason of KL's",
        ),
    ),
    Profile.INTERVENTION: (
        *_COURSE,
        Rule("basedOn", 0, 1, means(Profile.CARE_PLAN), "care plan in this report"),
        Rule(
            "activity.detail.code.coding",
            1,
            1,
            coded(codes.FSIII, codes.INTERVENTIONS),
            "FSIII intervention",
        ),
        Rule(
            f"activity.detail.extension({codes.DELIVERY_TYPE}).valueCodeableConcept.coding",
            1,
            _MANY,
            coded(codes.KL, frozenset(codes.Delivery)),
            "way of delivery",
        ),
        Rule("activity.detail.performer", 0, 1, _ORGANISATION, "organisation in this report"),
        Rule("activity.detail.statusReason", 0, 0, lambda *_: True, ""),
        Rule(
            "activity.detail.reasonReference",
            0,
            _MANY,
            means(Profile.CONDITION),
            "condition in this report",
        ),
    ),
    Profile.ENCOUNTER: (
        Rule("status", 1, 1, one_of(*_ENCOUNTER_STATUS), "status of an encounter"),
        Rule("class", 1, 1, is_class, "class of encounter"),
        _CITIZEN,
        Rule("period.start", 1, 1, is_instant, "instant"),
        Rule("period.end", 1, 1, is_instant, "instant"),
        Rule(
            f"extension({codes.BASED_ON_CARE_PLAN}).valueReference",
            0,
            1,
            means(Profile.CARE_PLAN, Profile.INTERVENTION),
            "course in this report",
        ),
    ),
}


def _ends_after_it_starts(resource: Json) -> bool:
    start, end = values(resource, "period.start"), values(resource, "period.end")
    # Both are days, or both are instants in UTC as we write them, so their text compares.
    return not (start and end) or start[0] <= end[0]


def _has_a_type(resource: Json) -> bool:
    return any(code in codes.TYPES.values() for code in values(resource, "category.coding.code"))


def _says_why_it_ended(resource: Json) -> bool:
    status = values(resource, "activity.detail.status")
    stopped = status in (["cancelled"], ["stopped"])
    return stopped == bool(values(resource, "activity.detail.statusReason"))


def _stands_in_a_care_plan(resource: Json) -> bool:
    code = values(resource, "activity.detail.code.coding.code")
    return "basedOn" in resource or not set(code) & set(codes.IN_A_CARE_PLAN)


def _stands_on_its_own(resource: Json) -> bool:
    code = values(resource, "activity.detail.code.coding.code")
    return "basedOn" not in resource or not set(code) & set(codes.ON_THEIR_OWN)


def _is_not_both_wrong_and_clinical(resource: Json) -> bool:
    wrong = "entered-in-error" in values(resource, "verificationStatus.coding.code")
    return not (wrong and "clinicalStatus" in resource)


def _gives_reasons_on_hold_alone(resource: Json) -> bool:
    reasons = values(resource, f"extension({codes.STATUS_REASON})")
    return resource.get("status") == "on-hold" or not reasons


_PERIOD: Final = ("period", _ends_after_it_starts, "ends before it starts (per-1)")
INVARIANTS: Final[Mapping[Profile, tuple[tuple[str, Callable[[Json], bool], str], ...]]] = {
    Profile.FOCUS: (
        ("clinicalStatus", _is_not_both_wrong_and_clinical, "not with entered-in-error (con-5)"),
    ),
    Profile.CONDITION: (
        ("clinicalStatus", _is_not_both_wrong_and_clinical, "not with entered-in-error (con-5)"),
    ),
    Profile.REQUEST: (
        ("category", _has_a_type, "has no type (gateway-140-service-request-1)"),
        (
            "extension",
            _gives_reasons_on_hold_alone,
            "gives a reason without being on hold",
        ),
    ),
    Profile.CARE_PLAN: (
        _PERIOD,
        (
            "activity.detail.statusReason",
            _says_why_it_ended,
            "stands with cancelled and stopped, and with nothing else (klgateway-140-care-plan-1)",
        ),
    ),
    Profile.INTERVENTION: (
        _PERIOD,
        ("basedOn", _stands_in_a_care_plan, "is missing (klgateway-140-intervention-1)"),
        ("basedOn", _stands_on_its_own, "is not allowed (klgateway-140-intervention-2)"),
    ),
    Profile.ENCOUNTER: (_PERIOD,),
}
