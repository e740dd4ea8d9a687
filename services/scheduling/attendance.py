"""Who came, who is told, and referrals that rest. Standard library only: no clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.scheduling.capacity import local_date
from services.scheduling.commands import Attend, Pause, Resume, Tell
from services.scheduling.facts import Decision, SessionAttended
from services.scheduling.moves import book, given_up
from services.scheduling.orders import Placed, Status
from services.scheduling.provider import Provider
from services.scheduling.telling import decide_telling

_RESTS: tuple[Status, ...] = (Status.WAITING, Status.BOOKED, Status.LATE)


def decide_course(
    provider: Provider, command: Attend | Pause | Resume | Tell, now: datetime
) -> Decision | None:
    """See `domain.decide`."""
    placed = provider.orders[command.order_id]
    match command:
        case Attend():
            return _attend(placed, command, now)
        case Pause():
            return _pause(placed, now)
        case Resume():
            return _resume(provider, placed, command, now)
        case Tell():
            return decide_telling(placed, command.alternatives, now)


def too_soon(start: datetime, now: datetime) -> bool:
    """Whether a session's day has not come: nobody can have been there or stayed away yet."""
    return local_date(now) < local_date(start)


def _attend(placed: Placed, command: Attend, now: datetime) -> Decision | None:
    """Writes it down; the same again says nothing, something else is a correction."""
    booking = placed.booking
    if booking is None or booking.session_id != command.session_id:
        return None
    if too_soon(booking.slot.start, now):
        return None
    said, before = command.attendance, booking.attendance
    if before is not None and (before.attended, before.reason) == (said.attended, said.reason):
        return None
    after = replace(booking, attendance=said)
    return Decision(replace(placed, booking=after), (SessionAttended(placed.order, after),))


def _pause(placed: Placed, now: datetime) -> Decision | None:
    """Lets the time go. A session that has begun stays, and so does who waits by their own wish."""
    if placed.status not in _RESTS:
        return None
    booking = placed.booking
    if booking is None:
        return Decision(replace(placed, status=Status.PAUSED, told=None), ())
    if booking.slot.start <= now:
        return None
    rests = replace(placed, status=Status.PAUSED, booking=None, told=None)
    return Decision(rests, given_up(placed.order, booking, "paused"))


def _resume(provider: Provider, placed: Placed, command: Resume, now: datetime) -> Decision | None:
    if placed.status is not Status.PAUSED:
        return None
    return book(provider, replace(placed, order=command.order), command.answer, now)
