"""evaluation.asked.v1 and evaluation.answered.v1."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.referral.programme_terms import Moment
from shared.envelope import TYPE_PREFIX, Event

TOPIC: Final = "evaluations"
Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Id = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class _About(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    evaluation_id: Id
    provider: Id
    programme: Id
    form: Id
    moment: Moment
    at: Instant


class EvaluationAsked(_About):
    """A citizen is to answer a form of their programme."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}evaluation.asked.v1"

    referral_id: Id
    citizen_id: Id
    municipality: str = Field(default="", max_length=100, description="Who writes to the citizen")
    code: str = Field(
        default="",
        max_length=20,
        description="What the citizen says who answers; the same for all forms of one moment",
    )


class EvaluationAnswered(_About):
    """A form was answered; the newest answer holds. Whose it is, is not said."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}evaluation.answered.v1"

    answers: tuple[int, ...] = Field(description="By item, from the first on")
    score: float
    by: Id = Field(description="The member of staff who wrote it down")


Wire = EvaluationAsked | EvaluationAnswered


def event_of(wire: Wire) -> Event:
    """The event."""
    return Event(
        topic=TOPIC,
        key=wire.provider,
        type=wire.event_type,
        subject=wire.evaluation_id,
        value=wire.model_dump_json().encode(),
    )


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    TOPIC: {model.event_type: model for model in (EvaluationAsked, EvaluationAnswered)}
}
EXAMPLES: Final[tuple[BaseModel, ...]] = (
    EvaluationAsked(
        evaluation_id="4f6f4c38-58a5-5d5f-9a8f-0b6a4b8c7d21",
        provider="316",
        programme="p140-basal",
        form="whodas-12",
        moment=Moment.BEFORE,
        at=datetime(2022, 5, 28, 8, 0, tzinfo=UTC),
        referral_id="8d26206a-02c4-556a-bdde-7b9e1a342db3",
        citizen_id="LFCSLXUVF5CQFOKQRD6HPNQBLI",
        municipality="316",
        code="K3VQA-7TMPX",
    ),
    EvaluationAnswered(
        evaluation_id="4f6f4c38-58a5-5d5f-9a8f-0b6a4b8c7d21",
        provider="316",
        programme="p140-basal",
        form="whodas-12",
        moment=Moment.BEFORE,
        at=datetime(2022, 5, 30, 8, 0, tzinfo=UTC),
        answers=(2, 3, 1, 0, 2, 1, 3, 2, 0, 1, 2, 1),
        score=18.0,
        by="316-therapist",
    ),
)
