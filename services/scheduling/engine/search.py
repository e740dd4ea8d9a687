"""One order's search through a calendar: when somebody and a room are free, and why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import ceil
from typing import Final

from services.scheduling.engine.calendar import CELL, Calendar, Day, cells_of
from services.scheduling.orders import (
    Alternative,
    Answer,
    Engagement,
    Order,
    Reason,
    Shortfall,
    Slot,
    Window,
)

ONE_DAY: Final = timedelta(days=1)
_HOME: Final = "home"
_DRIVE: Final = 50_000 / 3600 * CELL  # metres a therapist drives in a cell, at 50 km/h
_OTHER_TIMES: Final = 2


@dataclass(frozen=True, slots=True)
class Site:
    """A location as one citizen sees it. `distance_m` is by car, None where unknown."""

    code: str
    name: str
    distance_m: int | None

    def __str__(self) -> str:
        far = "" if self.distance_m is None else f" ({self.distance_m / 1000:.1f} km)"
        return f"{self.name}{far}"


@dataclass(frozen=True, slots=True)
class Found:
    """A start: the site's place in the list of sites, the day, the cell of the day."""

    rank: int
    day: Day
    cell: int


@dataclass(frozen=True, slots=True)
class Engaged:
    """What the citizen has besides, and what they need from one place to another."""

    sessions: Sequence[Engagement] = ()
    transfer: timedelta = timedelta()
    _days: dict[date, list[Engagement]] = field(default_factory=dict, repr=False, compare=False)

    def near(self, day: date) -> Sequence[Engagement]:
        """Those of the day and of the days beside it: no way between two places takes a day."""
        if self.sessions and not self._days:
            for one in self.sessions:
                for apart in (-ONE_DAY, timedelta(), ONE_DAY):
                    self._days.setdefault(one.start.date() + apart, []).append(one)
        return self._days.get(day, ())


NOTHING_ELSE: Final = Engaged()


def pick(
    day: Day, order: Order, cell: int, rather: Slot | None = None
) -> tuple[str, str | None] | None:
    """Who takes a start, and which room; those of the slot `rather` where they are free."""
    bits = ((1 << cells_of(order.step.minutes)) - 1) << cell
    therapist = rather.therapist if rather else None
    able = [
        (one.id != therapist, order.language not in one.languages, len(one.competences), one.id)
        for one in day.staff.values()
        if one.free & bits == bits and order.step.competences <= one.competences
    ]
    if not able:
        return None
    who = min(able)[-1]
    if not order.step.room:
        return who, None
    room = rather.room if rather else None
    rooms = [
        (code != room, len(day.equipment[code]), code)
        for code, free in day.rooms.items()
        if free & bits == bits and order.step.equipment <= day.equipment[code]
    ]
    return (who, min(rooms)[-1]) if rooms else None


@dataclass(frozen=True, slots=True)
class Search:
    """One order's search from `first` to `last`, both included."""

    calendar: Calendar
    order: Order
    sites: Sequence[Site]
    first: date
    last: date
    engaged: Engaged
    rides: Window | None = None
    _cells: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        step = self.order.step
        cells = cells_of(step.minutes)
        away = step.delivery == _HOME
        of_sites = ((cells, _drive(site) if away else 0) for site in self.sites)
        object.__setattr__(self, "_cells", tuple(of_sites))

    def answer(self, found: Found, reason: str, shortfall: Shortfall | None) -> Answer:
        """The answer that offers what was found."""
        site = self.sites[found.rank]
        picked = pick(found.day, self.order, found.cell)
        assert picked is not None, "a free start has a therapist and a room"
        therapist, room = picked
        if self.order.language not in found.day.staff[therapist].languages:
            reason += f" Nobody there speaks {self.order.language} then."
        start = found.day.instant(found.cell)
        return Answer(
            slot=Slot(site.code, therapist, room, start, start + self.length),
            distance_m=site.distance_m if self.order.step.travels else 0,
            alternatives=self.alternatives(found),
            reason=reason,
            shortfall=shortfall,
        )

    def shortfall(self) -> Shortfall:
        """Why there is no time."""
        limit, asked = self.order.limit, self.order.not_before
        if limit is not None and asked is not None and limit < asked:
            text = f"The citizen asked for a time from {asked} on."
            return Shortfall(Reason.CITIZEN_ASKED, text)
        if limit is not None and limit < self.first:
            text = f"The limit {limit} is before {self.first}, the first day that may be booked."
            return Shortfall(Reason.LIMIT_PASSED, text)
        if self.calendar.last_day() < self.first:
            text = f"No location has stated any hours from {self.first} on."
            return Shortfall(Reason.NO_CAPACITY_KNOWN, text)
        reasons = [(site, self.why_not(site)) for site in self.sites]
        open_ones = [why for _, why in reasons if why != NOT_OPEN]
        code = (
            Reason.NO_COMPETENCE
            if open_ones and all(why.startswith(NOBODY) for why in open_ones)
            else Reason.NO_CAPACITY_INSIDE_LIMIT
        )
        inside = f" inside the limit {limit}" if limit else ""
        text = "; ".join(f"{site}: {why}" for site, why in reasons)
        return Shortfall(code, f"No time{inside}: {text}.")

    def is_free(self, rank: int, day: Day, cell: int) -> bool:
        """Whether the order can begin at a cell of a day."""
        return bool(self.free(rank, day) >> cell & 1)

    @property
    def length(self) -> timedelta:
        """How long the session lasts."""
        return timedelta(minutes=self.order.step.minutes)

    def cells(self, rank: int) -> tuple[int, int]:
        """How many cells the session takes, and how many the therapist drives before and after."""
        return self._cells[rank]

    def free(self, rank: int, day: Day, language: str = "") -> int:
        """Cells of a day at which the session can begin, with somebody who speaks the language."""
        order = self.order
        step = order.step
        cells, pad = self._cells[rank]
        equipment = step.equipment if step.room else None
        free = day.bookable(cells, step.competences, language, pad, equipment)
        if not free:
            return 0
        if order.windows:
            free &= day.inside(order.windows, step.minutes)
        if order.rides_to_it and self.rides is not None:
            free &= day.inside((self.rides,), step.minutes)
        for other in self.engaged.near(day.date) if self.engaged.sessions else ():
            gap = timedelta() if other.location == self.sites[rank].code else self.engaged.transfer
            free &= ~day.clashes(other.start - gap, other.end + gap, step.minutes)
        for begin, end in order.declined:
            free &= ~day.clashes(begin, end, step.minutes)
        return free

    def earliest(self, rank: int, last: date) -> Found | None:
        """A site's first day with a time; on it, somebody who speaks the language if any."""
        for day in self.calendar.days(self.sites[rank].code, self.first, last):
            free = self.free(rank, day, self.order.language) or self.free(rank, day)
            if free:
                return Found(rank, day, lowest(free))
        return None

    def alternatives(self, found: Found) -> tuple[Alternative, ...]:
        """Up to two other times: one at another location where there is one, then at the same."""
        elsewhere = (
            self.earliest(rank, self.last) for rank in range(len(self.sites)) if rank != found.rank
        )
        other = next((one for one in elsewhere if one is not None), None)
        times = [] if other is None else [other]
        for later in self._later(found):
            if len(times) == _OTHER_TIMES:
                break
            times.append(later)
        offers = [(one.day.instant(one.cell), self.sites[one.rank].code) for one in times]
        return tuple(
            Alternative(code, start, start + self.length) for start, code in sorted(offers)
        )

    def _later(self, found: Found) -> Iterator[Found]:
        """The first time of each later day at the same site, then a later one on the same day."""
        code = self.sites[found.rank].code
        for day in self.calendar.days(code, found.day.date + ONE_DAY, self.last):
            free = self.free(found.rank, day)
            if free:
                yield Found(found.rank, day, lowest(free))
        after = found.cell + cells_of(self.order.step.minutes)
        free = self.free(found.rank, found.day) >> after << after
        if free:
            yield Found(found.rank, found.day, lowest(free))

    def why_not(self, site: Site) -> str:
        """Why a site has no time at all in these days."""
        days = list(self.calendar.days(site.code, self.first, self.last))
        if not days:
            return NOT_OPEN
        step = self.order.step
        cells = cells_of(step.minutes)
        able = (one for day in days for one in day.staff.values())
        if not any(step.competences <= one.competences for one in able):
            return f"{NOBODY} {', '.join(sorted(step.competences))}"
        if not any(day.starts(cells, step.competences) for day in days):
            return "every therapist is booked"
        if step.room and not any(
            day.starts(cells, step.competences) & day.room_starts(cells, step.equipment)
            for day in days
        ):
            return f"{no_room(step.equipment)} when a therapist is"
        if self.engaged.sessions and any(
            replace(self, engaged=NOTHING_ELSE).free(self.sites.index(site), day) for day in days
        ):
            return "free only when the citizen is at another session or on the way"
        return "free only outside the citizen's wishes"


NOT_OPEN: Final = "not open"
NOBODY: Final = "nobody with"


def no_room(equipment: frozenset[str]) -> str:
    """Why rooms stand in the way."""
    return f"no room with {', '.join(sorted(equipment))}" if equipment else "no room is free"


def _drive(site: Site) -> int:
    return ceil((site.distance_m or 0) / _DRIVE)


def lowest(free: int) -> int:
    """The first of the cells."""
    return (free & -free).bit_length() - 1
