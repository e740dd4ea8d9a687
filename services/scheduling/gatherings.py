"""Times at which several people meet: groups of citizens, and sessions that several lead.

A citizen joins a group that has a seat left rather than opening another; a new one needs all who
lead it, and a room, at once. Who leads in a role that no roster of the provider names (a peer, a
volunteer) is arranged outside the rosters.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.scheduling.capacity import DENMARK, local_date
from services.scheduling.engine.calendar import Day, cells_of, runs
from services.scheduling.engine.search import Engaged, Search, Site
from services.scheduling.orders import Answer, Engagement, Order, Reason, Shortfall, Slot
from services.scheduling.rules import standing
from services.scheduling.telling import opens_from

if TYPE_CHECKING:
    from services.scheduling.proposals import Proposals

_GROUPS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:groups")
OPENING: Final = 30_000
"""Metres that opening another group costs: ten days of waiting for a seat in one that is open."""
_STAFF: Final = "staff"
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A time for an order, at a site, and what it costs besides the way and the day."""

    site: Site
    slot: Slot
    cost: int


def propose_meeting(asks: Proposals, order: Order, now: datetime) -> Answer:
    """As the engine's `propose`, for an order whose step gathers several people."""
    first = asks.provider.terms.first_day(order, now)
    opens = opens_from(asks.provider.terms, order, now)
    horizon = asks.calendar.last_day()
    last = horizon if order.limit is None else min(order.limit, horizon)
    best = _least(asks, order, meetings(asks, order, first, last, opens))
    if best is not None:
        return _answer(order, best, None)
    sites, _ = asks.sites_of(order)
    shortfall = Search(
        asks.calendar, order, sites, first, last, _engaged(asks, order), asks.provider.terms.rides
    ).shortfall()
    after = first if order.limit is None else max(first, order.limit + _ONE_DAY)
    best = _least(asks, order, meetings(asks, order, after, horizon, opens))
    if best is not None:
        return _answer(order, best, shortfall)
    if shortfall.reason is Reason.NO_CAPACITY_INSIDE_LIMIT and horizon < first:
        shortfall = Shortfall(Reason.NO_CAPACITY_KNOWN, shortfall.text)
    return Answer(
        slot=None, distance_m=None, alternatives=(), reason=shortfall.text, shortfall=shortfall
    )


def meetings(
    asks: Proposals, order: Order, first: date, last: date, opens: date = date.min
) -> Iterator[Meeting]:
    """Every open group with a seat, and the first new one on each day at each location, from the
    day on which one `opens`."""
    sites, _ = asks.sites_of(order)
    by_code = {site.code: site for site in sites}
    for slot in asks.provider.open_groups(kind_of(order), order.step.seats):
        near = slot.location in by_code and first <= local_date(slot.start) <= last
        if near and _can_come(asks, order, slot):
            yield Meeting(by_code[slot.location], slot, 0)
    roles = _roles(asks, order)
    search = Search(
        asks.calendar, order, sites, first, last, _engaged(asks, order), asks.provider.terms.rides
    )
    for rank, site in enumerate(sites):
        for day in asks.calendar.days(site.code, max(first, opens), last):
            found = _new(day, order, roles, search.free(rank, day))
            if found is None:
                continue
            cell, team = found
            yield Meeting(site, _slot(order, site, day, cell, team), OPENING)


def kind_of(order: Order) -> str:
    """What citizens of one group have in common; empty where a session is one citizen's alone."""
    step = order.step
    if step.seats == 1:
        return ""
    able = ",".join(sorted(step.competences))
    return f"{order.programme}/{step.kind}/{step.minutes}/{step.delivery}/{able}/{step.seats}"


def _roles(asks: Proposals, order: Order) -> list[frozenset[str]]:
    """What each of those who lead must be able to do; the therapist of the step comes first."""
    known = asks.provider.competences()
    found: list[frozenset[str]] = []
    for leader in order.step.leaders:
        able = leader.competences
        if leader.role != _STAFF:
            able |= {leader.role}
            if leader.role not in known:
                continue
        found += [able] * leader.count
    own = [able for able in found if order.step.competences <= able]
    if not own:
        return [order.step.competences, *found]
    found.remove(own[0])
    return [own[0], *found]


def _new(
    day: Day, order: Order, roles: Sequence[frozenset[str]], free: int
) -> tuple[int, tuple[str, ...]] | None:
    """The first start of a day at which everybody and a room are free, and who leads then."""
    cells = cells_of(order.step.minutes)
    for able in roles:
        there = 0
        for staff in day.staff.values():
            if able <= staff.competences:
                there |= runs(staff.free, cells)
        free &= there
    while free:
        cell = (free & -free).bit_length() - 1
        team = _team(day, roles, ((1 << cells) - 1) << cell)
        if team is not None:
            return cell, team
        free &= free - 1
    return None


def _team(day: Day, roles: Sequence[frozenset[str]], bits: int) -> tuple[str, ...] | None:
    """Somebody for each role, nobody two; those who can do least first."""
    if not roles:
        return ()
    able, *others = roles
    who = sorted(
        (len(staff.competences), staff.id)
        for staff in day.staff.values()
        if able <= staff.competences and staff.free & bits == bits
    )
    for _, name in who:
        left = replace(day, staff={n: s for n, s in day.staff.items() if n != name}, memo={})
        rest = _team(left, others, bits)
        if rest is not None:
            return (name, *rest)
    return None


def _slot(order: Order, site: Site, day: Day, cell: int, team: tuple[str, ...]) -> Slot:
    bits = ((1 << cells_of(order.step.minutes)) - 1) << cell
    room = None
    if order.step.room:
        room = min(
            code
            for code, free in day.rooms.items()
            if free & bits == bits and order.step.equipment <= day.equipment[code]
        )
    start = day.instant(cell)
    kind = kind_of(order)
    key = f"{kind}/{site.code}/{'+'.join(team)}/{room}/{start.isoformat()}"
    return Slot(
        location=site.code,
        therapist=team[0],
        room=room,
        start=start,
        end=start + timedelta(minutes=order.step.minutes),
        company=team[1:],
        group=f"{kind}#{uuid.uuid5(_GROUPS, key)}" if kind else "",
        seats=order.step.seats,
    )


def _can_come(asks: Proposals, order: Order, slot: Slot) -> bool:
    """Whether the group still stands and the citizen can join it."""
    engaged = _engaged(asks, order)
    free = all(one.leaves_time(slot, engaged.transfer) for one in engaged.sessions)
    declined = (Engagement(None, start, end) for start, end in order.declined)
    begin = slot.start.astimezone(DENMARK)
    wrong = next(standing(asks.provider, order, slot, begin), None)
    return free and wrong is None and not any(one.overlaps(slot) for one in declined)


def _engaged(asks: Proposals, order: Order) -> Engaged:
    return Engaged(asks.provider.diary.others(order), asks.provider.terms.transfer)


def _least(asks: Proposals, order: Order, found: Iterator[Meeting]) -> Meeting | None:
    weights = asks.provider.terms.weights

    def price(one: Meeting) -> tuple[int, datetime, str]:
        day = weights.of_day(order, local_date(one.slot.start))
        way = weights.of_way(order, one.site.distance_m)
        return day + way + one.cost, one.slot.start, one.slot.location

    return min(found, key=price, default=None)


def _answer(order: Order, best: Meeting, shortfall: Shortfall | None) -> Answer:
    return Answer(
        slot=best.slot,
        distance_m=best.site.distance_m if order.step.travels else 0,
        alternatives=(),
        reason=reason_of(best, shortfall),
        shortfall=shortfall,
    )


def reason_of(best: Meeting, shortfall: Shortfall | None = None) -> str:
    """Why this meeting, for planners."""
    slot = best.slot
    with_ = f" with {', '.join(slot.company)}" if slot.company else ""
    text = f"{best.site}, {local_date(slot.start)}, {slot.therapist}{with_}"
    if slot.group:
        text += f": a new group of {slot.seats} seats" if best.cost else ": a seat in an open group"
    return f"{text}." if shortfall is None else f"{shortfall.text} First possible: {text}."
