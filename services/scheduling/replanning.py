"""A desk's plans over several citizens at once: who can move, and whose time is gone. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from services.scheduling import commands, domain
from services.scheduling.capacity import local_date
from services.scheduling.following import Courses
from services.scheduling.orders import Order, Placed, Slot, Status
from services.scheduling.planning import mixed_together, takes_part, together
from services.scheduling.solving import Wanted, on_grid
from shared.envelope import Event

MOVE_NOTICE: Final = timedelta(days=4)
"""A session that its citizen has been told of stays where it is so near, whatever others need."""


MOST_MIXED: Final = 200
"""So many sessions the mixed program takes at most; with more the plans by length stand."""


class Plans(Courses):
    """What is done for several citizens together. `gap` is what the last plan over several lengths
    left to be saved at most, as a share; None where there was none."""

    gap: float | None = None

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

    def told_ones(
        self, minutes: int, now: datetime, first: date = date.min, last: date | None = None
    ) -> list[Wanted]:
        """Who has been told of a session of that length inside their limit, and may have another
        for others' sake, at the price of a move; never at short notice."""
        soon = local_date(now) + MOVE_NOTICE
        return [
            Wanted(
                order=replace(placed.order, not_before=max(soon, placed.order.not_before or soon)),
                slot=placed.booking.slot,
                told=True,
            )
            for placed in self.told_ahead(now)
            if placed.booking is not None
            and placed.order.step.minutes == minutes
            and within(placed, first, last)
            and self.provider.diary.knows(placed.order.citizen_id)
            and takes_part(self.asks, placed.order)
        ]

    def told_ahead(self, now: datetime) -> list[Placed]:
        """Who may be moved, by id: told, not at short notice, and not yet with their consent."""
        soon = local_date(now) + MOVE_NOTICE
        return [
            placed
            for _, placed in sorted(self.provider.orders.items())
            if placed.status is Status.BOOKED
            and not placed.order.later
            and placed.booking is not None
            and placed.booking.is_told
            and not placed.booking.accepted
            and local_date(placed.booking.slot.start) >= soon
        ]

    def told_citizens(self, now: datetime) -> set[str]:
        """The citizens of `told_ones`, of whatever length; nobody where nothing would be gained."""
        if not self.provider.terms.weights.move or not self.provider.has_unplaced():
            return set()
        return {one.order.citizen_id for one in self.told_ahead(now)}

    def worth_a_move(self, order: Order, slot: Slot | None) -> bool:
        """Whether what the order has otherwise costs more than moving somebody who was told."""
        weights = self.provider.terms.weights
        if not weights.move:
            return False
        return slot is None or weights.of_day(order, local_date(slot.start)) > weights.move

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
            dear = False
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
                        dear = dear or self.worth_a_move(order, slot)
            if dear:
                wanted += self.told_ones(minutes, now)
            if moves := together(self.asks, wanted, now, ahead=True):
                found += self._move(moves, now)
        found += self._replan_mixed(now)
        self.planned = True
        return found

    def _replan_mixed(self, now: datetime) -> list[Event]:
        """The same over all lengths at once, and over those who need equipment, where there are
        such: what the plans by length leave to be gained."""
        self.gap = None
        wanted = [
            Wanted(order=placed.order, slot=placed.booking.slot)
            for placed in self.provider.held()
            if placed.booking is not None
            and placed.booking.inside_limit
            and not placed.order.later
            and self.provider.diary.knows(placed.order.citizen_id)
            and takes_part(self.asks, placed.order, equipped=True)
        ]
        steps = {(one.order.step.minutes, one.order.step.equipment) for one in wanted}
        if len(wanted) > MOST_MIXED or not (len(steps) > 1 or any(kit for _, kit in steps)):
            return []
        moves, self.gap = mixed_together(self.asks, wanted, now)
        return self._move(moves, now) if moves else []

    def rebook_lost(self, now: datetime) -> list[Event]:
        """Fewest moves: who can stay stays; all others together, as many as possible at their time
        and place with somebody else; those who are not told yet make room for the rest; and at
        last whatever is free."""
        found: list[Event] = []
        homeless = [
            placed
            for placed in (self.provider.orders[order_id] for order_id in self._lost)
            if placed.booking is not None
            and not domain.stands(self.provider, placed.order, placed.booking.slot)
        ]
        homeless.sort(key=lambda one: one.order.urgency())
        together_at = self._on_grid(homeless, now)
        for placed in homeless:
            if placed.order.order_id not in together_at:
                found += self._same_time(placed, now)
        found += self._rebook_together([one for one in homeless if self._is_at(one)], now)
        for placed in homeless:
            if self._is_at(placed):
                found += self._same_time(placed, now)
            if self._is_at(placed):
                order = placed.order
                answer = self.asks.ask_anew(order, placed.booking, now)
                found += self.carry_out(commands.Rebook(order.order_id, answer), now)
        return found

    def _is_at(self, placed: Placed) -> bool:
        """Whether the order still has the slot that it had."""
        return self.provider.orders[placed.order.order_id].booking == placed.booking

    def _same_time(self, placed: Placed, now: datetime) -> list[Event]:
        booking = placed.booking
        assert booking is not None, "only who has a session can keep its time"
        with self.asks.swapped((booking.slot,)):
            answer = self.asks.same_time(placed.order, booking)
        if answer is None:
            return []
        return self.carry_out(commands.Rebook(placed.order.order_id, answer), now)

    def _on_grid(self, homeless: Sequence[Placed], now: datetime) -> set[str]:
        found: set[str] = set()
        for lost in self._by_length(homeless):
            found |= on_grid(self.asks, lost, now)
        return found

    def _by_length(self, homeless: Sequence[Placed]) -> Iterator[list[Wanted]]:
        """Those whom the plan can hold, by the length of their sessions."""
        lost = [
            Wanted(
                order=placed.order,
                slot=placed.booking.slot,
                gone=True,
                told=placed.booking.is_told,
            )
            for placed in homeless
            if placed.booking is not None and takes_part(self.asks, placed.order)
        ]
        for minutes in sorted({one.order.step.minutes for one in lost}):
            yield [one for one in lost if one.order.step.minutes == minutes]

    def _rebook_together(self, homeless: Sequence[Placed], now: datetime) -> list[Event]:
        found: list[Event] = []
        gone = {placed.order.order_id for placed in homeless}
        for lost in self._by_length(homeless):
            others = self.movable(lost[0].order.step.minutes)
            wanted = [*lost, *(one for one in others if one.order_id not in gone)]
            if len(wanted) > 1 and (moves := together(self.asks, wanted, now)):
                found += self._move(moves, now)
        return found


def within(placed: Placed, first: date, last: date | None) -> bool:
    """Whether a session lies between two days, both included."""
    if placed.booking is None:
        return False
    return first <= local_date(placed.booking.slot.start) <= (last or date.max)
