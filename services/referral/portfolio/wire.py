"""portfolio.stated.v1: the register's statements as others read them, and as we read them back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.referral.data_files import ID_PATTERN
from services.referral.portfolio.register import Kind, State, Stated, Statement
from shared.envelope import TYPE_PREFIX, Event

TOPIC: Final = "portfolio"
Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Code = Annotated[str, Field(pattern=ID_PATTERN, max_length=60)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class OfferState(BaseModel):
    """What is said of one provider's offer; the newest of the two holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    provider: Code
    provider_name: Line
    kind: Kind = Field(description="What the provider is")
    offer: Code = Field(description="A programme's id, or that of an offer that is no programme")
    offer_name: Line = Field(description="In Danish")
    state: State
    source: Line = Field(description="Who says it")
    day: date | None = Field(default=None, description="When it was so")
    what: Text | None = Field(default=None, description="What a referrer may expect")
    opened: Text | None = Field(default=None, description="When it is open, or how long one waits")
    to_whom: Text | None = Field(default=None, description="For whom it is")
    instead: tuple[Code, ...] = Field(
        default=(), description="Providers that take its orders by agreement, in this order"
    )
    survey: Code | None = Field(default=None, description="The survey that it answers")


class PortfolioStated(OfferState):
    """A provider's offer is in this state (its whole state, by provider and offer)."""

    event_type: ClassVar[str] = f"{TYPE_PREFIX}portfolio.stated.v1"

    by: str = Field(description="The member of staff who stated it")
    at: Instant


def statement_of(model: OfferState) -> Statement:
    """A statement in this service's terms."""
    return Statement(**{name: getattr(model, name) for name in OfferState.model_fields})


def stated_of(model: PortfolioStated) -> Stated:
    """A statement with who made it and when."""
    return Stated(statement=statement_of(model), by=model.by, at=model.at)


def wire_of(stated: Stated) -> PortfolioStated:
    """The event's data."""
    one = stated.statement
    said = {name: getattr(one, name) for name in OfferState.model_fields}
    return PortfolioStated(**said, by=stated.by, at=stated.at)


def event_of(stated: Stated) -> Event:
    """The event; its key is what a newer one replaces."""
    one = stated.statement
    return Event(
        topic=TOPIC,
        key=f"{one.provider}/{one.offer}",
        type=PortfolioStated.event_type,
        subject=f"{one.provider}/{one.offer}",
        value=wire_of(stated).model_dump_json().encode(),
    )


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    TOPIC: {PortfolioStated.event_type: PortfolioStated}
}
EXAMPLE: Final = PortfolioStated(
    provider="316",
    provider_name="Holbæk Kommune",
    kind=Kind.MUNICIPALITY,
    offer="back-counselling",
    offer_name="Åben rygrådgivning",
    state=State.IN_DEVELOPMENT,
    day=date(2022, 5, 1),
    source="Holbæk Kommune",
    what="Rådgivning uden henvisning",
    opened="Fra efteråret",
    to_whom="Borgere med ondt i lænden",
    instead=("730",),
    by="316-planner",
    at=datetime(2022, 5, 23, 6, 0, tzinfo=UTC),
)
"""What a reader proves itself on; the state is made up."""
