"""What a session must satisfy, rule by rule. Standard library only; knows no engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import permutations

from services.scheduling.capacity import DENMARK
from services.scheduling.orders import Order, Slot, Window
from services.scheduling.provider import Provider


def broken(
    provider: Provider,
    order: Order,
    slot: Slot,
    now: datetime,
    known: Slot | None = None,
    *,
    besides: frozenset[str] = frozenset(),
) -> str | None:
    """The first rule that a session for the order in this slot would break, in plain words.

    `known` is what the citizen has been told already: at that time and place no notice is needed.
    What the orders `besides` have is free: they change with this one.
    """
    begin = slot.start.astimezone(DENMARK)
    if slot.start < now:
        return "the session would begin in the past"
    told = known is not None and (known.start, known.location) == (slot.start, slot.location)
    if not told and begin.date() < provider.terms.first_day(order, now):
        return f"{begin.date()} is before the first day that may be booked"
    if not told and any(a < slot.end and slot.start < b for a, b in order.declined):
        return "the citizen has declined that time"
    rides = provider.terms.rides
    if not told and order.rides_to_it and rides is not None and not suits((rides,), slot, begin):
        return "no ride runs then"
    transfer = provider.terms.transfer
    if not told and not all(o.leaves_time(slot, transfer) for o in provider.diary.others(order)):
        return "the citizen cannot come there from another session, or from there to it"
    return next(standing(provider, order, slot, begin, besides), None)


def standing(
    provider: Provider,
    order: Order,
    slot: Slot,
    begin: datetime,
    besides: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """What speaks against a session that is booked already; notice has been given for it.

    `begin` is the slot's start on Danish clocks.
    """
    day = begin.date()
    besides |= {order.order_id}
    if (slot.end - slot.start).total_seconds() != order.step.minutes * 60:
        yield f"the session must last {order.step.minutes} minutes"
    if day < order.earliest:
        yield f"{day} is before {order.earliest}, the earliest date"
    if provider.terms.public_holiday(day):
        yield f"{day} is a public holiday"
    if not suits(order.windows, slot, begin):
        yield "the time does not suit the citizen"
    yield from _staffed(provider, order, slot, day)
    if any(other.overlaps(slot) for other in provider.diary.others(order)):
        yield "the citizen has another session then"
    taken = provider.staff_taken(slot, day, besides)
    if taken is not None:
        yield f"therapist {taken} is taken"
    if provider.seat_taken(slot, besides):
        yield f"seat {slot.seat} of the group is taken"
    if not 1 <= slot.seat <= slot.seats <= order.step.seats:
        yield f"a group of this step has {order.step.seats} seats"
    if slot.room is not None and provider.room_taken(slot, day, besides):
        yield f"room {slot.room} is taken"


def suits(windows: tuple[Window, ...], slot: Slot, begin: datetime) -> bool:
    """Whether the whole session lies in one of the windows; without any, all do."""
    if not windows:
        return True
    finish = slot.end.astimezone(DENMARK)
    return any(
        window.weekday in (None, begin.isoweekday())
        and window.begin <= begin.time()
        and (
            window.finish is None
            or (finish.date() == begin.date() and finish.time() <= window.finish)
        )
        for window in windows
    )


def _staffed(provider: Provider, order: Order, slot: Slot, day: date) -> Iterator[str]:
    week = provider.week_at(slot.location, day)
    if week is None:
        yield f"nothing is known about {slot.location} on {day}"
        return
    if week.closed:
        yield f"{slot.location} is closed"
    room = next((room for room in week.rooms if room.code == slot.room), None)
    if order.step.room and room is None:
        yield f"{slot.location} has no room {slot.room}"
    if order.step.room and room is not None and not order.step.equipment <= room.equipment:
        yield f"room {slot.room} lacks equipment"
    there = {therapist.id: therapist for therapist in week.therapists if therapist.id in slot.staff}
    for name in slot.staff:
        therapist = there.get(name)
        if therapist is None:
            yield f"therapist {name} is not at {slot.location}"
        elif not any(s.start <= slot.start and slot.end <= s.end for s in therapist.shifts):
            yield f"therapist {name} is not on shift"
    lead = there.get(slot.therapist)
    if lead is not None and not order.step.competences <= lead.competences:
        yield f"therapist {slot.therapist} lacks a competence"
    if len(set(slot.staff)) < len(slot.staff):
        yield "somebody leads in two roles"
    needed = [
        leader.competences
        for leader in (order.step.leaders if order.step.gathers else ())
        for _ in range(leader.count if leader.role == "staff" else 0)
    ]
    if not any(
        all(need <= one.competences for need, one in zip(needed, some, strict=True))
        for some in permutations(there.values(), len(needed))
    ):
        yield f"somebody of the staff must lead for each of {[sorted(one) for one in needed]}"
