"""Assessments over HTTP: the scales, what a professional recorded, and how it has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.referral import store_assessments, store_citizens, store_course
from services.referral.assessment import (
    AssessmentCase,
    Disputed,
    RecordAssessment,
    Unfit,
    decide_assessment,
)
from services.referral.assessment_policy import AXES, FIRST, Policy, propose
from services.referral.carrying_out import Decided, signature
from services.referral.events import zulu
from services.referral.facts import Scores
from services.referral.identity import assessment_id
from services.referral.order import Window
from services.referral.plan import PlanType
from services.referral.programme import Name, Programme
from services.referral.programme_terms import Level
from services.referral.referral_endpoints import Referrals
from services.referral.register import Register
from services.referral.store_citizens import Access
from services.referral.terms import Track
from shared.crypto import Unreadable
from shared.endpoints import Answer, Call, Endpoint, Refused

if TYPE_CHECKING:
    from services.referral.order import Order
    from services.referral.referral import Referral
    from shared.database import Row
    from shared.handling import Unit

READERS: Final = frozenset({"desk", "therapist"})
RECORDERS: Final = frozenset({"desk", "therapist"})


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeWish(_Form):
    """A time that suits the citizen; what is left out is open."""

    weekday: int | None = Field(default=None, ge=1, le=7)
    begin: time | None = None
    end: time | None = None

    @model_validator(mode="after")
    def _upright(self) -> Self:
        if self.begin is not None and self.end is not None and self.end <= self.begin:
            raise ValueError("a time ends after it has begun")
        return self


class Body(_Form):
    """An assessment as it is sent. Goals and texts are the citizen's and are sealed at once."""

    complexity: int
    resources: int
    motivation: int
    readiness: int
    level: Literal["basal", "avanceret"] | None = None
    track: Track | None = None
    why: str | None = Field(default=None, max_length=2000, description="Why not as proposed")
    goals: tuple[str, ...] = Field(min_length=1, max_length=10)
    with_citizen: bool
    why_without: str | None = Field(default=None, max_length=2000)
    disputed: tuple[Disputed, ...] = ()
    citizen_says: str | None = Field(default=None, max_length=2000)
    point: str = Field(default=FIRST, max_length=40)
    vulnerable: bool | None = None
    transport: bool | None = None
    windows: tuple[TimeWish, ...] | None = Field(default=None, max_length=20)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if any(not goal.strip() or len(goal) > 500 for goal in self.goals):
            raise ValueError("a goal has 1 to 500 characters")
        if not self.with_citizen and not self.why_without:
            raise ValueError("an assessment without the citizen says why_without")
        if self.disputed and not self.citizen_says:
            raise ValueError("what is disputed comes with what the citizen_says")
        return self

    def scores(self) -> Scores:
        """The four axes."""
        return Scores(**{axis: getattr(self, axis) for axis in AXES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessments:
    """The endpoints of assessments."""

    decided: Decided
    register: Register
    policy: Policy

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        path = "/referrals/{id}/assessments"
        return (
            Endpoint(method="GET", path="/assessment-scales", handler=self.scales),
            Endpoint(method="GET", path=path, handler=self.show, roles=READERS),
            Endpoint(method="POST", path=path, handler=self.record, roles=RECORDERS),
        )

    async def scales(self, unit: Unit, call: Call) -> object:
        """The policy: scales with anchors and sources, rules, tracks, points of re-assessment."""
        policy = self.policy
        return {
            "version": policy.version,
            "scales": {
                axis: {
                    "name": _name(scale.name),
                    "instrument": scale.instrument,
                    "source": scale.source,
                    "anchors": [{"value": a.value, **_name(a.name)} for a in scale.anchors],
                }
                for axis, scale in policy.scales.items()
            },
            "rules": [
                {"track": rule.track, "because": rule.because, "bounds": dict(rule.bounds)}
                for rule in policy.rules
            ],
            "tracks": {track.value: _name(rule.name) for track, rule in policy.tracks.items()},
            "reassessed": dict(policy.points),
        }

    async def record(self, unit: Unit, call: Call) -> Answer:
        """Records an assessment: level and track as decided; the order follows."""
        said = call.read(Body)
        row = await Referrals(decided=self.decided).row(unit, call)
        id_ = row["referral_id"]
        desk = await self.decided.load(unit, id_)
        referral = desk.referrals[id_]
        order = desk.order_of(referral)
        proposed = self._proposed(said)
        if said.track not in {None, proposed} and not said.why:
            raise Refused(422, f"the policy proposes {proposed}: another track says why")
        people = await store_citizens.by_ids(unit.conn, [referral.citizen_id])
        new = assessment_id(call.id)
        words = {
            "goals": said.goals,
            "why": said.why,
            "why_without": said.why_without,
            "citizen_says": said.citizen_says,
            "decided_by": call.staff.name,
        }
        sealed = self.register.seal_for(people[referral.citizen_id], orjson.dumps(words), new)
        case = AssessmentCase(
            referral=referral,
            order=order,
            programme=self._programme(referral, order, said.level),
            known=(await store_course.attendances(unit.conn, [id_])).get(id_, []),
            before=(await store_assessments.recorded(unit.conn, [id_])).get(id_, []),
            policy=self.policy,
        )
        command = RecordAssessment(
            assessment_id=new,
            point=said.point,
            scores=said.scores(),
            level=Level(said.level) if said.level is not None else None,
            track=said.track,
            with_citizen=said.with_citizen,
            disputed=tuple(one.value for one in said.disputed),
            goals=len(said.goals),
            sealed=sealed,
            by=signature(call),
            vulnerable=said.vulnerable,
            transport=said.transport,
            windows=_windows(said.windows),
        )
        facts = decide_assessment(case, command, unit.now)
        if isinstance(facts, Unfit):
            raise Refused(facts.status, facts.text)
        applied = self.decided.apply(desk, facts)
        desk.accessed(_access(call, "assessment.record", referral.citizen_id))
        await desk.save(unit.conn, unit.now)
        content = {
            "assessment_id": new,
            "proposed": proposed,
            "track": said.track or proposed,
            "because": propose(self.policy, command.scores).because,
            "follows": [event.type for event in applied.events],
        }
        return Answer(content=content, applied=applied, status=201)

    async def show(self, unit: Unit, call: Call) -> object:
        """A referral's assessments, the first one first, with what changed; reading is logged."""
        row = await Referrals(decided=self.decided).row(unit, call)
        people = await store_citizens.by_ids(unit.conn, [row["citizen_id"]])
        await store_citizens.log_access(
            unit.conn, [_access(call, "assessment.show", row["citizen_id"])], unit.now
        )
        found: list[Mapping[str, Any]] = []
        before: Row | None = None
        for one in await store_assessments.rows_of(unit.conn, row["referral_id"]):
            try:
                opened = self.register.open_for(
                    people[row["citizen_id"]], one["sealed"], one["assessment_id"]
                )
                words = orjson.loads(opened)
            except Unreadable:
                words = {"goals": None}  # erased with the citizen's key
            found.append({**_shown(one, before, self.policy), **words})
            before = one
        return found

    def _proposed(self, said: Body) -> Track:
        scores = said.scores()
        for axis in AXES:
            scale = self.policy.scales[axis]
            if not scale.holds(getattr(scores, axis)):
                least, most = scale.anchors[0].value, scale.anchors[-1].value
                raise Refused(422, f"{axis} lies between {least} and {most}")
        return propose(self.policy, scores).track

    def _programme(
        self, referral: Referral, order: Order | None, level: str | None
    ) -> Programme | None:
        """What the order becomes a course of: the level's programme where the type has levels."""
        if referral.type is PlanType.ALMEN:
            if level is None:
                raise Refused(422, "a plan of type almen gets a level: basal or avanceret")
            return self.decided.portfolio.of_plan(PlanType.ALMEN, Level(level))
        if level is not None:
            raise Refused(422, "only a plan of type almen has a level")
        if order is None:
            return None
        return self.decided.portfolio.programmes.get(order.programme)


def _windows(wishes: Sequence[TimeWish] | None) -> tuple[Window, ...] | None:
    if wishes is None:
        return None
    return tuple(Window(weekday=one.weekday, begin=one.begin, end=one.end) for one in wishes)


def _access(call: Call, action: str, citizen_id: str) -> Access:
    return Access(
        actor=f"staff:{call.staff.id}", action=action, citizen_id=citizen_id, cause=call.id
    )


def _shown(row: Row, before: Row | None, policy: Policy) -> Mapping[str, Any]:
    scores = {}
    for axis in AXES:
        anchors = {anchor.value: anchor.name for anchor in policy.scales[axis].anchors}
        meaning = anchors.get(row[axis]) if row["policy"] == policy.version else None
        scores[axis] = {
            "value": row[axis],
            "difference": row[axis] - before[axis] if before is not None else None,
            **(_name(meaning) if meaning is not None else {}),
        }
    return {
        "assessment_id": row["assessment_id"],
        "point": row["point"],
        "recorded_at": zulu(row["recorded_at"]),
        "policy": row["policy"],
        "scores": scores,
        "level": row["level"],
        "track_proposed": row["proposed"],
        "track": row["track"],
        "with_citizen": row["with_citizen"],
        "disputed": row["disputed"],
        "by": {"id": row["decided_by"], "role": row["decided_role"], "unit": row["decided_unit"]},
    }


def _name(name: Name) -> dict[str, str]:
    return {"da": name.da, "en": name.en}
