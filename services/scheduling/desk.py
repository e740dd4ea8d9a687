"""One provider's desk: takes what comes, asks the engine, has `decide` judge. No I/O.

A desk remembers what a batch changed until it is saved.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

from services.scheduling import answering, commands, domain
from services.scheduling.books import EPOCH
from services.scheduling.capacity import LocationWeek, local_date
from services.scheduling.course import NOT_YET
from services.scheduling.echoing import Echoing
from services.scheduling.giving_way import give_way
from services.scheduling.orders import Answer, Order, Placed, Reason, Status
from services.scheduling.planning import takes_part, together
from services.scheduling.replanning import within
from services.scheduling.solving import Wanted
from services.scheduling.telling import due
from shared.envelope import Event


class Desk(Echoing):
    """What is done for a provider's citizens."""

    def at_stake(self) -> set[str]:
        """The citizens whose sessions `settle` may change."""
        if not (self._retry_all or self._freed or self._lost):
            return set()
        found = {self.provider.orders[order_id].order.citizen_id for order_id in self._lost}
        found |= {placed.order.citizen_id for placed in self.provider.unplaced()}
        return found | self.held_citizens() if self._lost else found

    def place(self, order: Order, body: str, now: datetime) -> list[Event]:
        """Books an order and its later sessions, or their new state."""
        self.bodies[order.order_id] = body
        events = self._place_first(order, now)
        return events + self.order_course(order, body, now)

    def _place_first(self, order: Order, now: datetime) -> list[Event]:
        placed = self.provider.orders.get(order.order_id)
        if placed is None:
            return self._place(order, now)
        order = answering.carried(placed.order, order)
        if order.chooses and order.location != placed.order.location:
            return self._to_chosen_location(placed, order, now)
        if domain.still_right(self.provider, placed, order, now):
            return self.carry_out(commands.Change(order, None), now)
        return self.carry_out(
            commands.Change(order, self.asks.ask_anew(order, placed.booking, now)), now
        )

    def _to_chosen_location(self, placed: Placed, order: Order, now: datetime) -> list[Event]:
        """The citizen has chosen where: there, or the session stands and they hear why not."""
        booking, me = placed.booking, order.order_id
        if booking is not None and order.location == booking.slot.location:
            kept = domain.still_right(self.provider, placed, order, now)
            answer = None if kept else self.asks.ask_anew(order, booking, now)
            return self.carry_out(commands.Change(order, answer), now)
        answer = self.asks.ask_anew(order, booking, now)
        if booking is None or (answer.slot and answer.slot.location == order.location):
            return self.carry_out(commands.Change(order, answer), now)
        kept = domain.still_right(self.provider, placed, order, now)
        found = self.carry_out(commands.Change(order, None if kept else answer), now)
        others = self.asks.others(order, booking.slot, now)
        return found + self.carry_out(commands.Regret(me, answer.reason, others), now)

    def _place(self, order: Order, now: datetime) -> list[Event]:
        """Books a new order; where it would be late, those who are not told yet make room."""
        asked = self._asked.pop(order.order_id, None)
        answer = self.asks.ask(order, now) if asked is None else asked
        if self._may_get_room(order, answer):
            if found := give_way(self.asks, order, self.provider.held(), now):
                return self._move(found, now, new=order)
            new = Wanted(order=order, slot=None, only_inside=True, otherwise=answer.slot)
            days = order.earliest, order.limit
            others = self.movable(order.step.minutes, *days)
            found = together(self.asks, [*others, new], now) if others else {}
            if order.order_id not in found and self.worth_a_move(order, answer.slot):
                others += self.told_ones(order.step.minutes, now, *days)
                found = together(self.asks, [*others, new], now)
            if order.order_id in found:
                return self._move(found, now, new=order)
            self._full = True
        return self.carry_out(commands.Place(order, answer), now)

    def _may_get_room(self, order: Order, answer: Answer) -> bool:
        """Whether it can help to move others; once it did not, the batch does not try again."""
        return (
            not self._full
            and answer.shortfall is not None
            and answer.shortfall.reason is Reason.NO_CAPACITY_INSIDE_LIMIT
            and (self.provider.holds_any() or self.worth_a_move(order, answer.slot))
            and takes_part(self.asks, order)
        )

    def rivals(self, order: Order, now: datetime) -> set[str]:
        """The citizens who could make room for a new order that would be late; `place` then needs
        to know what other sessions they have."""
        if order.order_id in self.provider.orders:
            return set()
        if not self.provider.holds_any() and not self.provider.terms.weights.move:
            return set()
        answer = self._asked[order.order_id] = self.asks.ask(order, now)
        if not self._may_get_room(order, answer):
            return set()
        may_move = self.provider.held()
        if self.worth_a_move(order, answer.slot):
            may_move += self.told_ahead(now)
        return {
            placed.order.citizen_id
            for placed in may_move
            if placed.order.step.minutes == order.step.minutes
            and within(placed, order.earliest, order.limit)
        }

    def tell(self, now: datetime) -> list[Event]:
        """Tells those for whom it is time; who was not told in time gets another time."""
        found: list[Event] = []
        terms = self.provider.terms
        for placed in self.provider.held():
            booking = placed.booking
            if booking is None:
                continue
            if local_date(booking.slot.start) < terms.earliest(now):
                answer = self.asks.ask_anew(placed.order, booking, now)
                found += self.carry_out(commands.Rebook(placed.order.order_id, answer), now)
            elif due(terms, placed.order, booking.slot, booking.offered_at, now):
                others = self.asks.others(placed.order, booking.slot, now)
                found += self.carry_out(commands.Tell(placed.order.order_id, others), now)
        return found

    def withdraw(self, order_id: str, now: datetime) -> list[Event]:
        """Gives an order up; one that was never placed here is none of our business."""
        found: list[Event] = []
        if order_id in self.provider.orders:
            found += self.carry_out(commands.Withdraw(order_id), now)
        for placed in self.provider.course_of(order_id):
            found += self.carry_out(commands.Withdraw(placed.order.order_id), now)
        return found

    def pause(self, referral_id: str, now: datetime) -> list[Event]:
        """Lets a referral's orders rest."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            found += self.carry_out(commands.Pause(placed.order.order_id), now)
        return found

    def resume(
        self, referral_id: str, earliest: date | None, limit: date | None, now: datetime
    ) -> list[Event]:
        """Books a referral's resting orders anew; None leaves a date as it was."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            if placed.status is not Status.PAUSED:
                continue
            order = placed.order
            if order.later:
                found += self.carry_out(commands.Resume(order, NOT_YET), now)
                continue
            order = replace(order, earliest=earliest or order.earliest, limit=limit or order.limit)
            self.redated.add(order.order_id)
            found += self.carry_out(commands.Resume(order, self.asks.ask(order, now)), now)
        return found + self.follow_all(now)

    def close(self, referral_id: str, now: datetime) -> list[Event]:
        """Gives all orders of a referral up."""
        found: list[Event] = []
        for placed in self.provider.of_referral(referral_id):
            found += self.carry_out(commands.Withdraw(placed.order.order_id), now)
        return found

    def state(
        self, week: LocationWeek, body: str, now: datetime, at: datetime | None = None
    ) -> None:
        """Applies a newer state of a location-week; `settle` then rebooks what it broke. What was
        stated `at` a time before a restore breaks nothing that was said after it."""
        key = (week.location.code, week.week)
        known = self.provider.weeks.get(key)
        if known is not None and known.version >= week.version:
            return
        self.provider.state(week)
        self.calendar.state(
            week, (*self.provider.slots_in(week.week), *self.waiting_echoes(week.week))
        )
        self.asks.locations_changed()
        before, self._backlog = self._backlog, Counter()
        for placed in self.provider.unplaced():
            self._count(placed, 1)
        self._touched.update(key for key, count in before.items() if count)
        self.weeks[key] = (week, body)
        self._touched.add(key)
        self._retry_all = True
        self.planned = False
        for placed, booking in self.provider.bookings_at(*key):
            old = at is not None and self.decided_before(placed.order.whole, at)
            if booking.slot.start > now and not old:
                self._lost[placed.order.order_id] = None

    def settle(self, now: datetime) -> list[Event]:
        """Ends a batch: rebooks what lost its slot, gives free time to those without, says how
        full it is. Returns what has happened that no single message stands for."""
        with self.gathered() as found:
            self._settle(now)
        return found + self._status(now)

    def plan_and_tell(self, now: datetime) -> list[Event]:
        """The timer's batch: the exact plan, the groups that are not held, who is told; and what
        follows from all that."""
        with self.gathered() as found:
            self.replan(now)
            self.hold_groups(now)
            self.tell(now)
            self._settle(now)
        return found + self._status(now)

    def _settle(self, now: datetime) -> None:
        self.rebook_lost(now)
        self._retry(now)
        if self._retry_all:
            self.courses.update(p.order.of for p in self.provider.unplaced() if p.order.later)
        self.follow_all(now)

    def next_plan(self, now: datetime, every: timedelta) -> datetime | None:
        """When the next plan is due, over all who are not told and the groups that are still too
        small; None where it is known already or there is nothing to plan."""
        if self.plan_due is not None and self.plan_due > now:
            return None
        if not self.provider.holds_any() and not self.has_groups_to_decide(now):
            return None
        self.plan_due = EPOCH + ((now - EPOCH) // every + 1) * every
        return self.plan_due

    def _retry(self, now: datetime) -> list[Event]:
        """Offers time that has become free to those without a session inside the limit."""
        if not self.provider.has_unplaced() or not (self._retry_all or self._freed):
            return []
        found: list[Event] = []
        for placed in self.provider.unplaced():
            order = placed.order
            if order.later:
                continue
            first = self.provider.terms.first_day(order, now)
            late = placed.status is Status.LATE
            if late and placed.booking is not None and placed.booking.accepted:
                continue
            if late and order.limit is not None:
                useful = self._retry_all or (self._freed is not None and self._freed <= order.limit)
                if order.limit < first or not useful:
                    continue
            answer = self.asks.ask(order, now)
            if not late or answer.shortfall is None:
                found += self.carry_out(commands.Retry(order.order_id, answer), now)
        return found
