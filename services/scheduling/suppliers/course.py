"""What follows from what a supplier says of an order. Standard library only: no clock, no I/O.

Nothing is planned here: a supplier keeps its own calendar. What it states is a session like any
other: the citizen is told of it once, of each change once, and whoever came is written down.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.scheduling.attendance import too_soon
from services.scheduling.course import later_sessions
from services.scheduling.facts import (
    Event,
    SessionAttended,
    SessionCancelled,
    SessionMoved,
    SessionOffered,
)
from services.scheduling.orders import Attendance, Booking, Order, Slot
from services.scheduling.suppliers.terms import (
    Carried,
    Command,
    Decline,
    End,
    GoOn,
    Happened,
    OrderDeclined,
    Place,
    Refusal,
    Rest,
    Standing,
    State,
    Stated,
    StateSession,
    Take,
)

_SESSIONS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:genvej:supplier-sessions")
FARTHEST: Final = timedelta(days=730)
"""No session is stated farther ahead: a slip of the pen would be told to a citizen."""


def decide(carried: Carried, command: Command, now: datetime) -> Happened | Refusal:
    """What follows. The same said again changes nothing and says nothing."""
    match command:
        case Take(order):
            ended = carried.standing is Standing.ENDED
            standing = Standing.STANDS if ended else carried.standing
            return Happened(replace(carried, order=order, standing=standing))
        case End():
            return _given_up(carried, Standing.ENDED, "order-withdrawn", now)
        case Rest() | GoOn():
            return _interrupted(carried, command, now)
        case Decline(reason):
            return _declined(carried, reason)
        case StateSession():
            return _stated(carried, command, now)
        case _:
            assert_never(command)


def session_of(order: Order, number: int) -> Order:
    """The order's `number`-th session as an order of its own; the last where it has fewer now."""
    every = (order, *later_sessions(order))
    return every[min(number, len(every)) - 1]


def session_id(order_id: str, number: int, ordinal: int) -> str:
    """The id of a stated session; a time after a cancellation is another session."""
    return str(uuid.uuid5(_SESSIONS, f"{order_id}/{number}/{ordinal}"))


def _interrupted(carried: Carried, command: Rest | GoOn, now: datetime) -> Happened:
    if isinstance(command, GoOn):
        return Happened(_resumed(carried, command))
    if carried.standing is not Standing.STANDS:
        return Happened(carried)
    return _given_up(carried, Standing.RESTS, "paused", now)


def _given_up(carried: Carried, standing: Standing, why: str, now: datetime) -> Happened:
    """Every session that lies ahead is off."""
    sessions, events = dict(carried.sessions), []
    for number, one in sorted(carried.sessions.items()):
        if not one.cancelled and one.booking.slot.start > now:
            sessions[number], event = _cancelled(carried.order, number, one, why)
            events.append(event)
    return Happened(replace(carried, standing=standing, sessions=sessions), tuple(events))


def _cancelled(order: Order, number: int, one: Stated, why: str) -> tuple[Stated, SessionCancelled]:
    booking = replace(one.booking, revision=one.booking.revision + 1)
    after = replace(one, booking=booking, cancelled=True)
    return after, SessionCancelled(session_of(order, number), booking, why)


def _resumed(carried: Carried, command: GoOn) -> Carried:
    if carried.standing is not Standing.RESTS:
        return carried
    order = replace(
        carried.order,
        earliest=command.earliest or carried.order.earliest,
        limit=command.limit or carried.order.limit,
    )
    return replace(carried, order=order, standing=Standing.STANDS)


def _declined(carried: Carried, reason: str) -> Happened | Refusal:
    if carried.standing is Standing.DECLINED:
        return Happened(carried)
    if carried.standing is Standing.ENDED:
        return Refusal("order_id", "the order no longer stands")
    after = replace(carried, standing=Standing.DECLINED)
    return Happened(after, (OrderDeclined(carried.order, reason),))


_NOT_NOW: Final = {
    Standing.ENDED: "the order no longer stands",
    Standing.DECLINED: "the order was declined",
    Standing.RESTS: "the citizen is in hospital: state it when the referral is resumed",
}


def _stated(carried: Carried, said: StateSession, now: datetime) -> Happened | Refusal:
    count = carried.order.sessions
    known = carried.sessions.get(said.number)
    if said.number > count and known is None:
        return Refusal("number", f"the order has {count} sessions")
    if known is not None and said.revision < known.said:
        return Happened(carried)
    if said.state is State.PLANNED:
        return _planned(carried, said, known, now)
    gone = said.state is State.CANCELLED
    return (_called_off if gone else _attended)(carried, said, known)


def _called_off(carried: Carried, said: StateSession, known: Stated | None) -> Happened | Refusal:
    if known is None:
        return Refusal("state", "a session that was never planned can't be cancelled")
    if known.cancelled:
        return Happened(carried)
    if known.booking.slot.start <= said.at:
        return Refusal("state", "the session has begun: say attended or missed")
    after, event = _cancelled(
        carried.order, said.number, replace(known, said=said.revision), said.reason
    )
    return Happened(_with(carried, said.number, after), (event,))


def _planned(
    carried: Carried, said: StateSession, known: Stated | None, now: datetime
) -> Happened | Refusal:
    order = session_of(carried.order, said.number)
    standing = known if known is not None and not known.cancelled else None
    start = said.start or (standing.booking.slot.start if standing is not None else None)
    place = said.place or (known.place if known is not None else _unnamed(order))
    if start is None:
        return Refusal("start", "is missing")
    length = timedelta(minutes=said.minutes or order.step.minutes)
    slot = Slot(location=place.code, therapist="", room=None, start=start, end=start + length)
    if standing is not None and (slot, place) == (standing.booking.slot, standing.place):
        return Happened(_with(carried, said.number, replace(standing, said=said.revision)))
    why = next(_not_to_be(carried, said, standing, start), None)
    if why is not None:
        return why
    ordinal, revision = 0, 1
    if standing is not None:
        ordinal, revision = standing.booking.ordinal, standing.booking.revision + 1
    elif known is not None:
        ordinal = known.booking.ordinal + 1
    booking = Booking(
        session_id=session_id(carried.order.order_id, said.number, ordinal),
        ordinal=ordinal,
        slot=slot,
        revision=revision,
        limit=order.limit,
        inside_limit=order.keeps_limit(start),
        transport=order.transport,
        distance_m=None,
        alternatives=(),
        reason="The supplier set this time.",
        offered_at=now,
    )
    event: Event = SessionOffered(order, booking)
    if standing is not None:
        event = SessionMoved(order, booking, standing.booking.slot)
    after = Stated(booking=booking, place=place, said=said.revision)
    return Happened(_with(carried, said.number, after), (event,))


def _not_to_be(
    carried: Carried, said: StateSession, standing: Stated | None, start: datetime
) -> Iterator[Refusal]:
    if carried.standing in _NOT_NOW:
        yield Refusal("order_id", _NOT_NOW[carried.standing])
    if standing is not None and standing.booking.slot.start <= said.at:
        yield Refusal("start", "the session has begun: it can't be moved")
    if start <= said.at:
        yield Refusal("start", "must lie ahead: a citizen is told of it")
    if start > said.at + FARTHEST:
        yield Refusal("start", f"lies more than {FARTHEST.days} days ahead")


def _attended(carried: Carried, said: StateSession, known: Stated | None) -> Happened | Refusal:
    if known is None or known.cancelled:
        return Refusal("state", "nobody was told of this session: state it as planned first")
    if too_soon(known.booking.slot.start, said.at):
        return Refusal("state", "the session's day has not come")
    attended = said.state is State.ATTENDED
    before = known.booking.attendance
    if before is not None and before.attended is attended:
        return Happened(carried)
    note = Attendance(attended, None, said.by, said.at)
    booking = replace(known.booking, attendance=note)
    after = _with(carried, said.number, replace(known, booking=booking, said=said.revision))
    order = session_of(carried.order, said.number)
    return Happened(after, (SessionAttended(order, booking),))


def _with(carried: Carried, number: int, one: Stated) -> Carried:
    return replace(carried, sessions={**carried.sessions, number: one})


def _unnamed(order: Order) -> Place:
    return Place(code=order.provider, name="", address="", postcode="")
