"""A question as JSON, over HTTP and to the process that simulates; people are in neither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scheduling.capacity import (
    Location,
    LocationWeek,
    Room,
    Shift,
    elsewhere,
    problems,
    week_of,
)
from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.engine.model import InvalidInputError
from services.scheduling.incoming import (
    CapacityStated,
    Day,
    LocationIn,
    RoomIn,
    WindowIn,
    stated,
)
from services.scheduling.orders import Window
from services.scheduling.settings import Municipality, terms_of
from services.scheduling.what_if.demand import LOCATION, Demand, Request, of_the_past
from services.scheduling.what_if.pose import MINUTES, Posed
from services.scheduling.what_if.question import Objective, Policy, Question
from services.scheduling.what_if.transition import Pace
from services.scheduling.what_if.world import Candidate

Count = Annotated[int, Field(ge=1, le=200)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Money = Annotated[float, Field(ge=0, lt=1e12)]

MOST_SECONDS: Final = 3600
"""So long a simulation may take in the service."""
STAFF: Mapping[str, Staff] = {
    "follow": Staff.FOLLOW,
    "spread": Staff.SPREAD,
    "cut": Staff.CUT,
    "given": Staff.AS_GIVEN,
}
ROOMS: Mapping[str, Rooms] = {"stay": Rooms.STAY, "move": Rooms.MOVE}


class PaceIn(BaseModel):
    """How a transition goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weeks: Annotated[int, Field(ge=1, le=26)] = 4
    notice: Annotated[int, Field(ge=1, le=182)] = 14


class CandidateIn(BaseModel):
    """A location that is not open today but could be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: LocationIn
    rooms: list[RoomIn] = Field(default=[], max_length=500)


class Asked(BaseModel):
    """What a planner asks. What becomes of staff and rooms must be said."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True
    )

    provider: Code
    staff: Literal["follow", "spread", "cut", "given"]
    rooms: Literal["stay", "move"]
    keep: list[Annotated[int, Field(ge=-1000, le=1000)]] = Field(default=[], max_length=20)
    close: list[Code] = Field(default=[], max_length=50)
    open: list[Code] = Field(default=[], max_length=50)
    stay: list[Code] = Field(default=[], max_length=50)
    candidates: list[CandidateIn] = Field(
        default=[], max_length=50, description="Locations that could be opened"
    )
    staff_weeks: list[CapacityStated] = Field(
        default=[], max_length=100, description="A week of each location, for staff as given"
    )
    plans: float = Field(default=1.0, description="1.3 is 30 % more plans than today")
    objective: Objective = Objective.LATE
    policy: Policy = Policy.REPLAN
    tell: int | None = Field(
        default=None, description="Open days before; 0: the same evening; null: as it is done today"
    )
    seeds: Count = 20
    quick_seeds: Count = 5
    best: Annotated[int, Field(ge=1, le=50)] = 10
    load: float | None = None
    since: Day | None = Field(
        default=None, alias="from", description="The first day; null: this week's Monday"
    )
    weeks: Annotated[int, Field(ge=1, le=104)] = 12
    minutes: Annotated[int, Field(ge=5, le=600)] | None = Field(
        default=None, description="Of every first session; null: as each of the past's was"
    )
    replay: bool = False
    budget: Money | None = None
    rents: dict[Code, Money] = {}
    ride_cost: Money | None = None
    ride_km_cost: Money | None = None
    transition: PaceIn | None = None

    def question(self, told: int) -> Question:
        """The question in the engine's terms; `told` is when citizens are told where it does not
        say. Raises `InvalidInputError`."""
        return Question(
            staff=STAFF[self.staff],
            rooms=ROOMS[self.rooms],
            sizes=tuple(self.keep),
            close=tuple(self.close),
            open=tuple(self.open),
            stay=tuple(self.stay),
            growth=self.plans,
            objective=self.objective,
            policy=self.policy,
            tell=told if self.tell is None else self.tell,
            seeds=self.seeds,
            quick_seeds=self.quick_seeds,
            best=self.best,
            load=self.load,
            replay=self.replay,
            budget=self.budget,
            rents=dict(self.rents),
            ride_cost=self.ride_cost,
            ride_km_cost=self.ride_km_cost,
        )

    def pace(self) -> Pace | None:
        """How the transition goes, where one is asked for. Raises `InvalidInputError`."""
        asked = self.transition
        return None if asked is None else Pace(weeks=asked.weeks, notice=asked.notice)


class PastRequest(BaseModel):
    """A past request without anything that tells whose it was."""

    arrived: date
    earliest: date
    limit: date | None
    postcode: str
    competences: list[str]
    language: str
    vulnerable: bool
    transport: bool
    windows: list[WindowIn]
    minutes: int
    delivery: str = LOCATION
    room: bool = True
    equipment: list[str] = []
    bedside: bool = False


class Job(BaseModel):
    """All that the process which simulates needs."""

    asked: Asked
    municipality: Municipality
    first: date
    weeks: list[CapacityStated]
    past: list[PastRequest]

    def posed(self, known: Mapping[str, Any]) -> Posed:
        """The question in the engine's terms. Raises `InvalidInputError`."""
        asked = self.asked
        monday = self.first - timedelta(days=self.first.weekday())
        return Posed(
            question=asked.question(self.municipality.tell),
            weeks=[stated(week) for week in self.weeks],
            demand=demand_of(
                self.past, known, f"the past of provider {asked.provider}", asked.minutes
            ),
            terms=terms_of(self.municipality),
            first=monday,
            days=7 * asked.weeks,
            minutes=asked.minutes or MINUTES,
            candidates=candidates_of(asked, self.municipality, monday),
            given=given_of(asked, self.municipality),
            pace=asked.pace(),
        )


def candidates_of(asked: Asked, terms: Municipality, monday: date) -> list[Candidate]:
    """The locations that could be opened. Raises `InvalidInputError` for one that could not."""
    found = []
    for one in asked.candidates:
        week = LocationWeek(
            provider=asked.provider,
            location=Location(**dict(one.location)),
            week=week_of(monday),
            version=1,
            rooms=tuple(
                Room(code=room.code, name=room.name, equipment=frozenset(room.equipment))
                for room in one.rooms
            ),
            therapists=(),
            closed=False,
        )
        _check("candidates", [week], terms)
        found.append(Candidate(location=week.location, rooms=week.rooms))
    return found


def given_of(asked: Asked, terms: Municipality) -> list[LocationWeek] | None:
    """The hours after the change, where staff is as given. Raises `InvalidInputError`."""
    if (asked.staff == "given") != bool(asked.staff_weeks):
        raise InvalidInputError("staff as given needs staff_weeks, and only that does")
    if not asked.staff_weeks:
        return None
    weeks = [stated(week) for week in asked.staff_weeks]
    if len({week.week for week in weeks}) > 1:
        raise InvalidInputError("staff_weeks: state one and the same week of every location")
    _check("staff_weeks", weeks, terms)
    return weeks


def _check(name: str, weeks: Sequence[LocationWeek], terms: Municipality) -> None:
    """Refuses what scheduling would refuse of a roster system."""
    before: dict[str, list[tuple[str, Shift]]] = {}
    for week in weeks:
        wrong = _wrong(week, before, terms)
        if (first := next(wrong, None)) is not None:
            raise InvalidInputError(f"{name}: {week.location.code}: {first}")
        before[week.location.code] = [
            (therapist.id, shift) for therapist in week.therapists for shift in therapist.shifts
        ]


def _wrong(
    week: LocationWeek, before: Mapping[str, Sequence[tuple[str, Shift]]], terms: Municipality
) -> Iterator[str]:
    for one in (*problems(week, terms.competences), *elsewhere(week, before)):
        yield f"{one.element} {one.reason}"


def demand_of(
    past: Sequence[PastRequest], known: Mapping[str, Any], source: str, minutes: int | None = None
) -> Demand:
    """The past as the engine's demand; with `minutes` all sessions take so long.

    Raises `InvalidInputError` where there is none.
    """
    requests = [
        Request(
            arrived=one.arrived,
            earliest=max(one.earliest, one.arrived + timedelta(days=1)),
            limit=one.limit,
            district=one.postcode,
            competences=frozenset(one.competences),
            language=one.language,
            vulnerable=one.vulnerable,
            transport=one.transport,
            windows=tuple(Window(w.weekday, w.begin or time.min, w.finish) for w in one.windows),
            minutes=minutes or one.minutes,
            delivery=one.delivery,
            room=one.room,
            equipment=frozenset(one.equipment),
            bedside=one.bedside,
        )
        for one in past
    ]
    return of_the_past(requests, known, source)
