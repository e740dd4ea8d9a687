"""A desk's plans over several citizens at once: who is not told yet, and whose time is gone. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from services.scheduling import commands, domain
from services.scheduling.capacity import local_date
from services.scheduling.following import Courses
from services.scheduling.orders import Placed
from services.scheduling.planning import takes_part, together
from services.scheduling.solving import Wanted
from shared.envelope import Event


class Plans(Courses):
    """What is done for several citizens together."""

    def held_citizens(self) -> set[str]:
        """Citizens who are not told yet: whoever plans for others may move them."""
        return {placed.order.citizen_id for placed in self.provider.held()}

    def movable(
        self, minutes: int, first: date = date.min, last: date | None = None
    ) -> list[Wanted]:
        """Who has not been told and has a session of that length ahead, between two days."""
        return [
            Wanted(order=placed.order, slot=placed.booking.slot)
            for placed in self.provider.held()
            if placed.booking is not None
            and placed.order.step.minutes == minutes
            and not placed.order.later
            and within(placed, first, last)
            and self.provider.diary.knows(placed.order.citizen_id)
            and takes_part(self.asks, placed.order)
        ]

    def replan(self, now: datetime) -> list[Event]:
        """The exact plan over all who have not been told, and those who are late or wait.

        Nothing where nothing has changed since the last one.
        """
        found: list[Event] = []
        if self.planned:
            return found
        lengths = {placed.order.step.minutes for placed in self.provider.held()}
        for minutes in sorted(lengths):
            wanted = self.movable(minutes)
            for placed in self.provider.unplaced():
                booking, order = placed.booking, placed.order
                if order.later:
                    continue
                accepted = booking is not None and booking.accepted
                told = booking is None or booking.is_told
                if told and not accepted and order.step.minutes == minutes:
                    slot = booking.slot if booking is not None else None
                    if takes_part(self.asks, order):
                        late = booking is not None
                        wanted.append(Wanted(order=order, slot=slot, only_inside=late))
            if moves := together(self.asks, wanted, now, ahead=True):
                found += self._move(moves, now)
        self.planned = True
        return found

    def rebook_lost(self, now: datetime) -> list[Event]:
        """Fewest moves: who can stay stays, then the same time, then all others together, for
        whom those who are not told yet make room; and at last whatever is free."""
        found: list[Event] = []
        lost = [self.provider.orders[order_id] for order_id in self._lost]
        homeless: list[Placed] = []
        for placed in sorted(lost, key=lambda one: one.order.urgency()):
            booking = placed.booking
            if booking is None or domain.stands(self.provider, placed.order, booking.slot):
                continue
            with self.asks.swapped((booking.slot,)):
                answer = self.asks.same_time(placed.order, booking)
            if answer is None:
                homeless.append(placed)
            else:
                found += self.carry_out(commands.Rebook(placed.order.order_id, answer), now)
        found += self._rebook_together(homeless, now)
        for placed in homeless:
            current = self.provider.orders[placed.order.order_id]
            if current.booking == placed.booking:
                answer = self.asks.ask_anew(current.order, current.booking, now)
                found += self.carry_out(commands.Rebook(current.order.order_id, answer), now)
        return found

    def _rebook_together(self, homeless: Sequence[Placed], now: datetime) -> list[Event]:
        found: list[Event] = []
        gone = {placed.order.order_id for placed in homeless}
        for minutes in sorted({placed.order.step.minutes for placed in homeless}):
            wanted = [
                Wanted(order=placed.order, slot=placed.booking.slot, gone=True)
                for placed in homeless
                if placed.booking is not None
                and placed.order.step.minutes == minutes
                and takes_part(self.asks, placed.order)
            ]
            if wanted:
                others = self.movable(minutes)
                wanted += [one for one in others if one.order.order_id not in gone]
            if len(wanted) > 1 and (moves := together(self.asks, wanted, now)):
                found += self._move(moves, now)
        return found


def within(placed: Placed, first: date, last: date | None) -> bool:
    """Whether a session lies between two days, both included."""
    if placed.booking is None:
        return False
    return first <= local_date(placed.booking.slot.start) <= (last or date.max)
