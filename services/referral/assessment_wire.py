"""assessment.recorded as it travels: scores and decisions in the clear, words sealed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from services.referral.events import REFERRALS, AboutReferral, Instant, SignedBy
from services.referral.facts import AssessmentRecorded
from services.referral.referral import Referral
from shared.envelope import TYPE_PREFIX


class ScoresWire(BaseModel):
    """Where the citizen stands on each axis, by the scales of the policy."""

    model_config = ConfigDict(frozen=True)

    complexity: int = Field(description="ICF generic qualifier, 0 to 4")
    resources: int = Field(description="ICF facilitators, 0 to 4")
    motivation: int = Field(description="Importance ruler, 0 to 10")
    readiness: int = Field(description="Stages of change, 0 to 4")


class AssessmentRecordedWire(AboutReferral):
    """The citizen's needs, as a professional found them with the citizen."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}assessment.recorded.v1"

    assessment_id: str
    point: str = Field(description="first, or one of the policy's points of re-assessment")
    policy: str = Field(description="Version of the policy: its scales, anchors and rules")
    scores: ScoresWire
    level: str | None = Field(description="basal or avanceret; null where the type has no levels")
    track_proposed: str
    because: str = Field(description="Why the policy proposed it")
    track: str = Field(description="self-directed, group, individual or coordinated, as decided")
    with_citizen: bool
    disputed: tuple[str, ...] = Field(description="What the citizen does not agree with")
    goals: int = Field(description="How many goals; their words are sealed")
    sealed: str = Field(
        description="Base64: goals and free text, AES-256-GCM under the citizen's own key"
    )
    decided_by: SignedBy
    previous: str | None = Field(description="The assessment before")
    difference: dict[str, int] = Field(description="By how much axes have moved since")
    assessed_at: Instant


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    REFERRALS: {AssessmentRecordedWire.event_type: AssessmentRecordedWire}
}
EXAMPLE: Final = AssessmentRecordedWire(
    referral_id="8d26206a-02c4-556a-bdde-7b9e1a342db3",
    citizen_id="LFCSLXUVF5CQFOKQRD6HPNQBLI",
    provider="316",
    assessment_id="0b7f3c4e-5a0b-5d5e-9c63-5f0b6d0c2a11",
    point="midway",
    policy="esbjerg-1",
    scores=ScoresWire(complexity=2, resources=3, motivation=8, readiness=3),
    level="basal",
    track_proposed="group",
    because="at most moderate problems, and the citizen is about to act: others help on the way",
    track="group",
    with_citizen=True,
    disputed=("track",),
    goals=2,
    sealed=base64.b64encode(b"nonce, ciphertext and tag").decode(),
    decided_by=SignedBy(id="316-therapist", role="therapist", unit="Genoptræningen, Holbæk"),
    previous="3e1f0d52-6f1e-5b0a-8a86-0d2f0f6f2b77",
    difference={"complexity": -1, "readiness": 1},
    assessed_at=datetime(2022, 6, 17, 9, 0, tzinfo=UTC),
)


def wire_of(fact: AssessmentRecorded, referral: Referral) -> AssessmentRecordedWire:
    """The event of an assessment."""
    return AssessmentRecordedWire(
        referral_id=referral.referral_id,
        citizen_id=referral.citizen_id,
        provider=referral.provider,
        assessment_id=fact.assessment_id,
        point=fact.point,
        policy=fact.policy,
        scores=ScoresWire(
            complexity=fact.scores.complexity,
            resources=fact.scores.resources,
            motivation=fact.scores.motivation,
            readiness=fact.scores.readiness,
        ),
        level=fact.level,
        track_proposed=fact.proposed,
        because=fact.because,
        track=fact.track,
        with_citizen=fact.with_citizen,
        disputed=fact.disputed,
        goals=fact.goals,
        sealed=base64.b64encode(fact.sealed).decode(),
        decided_by=SignedBy(id=fact.by.id, role=fact.by.role, unit=fact.by.unit),
        previous=fact.previous,
        difference=dict(fact.difference),
        assessed_at=fact.at,
    )
