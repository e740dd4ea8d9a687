"""A citizen's record as FHIR R4 resources under KL's § 140 profiles. Standard library only.

Profiles: hl7dk/kl-gateway-rehab 2.2.0, `input/fsh/140*.fsh`; what each element means:
`input/pagecontent/StructureDefinition-klgateway-140-*-intro.md`. KL reports no more than a profile
names, so neither do we.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.referral.plan import PlanType, is_cpr
from services.referral.report import codes
from services.referral.report.codes import Profile
from services.referral.report.datatypes import (
    Addresses,
    Built,
    Json,
    Withheld,
    absent,
    coding,
    concept,
    instant,
    sor,
)
from services.referral.report.facts import (
    CarePlanOpened,
    Diagnosis,
    EncounterHeld,
    InterventionPlanned,
    Organisation,
)
from services.referral.report.record import Course, Finding, Record, Request


def resources_of(record: Record, at: datetime, addresses: Addresses) -> Iterator[Built]:
    """All resources of a record as they are at that instant; the citizen comes first."""
    write = _Writer(record, at, addresses)
    yield write.citizen()
    for organisation in record.organisations().values():
        yield write.organisation(organisation)
    for request in record.requests.values():
        for diagnosis in request.received.diagnoses or ():
            yield write.focus(diagnosis)
    for request in record.requests.values():
        yield write.request(request)
    for finding in record.findings.values():
        yield write.condition(finding)
    for course in record.courses.values():
        if isinstance(course.granted, CarePlanOpened):
            yield write.care_plan(course, course.granted)
    for course in record.courses.values():
        if isinstance(course.granted, InterventionPlanned):
            yield write.intervention(course, course.granted)
    for encounter in record.encounters.values():
        yield write.encounter(encounter)


class _Writer:
    def __init__(self, record: Record, at: datetime, addresses: Addresses) -> None:
        self._record = record
        self._at = at
        self._addresses = addresses

    def citizen(self) -> Built:
        """KLGateway140Citizen: CPR, alive or dead, and who keeps the record; no name, no address.

        The profile forbids replacement CPRs (`identifier[x-ecpr] 0..0`, `[d-ecpr] 0..0`). What is
        withheld is marked as HL7 says, with the extension data-absent-reason.
        """
        citizen, withheld = self._record.citizen, []
        identifier: Json = {"use": "official", "system": codes.CPR}
        if citizen.cpr is not None and is_cpr(citizen.cpr):
            identifier["value"] = citizen.cpr
        elif citizen.cpr is None:
            identifier["_value"] = absent("masked")
            withheld.append(
                Withheld(
                    element="Patient.identifier.value",
                    reason="the CPR travels in no event; it is given from outside",
                )
            )
        else:
            identifier["_value"] = absent("not-permitted")
            withheld.append(
                Withheld(
                    element="Patient.identifier.value",
                    reason="the citizen has a replacement CPR (eCPR), which KL's profile forbids: "
                    "the report is delivered when the citizen has a CPR",
                )
            )
        resource = self._resource("Patient", citizen.citizen_id, Profile.CITIZEN)
        resource["identifier"] = [identifier]
        if self._record.is_void(citizen.citizen_id):
            resource["active"] = False
        if self._record.deceased is None:
            resource["_deceasedBoolean"] = absent("unknown")
            withheld.append(
                Withheld(
                    element="Patient.deceasedBoolean",
                    reason="whether the citizen is alive is in no event that can be read here; "
                    "it is given from outside",
                )
            )
        else:
            resource["deceasedBoolean"] = self._record.deceased
        if citizen.keeper_sor is None:
            withheld.append(
                Withheld(
                    element="Patient.managingOrganization",
                    reason="no SOR number is known of whoever keeps the record",
                )
            )
        else:
            resource["managingOrganization"] = {"identifier": sor(citizen.keeper_sor)}
        return Built(resource, tuple(withheld))

    def organisation(self, organisation: Organisation) -> Built:
        """KLGateway140Organization: its SOR number alone."""
        resource = self._resource("Organization", organisation.id, Profile.ORGANISATION)
        resource["identifier"] = [sor(organisation.sor)]
        return Built(resource)

    def focus(self, diagnosis: Diagnosis) -> Built:
        """KLGateway140FocusCondition: one of the plan's diagnoses, as code or as text alone."""
        resource = self._resource("Condition", diagnosis.condition_id, Profile.FOCUS)
        resource["clinicalStatus"] = concept(codes.CLINICAL, "active")
        if diagnosis.code and diagnosis.system not in codes.NOT_IN_A_FOCUS_CONDITION:
            coding = {"system": diagnosis.system, "code": diagnosis.code}
            if diagnosis.text:
                coding["display"] = diagnosis.text
            resource["code"] = {"coding": [coding]}
        else:
            resource["code"] = {"text": diagnosis.text or diagnosis.code}
        resource["subject"] = self._citizen()
        return Built(resource)

    def request(self, request: Request) -> Built:
        """KLGateway140ServiceRequest: the plan, its dates, its type and level, and its status."""
        received, withheld = request.received, []
        id_ = received.request_id
        resource = self._resource("ServiceRequest", id_, Profile.REQUEST)
        discharge = {"url": codes.DISCHARGE_DATE, "valueDate": request.discharge.isoformat()}
        resource["extension"] = [discharge]
        status, reason = self._request_status(request)
        if reason is not None:
            why = concept(codes.KL, reason, display=True)
            resource["extension"].append({"url": codes.STATUS_REASON, "valueCodeableConcept": why})
        if received.replaces in self._record.requests:
            resource["replaces"] = [self._reference("ServiceRequest", str(received.replaces))]
        elif received.replaces is not None:
            withheld.append(
                Withheld(
                    element="ServiceRequest.replaces",
                    reason="the plan that it replaces is not known here",
                )
            )
        resource["status"] = status
        resource["intent"] = "plan"
        categories: list[str] = [codes.TYPES[request.type]]
        if request.level is not None and request.type is PlanType.ALMEN:
            categories.append(request.level)
        resource["category"] = [concept(codes.KL, code, display=True) for code in categories]
        resource["code"] = concept(codes.KL, codes.REHABILITATION, display=True)
        resource["subject"] = self._citizen()
        if request.first_offered is not None:
            resource["occurrencePeriod"] = {"start": request.first_offered.isoformat()}
        resource["authoredOn"] = received.received.isoformat()
        resource["requester"] = self._reference("Organization", received.requester.id)
        if received.diagnoses is None:
            withheld.append(
                Withheld(
                    element="ServiceRequest.reasonReference",
                    reason="diagnoses travel in no event; the profile lets a report do without",
                )
            )
        elif received.diagnoses:
            resource["reasonReference"] = [
                self._reference("Condition", one.condition_id) for one in received.diagnoses
            ]
        return Built(resource, tuple(withheld))

    def _request_status(self, request: Request) -> tuple[str, str | None]:
        """(status, reason): KL gives reasons with on-hold alone (ServiceRequest introduction)."""
        if self._record.is_void(request.received.request_id):
            return "entered-in-error", None
        if request.ended is not None:
            return request.ended.value, None
        reason = self._record.hold(request, self._at)
        return ("active", None) if reason is None else ("on-hold", reason)

    def condition(self, finding: Finding) -> Built:
        """KLGateway140Condition: in focus (category) or not, present or not, or entered in error.

        A condition entered in error has no clinical status (R4's invariant con-5).
        """
        found = finding.found
        void = self._record.is_void(found.condition_id)
        resource = self._resource("Condition", found.condition_id, Profile.CONDITION)
        if not void:
            word = "active" if finding.present else "inactive"
            resource["clinicalStatus"] = concept(codes.CLINICAL, word)
        word = "entered-in-error" if void else "confirmed"
        resource["verificationStatus"] = concept(codes.VERIFICATION, word)
        if finding.in_focus and finding.present and not void:
            resource["category"] = [concept(codes.CONDITION_CATEGORY, "problem-list-item")]
        resource["code"] = concept(codes.FSIII, found.code, display=True)
        resource["subject"] = self._citizen()
        resource["recordedDate"] = found.recorded.isoformat()
        return Built(resource)

    def care_plan(self, course: Course, granted: CarePlanOpened) -> Built:
        """KLGateway140CarePlan: a course, who gives it, and why it ended before its time."""
        withheld = []
        resource = self._course(course, granted.care_plan_id, Profile.CARE_PLAN)
        resource["category"] = [concept(codes.KL, granted.category, display=True)]
        detail = self._detail(course)
        if course.ended is not None and course.ended.reason is not None:
            detail["statusReason"] = concept(codes.KL, course.ended.reason, display=True)
        if granted.performer is not None:
            detail["performer"] = [self._reference("Organization", granted.performer.id)]
        else:
            withheld.append(
                Withheld(
                    element="CarePlan.activity.detail.performer",
                    reason="no SOR number is known of whoever gives the course",
                )
            )
        resource["activity"] = [{"detail": detail}]
        return Built(resource, tuple(withheld))

    def intervention(self, course: Course, granted: InterventionPlanned) -> Built:
        """KLGateway140PlannedIntervention: what is done, and how it is delivered."""
        resource = self._course(course, granted.intervention_id, Profile.INTERVENTION)
        if granted.care_plan_id is not None:
            resource["basedOn"] = [self._reference("CarePlan", granted.care_plan_id)]
        detail = self._detail(course)
        detail["extension"] = [
            {
                "url": codes.DELIVERY_TYPE,
                "valueCodeableConcept": concept(codes.KL, delivery, display=True),
            }
            for delivery in granted.delivery
        ]
        detail["code"] = concept(codes.FSIII, granted.code, display=True)
        if granted.conditions:
            detail["reasonReference"] = [
                self._reference("Condition", one) for one in granted.conditions
            ]
        if granted.performer is not None:
            detail["performer"] = [self._reference("Organization", granted.performer.id)]
        resource["activity"] = [{"detail": detail}]
        return Built(resource)

    def _course(self, course: Course, id_: str, profile: Profile) -> Json:
        """What a care plan and an intervention have in common."""
        resource = self._resource("CarePlan", id_, profile)
        if course.request_id is not None:
            reference = self._reference("ServiceRequest", course.request_id)
            resource["extension"] = [{"url": codes.BASED_ON_REQUEST, "valueReference": reference}]
        ended = self._record.ended(course)
        if self._record.is_void(id_):
            resource["status"] = "entered-in-error"
        elif ended is None:
            resource["status"] = "active"
        else:
            resource["status"] = "completed" if ended.reason is None else "revoked"
        resource["intent"] = "plan"
        resource["subject"] = self._citizen()
        resource["period"] = {"start": course.granted.granted.isoformat()}
        if ended is not None:
            resource["period"]["end"] = ended.on.isoformat()
        return resource

    def _detail(self, course: Course) -> Json:
        """The activity's status: in KL's reports a care plan runs from the day it is granted."""
        ended = self._record.ended(course)
        if ended is not None:
            return {"status": "completed" if ended.reason is None else "cancelled"}
        if (
            self._record.is_met(course)
            or not course.is_intervention
            or course.parent_id is not None
        ):
            return {"status": "in-progress"}
        return {"status": "scheduled" if course.offered else "not-started"}

    def encounter(self, held: EncounterHeld) -> Built:
        """KLGateway140Encounter: that it took place, how, and from when to when."""
        resource = self._resource("Encounter", held.encounter_id, Profile.ENCOUNTER)
        course = self._reference("CarePlan", held.of)
        resource["extension"] = [{"url": codes.BASED_ON_CARE_PLAN, "valueReference": course}]
        void = self._record.is_void(held.encounter_id)
        resource["status"] = "entered-in-error" if void else "finished"
        resource["class"] = coding(held.mode.system, held.mode, display=True)
        resource["subject"] = self._citizen()
        end = held.start + timedelta(minutes=held.minutes)
        resource["period"] = {"start": instant(held.start), "end": instant(end)}
        return Built(resource)

    def _resource(self, kind: str, id_: str, profile: Profile) -> Json:
        meta = {"profile": [f"{codes.DEFINITION}{profile}"]}
        return {"resourceType": kind, "id": id_, "meta": meta}

    def _citizen(self) -> Json:
        return self._reference("Patient", self._record.citizen.citizen_id)

    def _reference(self, kind: str, id_: str) -> Json:
        return {"reference": self._addresses.reference(kind, id_)}
