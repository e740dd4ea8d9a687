"""The first session for one citizen, at once: the time of least price (`weights.py`).

Of equal prices the earlier day, then the nearer location, then the earlier time, then the therapist
who speaks the citizen's language and has the fewest competences (the rarer ones are kept for those
who need them), then ids. The same calendar and order always give the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from services.scheduling.capacity import local_date
from services.scheduling.engine.calendar import Calendar, Day, cells_of
from services.scheduling.orders import (
    Alternative,
    Answer,
    Engagement,
    Order,
    Reason,
    Shortfall,
    Slot,
)
from services.scheduling.weights import WEIGHTS, Weights

_ONE_DAY: Final = timedelta(days=1)
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
class _Found:
    rank: int
    day: Day
    cell: int


@dataclass(frozen=True, slots=True)
class Engaged:
    """What the citizen has besides, and what they need from one place to another."""

    sessions: Sequence[Engagement] = ()
    transfer: timedelta = timedelta()


NOTHING_ELSE: Final = Engaged()


def propose(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    note: str = "",
    engaged: Engaged = NOTHING_ELSE,
    weights: Weights = WEIGHTS,
) -> Answer:
    """The best time for an order from `first` on; `sites` come nearest first.

    `note` is added to the reason (that the postcode is unknown, say). Never raises: where nothing
    is free the answer has no slot and says why.
    """
    horizon = calendar.last_day()
    last = horizon if order.limit is None else min(order.limit, horizon)
    inside = _Search(calendar, order, sites, first, last, engaged, weights)
    found = inside.cheapest()
    if found is not None:
        return inside.answer(found, inside.why(found) + note, None)
    shortfall = inside.shortfall()
    after = first if order.limit is None else max(first, order.limit + _ONE_DAY)
    later = _Search(calendar, order, sites, after, horizon, engaged, weights)
    found = later.cheapest()
    if found is None:
        return Answer(
            slot=None, distance_m=None, alternatives=(), reason=shortfall.text, shortfall=shortfall
        )
    why = f"{shortfall.text} First possible after it: {sites[found.rank]}."
    return later.answer(found, why + note, shortfall)


def that_time(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    wanted: Alternative,
    engaged: Engaged = NOTHING_ELSE,
) -> Answer | None:
    """The answer that books the time and place that the citizen asks for; None where it is taken.

    `first` is the first day that may be booked.
    """
    on = local_date(wanted.start)
    rank = next((n for n, site in enumerate(sites) if site.code == wanted.location), None)
    day = calendar.day(wanted.location, on)
    if rank is None or day is None or on < first:
        return None
    inside = order.keeps_limit(wanted.start)
    horizon = calendar.last_day()
    last = horizon if order.limit is None or not inside else min(order.limit, horizon)
    search = _Search(calendar, order, sites, first, last, engaged)
    cell = day.cell(wanted.start)
    if cell < 0 or day.instant(cell) != wanted.start or not search.is_free(rank, day, cell):
        return None
    shortfall = None
    if not inside:
        text = f"The citizen chose a time after the limit {order.limit}."
        shortfall = Shortfall(Reason.CITIZEN_ASKED, text)
    return search.answer(_Found(rank, day, cell), "The citizen chose this time.", shortfall)


def other_times(
    calendar: Calendar,
    order: Order,
    sites: Sequence[Site],
    first: date,
    *,
    slot: Slot,
    engaged: Engaged = NOTHING_ELSE,
) -> tuple[Alternative, ...]:
    """Up to two times that are free now beside the one that is booked, from `first` on."""
    rank = next((n for n, site in enumerate(sites) if site.code == slot.location), None)
    day = calendar.day(slot.location, local_date(slot.start))
    if rank is None or day is None:
        return ()
    horizon = calendar.last_day()
    inside = order.limit is not None and order.keeps_limit(slot.start)
    last = min(order.limit, horizon) if inside and order.limit is not None else horizon
    search = _Search(calendar, order, sites, first, last, engaged)
    return search.alternatives(_Found(rank, day, day.cell(slot.start)))


def same_time(calendar: Calendar, order: Order, slot: Slot) -> Slot | None:
    """The same time and place with whoever can, the same therapist and room where they can."""
    day = calendar.day(slot.location, local_date(slot.start))
    if day is None:
        return None
    cell = day.cell(slot.start)
    if day.instant(cell) != slot.start:
        return None
    picked = _pick(day, order, cell, slot)
    return picked and Slot(slot.location, picked[0], picked[1], slot.start, slot.end)


def _pick(
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
    rooms = [(code != room, code) for code, free in day.rooms.items() if free & bits == bits]
    return (who, min(rooms)[-1]) if rooms else None


@dataclass(frozen=True, slots=True)
class _Search:
    """One order's search from `first` to `last`, both included."""

    calendar: Calendar
    order: Order
    sites: Sequence[Site]
    first: date
    last: date
    engaged: Engaged
    weights: Weights = WEIGHTS

    def cheapest(self) -> _Found | None:
        """The time of least price that leaves enough for those in more of a hurry; where there is
        none, the time of least price."""
        if self.weights.reserve and self.last >= self.first:
            found = self._cheapest(reserve=True)
            if found is not None:
                return found
        return self._cheapest(reserve=False)

    def _cheapest(self, *, reserve: bool) -> _Found | None:
        ways = [self.weights.of_way(self.order, site.distance_m) for site in self.sites]
        if not ways:
            return None
        shortest, best, least = min(ways), None, 0
        on = self.first
        while on <= self.last:
            of_day = self.weights.of_day(self.order, on)
            if best is not None and of_day + shortest >= least:
                break  # later days cost more, and no way is shorter
            for rank, way in enumerate(ways):
                if best is not None and of_day + way >= least:
                    continue
                found = self._on(rank, on, reserve=reserve)
                if found is None:
                    continue
                one, understood = found
                price = of_day + way + (0 if understood else self.weights.language)
                if best is None or price < least:
                    best, least = one, price
            on += _ONE_DAY
        return best

    def _on(self, rank: int, on: date, *, reserve: bool) -> tuple[_Found, bool] | None:
        """A site's first time on a day, with somebody who speaks the language if any."""
        day = self.calendar.day(self.sites[rank].code, on)
        if day is None or (reserve and not self._enough(day)):
            return None
        free = self._free(rank, day, self.order.language)
        if free:
            return _Found(rank, day, _lowest(free)), True
        free = self._free(rank, day)
        return (_Found(rank, day, _lowest(free)), False) if free else None

    def _enough(self, day: Day) -> bool:
        """Whether more is left of a day than is kept back for those in more of a hurry."""
        share = self.weights.kept_back(self.order, day.date)
        if not share:
            return True
        able = self.order.step.competences
        stated, free = day.hours(able)
        kept = int(share * stated)
        cells = cells_of(self.order.step.minutes)
        return free - cells >= kept // cells * cells

    def answer(self, found: _Found, reason: str, shortfall: Shortfall | None) -> Answer:
        """The answer that offers what was found."""
        site = self.sites[found.rank]
        picked = _pick(found.day, self.order, found.cell)
        assert picked is not None, "a free start has a therapist and a room"
        therapist, room = picked
        if self.order.language not in found.day.staff[therapist].languages:
            reason += f" Nobody there speaks {self.order.language} then."
        start = found.day.instant(found.cell)
        return Answer(
            slot=Slot(site.code, therapist, room, start, start + self._length),
            distance_m=site.distance_m if self.order.step.travels else 0,
            alternatives=self.alternatives(found),
            reason=reason,
            shortfall=shortfall,
        )

    def why(self, found: _Found) -> str:
        """The reason for a time inside the limit."""
        limit = f" inside the limit {self.order.limit}" if self.order.limit else ""
        site, on = self.sites[found.rank], found.day.date
        waited = (on - self.order.earliest).days
        days = "1 day's wait" if waited == 1 else f"{waited} days' wait"
        text = f"{site}, {on}, {days}: the least price{limit}."
        earlier = replace(self, last=on - _ONE_DAY)
        passed = [f"{self.sites[n]}: {self._why_later(n)}" for n in range(found.rank)]
        refused = sum(1 for _ in self.calendar.days(site.code, self.first, earlier.last))
        if refused:
            there = f"{refused} earlier day{'s' if refused > 1 else ''} there"
            passed.append(f"{there}: {earlier._why_taken(found.rank)}")
        return f"{text} Passed over: {'; '.join(passed)}." if passed else text

    def _why_later(self, rank: int) -> str:
        found = self._earliest(rank, self.last)
        return self._why_not(self.sites[rank]) if found is None else f"first {found.day.date}"

    def _why_taken(self, rank: int) -> str:
        if self._earliest(rank, self.last) is None:
            return self._why_not(self.sites[rank])
        return "kept for those whose limit is nearer, or nobody who speaks the language"

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
        reasons = [(site, self._why_not(site)) for site in self.sites]
        open_ones = [why for _, why in reasons if why != _NOT_OPEN]
        code = (
            Reason.NO_COMPETENCE
            if open_ones and all(why.startswith(_NOBODY) for why in open_ones)
            else Reason.NO_CAPACITY_INSIDE_LIMIT
        )
        inside = f" inside the limit {limit}" if limit else ""
        text = "; ".join(f"{site}: {why}" for site, why in reasons)
        return Shortfall(code, f"No time{inside}: {text}.")

    def is_free(self, rank: int, day: Day, cell: int) -> bool:
        """Whether the order can begin at a cell of a day."""
        return bool(self._free(rank, day) >> cell & 1)

    @property
    def _length(self) -> timedelta:
        return timedelta(minutes=self.order.step.minutes)

    def _free(self, rank: int, day: Day, language: str = "") -> int:
        step = self.order.step
        cells = cells_of(step.minutes)
        free = day.starts(cells, step.competences, language)
        free &= day.inside(self.order.windows, step.minutes)
        if step.room:
            free &= day.room_starts(cells)
        for other in self.engaged.sessions:
            gap = timedelta() if other.location == self.sites[rank].code else self.engaged.transfer
            free &= ~day.clashes(other.start - gap, other.end + gap, step.minutes)
        for begin, end in self.order.declined:
            free &= ~day.clashes(begin, end, step.minutes)
        return free

    def _earliest(self, rank: int, last: date) -> _Found | None:
        """A site's first day with a time; on it, somebody who speaks the language if any."""
        for day in self.calendar.days(self.sites[rank].code, self.first, last):
            free = self._free(rank, day, self.order.language) or self._free(rank, day)
            if free:
                return _Found(rank, day, _lowest(free))
        return None

    def alternatives(self, found: _Found) -> tuple[Alternative, ...]:
        """Up to two other times: one at another location where there is one, then at the same."""
        elsewhere = (
            self._earliest(rank, self.last) for rank in range(len(self.sites)) if rank != found.rank
        )
        other = next((one for one in elsewhere if one is not None), None)
        times = [] if other is None else [other]
        for later in self._later(found):
            if len(times) == _OTHER_TIMES:
                break
            times.append(later)
        offers = [(one.day.instant(one.cell), self.sites[one.rank].code) for one in times]
        return tuple(
            Alternative(code, start, start + self._length) for start, code in sorted(offers)
        )

    def _later(self, found: _Found) -> Iterator[_Found]:
        """The first time of each later day at the same site, then a later one on the same day."""
        code = self.sites[found.rank].code
        for day in self.calendar.days(code, found.day.date + _ONE_DAY, self.last):
            free = self._free(found.rank, day)
            if free:
                yield _Found(found.rank, day, _lowest(free))
        after = found.cell + cells_of(self.order.step.minutes)
        free = self._free(found.rank, found.day) >> after << after
        if free:
            yield _Found(found.rank, found.day, _lowest(free))

    def _why_not(self, site: Site) -> str:
        days = list(self.calendar.days(site.code, self.first, self.last))
        if not days:
            return _NOT_OPEN
        step = self.order.step
        cells = cells_of(step.minutes)
        able = (one for day in days for one in day.staff.values())
        if not any(step.competences <= one.competences for one in able):
            return f"{_NOBODY} {', '.join(sorted(step.competences))}"
        if not any(day.starts(cells, step.competences) for day in days):
            return "every therapist is booked"
        if step.room and not any(
            day.starts(cells, step.competences) & day.room_starts(cells) for day in days
        ):
            return "no room is free when a therapist is"
        if self.engaged.sessions and any(
            replace(self, engaged=NOTHING_ELSE)._free(self.sites.index(site), day) for day in days
        ):
            return "free only when the citizen is at another session or on the way"
        return "free only outside the citizen's wishes"


_NOT_OPEN: Final = "not open"
_NOBODY: Final = "nobody with"


def _lowest(free: int) -> int:
    return (free & -free).bit_length() - 1
