"""What is said of each session when a batch ends: once, whatever became of it on the way.

Standard library only. A course may be planned anew after its first session was; whoever is told
hears of where their session ended up, not of the ways there.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace

from services.scheduling.facts import (
    Decision,
    Event,
    SessionCancelled,
    SessionMoved,
    SessionOffered,
    SessionReoffered,
    SessionRestated,
)

Change = SessionOffered | SessionMoved | SessionRestated | SessionReoffered | SessionCancelled


def once(events: Iterable[Event]) -> list[Event]:
    """The events with one for each session at most, where its last one stood."""
    found: dict[object, Event | None] = {}
    for number, event in enumerate(events):
        if not isinstance(event, Change):
            found[number] = event
            continue
        key = event.booking.session_id
        before = found.pop(key, None)
        found[key] = _both(before, event) if isinstance(before, Change) else event
    return [event for event in found.values() if event is not None]


def unraised(decision: Decision, spoken: Set[str]) -> Decision:
    """The decision without another revision for sessions that are `spoken` of already."""
    booking = decision.placed.booking
    said: list[Event] = []
    for event in decision.events:
        if isinstance(event, Change) and event.booking.session_id in spoken:
            lower = replace(event.booking, revision=event.booking.revision - 1)
            if booking is not None and booking.session_id == lower.session_id:
                booking = lower
            said.append(replace(event, booking=lower))
        else:
            said.append(event)
    return Decision(replace(decision.placed, booking=booking), tuple(said)) if spoken else decision


def _both(first: Change, then: Change) -> Change | None:
    """One event that says what two would; None where nobody need know of the session."""
    if isinstance(first, SessionOffered):
        if isinstance(then, SessionCancelled):
            return None
        return SessionOffered(then.order, then.booking)
    if isinstance(then, SessionCancelled) or not isinstance(first, SessionMoved):
        return then
    slot, was = then.booking.slot, first.previous
    if slot.appointment == was.appointment:
        return SessionRestated(then.order, then.booking)
    return replace(first, order=then.order, booking=then.booking)
