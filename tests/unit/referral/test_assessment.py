"""The policy proposes a track, a professional decides, and the order follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from services.referral import assessment_file
from services.referral.assessment import (
    AssessmentCase,
    RecordAssessment,
    Recorded,
    Unfit,
    decide_assessment,
)
from services.referral.assessment_course import merged, steps_of
from services.referral.assessment_policy import AXES, propose
from services.referral.commands import Case
from services.referral.course import Attendance
from services.referral.domain import decide
from services.referral.evolving import evolve
from services.referral.facts import (
    AssessmentRecorded,
    Closed,
    OrderChanged,
    OrderPlaced,
    Scores,
    WorkClosed,
    WorkOpened,
)
from services.referral.identity import step_id
from services.referral.order import Order, Window
from services.referral.plan import PlanType
from services.referral.programme_terms import Level, StepKind
from services.referral.referral import CloseReason, Referral
from services.referral.signature import Signature
from services.referral.terms import Track, WorkReason
from tests.unit.referral.factories import NOW, POLICY, PORTFOLIO, a_plan, after, facts_of, taking

JENS = Signature(id="316-therapist", role="therapist", unit="Genoptræningen")
BASAL = PORTFOLIO.of_plan(PlanType.ALMEN, Level.BASAL)
MIDDLING = Scores(complexity=2, resources=2, motivation=6, readiness=2)


def ordered() -> tuple[Referral, Order]:
    facts = facts_of(decide(Case(), taking(a_plan()), NOW))
    (order,) = (fact.order for fact in facts if isinstance(fact, OrderPlaced))
    return after(None, facts), order


def came(order: Order, step: int, number: int = 1) -> Attendance:
    start = datetime.fromisoformat("2022-05-28T07:00:00+00:00") + timedelta(days=number)
    return Attendance(
        session_id=f"{step}/{number}",
        step_id=step_id(order.order_id, step),
        start=start,
        attended=True,
        said_at=start,
    )


def a_case(**given: object) -> AssessmentCase:
    referral, order = ordered()
    case = AssessmentCase(
        referral=referral,
        order=order,
        programme=BASAL,
        known=[came(order, 1)],
        before=(),
        policy=POLICY,
    )
    return replace(case, **given)  # type: ignore[arg-type]


def found(**given: object) -> RecordAssessment:
    command = RecordAssessment(
        assessment_id="a-1",
        point="first",
        scores=MIDDLING,
        level=Level.BASAL,
        track=None,
        with_citizen=True,
        disputed=(),
        goals=1,
        sealed=b"sealed",
        by=JENS,
    )
    return replace(command, **given)  # type: ignore[arg-type]


def test_every_axis_has_a_sourced_scale_with_anchors_at_both_ends() -> None:
    for axis in AXES:
        scale = POLICY.scales[axis]
        assert scale.source
        assert scale.anchors[0].value == 0
        assert scale.anchors[-1].value in {4, 10}
        assert all(anchor.name.da and anchor.name.en for anchor in scale.anchors)


@pytest.mark.parametrize(
    ("scores", "track"),
    [
        (Scores(complexity=3, resources=1, motivation=9, readiness=3), Track.COORDINATED),
        (Scores(complexity=1, resources=3, motivation=8, readiness=2), Track.SELF_DIRECTED),
        (Scores(complexity=1, resources=3, motivation=5, readiness=2), Track.GROUP),
        (Scores(complexity=2, resources=0, motivation=5, readiness=3), Track.GROUP),
        (Scores(complexity=2, resources=2, motivation=5, readiness=1), Track.INDIVIDUAL),
        (Scores(complexity=4, resources=3, motivation=9, readiness=4), Track.INDIVIDUAL),
    ],
)
def test_the_policy_proposes_a_track(scores: Scores, track: Track) -> None:
    assert propose(POLICY, scores).track is track


def test_the_policy_proposes_something_for_everybody() -> None:
    seen = {
        propose(POLICY, Scores(complexity=c, resources=r, motivation=m, readiness=p)).track
        for c, r, m, p in product(range(5), range(5), range(11), range(5))
    }
    assert seen == set(Track)


def test_an_assessment_makes_the_order_the_levels_course() -> None:
    facts = decide_assessment(a_case(), found(), NOW)
    assert isinstance(facts, tuple)
    (said,) = (fact for fact in facts if isinstance(fact, AssessmentRecorded))
    assert (said.proposed, said.track, said.by) == (Track.GROUP, Track.GROUP, JENS)
    (changed,) = (fact.order for fact in facts if isinstance(fact, OrderChanged))
    assert changed.programme == BASAL.id
    assert changed.steps == BASAL.steps
    assert changed.order_id == ordered()[1].order_id


@pytest.mark.parametrize(
    ("track", "kinds"),
    [
        (Track.SELF_DIRECTED, ["assessment", "counselling"]),
        (Track.GROUP, ["assessment", "training", "training"]),
        (Track.INDIVIDUAL, ["assessment", "training", "training"]),
        (Track.COORDINATED, ["assessment", "conference", "training", "training"]),
    ],
)
def test_each_track_gives_other_steps(track: Track, kinds: list[str]) -> None:
    steps = steps_of(BASAL, POLICY.tracks[track])
    assert [step.kind.value for step in steps] == kinds
    training = [step for step in steps if step.kind is StepKind.TRAINING]
    alone = track in {Track.INDIVIDUAL, Track.COORDINATED}
    assert all((step.seats.most == 1) >= alone for step in training)
    for step in steps:
        if step.kind is StepKind.CONFERENCE:
            assert sum(leader.count for leader in step.leaders) == 2


def test_the_professional_decides_and_planning_hears_of_wishes() -> None:
    morning = Window(weekday=1)
    command = found(track=Track.INDIVIDUAL, vulnerable=True, transport=True, windows=(morning,))
    facts = decide_assessment(a_case(), command, NOW)
    assert isinstance(facts, tuple)
    (said,) = (fact for fact in facts if isinstance(fact, AssessmentRecorded))
    assert (said.proposed, said.track) == (Track.GROUP, Track.INDIVIDUAL)
    (changed,) = (fact.order for fact in facts if isinstance(fact, OrderChanged))
    assert (changed.vulnerable, changed.transport, changed.windows) == (True, True, (morning,))


def test_a_citizen_who_disagrees_is_followed_up_by_a_human() -> None:
    facts = decide_assessment(a_case(), found(disputed=("track",)), NOW)
    assert isinstance(facts, tuple)
    opened = [(f.reason, f.about) for f in facts if isinstance(f, WorkOpened)]
    assert opened == [(WorkReason.ASSESSMENT_DISPUTED, "a-1")]
    assert any(isinstance(fact, OrderChanged) for fact in facts), "the course does not wait"


def test_an_assessment_settles_what_asked_for_it() -> None:
    case = a_case()
    for reason, about in (("assessment-missing", ""), ("reassessment-due", "midway")):
        opened = WorkOpened(
            referral_id=case.referral.referral_id, reason=WorkReason(reason), about=about
        )
        case = replace(case, referral=evolve(case.referral, opened))
    facts = decide_assessment(case, found(), NOW)
    assert isinstance(facts, tuple)
    assert [f.reason for f in facts if isinstance(f, WorkClosed)] == [WorkReason.ASSESSMENT_MISSING]
    facts = decide_assessment(case, found(point="midway"), NOW)
    assert isinstance(facts, tuple)
    assert len([f for f in facts if isinstance(f, WorkClosed)]) == 2


def test_a_second_assessment_shows_the_difference_and_leaves_what_was_held() -> None:
    case = a_case()
    assert case.order is not None
    course = replace(case.order, programme=BASAL.id, steps=BASAL.steps)
    before = Recorded(
        assessment_id="a-0",
        point="first",
        scores=Scores(complexity=3, resources=2, motivation=6, readiness=1),
        level=Level.BASAL,
        track=Track.GROUP,
    )
    known = [came(course, 1), *(came(course, 2, n) for n in range(1, 6))]
    case = replace(case, order=course, before=[before], known=known)
    command = found(point="midway", track=Track.COORDINATED)
    facts = decide_assessment(case, command, NOW)
    assert isinstance(facts, tuple)
    (said,) = (fact for fact in facts if isinstance(fact, AssessmentRecorded))
    assert (said.previous, dict(said.difference)) == ("a-0", {"complexity": -1, "readiness": 1})
    (changed,) = (fact.order for fact in facts if isinstance(fact, OrderChanged))
    ids = [step.id for step in changed.steps]
    assert ids == ["assessment", "physical-training", "conference", "functional-training"]
    assert changed.steps[1].seats.most == 1


def test_a_step_that_is_no_longer_wanted_keeps_what_was_held() -> None:
    _, order = ordered()
    course = replace(order, steps=BASAL.steps)
    known = [came(course, 1), *(came(course, 2, n) for n in range(1, 4))]
    wanted = steps_of(BASAL, POLICY.tracks[Track.SELF_DIRECTED])
    steps = merged(course, wanted, known)
    assert [(step.id, step.count) for step in steps] == [
        ("assessment", 1),
        ("physical-training", 3),
        ("follow-up", 1),
    ]


def test_self_directed_without_a_follow_up_ends_the_course() -> None:
    tracks = dict(POLICY.tracks)
    tracks[Track.SELF_DIRECTED] = replace(tracks[Track.SELF_DIRECTED], follow_up=None)
    alone = replace(BASAL, steps=BASAL.opening)
    case = a_case(policy=replace(POLICY, tracks=tracks), programme=alone)
    facts = decide_assessment(case, found(track=Track.SELF_DIRECTED), NOW)
    assert isinstance(facts, tuple)
    assert [f.reason for f in facts if isinstance(f, Closed)] == [CloseReason.SELF_DIRECTED]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"scores": replace(MIDDLING, motivation=11)}, 422, "motivation lies between 0 and 10"),
        ({"point": "someday"}, 422, "first or midway or before-end"),
    ],
)
def test_what_cannot_be_recorded_is_said(change: dict[str, object], status: int, says: str) -> None:
    refused = decide_assessment(a_case(), found(**change), NOW)
    assert isinstance(refused, Unfit)
    assert refused.status == status
    assert says in refused.text


def test_an_ended_referral_is_not_assessed() -> None:
    case = a_case()
    closed = Closed(referral_id=case.referral.referral_id, reason=CloseReason.REVOKED, at=NOW)
    refused = decide_assessment(replace(case, referral=evolve(case.referral, closed)), found(), NOW)
    assert refused == Unfit(409, "the referral has ended")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('version = "esbjerg-1"', "", "version"),
        ("[scale.readiness]", "[scale.patience]", "scale must be of"),
        ('track = "individual"\nbecause', 'track = "alone"\nbecause', "rule.3.track"),
        ('value = 4, da = "Totale', 'value = 1, da = "Totale', "least value to the greatest"),
        (
            'because = "what remains',
            'complexity = { min = 1 }\nbecause = "what remains',
            "fit everybody",
        ),
    ],
)
def test_a_policy_that_cannot_be_used_says_where_and_why(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    text = assessment_file.DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "assessment.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(assessment_file.AssessmentFileError, match=says):
        assessment_file.load(path)
