"""Microseconds of one decision as the service takes it: a provider's calendar, reasons included."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import numpy as np

from services.scheduling.capacity import Location, LocationWeek, Room, Shift, Therapist, week_of
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.limits import Arrival, BookingLimits
from services.scheduling.engine.model import Requests
from services.scheduling.engine.online import Site, propose
from services.scheduling.engine.priced import within
from services.scheduling.orders import Order, Step
from tests.benchmarks.scheduling.policies import published_rates
from tests.benchmarks.scheduling.world import COMPETENCES, SITES, World, make_world

MONDAY = date(2026, 11, 23)


def names(kinds: frozenset[int]) -> frozenset[str]:
    """Competences by name."""
    return frozenset(str(kind) for kind in kinds)


def a_calendar(world: World, weeks: int = 14) -> Calendar:
    """The world's openings as stated capacity: five locations, forty therapists."""
    calendar = Calendar(lambda _: False)
    for number, (code, *_) in enumerate(SITES):
        for week in range(weeks):
            shifts: dict[int, list[Shift]] = {}
            classes: dict[int, int] = {}
            for opening in world.openings:
                if opening.site == number and opening.day // 7 == week:
                    on = MONDAY + timedelta(days=opening.day)
                    start = datetime(on.year, on.month, on.day, 7 + opening.slot, tzinfo=UTC)
                    shift = Shift(start, start + timedelta(hours=1))
                    shifts.setdefault(opening.therapist, []).append(shift)
                    classes[opening.therapist] = opening.competence_class
            staff = tuple(
                Therapist(
                    id=f"{therapist:02}",
                    competences=names(COMPETENCES[classes[therapist]]),
                    languages=frozenset({"da"}),
                    shifts=tuple(hours),
                )
                for therapist, hours in sorted(shifts.items())
            )
            calendar.state(
                LocationWeek(
                    provider="730",
                    location=Location(
                        code=code, name=code, address="", postcode="8900", lat=56.4, lon=10.0
                    ),
                    week=week_of(MONDAY + timedelta(weeks=week)),
                    version=1,
                    rooms=tuple(
                        Room(code=f"{code}{room}", name="") for room in range(world.rooms[number])
                    ),
                    therapists=staff,
                    closed=False,
                ),
                (),
            )
    return calendar


def expected(pattern: Requests, by_weekday: tuple[float, ...]) -> BookingLimits[frozenset[str]]:
    """Whom room is kept for: the scenario's published arrivals."""
    rows = zip(
        pattern.earliest.tolist(), pattern.limit.tolist(), pattern.kind.tolist(), strict=True
    )
    likes = (Arrival(a, b, frozenset({str(kind)})) for a, b, kind in rows)
    return BookingLimits(by_weekday, likes, within)


def online_microseconds(citizens: int = 2_000) -> tuple[float, float]:
    """Median and 99th percentile of one decision with booking limits and reasons, booking
    included, over the first citizens of a town at load 0.95."""
    world = make_world(1, 0.95)
    calendar = a_calendar(world)
    rates = published_rates(world.per_week)
    keep = expected(rates.pattern, rates.by_weekday)
    taken = []
    for number, one in enumerate(world.requests[:citizens]):
        today = MONDAY + timedelta(days=one.arrival)
        order = Order(
            order_id=f"{number:05}",
            referral_id=f"{number:05}",
            citizen_id=f"{number:05}",
            provider="730",
            earliest=MONDAY + timedelta(days=one.earliest),
            limit=MONDAY + timedelta(days=one.limit),
            vulnerable=one.weight > 1,
            postcode="8900",
            language="da",
            transport=False,
            windows=(),
            step=Step(
                step_id="1",
                minutes=60,
                competences=frozenset({str(one.kind)}),
                room=True,
                delivery="location",
            ),
        )
        sites = sorted(
            (Site(SITES[at][0], SITES[at][0], way) for at, way in enumerate(one.metres)),
            key=lambda site: site.distance_m or 0,
        )
        started = time.perf_counter()
        answer = propose(calendar, order, sites, order.earliest, expected=keep, today=today)
        if answer.slot is not None:
            calendar.take(answer.slot)
        taken.append(1e6 * (time.perf_counter() - started))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))
