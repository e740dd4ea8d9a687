"""Random weeks of a small provider around Easter 2027: capacity, orders, withdrawals, time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.unit.scheduling.factories import (
    DK,
    PLACES,
    a_statement,
    a_therapist,
    an_order_body,
    at,
)

# Thursday 25, Friday 26, Sunday 28 and Monday 29 March 2027 are public holidays.
MONDAY = date(2027, 3, 22)
NOW = at(MONDAY, "08:30")
WEEKS = ("2027-W12", "2027-W13")
POSTCODES = ("8900", "8870", "8960", "", "9999")
ORDERS = tuple(f"o{number}" for number in range(8))

Action = tuple[str, Any]

_days = st.integers(0, 13).map(lambda number: MONDAY + timedelta(days=number))
_competences = st.sampled_from([("almen",), ("specialiseret",), ("almen", "specialiseret")])
_languages = st.sampled_from([("da",), ("da", "en"), ("en",)])


@st.composite
def shifts(draw: st.DrawFn, monday: date) -> list[tuple[date, str, str]]:
    """At most one shift a day, none over midnight."""
    found = []
    for offset in sorted(draw(st.sets(st.integers(0, 6), max_size=4))):
        day = monday + timedelta(days=offset)
        begin = at(day, draw(st.sampled_from(["07:30", "08:00", "09:15", "12:40"])))
        end = begin + timedelta(minutes=draw(st.sampled_from([45, 60, 90, 200])))
        local = begin.astimezone(DK), end.astimezone(DK)
        found.append((day, f"{local[0]:%H:%M}", f"{local[1]:%H:%M}"))
    return found


@st.composite
def statements(draw: st.DrawFn) -> Action:
    """A location's week; the sender gives the version. Therapists belong to one location."""
    location = draw(st.sampled_from(sorted(PLACES)))
    week = draw(st.sampled_from(WEEKS))
    monday = MONDAY + timedelta(weeks=WEEKS.index(week))
    staff = [
        a_therapist(
            f"{location}{number}",
            *draw(shifts(monday)),
            competences=draw(_competences),
            languages=draw(_languages),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    rooms = draw(st.integers(1, 2))
    closed = draw(st.integers(0, 5)) == 0
    return "capacity", a_statement(location, *staff, week=week, rooms=rooms, closed=closed)


@st.composite
def windows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly none: any time suits."""
    if draw(st.integers(0, 2)):
        return []
    return [
        {
            "weekday": draw(st.sampled_from([None, 1, 2, 3, 6])),
            "from": draw(st.sampled_from([None, "08:00", "09:30"])),
            "to": draw(st.sampled_from([None, "10:00", "12:15"])),
        }
    ]


@st.composite
def orders(draw: st.DrawFn) -> Action:
    """An order, or the new state of one that was placed before."""
    earliest = draw(_days)
    number = draw(st.sampled_from(range(len(ORDERS))))
    return "order", an_order_body(
        ORDERS[number],
        citizen_id=f"c{number % 3}",
        earliest=earliest,
        limit=earliest + timedelta(days=draw(st.integers(-2, 7))),
        vulnerable=draw(st.booleans()),
        postcode=draw(st.sampled_from(POSTCODES)),
        language=draw(st.sampled_from(["da", "en", "ar"])),
        transport=draw(st.booleans()),
        windows=draw(windows()),
        minutes=draw(st.sampled_from([30, 45, 50, 60])),
        competences=list(draw(_competences)),
        room=draw(st.integers(0, 3)) > 0,
    )


@st.composite
def answers(draw: st.DrawFn) -> Action:
    """What some citizen says to an offer: "number" picks one of those that were made."""
    kind = draw(st.sampled_from(["accepted", "declined", "cancelled", "exchanged", "requested"]))
    other: dict[str, Any] = {}
    if kind in {"declined", "cancelled"}:
        other["then"] = draw(st.sampled_from(["another-time", "another-time", "wait"]))
    if kind in {"declined", "cancelled", "requested"}:
        other["not_before"] = draw(st.one_of(st.none(), _days.map(str)))
    return "answer", (draw(st.integers(0, 7)), kind, other)


withdrawals = st.sampled_from(ORDERS).map(lambda order_id: ("withdraw", order_id))
hours = st.integers(1, 30).map(lambda number: ("wait", timedelta(hours=number)))
weeks_of_work = st.lists(
    st.one_of(statements(), statements(), orders(), orders(), orders(), withdrawals, hours),
    max_size=25,
)
weeks_with_answers = st.lists(
    st.one_of(
        statements(), statements(), orders(), orders(), withdrawals, hours, answers(), answers()
    ),
    min_size=12,
    max_size=30,
)
