"""What is read from MedCom's HospitalNotification."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deploy.demo.documents import ruddi_fhir, ruddi_ggop
from deploy.demo.fhir_messages import hospital_notification
from services.referral.documents import read, read_any
from services.referral.plan import Plan, Unreadable
from services.referral.stay import Change, HospitalNotification, StayEvent


def accepted(document: bytes) -> HospitalNotification:
    reading = read_any(document, "application/fhir+json")
    assert isinstance(reading, HospitalNotification), reading
    return reading


def elements(document: bytes) -> list[tuple[str, str]]:
    reading = read_any(document, "application/fhir+json")
    assert isinstance(reading, Unreadable), reading
    return [(problem.element, problem.code) for problem in reading.problems]


def test_an_admission_is_read() -> None:
    notification = accepted(hospital_notification(report_wanted=True))
    assert (notification.event, notification.change) == (StayEvent.ADMITTED, Change.NEW)
    assert notification.cpr == "1502779995"
    assert notification.sender_sor == "227871000016001"
    assert (notification.receiver, notification.receiver_kind) == ("451000016003", "sor")
    assert notification.started == datetime(2022, 6, 7, 10, 0, tzinfo=UTC)
    assert notification.ended is None
    assert notification.stay == "bd481c38-a921-11ed-afa1-0242ac120002"
    assert notification.deceased is None
    assert notification.report_wanted


@pytest.mark.parametrize(
    ("activity", "status", "event"),
    [
        ("admit-inpatient", "in-progress", StayEvent.ADMITTED),
        ("admit-emergency", "in-progress", StayEvent.ACUTE),
        ("start-leave-inpatient", "onleave", StayEvent.LEAVE_STARTED),
        ("end-leave-inpatient", "in-progress", StayEvent.LEAVE_ENDED),
        ("discharge-inpatient-home", "finished", StayEvent.DISCHARGED),
        ("discharge-emergency-home", "finished", StayEvent.DISCHARGED),
    ],
)
@pytest.mark.parametrize(
    ("prefix", "change"),
    [("", Change.NEW), ("revise-", Change.REVISED), ("cancel-", Change.CANCELLED)],
)
def test_each_activity_has_its_meaning(
    activity: str, status: str, event: StayEvent, prefix: str, change: Change
) -> None:
    notification = accepted(
        hospital_notification(
            document_id="second",
            activity=f"{prefix}{activity}",
            status="entered-in-error" if prefix == "cancel-" else status,
            previous="first",
            ended="2022-06-09T09:45:30+02:00",
        )
    )
    assert (notification.event, notification.change) == (event, change)
    assert notification.previous == "first"


def test_leave_has_its_own_period() -> None:
    notification = accepted(
        hospital_notification(
            activity="end-leave-inpatient",
            previous="first",
            leave_started="2022-06-10T14:00:00+02:00",
            leave_ended="2022-06-11T15:30:00+02:00",
        )
    )
    assert notification.leave_started == datetime(2022, 6, 10, 12, 0, tzinfo=UTC)
    assert notification.leave_ended == datetime(2022, 6, 11, 13, 30, tzinfo=UTC)


def test_death_is_an_ended_stay_of_someone_deceased() -> None:
    """MedCom's own example of MORS carries the activity of the admission."""
    dead = {"status": "finished", "ended": "2022-06-09T09:45:30+02:00", "deceased": True}
    for activity in ("admit-inpatient", "discharge-inpatient-home"):
        notification = accepted(
            hospital_notification(activity=activity, previous="first", **dead)  # type: ignore[arg-type]
        )
        assert notification.event is StayEvent.DECEASED
        assert notification.deceased is True


def test_a_death_taken_back_says_so() -> None:
    notification = accepted(
        hospital_notification(
            activity="revise-discharge-inpatient-home",
            status="finished",
            ended="2022-06-09T09:45:30+02:00",
            previous="death",
            deceased=False,
        )
    )
    assert (notification.event, notification.change) == (StayEvent.DISCHARGED, Change.REVISED)
    assert notification.deceased is False
    assert notification.previous == "death"


def test_entered_in_error_is_a_cancellation_whatever_the_activity() -> None:
    notification = accepted(hospital_notification(status="entered-in-error", previous="first"))
    assert notification.change is Change.CANCELLED


def test_the_messages_of_the_same_stay_are_history() -> None:
    document = hospital_notification(
        activity="discharge-inpatient-home",
        status="finished",
        ended="2022-06-09T09:45:30+02:00",
        previous="second",
        history=("first", "second"),
    )
    notification = accepted(document)
    assert (notification.event, notification.previous) == (StayEvent.DISCHARGED, "second")


def test_an_instant_without_an_offset_is_danish() -> None:
    notification = accepted(hospital_notification(started="2022-12-07T12:00:00"))
    assert notification.started == datetime(2022, 12, 7, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            hospital_notification(activity="born"),
            ("Provenance.activity", "not-supported"),
        ),
        (
            hospital_notification(activity="cancel-admit-inpatient"),
            ("Provenance.entity.what.reference", "required"),
        ),
        (hospital_notification(started=None), ("Encounter.period.start", "required")),
        (hospital_notification(started="i går"), ("Encounter.period.start", "value")),
        (
            hospital_notification(activity="discharge-inpatient-home", status="finished"),
            ("Encounter.period.end", "required"),
        ),
        (
            hospital_notification(stay=None),
            ("Encounter.episodeOfCare.identifier.value", "required"),
        ),
        (
            hospital_notification(cpr="3102779995"),
            ("Patient.identifier.where(system='urn:oid:1.2.208.176.1.2').value", "value"),
        ),
        (
            hospital_notification(sender_sor="afdelingen"),
            ("MessageHeader.sender", "value"),
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(document: bytes, expected: tuple[str, str]) -> None:
    assert elements(document) == [expected]


def test_plans_are_read_as_before() -> None:
    for document in (ruddi_fhir(), ruddi_ggop()):
        plan = read_any(document)
        assert isinstance(plan, Plan)
        assert plan == read(document)


def test_whoever_takes_plans_alone_refuses_it_by_name() -> None:
    reading = read(hospital_notification())
    assert isinstance(reading, Unreadable)
    assert "hospital-notification-message" in reading.problems[0].text
