"""Orders a ride for each session whose citizen needs one, moves it and cancels it with the session.

This is all that the author of a service writes: what is read (tolerant models), what follows from
it (`decide`, a pure function), and the SQL. Offsets, duplicates, retries, transactions, dead
letters, metrics and health are the runtime's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from pydantic import BaseModel, ValidationError

from shared.handling import Applied, Dead, Outcome, Unit
from shared.service import Service, Subscription
from shared.settings import ServiceSettings

if TYPE_CHECKING:
    from shared.database import Connection
    from shared.envelope import Message

EARLY: Final = timedelta(minutes=15)
"""How long before the session a ride arrives, and after it the next one leaves."""


class TransportSettings(ServiceSettings):
    """The transport office's settings: those of every service."""

    service: ClassVar[str] = "transport"


# -- what is read: only the fields that we use, anything else is ignored --------------------------


class Location(BaseModel):
    """Where a session takes place."""

    name: str
    address: str
    postcode: str


class SessionPlanned(BaseModel):
    """session.offered.v1, session.moved.v1 and session.restated.v1."""

    session_id: str
    citizen_id: str
    revision: int
    start: datetime
    end: datetime
    location: Location
    transport: bool


class SessionCancelled(BaseModel):
    """session.cancelled.v1."""

    session_id: str
    revision: int


MODELS: Final[dict[str, type[SessionPlanned | SessionCancelled]]] = {
    "dk.genvej.session.offered.v1": SessionPlanned,
    "dk.genvej.session.moved.v1": SessionPlanned,
    "dk.genvej.session.restated.v1": SessionPlanned,
    "dk.genvej.session.cancelled.v1": SessionCancelled,
}


# -- what follows from it: no clock, no database --------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """A ride there and back. A session has at most one."""

    session_id: str
    citizen_id: str
    revision: int
    state: Literal["ordered", "cancelled"]
    arrive_by: datetime
    return_at: datetime
    destination: str


def decide(ride: Ride | None, news: SessionPlanned | SessionCancelled) -> Ride | None:
    """The ride as it should be after the news; None where there is nothing to do."""
    if ride is not None and ride.revision >= news.revision:
        return None
    if isinstance(news, SessionPlanned) and news.transport:
        place = news.location
        return Ride(
            session_id=news.session_id,
            citizen_id=news.citizen_id,
            revision=news.revision,
            state="ordered",
            arrive_by=news.start - EARLY,
            return_at=news.end + EARLY,
            destination=f"{place.name}, {place.address}, {place.postcode}",
        )
    if ride is None:
        return None
    return Ride(
        session_id=ride.session_id,
        citizen_id=ride.citizen_id,
        revision=news.revision,
        state="cancelled",
        arrive_by=ride.arrive_by,
        return_at=ride.return_at,
        destination=ride.destination,
    )


# -- where it stands ------------------------------------------------------------------------------


async def load(conn: Connection, session_id: str) -> Ride | None:
    """The session's ride, locked until the batch is committed."""
    row = await conn.fetchrow("SELECT * FROM rides WHERE session_id = $1 FOR UPDATE", session_id)
    return None if row is None else Ride(**row)


async def save(conn: Connection, ride: Ride) -> None:
    """Writes the ride as it now is."""
    await conn.execute(
        """INSERT INTO rides VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (session_id) DO UPDATE SET
             citizen_id = excluded.citizen_id, revision = excluded.revision,
             state = excluded.state, arrive_by = excluded.arrive_by,
             return_at = excluded.return_at, destination = excluded.destination""",
        *(ride.session_id, ride.citizen_id, ride.revision, ride.state),
        *(ride.arrive_by, ride.return_at, ride.destination),
    )


# -- the handler, and the service -----------------------------------------------------------------


async def training(unit: Unit, messages: Sequence[Message]) -> Sequence[Outcome]:
    """Takes a batch of the topic `training`."""
    return [await _one(unit.conn, message) for message in messages]


async def _one(conn: Connection, message: Message) -> Outcome:
    model = MODELS.get(message.type)
    if model is None:
        return Applied()
    try:
        news = model.model_validate_json(message.value or b"")
    except ValidationError as error:
        where = ", ".join(str(problem["loc"]) for problem in error.errors())
        return Dead(reason=f"{message.type} lacks or misstates {where}", holds=message.subject)
    ride = decide(await load(conn, news.session_id), news)
    if ride is not None:
        await save(conn, ride)
    return Applied()


SERVICE: Final = Service(
    name="transport",
    migrations=Path(__file__).parent / "migrations",
    subscriptions=[Subscription(topics=["training"], handler=training)],
)
