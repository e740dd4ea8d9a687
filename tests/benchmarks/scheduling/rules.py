"""What a plan for scenario R5 must keep to, and what it costs: written from the rules alone.

Nothing here knows an engine: a plan is a list of rows, and each row is looked up in the world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from tests.benchmarks.scheduling.world import COMPETENCES, KEEPS_DAYS, Request, World

LATE = 1_000_000  # metres for a late start
LATE_DAY = 50_000  # metres for each day of lateness
WAITED_DAY = 3_000  # metres for each day waited, late or not
NEVER = 100_000  # metres on top for one who is never booked


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One booking: who, with whom, when, and on the evening of which day the citizen was told."""

    request: int
    therapist: int
    day: int
    slot: int
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Shares in percent, distances in kilometres, the mean price in kilometres a request."""

    late: float
    vulnerable_late: float
    lost: float
    km: float
    km_p90: float
    waited: float
    mean_days_late: float
    most_days_late: int
    price: float
    unbooked: int


class BrokenRuleError(Exception):
    """A row of the plan breaks a rule of the scenario."""


def check(world: World, rows: Iterable[Row]) -> dict[int, tuple[int, int]]:
    """Returns site and day of each booked request; raises at the first row that breaks a rule."""
    roster = {(o.therapist, o.day, o.slot): (o.competence_class, o.site) for o in world.openings}
    taken: set[tuple[int, int, int]] = set()
    rooms: Counter[tuple[int, int, int]] = Counter()
    plan: dict[int, tuple[int, int]] = {}
    for row in rows:
        hour = (row.therapist, row.day, row.slot)
        request = world.requests[row.request]
        if row.request in plan:
            raise BrokenRuleError(f"request {row.request} is booked twice")
        if hour not in roster:
            raise BrokenRuleError(f"{hour} is not open (therapist, day, slot)")
        if hour in taken:
            raise BrokenRuleError(f"{hour} is booked twice (therapist, day, slot)")
        competence_class, site = roster[hour]
        if request.kind not in COMPETENCES[competence_class]:
            raise BrokenRuleError(f"request {row.request}: the therapist lacks the competence")
        if not (request.wants_slot(row.slot) and request.wants_day(row.day)):
            raise BrokenRuleError(f"request {row.request}: outside the citizen's window")
        if not request.earliest <= row.day <= request.last:
            raise BrokenRuleError(f"request {row.request}: day {row.day} is too early or too late")
        if not request.arrival <= row.told < row.day:
            raise BrokenRuleError(f"request {row.request}: told on day {row.told}")
        rooms[site, row.day, row.slot] += 1
        if rooms[site, row.day, row.slot] > world.rooms[site]:
            raise BrokenRuleError(f"site {site}, day {row.day}, slot {row.slot}: too few rooms")
        taken.add(hour)
        plan[row.request] = (site, row.day)
    return plan


def price(request: Request, site: int, day: int) -> int:
    """What a session costs, in metres."""
    over = max(0, day - request.limit)
    lateness = LATE + LATE_DAY * over if over else 0
    waited = WAITED_DAY * (day - request.earliest)
    return request.weight * lateness + request.metres[site] + waited


def score(world: World, plan: dict[int, tuple[int, int]]) -> Score:
    """Scores a checked plan. One never booked counts as late by twice the days of keeping."""
    total, late_days, waits, metres = 0, [], [], []
    late: list[bool] = []
    for number, request in enumerate(world.requests):
        booked = plan.get(number)
        day = booked[1] if booked else request.limit + 2 * KEEPS_DAYS
        late.append(day > request.limit)
        if booked:
            metres.append(request.metres[booked[0]])
            total += price(request, *booked)
        else:
            total += request.weight * (LATE + LATE_DAY * 2 * KEEPS_DAYS) + NEVER
        if day > request.limit:
            late_days.append(day - request.limit)
        else:
            waits.append(day - request.earliest)
    counted = [n for n, lost in enumerate(world.lost) if not lost]
    vulnerable = [n for n in counted if world.requests[n].weight > 1]
    return Score(
        late=_percent(late[n] for n in counted),
        vulnerable_late=_percent(late[n] for n in vulnerable),
        lost=_percent(world.lost),
        km=fmean(metres) / 1000 if metres else 0.0,
        km_p90=_quantile(metres, 0.9) / 1000,
        waited=fmean(waits) if waits else 0.0,
        mean_days_late=fmean(late_days) if late_days else 0.0,
        most_days_late=max(late_days, default=0),
        price=total / len(world.requests) / 1000,
        unbooked=len(world.requests) - len(plan),
    )


def _percent(flags: Iterable[bool]) -> float:
    values = list(flags)
    return 100 * sum(values) / len(values) if values else 0.0


def _quantile(values: list[int], share: float) -> float:
    """The quantile, linear between neighbours."""
    if not values:
        return 0.0
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
