"""What the engine proposes for one provider's orders. No I/O; nothing changes for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from services.scheduling.capacity import local_date
from services.scheduling.engine.calendar import Calendar
from services.scheduling.engine.online import (
    Engaged,
    Site,
    other_times,
    propose,
    same_time,
    that_time,
)
from services.scheduling.gatherings import propose_meeting
from services.scheduling.geography import Point, nearest_first
from services.scheduling.history import NO_HISTORY
from services.scheduling.orders import Alternative, Answer, Booking, Order, Reason, Shortfall, Slot
from services.scheduling.provider import Provider


class Proposals:
    """Asks the engine about a provider's calendar."""

    def __init__(
        self, provider: Provider, calendar: Calendar, postcodes: Mapping[str, Point]
    ) -> None:
        self.provider = provider
        self.calendar = calendar
        self.history = NO_HISTORY
        self._postcodes = postcodes
        self._sites: dict[str, tuple[tuple[Site, ...], str]] = {}

    def locations_changed(self) -> None:
        """Locations may have come or moved."""
        self._sites.clear()

    def seen_from(self, postcode: str) -> tuple[tuple[Site, ...], str]:
        """The locations by distance, and a note where that is a guess."""
        seen = self._sites.get(postcode)
        if seen is None:
            locations = self.provider.locations.values()
            seen = self._sites[postcode] = nearest_first(postcode, locations, self._postcodes)
        return seen

    def sites_of(self, order: Order) -> tuple[tuple[Site, ...], str]:
        """As `seen_from`; the one location alone that the citizen chose, where they go anywhere."""
        sites, note = self.seen_from(order.postcode)
        if not order.chooses:
            return sites, note
        return tuple(site for site in sites if site.code == order.location), note

    def ask(self, order: Order, now: datetime) -> Answer:
        """The engine's answer to an order: at the location that the citizen chose, also after the
        limit; elsewhere only where there is no time at all."""
        there = self._ask(order, now)
        if not order.chooses:
            return there
        anywhere = self._ask(replace(order, location=""), now)
        if there.slot is None:
            return replace(anywhere, reason=f"{anywhere.reason} {self.why_not_there(order, there)}")
        if there.shortfall is None or anywhere.shortfall is not None:
            return replace(there, shortfall=there.shortfall and anywhere.shortfall)
        text = f"The citizen chose {order.location}, where times are later than the limit."
        return replace(there, shortfall=Shortfall(Reason.CITIZEN_ASKED, text))

    def why_not_there(self, order: Order, there: Answer) -> str:
        """Why the citizen is not trained where they chose."""
        if order.location not in self.provider.locations:
            return f"The citizen chose {order.location}, which is no location here."
        return f"The citizen chose {order.location}. {there.reason}"

    def _ask(self, order: Order, now: datetime) -> Answer:
        if order.step.gathers:
            return propose_meeting(self, order, now)
        sites, note = self.sites_of(order)
        terms = self.provider.terms
        return propose(
            self.calendar,
            order,
            sites,
            terms.first_day(order, now),
            note=note,
            engaged=self._engaged(order),
            weights=terms.weights,
            expected=self.history.expected(order.step.minutes),
            today=local_date(now),
            rides=terms.rides,
        )

    def ask_anew(self, order: Order, booking: Booking | None, now: datetime) -> Answer:
        """Asks as if the order's own session were free."""
        with self.swapped((booking.slot,) if booking is not None else ()):
            return self.ask(order, now)

    def ask_for(
        self, order: Order, booking: Booking, wanted: Alternative, now: datetime
    ) -> tuple[Answer | None, tuple[Alternative, ...]]:
        """The answer that books a certain time, None where it is taken; and what else is free."""
        if order.step.gathers:
            return None, ()
        sites, _ = self.seen_from(order.postcode)
        first = self.provider.terms.first_day(order, now)
        engaged = self._engaged(order)
        with self.swapped((booking.slot,)):
            answer = that_time(
                self.calendar,
                order,
                sites,
                first,
                wanted=wanted,
                engaged=engaged,
                rides=self.provider.terms.rides,
            )
            return answer, self.others(order, booking.slot, now)

    def others(self, order: Order, slot: Slot, now: datetime) -> tuple[Alternative, ...]:
        """Up to two times that are free beside a slot; none where several people meet."""
        if order.step.gathers:
            return ()
        sites, _ = self.seen_from(order.postcode)
        first = self.provider.terms.first_day(order, now)
        engaged = self._engaged(order)
        rides = self.provider.terms.rides
        return other_times(
            self.calendar, order, sites, first, slot=slot, engaged=engaged, rides=rides
        )

    def same_time(self, order: Order, booking: Booking) -> Answer | None:
        """The same time and place with somebody else or in another room."""
        if order.step.gathers:
            return None
        slot = same_time(self.calendar, order, booking.slot)
        if slot is None or not order.keeps_limit(slot.start):
            return None
        if any(other.overlaps(slot) for other in self.provider.diary.others(order)):
            return None
        return Answer(
            slot=slot,
            distance_m=booking.distance_m,
            alternatives=booking.alternatives,
            reason=stays(booking.slot, slot),
            shortfall=None,
        )

    @contextmanager
    def swapped(self, free: Iterable[Slot], take: Iterable[Slot] = ()) -> Iterator[None]:
        """The calendar with some slots free and others taken, for as long as the block lasts. What
        a group shares stays taken."""
        free, take = [slot for slot in free if not slot.group], list(take)
        for slot in free:
            self.calendar.free(slot)
        for slot in take:
            self.calendar.take(slot)
        try:
            yield
        finally:
            for slot in take:
                self.calendar.free(slot)
            for slot in free:
                self.calendar.take(slot)

    def _engaged(self, order: Order) -> Engaged:
        return Engaged(self.provider.diary.others(order), self.provider.terms.transfer)


def stays(before: Slot, after: Slot) -> str:
    """Why somebody else takes over a session, or another room, for planners."""
    changes = [
        f"therapist {before.therapist} by {after.therapist}"
        if after.therapist != before.therapist
        else "",
        f"room {before.room} by {after.room}" if after.room != before.room else "",
    ]
    what = " and ".join(change for change in changes if change)
    return f"The time and place stay; {what} because of new capacity."
