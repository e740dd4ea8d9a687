"""What follows from what a supplier says of its orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.scheduling.facts import (
    SessionAttended,
    SessionCancelled,
    SessionMoved,
    SessionOffered,
)
from services.scheduling.suppliers.course import decide
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
    StateSession,
    Take,
)
from tests.unit.scheduling.factories import MONDAY, NOW, an_order, at

TUESDAY = MONDAY + timedelta(days=1)
NINE, TEN = at(TUESDAY, "09:00"), at(TUESDAY, "10:00")
CLINIC = Place(code="fysio/Klinikken", name="Klinikken", address="Prøvegade 9", postcode="8900")
OTHER = replace(CLINIC, code="fysio/Salen", name="Salen")


def an_order_with(supplier: str = "fysio", **other: Any) -> Carried:
    return Carried(order=an_order(provider=supplier, municipality="730", **other))


def stating(
    state: State = State.PLANNED, start: datetime | None = NINE, **other: Any
) -> StateSession:
    given: dict[str, Any] = {
        "number": 1,
        "state": state,
        "start": start if state is State.PLANNED else None,
        "minutes": None,
        "place": None,
        "reason": "capacity-gone",
        "revision": 1,
        "by": "bo",
        "at": NOW,
    }
    return StateSession(**(given | other))


def after(carried: Carried, *commands: Command) -> Happened:
    found = Happened(carried)
    for command in commands:
        now = command.at if isinstance(command, StateSession) else NOW
        step = decide(found.carried, command, now)
        assert isinstance(step, Happened), step
        found = step
    return found


def refused(carried: Carried, command: Command) -> str:
    found = decide(carried, command, NOW)
    assert isinstance(found, Refusal), found
    return f"{found.element}: {found.reason}"


def test_a_stated_session_is_offered_and_lasts_as_long_as_was_ordered() -> None:
    (offered,) = after(an_order_with(minutes=45), stating(place=CLINIC)).events
    assert isinstance(offered, SessionOffered)
    booking = offered.booking
    assert (booking.slot.start, booking.slot.length) == (NINE, timedelta(minutes=45))
    assert (booking.slot.location, booking.revision, booking.inside_limit) == (
        "fysio/Klinikken",
        1,
        True,
    )


def test_the_same_said_again_says_nothing_also_under_a_higher_revision() -> None:
    stated = after(an_order_with(), stating(place=CLINIC)).carried
    assert after(stated, stating(place=CLINIC)).events == ()
    assert after(stated, stating(revision=2)).events == ()


@pytest.mark.parametrize("change", [{"start": TEN}, {"place": OTHER}, {"minutes": 30}])
def test_another_time_place_or_length_moves_the_session(change: dict[str, Any]) -> None:
    stated = after(an_order_with(), stating(place=CLINIC)).carried
    (moved,) = after(stated, stating(**{"revision": 2} | change)).events
    assert isinstance(moved, SessionMoved)
    assert (moved.previous.start, moved.booking.revision) == (NINE, 2)


def test_what_is_older_than_what_was_said_last_is_dropped() -> None:
    stated = after(an_order_with(), stating(revision=3)).carried
    assert after(stated, stating(start=TEN, revision=2)).events == ()


def test_a_time_after_a_cancellation_is_another_session() -> None:
    stated = after(an_order_with(), stating())
    (offered,) = stated.events
    gone = after(stated.carried, stating(State.CANCELLED))
    (cancelled,) = gone.events
    assert isinstance(cancelled, SessionCancelled)
    assert (cancelled.reason, cancelled.booking.revision) == ("capacity-gone", 2)
    assert after(gone.carried, stating(State.CANCELLED)).events == ()
    (again,) = after(gone.carried, stating(start=TEN)).events
    assert isinstance(offered, SessionOffered)
    assert isinstance(again, SessionOffered)
    assert again.booking.session_id != offered.booking.session_id


def test_who_came_is_written_down_from_the_day_on_and_may_be_corrected() -> None:
    stated = after(an_order_with(), stating()).carried
    assert refused(stated, stating(State.ATTENDED)) == "state: the session's day has not come"
    came = after(stated, stating(State.ATTENDED, at=TEN))
    (attended,) = came.events
    assert isinstance(attended, SessionAttended)
    assert attended.booking.attendance is not None
    assert attended.booking.attendance.attended
    assert after(came.carried, stating(State.ATTENDED, at=TEN)).events == ()
    (corrected,) = after(came.carried, stating(State.MISSED, at=TEN)).events
    assert isinstance(corrected, SessionAttended)


def test_each_session_of_a_course_is_of_its_own_step() -> None:
    steps = [
        {"step_id": "s1", "minutes": 60},
        {"step_id": "s2", "kind": "training", "count": 2, "minutes": 30},
    ]
    (third,) = after(an_order_with(steps=steps), stating(number=3)).events
    assert isinstance(third, SessionOffered)
    assert (third.order.step.step_id, third.order.number) == ("s2", 3)
    assert third.booking.limit is None
    assert refused(an_order_with(steps=steps), stating(number=4)) == (
        "number: the order has 3 sessions"
    )


def test_a_withdrawal_calls_off_what_lies_ahead_once() -> None:
    stated = after(an_order_with(), stating()).carried
    ended = after(stated, End())
    (cancelled,) = ended.events
    assert isinstance(cancelled, SessionCancelled)
    assert cancelled.reason == "order-withdrawn"
    assert after(ended.carried, End()).events == ()
    assert "no longer stands" in refused(ended.carried, stating())
    assert after(ended.carried, Take(stated.order)).carried.standing is Standing.STANDS


def test_nothing_is_stated_while_the_citizen_is_in_hospital() -> None:
    stated = after(an_order_with(), stating()).carried
    rests = after(stated, Rest())
    (cancelled,) = rests.events
    assert isinstance(cancelled, SessionCancelled)
    assert cancelled.reason == "paused"
    assert "in hospital" in refused(rests.carried, stating(start=TEN))
    home = after(rests.carried, GoOn(TUESDAY, MONDAY + timedelta(days=9))).carried
    assert home.order.limit == MONDAY + timedelta(days=9)
    (again,) = after(home, stating(start=TEN)).events
    assert isinstance(again, SessionOffered)


def test_a_refusal_is_said_once_and_nothing_can_be_stated_after_it() -> None:
    declined = after(an_order_with(), Decline("no-capacity"))
    assert declined.events == (OrderDeclined(declined.carried.order, "no-capacity"),)
    assert after(declined.carried, Decline("no-capacity")).events == ()
    assert "was declined" in refused(declined.carried, stating())


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (stating(start=NOW - timedelta(days=1)), "start: must lie ahead"),
        (stating(start=NOW + timedelta(days=900)), "start: lies more than"),
        (stating(start=None), "start: is missing"),
        (stating(State.CANCELLED), "state: a session that was never planned"),
        (stating(State.ATTENDED), "state: nobody was told"),
    ],
)
def test_what_can_not_be_is_refused_with_its_element(command: StateSession, reason: str) -> None:
    assert refused(an_order_with(), command).startswith(reason)


def test_a_session_that_has_begun_is_neither_moved_nor_called_off() -> None:
    stated = after(an_order_with(), stating()).carried
    late = at(TUESDAY, "09:30")
    assert "has begun" in refused(stated, stating(start=TEN, at=late, revision=2))
    assert "has begun" in refused(stated, stating(State.CANCELLED, at=late))
