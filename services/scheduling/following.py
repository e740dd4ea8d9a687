"""A desk's courses: the sessions that follow an order's first one. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby

import orjson

from services.scheduling import commands, domain
from services.scheduling.books import Books
from services.scheduling.capacity import local_date
from services.scheduling.course import NOT_YET, earliest_after, kept_until, later_sessions
from services.scheduling.orders import Answer, Order, Placed, Reason, Shortfall, Status
from services.scheduling.rhythm import in_rhythm
from shared.envelope import Event


class Courses(Books):
    """What is done for sessions after the first."""

    def order_course(self, order: Order, body: str, now: datetime) -> list[Event]:
        """Takes over which sessions follow the first: new ones come, others go or change."""
        wanted = later_sessions(order)
        known = {one.order.order_id: one for one in self.provider.course_of(order.order_id)}
        if not wanted and not known:
            return []
        found: list[Event] = []
        for order_id in sorted(known.keys() - {one.order_id for one in wanted}):
            found += self.carry_out(commands.Withdraw(order_id), now)
        bodies = later_bodies(body, wanted)
        for one in wanted:
            self.bodies[one.order_id] = bodies[one.order_id]
            found += self._order_later(one, known.get(one.order_id), now)
        return found + self.follow(order.order_id, now)

    def _order_later(self, order: Order, placed: Placed | None, now: datetime) -> list[Event]:
        if placed is None:
            return self.carry_out(commands.Place(order, NOT_YET), now)
        order = replace(
            order,
            earliest=max(order.earliest, placed.order.earliest),
            not_before=placed.order.not_before,
            declined=placed.order.declined,
        )
        self.redated.add(order.order_id)
        if placed.booking is None:
            return self.carry_out(commands.Change(order, NOT_YET), now)
        answer = None
        if not domain.still_right(self.provider, placed, order, now):
            answer = self.asks.ask_anew(order, placed.booking, now)
        return self.carry_out(commands.Change(order, answer), now)

    def follow(self, order_id: str, now: datetime) -> list[Event]:
        """Gives the sessions of a course their times, from the first that has none or can't stay
        because the one before it has moved."""
        self.courses.discard(order_id)
        first = self.provider.orders.get(order_id)
        later = [
            one
            for one in self.provider.course_of(order_id)
            if one.status not in (Status.HELD, Status.PAUSED, Status.CLOSED)
        ]
        if first is None or not later:
            return []
        previous, count = kept_until(first, later)
        if previous is None or count == len(later):
            return []
        before = later[count - 1] if count else first
        own = before.booking.slot.therapist if before.booking is not None else None
        found: list[Event] = []
        waiting = later[count:]
        for _, step in groupby(waiting, key=lambda one: one.order.step.step_id):
            events, previous, own = self._plan_step(list(step), previous, own, now)
            found += events
            if previous is None:
                break
        self.courses.discard(order_id)
        return found

    def _plan_step(
        self, step: Sequence[Placed], previous: date, own: str | None, now: datetime
    ) -> tuple[list[Event], date | None, str | None]:
        """Times for a step's sessions; no day comes back where the rest must wait."""
        found: list[Event] = []
        rest = list(step)
        while rest:
            with self.asks.swapped([p.booking.slot for p in rest if p.booking is not None]):
                answers = in_rhythm(self.asks, [one.order for one in rest], previous, own, now) or [
                    self._out_of_rhythm(rest[0].order, previous, now)
                ]
            for placed, answer in zip(rest, answers, strict=False):
                found += self._give(placed, answer, previous, now)
                if answer.slot is None:
                    return found, None, own
                previous, own = local_date(answer.slot.start), answer.slot.therapist
            rest = rest[len(answers) :]
        return found, previous, own

    def _give(self, placed: Placed, answer: Answer, previous: date, now: datetime) -> list[Event]:
        """Books a session at a time, or moves it there."""
        order = replace(placed.order, earliest=earliest_after(placed.order, previous))
        self.redated.add(order.order_id)
        return self.carry_out(commands.Change(order, answer), now)

    def _out_of_rhythm(self, order: Order, previous: date, now: datetime) -> Answer:
        """The next time there is, later than wished; none where rosters do not reach so far."""
        answer = self.asks.ask(replace(order, earliest=earliest_after(order, previous)), now)
        if answer.slot is not None:
            return replace(answer, reason=f"Later than the course's rhythm asks. {answer.reason}")
        assert answer.shortfall is not None, "no time has its reason"
        if answer.shortfall.reason is Reason.NO_COMPETENCE:
            return answer
        return replace(answer, shortfall=Shortfall(Reason.NO_CAPACITY_KNOWN, answer.shortfall.text))

    def follow_all(self, now: datetime) -> list[Event]:
        """Looks at every course whose sessions may have changed."""
        found: list[Event] = []
        for order_id in sorted(self.courses):
            found += self.follow(order_id, now)
        return found


def later_bodies(body: str, orders: Sequence[Order]) -> dict[str, str]:
    """The JSON of later sessions, as that of orders of their own."""
    whole = orjson.loads(body)
    steps = {step["step_id"]: step for step in whole.get("steps", [])}
    found: dict[str, str] = {}
    for one in orders:
        gap = one.gap
        assert gap is not None, "a later session has its gap"
        found[one.order_id] = orjson.dumps(
            {
                **whole,
                "order_id": one.order_id,
                "of": one.of,
                "number": one.number,
                "gap": {"min_days": gap.least, "max_days": gap.most},
                "limit": None,
                "bedside": False,
                "steps": [{**steps.get(one.step.step_id, {}), "count": 1}],
            }
        ).decode()
    return found
