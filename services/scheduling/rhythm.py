"""Times for a course: its sessions with their rhythm, as far as possible with one therapist.

The engine's dynamic programme (`engine/courses.py`) over what a provider's calendar offers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.scheduling.capacity import local_date
from services.scheduling.course import BETWEEN, earliest_after
from services.scheduling.engine.calendar import Day, cells_of, runs
from services.scheduling.engine.courses import CoursePrice, Offer, Rhythm, plan_course
from services.scheduling.engine.grid import day_number
from services.scheduling.engine.search import Engaged, Search, Site
from services.scheduling.gatherings import Meeting, meetings, reason_of
from services.scheduling.orders import Answer, Order, Slot
from services.scheduling.proposals import Proposals
from services.scheduling.telling import opens_from

_FAR: Final = timedelta(days=120)
"""So far ahead a course is planned at most; later rosters are seldom stated."""


@dataclass(frozen=True, slots=True)
class _Time:
    """What an offer stands for; `meeting` where several people meet."""

    site: Site
    day: Day
    cell: int
    meeting: Meeting | None = None


def in_rhythm(
    asks: Proposals, orders: Sequence[Order], previous: date, own: str | None, now: datetime
) -> list[Answer]:
    """Times for as many of a step's next sessions as there are, from the first on.

    `orders` are the sessions of one step, `previous` is the day of the session before them, and
    `own` the therapist who had it, who is asked first. Empty where not even the first has a time
    within its rhythm.
    """
    first = max(earliest_after(orders[0], previous), asks.provider.terms.earliest(now))
    times, by_day = _offers(asks, orders[0], first, first + _FAR, now)
    metres = [
        asks.provider.terms.weights.of_way(orders[0], site.distance_m)
        for site in _sites(asks, orders[0])
    ]
    gap = orders[0].gap or BETWEEN
    latest = day_number(previous) + gap.most
    opening = [one for one in by_day if one.day <= latest]
    rhythm = _rhythm(orders)
    for count in range(len(orders), 0, -1):
        for only in (own, None) if own is not None else (None,):
            offers = [_of(opening, only), *([_of(by_day, only)] * (count - 1))]
            course = plan_course(offers, rhythm, metres, CoursePrice(), earliest=day_number(first))
            if course is not None:
                return [
                    _answer(asks, order, times[offer], course.therapist)
                    for order, offer in zip(orders, course.sessions, strict=False)
                ]
    return []


def _rhythm(orders: Sequence[Order]) -> Rhythm:
    gap = (orders[1].gap if len(orders) > 1 else None) or BETWEEN
    fewest = max(1, gap.least)
    most = max(fewest, gap.most)
    return Rhythm(fewest=fewest, best=(fewest + most) // 2, most=most)


def _of(offers: Sequence[Offer], only: str | None) -> list[Offer]:
    return [one for one in offers if only is None or only in one.people]


def _sites(asks: Proposals, order: Order) -> tuple[Site, ...]:
    return asks.sites_of(order)[0]


def _offers(
    asks: Proposals, order: Order, first: date, last: date, now: datetime
) -> tuple[dict[Offer, _Time], list[Offer]]:
    """Each therapist's first time on each day at each location."""
    if order.step.gathers:
        return _meetings(asks, order, first, last, now)
    engaged = Engaged(asks.provider.diary.others(order), asks.provider.terms.transfer)
    sites = _sites(asks, order)
    search = Search(asks.calendar, order, sites, first, last, engaged, asks.provider.terms.rides)
    times: dict[Offer, _Time] = {}
    for rank, site in enumerate(sites):
        for day in asks.calendar.days(site.code, first, last):
            free = search.free(rank, day)
            for therapist, cell in _starts(day, order, free):
                offer = Offer(day=day_number(day.date), slot=cell, place=rank, people=(therapist,))
                times[offer] = _Time(site, day, cell)
    return times, sorted(times)


def _meetings(
    asks: Proposals, order: Order, first: date, last: date, now: datetime
) -> tuple[dict[Offer, _Time], list[Offer]]:
    """Seats in open groups, and on days without one a new group or meeting."""
    codes = [site.code for site in _sites(asks, order)]
    times: dict[Offer, _Time] = {}
    found = sorted(
        meetings(asks, order, first, last, opens_from(asks.provider.terms, order, now)),
        key=lambda one: (one.cost, one.slot.start, one.slot.location),
    )
    taken: set[date] = set()
    for one in found:
        on = local_date(one.slot.start)
        day = asks.calendar.day(one.slot.location, on)
        if day is None or (one.cost and on in taken):
            continue
        taken.add(on)
        cell = day.cell(one.slot.start)
        offer = Offer(
            day=day_number(on),
            slot=cell,
            place=codes.index(one.slot.location),
            people=one.slot.staff,
            group=one.slot.group,
        )
        times[offer] = _Time(one.site, day, cell, one)
    return times, sorted(times)


def _starts(day: Day, order: Order, free: int) -> Iterator[tuple[str, int]]:
    cells = cells_of(order.step.minutes)
    for staff in day.staff.values():
        if order.step.competences <= staff.competences:
            own = runs(staff.free, cells) & free
            if own:
                yield staff.id, (own & -own).bit_length() - 1


def _answer(asks: Proposals, order: Order, time: _Time, therapist: str) -> Answer:
    day, cell = time.day, time.cell
    if time.meeting is not None:
        return Answer(
            slot=time.meeting.slot,
            distance_m=time.site.distance_m if order.step.travels else 0,
            alternatives=(),
            reason=f"Session {order.number} of the course. {reason_of(time.meeting)}",
            shortfall=None,
        )
    bits = ((1 << cells_of(order.step.minutes)) - 1) << cell
    rather = therapist if _is_free(day, therapist, bits) else None
    who = rather or min(
        one.id
        for one in day.staff.values()
        if order.step.competences <= one.competences and one.free & bits == bits
    )
    room = None
    if order.step.room:
        room = min(
            code
            for code, free in day.rooms.items()
            if free & bits == bits and order.step.equipment <= day.equipment[code]
        )
    start = day.instant(cell)
    own = "the course's own therapist" if who == therapist else f"{therapist} is not free"
    return Answer(
        slot=Slot(time.site.code, who, room, start, start + timedelta(minutes=order.step.minutes)),
        distance_m=time.site.distance_m if order.step.travels else 0,
        alternatives=(),
        reason=f"Session {order.number} of the course, {day.date}, at {time.site}: {own}.",
        shortfall=None,
    )


def _is_free(day: Day, therapist: str, bits: int) -> bool:
    staff = day.staff.get(therapist)
    return staff is not None and staff.free & bits == bits
