"""Closing locations: no hour appears or is lost but by what is said of the staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.capacity import LocationWeek, Shift
from services.scheduling.engine.locations import (
    Change,
    Rooms,
    Staff,
    changed_week,
    closing_orders,
)
from services.scheduling.engine.model import InvalidInputError
from tests.unit.scheduling.factories import MONDAY, a_therapist, a_week

# Langå lies nearer to Randers than to Assentoft.
BETWEEN = {(a, b): abs("A LR".index(a) - "A LR".index(b)) for a in "ALR" for b in "ALR"}
DAYS = [MONDAY + timedelta(days=n) for n in range(5)]
Hours = list[tuple[date, tuple[str, str]]]
spans = st.sampled_from([("08:00", "11:00"), ("09:00", "12:30"), ("12:00", "15:00")])
shifts = st.lists(st.tuples(st.sampled_from(DAYS), spans), max_size=4, unique_by=lambda one: one[0])


def weeks_of(hours: Sequence[Hours]) -> list[LocationWeek]:
    """A week of three locations; each has a therapist of its own, and T0 works in all of them."""
    return [
        a_week(
            code,
            a_therapist(f"T{code}", *((day, *span) for day, span in of)),
            a_therapist("T0", (DAYS[number], "08:00", "10:00"), competences=["almen", "ryg"]),
        )
        for number, (code, of) in enumerate(zip("ALR", hours, strict=True))
    ]


def a_change(*keep: str, staff: Staff = Staff.FOLLOW, rooms: Rooms = Rooms.MOVE) -> Change:
    return Change(keep=keep, staff=staff, rooms=rooms, between=BETWEEN)


def worked(weeks: Sequence[LocationWeek]) -> Counter[tuple[str, Shift]]:
    return Counter(
        (one.id, shift) for week in weeks for one in week.therapists for shift in one.shifts
    )


@settings(deadline=None, max_examples=60)
@given(
    hours=st.lists(shifts, min_size=3, max_size=3),
    keep=st.sampled_from([("R",), ("A",), ("R", "L"), ("A", "L"), ("A", "L", "R")]),
    staff=st.sampled_from([Staff.FOLLOW, Staff.SPREAD]),
    rooms=st.sampled_from(list(Rooms)),
)
def test_moved_staff_keeps_its_hours_and_competences(
    hours: list[Hours], keep: tuple[str, ...], staff: Staff, rooms: Rooms
) -> None:
    before = weeks_of(hours)
    after = changed_week(before, a_change(*keep, staff=staff, rooms=rooms))
    assert worked(after) == worked(before)
    assert [week.location.code for week in after] == ["A", "L", "R"]
    skills = {one.id: one.competences for week in before for one in week.therapists}
    assert all(one.competences == skills[one.id] for week in after for one in week.therapists)
    for week in after:
        assert week.closed is (week.location.code not in keep)
        assert not (week.closed and (week.therapists or week.rooms))
        names = [room.code for room in week.rooms]
        assert len(names) == len(set(names))
    there = sum(len(week.rooms) for week in after)
    moved = rooms is Rooms.MOVE
    assert there == sum(len(w.rooms) for w in before if moved or w.location.code in keep)


def staffed(weeks: Sequence[LocationWeek]) -> dict[str, set[str]]:
    return {week.location.code: {one.id for one in week.therapists} for week in weeks}


WEEKS = weeks_of([[(DAYS[0], ("08:00", "11:00"))]] * 3)


def test_staff_follows_to_the_nearest_kept_location() -> None:
    after = staffed(changed_week(WEEKS, a_change("A", "R")))
    assert after == {"A": {"TA", "T0"}, "L": set(), "R": {"TR", "TL", "T0"}}


def test_staff_that_is_spread_is_dealt_out_evenly() -> None:
    one = WEEKS[1].therapists[0]
    many = replace(WEEKS[1], therapists=tuple(replace(one, id=f"L{n}") for n in range(6)))
    change = a_change("A", "R", staff=Staff.SPREAD)
    after = staffed(changed_week([WEEKS[0], many, WEEKS[2]], change))
    lent = {f"L{n}" for n in range(6)}
    assert [len(after[code] & lent) for code in "AR"] == [3, 3]


def test_staff_that_is_cut_is_gone_and_rooms_that_stay_are_not_added() -> None:
    change = a_change("A", "R", staff=Staff.CUT, rooms=Rooms.STAY)
    after = changed_week(WEEKS, change)
    assert [after[0], after[2]] == [WEEKS[0], WEEKS[2]]


def test_staff_as_given_needs_to_be_given() -> None:
    change = a_change("A", staff=Staff.AS_GIVEN)
    with pytest.raises(InvalidInputError, match="as given"):
        changed_week(WEEKS, change)
    hours = [replace(WEEKS[0], therapists=WEEKS[1].therapists)]
    after = staffed(changed_week(WEEKS, change, hours))
    assert after == {"A": {"TL", "T0"}, "L": set(), "R": set()}


def test_a_location_of_which_nothing_is_given_has_nobody() -> None:
    change = a_change("A", "R", staff=Staff.AS_GIVEN)
    assert staffed(changed_week(WEEKS, change, [WEEKS[0]]))["R"] == set()


@pytest.mark.parametrize(
    ("keep", "says"), [((), "keep 0"), (("A", "X"), "X: it is unknown"), (("A", "A"), "twice")]
)
def test_what_cannot_be_kept_is_said(keep: tuple[str, ...], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        changed_week(WEEKS, a_change(*keep))


def test_every_order_of_closing_is_tried_up_to_six() -> None:
    assert len(closing_orders([3, 1, 2])) == 6
    with pytest.raises(InvalidInputError, match="at most 6"):
        closing_orders(range(7))
