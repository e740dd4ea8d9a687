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
    usable = [
        sorted(o for o in of if o.seats > 0 and metres[o.place] >= 0 and o.day >= earliest)
        for of in offers
    ]
    names = sorted({name for of in usable for offer in of for name in offer.people})
    best: Course | None = None
    for name in names:
        found = _with_own(name, usable, rhythm, metres, price, earliest=earliest)
        if found is not None and (best is None or found.cost < best.cost):
            best = found
    return best


def _with_own(
    own: str,
    offers: Sequence[Sequence[Offer]],
    rhythm: Rhythm,
    metres: Sequence[int],
    price: CoursePrice,
    *,
    earliest: int,
) -> Course | None:
    reached: dict[int, tuple[int, tuple[Offer, ...]]] = {}
    for number, of in enumerate(offers):
        now: dict[int, tuple[int, tuple[Offer, ...]]] = {}
        for day, (cost, offer) in _cheapest_of_day(own, of, metres, price).items():
            if number == 0:
                now[day] = (cost + price.waited_day * (day - earliest), (offer,))
                continue
            before = [
                (so_far + cost + price.off_rhythm_day * abs(day - last - rhythm.best), last)
                for last, (so_far, _) in reached.items()
                if rhythm.fewest <= day - last <= rhythm.most
            ]
            if before:
                total, last = min(before)
                now[day] = (total, (*reached[last][1], offer))
        reached = now
    if not reached:
        return None
    cost, sessions = min(reached.values())
    return Course(sessions=sessions, therapist=own, cost=cost)


def _cheapest_of_day(
    own: str, offers: Iterable[Offer], metres: Sequence[int], price: CoursePrice
) -> dict[int, tuple[int, Offer]]:
    cheapest: dict[int, tuple[int, Offer]] = {}
    for offer in offers:
        cost = metres[offer.place] + (0 if own in offer.people else price.stranger)
        if offer.day not in cheapest or (cost, offer) < cheapest[offer.day]:
            cheapest[offer.day] = (cost, offer)
    return cheapest


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
        left = [[offer for offer in of if is_left(offer)] for of in wish.offers]
        course = plan_course(left, wish.rhythm, wish.metres, price, earliest=wish.earliest)
        planned[wish.id] = course
        for offer in course.sessions if course else ():
            if offer.group:  # its leaders stay with it; more citizens may still join
                seats[offer] = seats.get(offer, offer.seats) - 1
            busy.update((name, offer.day, offer.slot) for name in offer.people)
    return planned
