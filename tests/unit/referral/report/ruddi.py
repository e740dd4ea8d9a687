"""KL's story of Ruddi Test Berggren as facts: eight events, each with its report.

hl7dk/kl-gateway-rehab 2.2.0: `input/pagecontent/example.md` tells it, `input/fsh/ruddi.fsh` has
the reports of the events 1, 2, 6, 7 and 8. Ids, codes and times are KL's. Of the trainings KL gives
the first day (31 May) and the last one's times; the days between and their times are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from services.referral.plan import PlanType
from services.referral.report import Bundle, deliver
from services.referral.report.codes import (
    ASSESSMENT,
    SKS_D,
    Category,
    Delivery,
    EndReason,
    Level,
)
from services.referral.report.facts import (
    CarePlanOpened,
    CitizenRegistered,
    ConditionFound,
    ConditionLeftFocus,
    CourseEnded,
    Diagnosis,
    EncounterHeld,
    EncounterOffered,
    Fact,
    InterventionPlanned,
    LevelSet,
    Organisation,
    PlanReceived,
    ReportDelivered,
    TakenBack,
)

BASE = "https://test.fhir.dk"
RUDDI = "95ce3be6-dba6-48ab-b5d1-8a25929414dc"
SENDER = Organisation(id="55a0e014-0e97-4c26-8ef2-29d528bfcc46", sor="227871000016001")
TRAINER = Organisation(id="7fdd6dc0-3f9f-4914-b34a-7c6495ba0880", sor="1037801000016003")
FRACTURE = "51d652a8-0ece-4d1d-8071-7baceb9701b2"
PLAN = "152a1f8f-db33-4fa4-b5ea-c6f4e5cebd22"
EXAMINATION = "0735f195-a0fc-4f1f-b7be-5b3f6b8fee4a"
EXAMINED = "c4558767-7524-4aa6-8280-bf042d5d3e85"
MOBILITY = "a6ed3134-f27a-41bb-976c-b627af1c85bb"
TRANSFERS = "0b9adc44-6ab6-4060-8adc-a723e7da6608"
COURSE = "1c74e3e8-e038-4182-a545-d86a9f064d44"
TRAINING = "663797c4-1024-4971-978c-c02c5caf8861"
TRAINED = (
    "0d1c1b5c-25a7-4f3c-8a5e-3f7b8f3a1e31",
    "0d1c1b5c-25a7-4f3c-8a5e-3f7b8f3a1e32",
    "0d1c1b5c-25a7-4f3c-8a5e-3f7b8f3a1e33",
    "955eda13-0ee6-4de0-91d6-598ed92cef5e",
)
PETERS_COURSE = "c8be2dc6-caa3-4c7e-81e8-0347896fb4d3"
PETERS_TRAINING = "8f0db8cd-af6e-4221-9aca-01da21706779"
PETERS_FUNCTIONAL = "abf3df7f-8b61-4c01-89dd-ac6ca9c58ae3"

PHYSICAL = "2abe20c7-c0b4-41c1-b397-52acf36499ef"
FUNCTIONAL = "58293f63-00d7-4730-8dbc-c784d40f9e23"


def citizen(**changes: object) -> CitizenRegistered:
    """Ruddi, whose record Holbæk Kommune keeps."""
    stated: dict[str, object] = {
        "citizen_id": RUDDI,
        "cpr": "1502779995",
        "keeper_sor": "451000016003",
        "deceased": False,
    }
    return CitizenRegistered(**{**stated, **changes})  # type: ignore[arg-type]


def plan(**changes: object) -> PlanReceived:
    """Ruddi's plan of type almen, received on 23 May; discharge on 24 May."""
    stated: dict[str, object] = {
        "request_id": PLAN,
        "requester": SENDER,
        "type": PlanType.ALMEN,
        "received": date(2022, 5, 23),
        "discharge": date(2022, 5, 24),
        "diagnoses": (
            Diagnosis(
                condition_id=FRACTURE,
                system=SKS_D,
                code="DS721",
                text="Pertrokantær femurfraktur",
            ),
        ),
    }
    return PlanReceived(**{**stated, **changes})  # type: ignore[arg-type]


def examination() -> InterventionPlanned:
    """The therapist's assessment, granted on 23 May."""
    return InterventionPlanned(
        intervention_id=EXAMINATION,
        code=ASSESSMENT,
        delivery=(Delivery.INDIVIDUAL,),
        granted=date(2022, 5, 23),
        request_id=PLAN,
        performer=TRAINER,
    )


def training_of(care_plan: str, intervention: str, code: str, granted: date) -> InterventionPlanned:
    """Training in a group, as part of a care plan."""
    return InterventionPlanned(
        intervention_id=intervention,
        code=code,
        delivery=(Delivery.GROUP,),
        granted=granted,
        care_plan_id=care_plan,
    )


def course(care_plan: str, granted: date, request_id: str | None) -> CarePlanOpened:
    """An intervention course at Holbæk's training centre."""
    return CarePlanOpened(
        care_plan_id=care_plan,
        category=Category.INTERVENTION,
        granted=granted,
        performer=TRAINER,
        request_id=request_id,
    )


def trained(number: int, day: date) -> EncounterHeld:
    """An hour's training."""
    start = datetime(day.year, day.month, day.day, 10, 20, tzinfo=UTC)
    return EncounterHeld(encounter_id=TRAINED[number], of=COURSE, start=start, minutes=60)


def evening(month: int, day: int) -> datetime:
    """When KL's reports are made."""
    return datetime(2022, month, day, 19, 25, 12, tzinfo=UTC)


FIRST: tuple[Fact, ...] = (
    citizen(),
    plan(),
    LevelSet(request_id=PLAN, level=Level.BASAL),
    examination(),
    EncounterOffered(of=EXAMINATION, day=date(2022, 5, 28)),
)
SECOND: tuple[Fact, ...] = (
    EncounterHeld(
        encounter_id=EXAMINED,
        of=EXAMINATION,
        start=datetime(2022, 5, 28, 12, 10, tzinfo=UTC),
        minutes=30,
    ),
    CourseEnded(of=EXAMINATION, on=date(2022, 5, 28)),
    ConditionFound(
        condition_id=MOBILITY,
        code="dd41df82-3c13-4523-b9c5-e83676425299",
        recorded=date(2022, 5, 28),
    ),
    ConditionFound(
        condition_id=TRANSFERS,
        code="86e1982c-f459-4658-9071-e4bf3453a687",
        recorded=date(2022, 5, 28),
    ),
    course(COURSE, date(2022, 5, 28), PLAN),
    training_of(COURSE, TRAINING, PHYSICAL, date(2022, 5, 28)),
)
# A therapist means Peter, and has Ruddi's record open.
SEVENTH: tuple[Fact, ...] = (
    course(PETERS_COURSE, date(2022, 6, 22), None),
    training_of(PETERS_COURSE, PETERS_TRAINING, PHYSICAL, date(2022, 6, 22)),
    training_of(PETERS_COURSE, PETERS_FUNCTIONAL, FUNCTIONAL, date(2022, 6, 22)),
)
EIGHTH: tuple[Fact, ...] = (
    ConditionLeftFocus(condition_id=MOBILITY),
    ConditionLeftFocus(condition_id=TRANSFERS),
    CourseEnded(of=COURSE, on=date(2022, 6, 23), reason=EndReason.OPTED_OUT_OTHER_TRAINING),
    TakenBack(of=PETERS_COURSE),
)
EVENTS: tuple[tuple[datetime, tuple[Fact, ...]], ...] = (
    (evening(5, 23), FIRST),
    (evening(5, 28), SECOND),
    (evening(5, 31), (trained(0, date(2022, 5, 31)),)),
    (evening(6, 7), (trained(1, date(2022, 6, 7)),)),
    (evening(6, 14), (trained(2, date(2022, 6, 14)),)),
    (evening(6, 21), (trained(3, date(2022, 6, 21)),)),
    # KL stamps the seventh report on the eve of its event (22 June), and so do we.
    (evening(6, 21), SEVENTH),
    (evening(6, 23), EIGHTH),
)


def reports(base: str | None = BASE) -> Iterator[Bundle]:
    """The report of each event, delivered as soon as it is made."""
    history: list[Fact] = []
    for at, facts in EVENTS:
        history += facts
        yield deliver(history, at=at, base=base)
        history.append(ReportDelivered(at))


def whole_story() -> list[Fact]:
    """All eight events, nothing delivered."""
    return [fact for _, facts in EVENTS for fact in facts]
