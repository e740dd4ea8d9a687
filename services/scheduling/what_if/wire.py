"""A question as JSON, over HTTP and to the process that simulates; people are in neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scheduling.engine.locations import Rooms, Staff
from services.scheduling.incoming import CapacityStated, WindowIn
from services.scheduling.orders import Window
from services.scheduling.weights import WEIGHTS, Weights
from services.scheduling.what_if.demand import Demand, Request, of_the_past
from services.scheduling.what_if.question import Objective, Policy, Question

Count = Annotated[int, Field(ge=1, le=200)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Money = Annotated[float, Field(ge=0, lt=1e12)]

STAFF = {"follow": Staff.FOLLOW, "spread": Staff.SPREAD, "cut": Staff.CUT}
ROOMS = {"stay": Rooms.STAY, "move": Rooms.MOVE}


class PaceIn(BaseModel):
    """How a transition goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weeks: Annotated[int, Field(ge=1, le=26)] = 4
    notice: Annotated[int, Field(ge=1, le=182)] = 14


class Asked(BaseModel):
    """What a planner asks. What becomes of staff and rooms must be said."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    provider: Code
    staff: Literal["follow", "spread", "cut"]
    rooms: Literal["stay", "move"]
    keep: list[Annotated[int, Field(ge=-1000, le=1000)]] = Field(default=[], max_length=20)
    close: list[Code] = Field(default=[], max_length=50)
    stay: list[Code] = Field(default=[], max_length=50)
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
    weeks: Annotated[int, Field(ge=1, le=104)] = 12
    minutes: Annotated[int, Field(ge=5, le=600)] | None = Field(
        default=None, description="Of a first session; null: as most of the past's were"
    )
    replay: bool = False
    budget: Money | None = None
    rents: dict[Code, Money] = {}
    ride_cost: Money | None = None
    ride_km_cost: Money | None = None
    transition: PaceIn | None = None

    def question(self, weights: Weights = WEIGHTS) -> Question:
        """The question in the engine's terms. Raises `InvalidInputError`."""
        return Question(
            staff=STAFF[self.staff],
            rooms=ROOMS[self.rooms],
            sizes=tuple(self.keep),
            close=tuple(self.close),
            stay=tuple(self.stay),
            growth=self.plans,
            objective=self.objective,
            policy=self.policy,
            tell=2 if self.tell is None else self.tell,
            seeds=self.seeds,
            quick_seeds=self.quick_seeds,
            best=self.best,
            load=self.load,
            replay=self.replay,
            budget=self.budget,
            rents=dict(self.rents),
            ride_cost=self.ride_cost,
            ride_km_cost=self.ride_km_cost,
            weights=weights,
        )


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


class Job(BaseModel):
    """All that the process which simulates needs."""

    asked: Asked
    weights: Mapping[str, float]
    first: date
    weeks: list[CapacityStated]
    past: list[PastRequest]


def demand_of(past: Sequence[PastRequest], known: Mapping[str, Any], source: str) -> Demand:
    """The past as the engine's demand. Raises `InvalidInputError` where there is none."""
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
        )
        for one in past
    ]
    return of_the_past(requests, known, source)
