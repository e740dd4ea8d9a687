"""What the messages about a citizen's stays come to, and what that means for a referral.

A correction or a cancellation changes what an earlier message said, whenever it comes: the stays
are made anew of all messages, and a referral follows from them. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from services.referral.limit import local_day
from services.referral.referral import Referral
from services.referral.stay import Change, StayEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class StayMessage:
    """A message as it is kept. `previous`: the id of what it corrects or cancels, or follows."""

    hospital: str
    document_id: str
    stay: str
    event: StayEvent
    change: Change
    previous: str | None
    started: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A stay at a hospital. `admitted`: more than a visit to the emergency department."""

    hospital: str
    stay: str
    started: datetime
    ended: datetime | None
    admitted: bool
    deceased: bool


@dataclass(slots=True)
class _Entry:
    """What stands of a message and of those that corrected it."""

    message: StayMessage
    ids: set[str] = field(default_factory=set)


def stays_of(messages: Iterable[StayMessage]) -> tuple[Stay, ...]:
    """The stays that the messages, in the order in which they came, tell of."""
    entries: list[_Entry] = []
    never_true: set[tuple[str, str | None]] = set()
    for message in messages:
        named = _named(entries, message)
        if message.change is Change.CANCELLED:
            if named is not None:
                entries.remove(named)
            never_true.add((message.hospital, message.previous))
        elif (message.hospital, message.document_id) in never_true:
            continue  # its cancellation came first
        elif message.change is Change.REVISED and named is not None:
            named.message = message
            named.ids.add(message.document_id)
        else:
            entries.append(_Entry(message, {message.document_id}))
    keys = dict.fromkeys((one.message.hospital, one.message.stay) for one in entries)
    return tuple(_stay([one.message for one in entries if _key(one) == key]) for key in keys)


def _key(entry: _Entry) -> tuple[str, str]:
    return entry.message.hospital, entry.message.stay


def _named(entries: Sequence[_Entry], message: StayMessage) -> _Entry | None:
    """What a correction or a cancellation is about: the message that it names, else the newest of
    the same stay and event."""
    mine = [one for one in reversed(entries) if one.message.hospital == message.hospital]
    for one in mine:
        if message.previous in one.ids:
            return one
    for one in mine:
        if (one.message.stay, one.message.event) == (message.stay, message.event):
            return one
    return None


def _stay(said: Sequence[StayMessage]) -> Stay:
    events = {one.event for one in said}
    ends = [one for one in said if one.event in {StayEvent.DISCHARGED, StayEvent.DECEASED}]
    visit = StayEvent.ACUTE in events and events <= {StayEvent.ACUTE, StayEvent.DISCHARGED}
    return Stay(
        hospital=said[0].hospital,
        stay=said[0].stay,
        started=said[-1].started,
        ended=ends[-1].ended if ends else None,
        admitted=not visit,
        deceased=StayEvent.DECEASED in events,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the stays mean for one referral.

    `away`: the citizen is in hospital again. `back`: the day of discharge from the newest
    readmission. `home`: the day on which the stay ended from which the plan comes.
    """

    away: bool
    back: date | None
    home: date | None


def standing(referral: Referral, stays: Iterable[Stay]) -> Standing:
    """What the stays mean for this referral."""
    again, own = [], []
    for one in stays:
        if is_readmission(referral, one):
            again.append(one)
        elif _is_own(referral, one):
            own.append(one)
    return Standing(
        away=any(one.ended is None for one in again),
        back=max((local_day(one.ended) for one in again if one.ended is not None), default=None),
        home=max((local_day(one.ended) for one in own if one.ended is not None), default=None),
    )


def is_readmission(referral: Referral, stay: Stay) -> bool:
    """Whether the citizen came to hospital again after this plan was sent or took effect."""
    begins_after = local_day(stay.started) > referral.discharge_date
    return stay.admitted and (begins_after or stay.started >= referral.received_at)


def is_doubtful(referral: Referral, stay: Stay) -> bool:
    """Whether nobody can tell if it is the plan's own stay or the next: both on one day."""
    return (
        stay.admitted
        and stay.ended is None
        and not is_readmission(referral, stay)
        and local_day(stay.started) == referral.discharge_date
    )


def _is_own(referral: Referral, stay: Stay) -> bool:
    """Whether the plan comes from this stay: the same hospital, and not over before the plan."""
    if stay.hospital != referral.hospital or stay.ended is None:
        return False
    known = min(referral.discharge_date, local_day(referral.received_at))
    return local_day(stay.ended) >= known
