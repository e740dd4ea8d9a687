"""Who comes: a municipality's own past requests, or places with people and an assumed rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Final

import numpy as np

from services.scheduling.engine.model import InvalidInputError
from services.scheduling.geography import Point
from services.scheduling.orders import Window

LOCATION: Final = "location"
DELIVERIES: Final = (LOCATION, "home", "screen", "telephone")
PATTERNS: Final = 4000  # drawn once: enough that their shares are the stated ones to a per cent

# When a plan comes, in days from the discharge: 82 % of plans are sent within a day of the end of
# the contact (Sundhedsdatastyrelsen, figures for 2018). The other shares, the weekdays, the wishes
# and the share of vulnerable are assumptions, printed with every answer.
LAGS: Final = ((-2, 0.05), (0, 0.57), (1, 0.20), (2, 0.06), (3, 0.05), (5, 0.03), (8, 0.04))
WEEKDAYS: Final = (0.20, 0.18, 0.18, 0.18, 0.20, 0.04, 0.02)
LATER_START, LATER_BY = 0.05, 14
VULNERABLE: Final = 0.20
MORNING, AFTERNOON, TWO_WEEKDAYS = 0.15, 0.15, 0.10
NOON: Final = time(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A citizen who needs a first session; nothing here tells who they are.

    `limit` is None where no limit holds; `district` is a name in the demand's `districts`. The
    session takes `minutes` (0: as long as most), is held at a location, at home, by screen or by
    telephone (`delivery`), and needs a `room` with `equipment`. `bedside`: the plan came before
    discharge.
    """

    arrived: date
    earliest: date
    limit: date | None
    district: str
    competences: frozenset[str]
    language: str = "da"
    vulnerable: bool = False
    transport: bool = False
    windows: tuple[Window, ...] = ()
    minutes: int = 0
    delivery: str = LOCATION
    room: bool = True
    equipment: frozenset[str] = frozenset()
    bedside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Who comes, and from where. `districts` maps names to places, None where unknown.

    `by_weekday` holds arrivals a day, Monday first, where a rate is stated; without it the
    requests' own rate counts. `weight` is what a district weighs in a p-median.
    """

    source: str
    requests: Sequence[Request]
    districts: Mapping[str, Point | None]
    weight: Mapping[str, float]
    by_weekday: tuple[float, ...] | None = None
    notes: tuple[str, ...] = field(default=())


def of_the_past(requests: Sequence[Request], known: Mapping[str, Point], source: str) -> Demand:
    """The municipality's own requests; a district is a postcode. Raises `InvalidInputError`."""
    if not requests:
        raise InvalidInputError(f"{source} holds no requests: there is nothing to plan for")
    names = sorted({one.district for one in requests})
    unknown = sorted(name for name in names if name not in known)
    notes = [
        f"{sum(one.district == name for one in requests)} requests have the postcode "
        f"{name or '(none)'}, which is not known: every way is counted as 30 km for them"
        for name in unknown
    ]
    return Demand(
        source=source,
        requests=tuple(sorted(requests, key=lambda one: one.arrived)),
        districts={name: known.get(name) for name in names},
        weight={name: float(sum(one.district == name for one in requests)) for name in names},
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where people live."""

    name: str
    at: Point
    people: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a share of the citizens needs: whom, for how long (0: as long as most), and where."""

    competences: frozenset[str]
    share: float
    minutes: int = 0
    delivery: str = LOCATION


def of_places(
    places: Sequence[Place],
    needs: Sequence[Need],
    *,
    per_week: float,
    first: date,
    source: str,
    rides: float = 0.0,
    limit_days: int = 7,
    seed: int = 5,
) -> Demand:
    """Citizens drawn by population, `per_week` of them, a share `rides` (0 to 1) with a ride.

    Raises `InvalidInputError` for what cannot be drawn from.
    """
    people = np.array([place.people for place in places], float)
    shares = np.array([need.share for need in needs], float)
    if not len(places) or people.sum() <= 0:
        raise InvalidInputError(f"{source} holds no people: an empty municipality needs no plan")
    if (people < 0).any() or not len(needs) or (shares < 0).any() or shares.sum() <= 0:
        raise InvalidInputError(f"{source}: people and shares must be numbers of 0 and more")
    if not 0 < per_week <= 100_000:
        raise InvalidInputError("plans a week must be above 0")
    chance = np.random.Generator(np.random.PCG64(seed))
    home = chance.choice(len(places), PATTERNS, p=people / people.sum())
    need = chance.choice(len(needs), PATTERNS, p=shares / shares.sum())
    lag = chance.choice(len(LAGS), PATTERNS, p=[share for _, share in LAGS])
    dice = chance.random((PATTERNS, 4))
    weekday = chance.integers(0, 5, PATTERNS)
    anchor = first + timedelta(days=28)
    requests = []
    for row in range(PATTERNS):
        discharge = anchor - timedelta(days=LAGS[lag[row]][0])
        start = discharge + timedelta(days=LATER_BY if dice[row, 0] < LATER_START else 0)
        requests.append(
            Request(
                arrived=anchor,
                earliest=max(anchor + timedelta(days=1), discharge + timedelta(days=1), start),
                limit=start + timedelta(days=limit_days),
                district=places[home[row]].name,
                competences=needs[need[row]].competences,
                minutes=needs[need[row]].minutes,
                delivery=needs[need[row]].delivery,
                room=needs[need[row]].delivery == LOCATION,
                bedside=anchor < discharge,
                vulnerable=bool(dice[row, 1] < VULNERABLE),
                transport=bool(dice[row, 2] < rides),
                windows=_wishes(float(dice[row, 3]), int(weekday[row])),
            )
        )
    return Demand(
        source=source,
        requests=requests,
        districts={place.name: place.at for place in places},
        weight={place.name: place.people for place in places},
        by_weekday=tuple(per_week * share for share in WEEKDAYS),
        notes=(
            f"assumed: {per_week:g} plans a week, by population; 82 % come within a day of the "
            "discharge or before it; 20 % are vulnerable; 5 % start 14 days later; 15 % want "
            "mornings, 15 % afternoons, 10 % two weekdays; "
            f"{rides:.0%} need a ride",
        ),
    )


def _wishes(dice: float, weekday: int) -> tuple[Window, ...]:
    if dice < MORNING:
        return (Window(None, time.min, NOON),)
    if dice < MORNING + AFTERNOON:
        return (Window(None, NOON, None),)
    if dice < MORNING + AFTERNOON + TWO_WEEKDAYS:
        return tuple(Window(day + 1, time.min, None) for day in (weekday, (weekday + 2) % 5))
    return ()
