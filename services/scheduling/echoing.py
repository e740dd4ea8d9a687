"""A desk that takes over what was said before its database was restored. No I/O.

Nothing is published for it. What came in before the newest echo of an order has been decided upon
then; it changes no session of that order now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from services.scheduling import commands
from services.scheduling.answering import carried
from services.scheduling.course import later_sessions
from services.scheduling.echoes import Cancelled, Echo, booking_of, ordinal_of
from services.scheduling.facts import Decision
from services.scheduling.following import later_bodies
from services.scheduling.moves import status_of
from services.scheduling.orders import Order, Placed, Reason, Slot, Status
from services.scheduling.quorum import Quorum
from shared.envelope import Event

_ENDED: Final = {
    "order-withdrawn": Status.CLOSED,
    "paused": Status.PAUSED,
    "declined": Status.HELD,
    "cancelled-by-citizen": Status.HELD,
}
"""What an order is whose last session was cancelled for a reason; else it waits."""


class Echoing(Quorum):
    """What is done with echoes."""

    def know_echoes(self, echoes: Iterable[Echo]) -> None:
        """Takes over echoes from the database, before any order."""
        for echo in echoes:
            self._know(echo)

    def _know(self, echo: Echo) -> None:
        key = str(echo.said.session_id)
        before = self.echoes.get(key)
        if before is not None and not before.done:
            self._unblock(before)
        self.echoes[key] = echo
        whole = echo.said.order_id
        self.echoed[whole] = max(echo.at, self.echoed.get(whole, echo.at))
        if not echo.done and not isinstance(echo.said, Cancelled):
            self.calendar.take(echo.said.slot)

    def _unblock(self, echo: Echo) -> None:
        if not isinstance(echo.said, Cancelled):
            self.calendar.free(echo.said.slot)

    def waiting_echoes(self, week: str) -> Iterator[Slot]:
        """The times in a week that were told to somebody whose order is not known yet."""
        for echo in self.echoes.values():
            said = echo.said
            if not echo.done and not isinstance(said, Cancelled) and said.slot.week == week:
                yield said.slot

    def decided_before(self, order_id: str, at: datetime) -> bool:
        """Whether what came in then about an order was decided upon before the restore."""
        until = self.echoed.get(order_id)
        return until is not None and at <= until

    def hear(self, echoes: Iterable[Echo], now: datetime) -> list[Event]:
        """Takes over what was said, in the order in which it was; who is in its way and was not
        told gets another time."""
        evicted: set[str] = set()
        for echo in echoes:
            if not isinstance(echo.said, Cancelled):
                evicted |= self._evict(echo)
            placed = self._meant(echo)
            self._know(replace(echo, done=placed is not None))
            self.kept_echoes[str(echo.said.session_id)] = self.echoes[str(echo.said.session_id)]
            if placed is not None:
                self._adopt(placed, echo)
        found: list[Event] = []
        for order_id in sorted(evicted):
            placed = self.provider.orders[order_id]
            if placed.status is Status.WAITING and not placed.order.later:
                found += self.carry_out(
                    commands.Retry(order_id, self.asks.ask(placed.order, now)), now
                )
        return found

    def _meant(self, echo: Echo) -> Placed | None:
        whole, number = echo.of
        if number == 1:
            return self.provider.orders.get(whole)
        theirs = self.provider.course_of(whole)
        return next((one for one in theirs if one.order.number == number), None)

    def _adopt(self, placed: Placed, echo: Echo) -> None:
        said = echo.said
        ordinal = ordinal_of(placed.order, said)
        if ordinal is None or ordinal + 1 < placed.sessions:
            return
        booking = placed.booking
        if booking is not None and booking.session_id != str(said.session_id):
            placed = replace(placed, booking=None, status=Status.WAITING)
            self._take_over([Decision(placed, ())])
        sessions = max(placed.sessions, ordinal + 1)
        if isinstance(said, Cancelled):
            status = _ENDED.get(said.reason, Status.WAITING)
            ended = replace(placed, status=status, booking=None, sessions=sessions)
            self._take_over([Decision(ended, ())])
            return
        slot = self._seated(placed.order, said.slot)
        told = booking_of(said, ordinal, slot)
        reason = None if told.inside_limit else placed.told or Reason.NO_CAPACITY_INSIDE_LIMIT
        after = replace(
            placed, status=status_of(told), booking=told, sessions=sessions, told=reason
        )
        self._take_over([Decision(after, ())])

    def _seated(self, order: Order, slot: Slot) -> Slot:
        if not slot.group:
            return slot
        taken = {
            one.booking.slot.seat
            for members in self.provider.groups()
            for one in members
            if one.booking is not None
            and one.booking.slot.group == slot.group
            and one.order.order_id != order.order_id
        }
        seats = max(order.step.seats, len(taken) + 1)
        return replace(slot, seats=seats, seat=min(set(range(1, seats + 1)) - taken))

    def _evict(self, echo: Echo) -> set[str]:
        """Takes the time of what was said from those who were not told of theirs."""
        assert not isinstance(echo.said, Cancelled), "only what stands takes time"
        slot, found = echo.said.slot, set()
        for placed in self.provider.held():
            booking = placed.booking
            if booking is None or (placed.order.whole, placed.order.number) == echo.of:
                continue
            other = booking.slot
            if slot.group and other.group == slot.group:
                continue
            place = other.location, other.room
            meets = other.start < slot.end and slot.start < other.end
            room = other.room is not None and place == (slot.location, slot.room)
            if meets and (room or set(other.staff) & set(slot.staff)):
                waits = replace(placed, status=Status.WAITING, booking=None)
                self._take_over([Decision(waits, ())])
                found.add(placed.order.order_id)
        return found

    def place_again(self, order: Order, body: str) -> None:
        """Places an order of which something was said before: its sessions are those, and what was
        not told of it is planned by whoever settles the batch."""
        every = (order, *later_sessions(order))
        self.bodies |= {order.order_id: body, **later_bodies(body, every[1:])}
        mine = sorted(
            (e for e in self.echoes.values() if e.said.order_id == order.order_id and not e.done),
            key=lambda one: (one.at, one.said.revision),
        )
        for echo in mine:
            self._unblock(echo)
        for one in every:
            self._take_over([Decision(self._as_ordered(one), ())])
        for echo in mine:
            placed = self._meant(echo)
            if placed is not None:
                key = str(echo.said.session_id)
                self.echoes[key] = self.kept_echoes[key] = replace(echo, done=True)
                self._adopt(placed, echo)
        self._freed = date.min

    def _as_ordered(self, order: Order) -> Placed:
        known = self.provider.orders.get(order.order_id)
        if known is None:
            return Placed(order=order, status=Status.WAITING, booking=None, sessions=0, told=None)
        if order.later:
            order = replace(order, earliest=max(order.earliest, known.order.earliest))
        return replace(known, order=carried(known.order, order))
