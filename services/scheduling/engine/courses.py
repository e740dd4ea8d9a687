"""Courses: some sessions with a rhythm, as far as possible with the same therapist.

One citizen at a time, exactly: for each therapist who might be the citizen's own, a dynamic
programme over the days of the sessions. Between two sessions only the number of days between
matters, so of all that a day offers only the cheapest needs to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from services.scheduling.engine.model import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Days from one session to the next: the fewest, the best, the most."""

    fewest: int
    best: int
    most: int

    def __post_init__(self) -> None:
        if not 1 <= self.fewest <= self.best <= self.most:
            raise InvalidInputError("a rhythm needs 1 ≤ fewest ≤ best ≤ most days")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Offer:
    """A time at which a session can be held: alone, in a group with seats left, or in company.

    `people` are all who hold it; `group` is the group's id, "" for a session of one's own.
    """

    day: int
    slot: int
    place: int
    people: tuple[str, ...]
    seats: int = 1
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePrice:
    """Weights in metres: a session without the citizen's own therapist, a day off the best rhythm,
    a day of waiting for the first session."""

    stranger: int = 20_000
    off_rhythm_day: int = 2_000
    waited_day: int = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One citizen's sessions in order, whose course it is, and its price in metres."""

    sessions: tuple[Offer, ...]
    therapist: str
    cost: int


def plan_course(
    offers: Sequence[Sequence[Offer]],
    rhythm: Rhythm,
    metres: Sequence[int],
    price: CoursePrice,
    *,
    earliest: int,
) -> Course | None:
    """The cheapest course that takes one of `offers[n]` as its session n, or None if there is none.

    `metres[place]` is the citizen's way, below zero where the place is no choice. Of equals the
    therapist whose name comes first, then the earlier offer, is taken.
    """
    if not offers:
        raise InvalidInputError("a course has at least one session")
    seen: dict[int, _Days] = {}
    days: list[_Days] = []
    for of in offers:
        if id(of) not in seen:  # one list for all sessions is looked through once
            seen[id(of)] = _cheapest_by_day(of, metres, earliest)
        days.append(seen[id(of)])
    names = sorted({name for of in days for _, by_name in of.values() for name in by_name})
    best: Course | None = None
    for name in names:
        found = _with_own(name, days, rhythm, price, earliest=earliest)
        if found is not None and (best is None or found.cost < best.cost):
            best = found
    return best


_Priced = tuple[int, Offer]
_Days = dict[int, tuple[_Priced, dict[str, _Priced]]]


def _cheapest_by_day(offers: Iterable[Offer], metres: Sequence[int], earliest: int) -> _Days:
    """The shortest way of each day, whoever is there, and for each who is."""
    days: _Days = {}
    for offer in offers:
        if offer.seats < 1 or metres[offer.place] < 0 or offer.day < earliest:
            continue
        priced = (metres[offer.place], offer)
        anybody, by_name = days.setdefault(offer.day, (priced, {}))
        if priced < anybody:
            days[offer.day] = (priced, by_name)
        for name in offer.people:
            if name not in by_name or priced < by_name[name]:
                by_name[name] = priced
    return days


def _with_own(
    own: str, days: Sequence[_Days], rhythm: Rhythm, price: CoursePrice, *, earliest: int
) -> Course | None:
    reached: dict[int, tuple[int, tuple[Offer, ...]]] = {}
    for number, of in enumerate(days):
        now: dict[int, tuple[int, tuple[Offer, ...]]] = {}
        for day, ((way, offer), by_name) in of.items():
            cost, session = way + price.stranger, offer
            if own in by_name and by_name[own][0] <= cost:
                cost, session = by_name[own]
            if number == 0:
                now[day] = (cost + price.waited_day * (day - earliest), (session,))
                continue
            before = [
                (reached[last][0] + price.off_rhythm_day * abs(day - last - rhythm.best), last)
                for last in range(day - rhythm.most, day - rhythm.fewest + 1)
                if last in reached
            ]
            if before:
                so_far, last = min(before)
                now[day] = (so_far + cost, (*reached[last][1], session))
        reached = now
    if not reached:
        return None
    cost, sessions = min(reached.values())
    return Course(sessions=sessions, therapist=own, cost=cost)


def meetings(
    free: Mapping[str, frozenset[tuple[int, int, int]]],
    roles: Sequence[Sequence[str]],
    rooms: frozenset[tuple[int, int, int]],
) -> list[Offer]:
    """Times (day, slot, place) with a room, at which every role has somebody, nobody two roles.

    `roles[n]` names those who can fill role n, in the order in which they are preferred. One role
    makes a session alone, two make a session with two leaders, everybody's a conference.
    """
    if not roles or not all(roles):
        raise InvalidInputError("a meeting needs at least one role, and each role somebody for it")
    anybody = [frozenset().union(*(free.get(n, frozenset()) for n in role)) for role in roles]
    times = sorted(rooms.intersection(*anybody))
    found = []
    for day, slot, place in times:
        there = [
            [name for name in role if (day, slot, place) in free.get(name, frozenset())]
            for role in roles
        ]
        team = next((team for team in product(*there) if len(set(team)) == len(team)), None)
        if team is not None:
            found.append(Offer(day=day, slot=slot, place=place, people=team))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One citizen's course: what may be its sessions, its rhythm and the ways."""

    id: str
    offers: Sequence[Sequence[Offer]]
    rhythm: Rhythm
    metres: Sequence[int]
    earliest: int


def plan_courses(wishes: Iterable[Wish], price: CoursePrice) -> dict[str, Course | None]:
    """Plans courses one after the other by id; what one has taken the next does not get.

    A therapist is in one place at a time; a group's seats are counted.
    """
    busy: set[tuple[str, int, int]] = set()
    seats: dict[Offer, int] = {}
    planned: dict[str, Course | None] = {}

    def is_left(offer: Offer) -> bool:
        if offer in seats:
            return seats[offer] > 0
        return not any((name, offer.day, offer.slot) in busy for name in offer.people)

    for wish in sorted(wishes, key=lambda wish: wish.id):
        of_list = {id(of): [offer for offer in of if is_left(offer)] for of in wish.offers}
        left = [of_list[id(of)] for of in wish.offers]
        course = plan_course(left, wish.rhythm, wish.metres, price, earliest=wish.earliest)
        planned[wish.id] = course
        for offer in course.sessions if course else ():
            if offer.group:  # its leaders stay with it; more citizens may still join
                seats[offer] = seats.get(offer, offer.seats) - 1
            busy.update((name, offer.day, offer.slot) for name in offer.people)
    return planned
