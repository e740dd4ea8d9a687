"""Quiet hours, by the clock in Denmark, summer and winter."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.quiet import LOCAL, Quiet

FAR = datetime(2030, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(1_640_000_000, 1_830_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "release"),
    [
        ("2026-11-24T20:59", "2026-11-24T20:59"),
        ("2026-11-24T21:00", "2026-11-25T07:00"),
        ("2026-11-25T06:59", "2026-11-25T07:00"),
        ("2026-11-25T07:00", "2026-11-25T07:00"),
        ("2026-03-28T23:00", "2026-03-29T07:00"),  # the night that summer time begins in
        ("2026-10-24T23:00", "2026-10-25T07:00"),  # the night that it ends in
    ],
)
def test_a_text_is_held_until_seven(now: str, release: str) -> None:
    assert Quiet().release(local(now), before=FAR) == local(release)


@given(INSTANTS)
def test_nothing_is_ever_released_in_quiet_hours_or_held_longer_than_a_night(
    now: datetime,
) -> None:
    release = Quiet().release(now, before=FAR)
    assert not Quiet().holds(release)
    assert timedelta(0) <= release - now <= timedelta(hours=11)  # one night a year is that long


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(hours=14)))
def test_no_text_comes_later_than_an_hour_before_the_session_by_being_held(
    now: datetime, ahead: timedelta
) -> None:
    quiet = Quiet()
    release = quiet.release(now, before=now + ahead)
    assert release == now or release + quiet.notice <= now + ahead


def test_equal_hours_are_never_quiet() -> None:
    quiet = Quiet(begins=time(0), ends=time(0))
    assert not any(quiet.holds(FAR + timedelta(hours=hour)) for hour in range(24))


def test_quiet_hours_may_lie_within_a_day() -> None:
    quiet = Quiet(begins=time(1), ends=time(6))
    assert quiet.release(local("2026-11-24T02:00"), before=FAR) == local("2026-11-24T06:00")
    assert quiet.release(local("2026-11-24T06:00"), before=FAR) == local("2026-11-24T06:00")
