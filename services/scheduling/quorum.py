"""Groups that too few citizens have joined: on the day of decision they are not held. No I/O.

A step says from how many citizens on its group is held (`seats_min`). Whoever is in a smaller one
gets another time and hears why; where there is none they are told that theirs is cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from services.scheduling import commands
from services.scheduling.capacity import local_date
from services.scheduling.orders import Answer, Order, Placed, Reason, Shortfall
from services.scheduling.replanning import Plans
from services.scheduling.telling import decided_until
from shared.envelope import Event

TOO_SMALL: Final = "group-too-small"


class Quorum(Plans):
    """What is done for groups as such."""

    def hold_groups(self, now: datetime) -> list[Event]:
        """Gives the citizens of groups that are too small on their day of decision another time."""
        found: list[Event] = []
        until = decided_until(self.provider.terms, now)
        for members in self._too_small(now):
            if _day(members) <= until:
                for placed in sorted(members, key=lambda one: one.order.urgency()):
                    found += self._without_group(placed, len(members), until, now)
        return found

    def has_groups_to_decide(self, now: datetime) -> bool:
        """Whether any group ahead has too few citizens yet."""
        return any(True for _ in self._too_small(now))

    def _too_small(self, now: datetime) -> Iterator[Sequence[Placed]]:
        for members in list(self.provider.groups()):
            first = members[0].booking
            ahead = first is not None and first.slot.start > now
            if ahead and len(members) < least_of(members):
                yield members

    def _without_group(self, placed: Placed, many: int, until: date, now: datetime) -> list[Event]:
        order, booking = placed.order, placed.booking
        assert booking is not None, "whoever is in a group has a session"
        later = replace(order, earliest=max(order.earliest, until + timedelta(days=1)))
        answer = self.asks.ask_anew(later, booking, now)
        least, on = order.step.seats_min, local_date(booking.slot.start)
        text = f"The group on {on} has {many} of at least {least} citizens and is not held."
        command = commands.Rebook(order.order_id, _because(order, answer, text), TOO_SMALL)
        return self.carry_out(command, now)


def least_of(members: Iterable[Placed]) -> int:
    """From how many citizens on a group is held."""
    return max(placed.order.step.seats_min for placed in members)


def _day(members: Sequence[Placed]) -> date:
    booking = members[0].booking
    assert booking is not None, "whoever is in a group has a session"
    return local_date(booking.slot.start)


def _because(order: Order, answer: Answer, text: str) -> Answer:
    """The answer with the group's end as its reason."""
    shortfall = answer.shortfall
    if shortfall is not None:
        code = Reason.NO_CAPACITY_KNOWN if order.later else Reason.NO_CAPACITY_INSIDE_LIMIT
        if shortfall.reason is Reason.NO_COMPETENCE:
            code = shortfall.reason
        shortfall = Shortfall(code, f"{text} {shortfall.text}")
    return replace(answer, reason=f"{text} {answer.reason}", shortfall=shortfall)
