"""Who just comes is counted, and never named: drop-in.counted.v1, its SQL and its endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.referral.data_files import ID_PATTERN
from services.referral.evaluation.suppression import small
from services.referral.incoming import named_faults
from services.referral.limit import local_day
from services.referral.programme import Programme
from shared.endpoints import Answer, Call, Endpoint, Refused
from shared.envelope import TYPE_PREFIX, Event
from shared.handling import Applied, Dead
from shared.staff import EVERYBODY

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.envelope import Message
    from shared.handling import Outcome, Unit

TOPIC: Final = "drop-ins"
OLDEST: Final = timedelta(days=366)
Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
Code = Annotated[str, Field(pattern=ID_PATTERN, max_length=60)]


class Count(BaseModel):
    """How many came to an open offer on a day; said anew, the newest number holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Code
    programme: Code
    day: date
    count: int = Field(ge=0, le=1000)
    place: Code | None = Field(default=None, description="Which of the provider's places")


class DropInCounted(Count):
    """So many came (the day's whole number at this place, never a difference)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str] = f"{TYPE_PREFIX}drop-in.counted.v1"

    by: str = Field(description="The member of staff who counted")
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DropIns:
    """The endpoints and the handler."""

    programmes: Mapping[str, Programme]

    async def count(self, unit: Unit, call: Call) -> Answer:
        """POST /drop-ins. Raises Refused."""
        said = call.read(Count)
        call.must_work_for(said.provider)
        programme = self.programmes.get(said.programme)
        if programme is None or not programme.drop_in:
            raise Refused(422, f"nobody just comes to {said.programme}: genvej programmes list")
        today = local_day(unit.now)
        if not today - OLDEST <= said.day <= today:
            raise Refused(422, f"day: {said.day} is no day of the last year")
        counted = DropInCounted(**said.model_dump(), by=call.staff.id, at=unit.now)
        await _keep(unit.conn, counted)
        event = Event(
            topic=TOPIC,
            key=counted.provider,
            type=counted.event_type,
            subject=f"{counted.provider}/{counted.programme}/{counted.day}",
            value=counted.model_dump_json().encode(),
        )
        return Answer(content={"count": counted.count}, applied=Applied(events=[event]))

    async def figures(self, unit: Unit, call: Call) -> object:
        """GET /drop-ins: by programme and month; small counts are left out, with their days."""
        mine = None if call.staff.provider == EVERYBODY else call.staff.provider
        rows = await unit.conn.fetch(
            """SELECT programme, to_char(day, 'YYYY-MM') AS month, sum(visitors)::int AS count,
                      count(DISTINCT day)::int AS days
               FROM drop_ins WHERE $1::text IS NULL OR provider = $1
               GROUP BY 1, 2 ORDER BY 1, 2""",
            mine,
        )
        return [
            dict(row) | ({"count": None, "days": None} if small(row["count"]) else {})
            for row in rows
        ]

    async def hear(self, unit: Unit, messages: Sequence[Message], /) -> Sequence[Outcome]:
        """See `shared.handling.Handler`: our own word, so that a restored database catches up."""
        outcomes: list[Outcome] = []
        for message in messages:
            if message.type != DropInCounted.event_type:
                outcomes.append(Dead(reason=f"unknown type {message.type or '(none)'}"))
                continue
            try:
                counted = DropInCounted.model_validate_json(message.value or b"")
            except ValidationError as error:
                outcomes.append(Dead(reason=named_faults(error), holds=message.subject))
                continue
            await _keep(unit.conn, counted)
            outcomes.append(Applied())
        return outcomes

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All of them."""
        return (
            Endpoint(method="POST", path="/drop-ins", handler=self.count),
            Endpoint(method="GET", path="/drop-ins", handler=self.figures),
        )


async def _keep(conn: Connection, counted: DropInCounted) -> None:
    await conn.execute(
        """INSERT INTO drop_ins (provider, programme, day, place, visitors, counted_by, counted_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (provider, programme, day, place) DO UPDATE SET
               visitors = excluded.visitors, counted_by = excluded.counted_by,
               counted_at = excluded.counted_at
           WHERE drop_ins.counted_at <= excluded.counted_at""",
        counted.provider,
        counted.programme,
        counted.day,
        counted.place or "",
        counted.count,
        counted.by,
        counted.at,
    )


PRODUCED: Final[dict[str, dict[str, type[BaseModel]]]] = {
    TOPIC: {DropInCounted.event_type: DropInCounted}
}
EXAMPLE: Final = DropInCounted(
    provider="316",
    programme="back-counselling",
    day=date(2022, 5, 25),
    count=7,
    place="h1",
    by="316-desk",
    at=datetime(2022, 5, 25, 15, 0, tzinfo=UTC),
)
