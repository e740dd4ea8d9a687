"""The statutory limit: seven calendar days, whatever clocks and calendars do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.limit import (
    COPENHAGEN,
    at_risk_due,
    begins,
    earliest_start,
    limit_of,
    local_day,
    local_instant,
    missed_due,
    too_late,
)
from services.referral.plan import PlanType
from services.referral.programme import Law
from services.referral.programme_terms import Authority
from tests.unit.referral.factories import PORTFOLIO

DAYS = st.dates(date(2018, 7, 1), date(2099, 12, 31))
LATER_STARTS = st.none() | st.dates(date(2018, 7, 1), date(2099, 12, 31))
INSTANTS = st.datetimes(datetime(2018, 7, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ALMEN = PORTFOLIO.terms(PlanType.ALMEN, date(2022, 5, 24)).law.limit
HOUR = timedelta(hours=1)


@given(DAYS, LATER_STARTS)
def test_the_limit_is_seven_calendar_days_after_discharge_or_later_start(
    discharge: date, later: date | None
) -> None:
    limit = limit_of(ALMEN, discharge, later)
    assert limit is not None
    assert limit - begins(discharge, later) == timedelta(days=7)
    assert limit - discharge >= timedelta(days=7)


@given(DAYS, st.integers(0, 400))
def test_a_later_start_before_the_discharge_delays_nothing(discharge: date, days: int) -> None:
    earlier = discharge - timedelta(days=days)
    assert limit_of(ALMEN, discharge, earlier) == limit_of(ALMEN, discharge, None)


@pytest.mark.parametrize(
    ("discharge", "limit"),
    [
        (date(2022, 5, 24), date(2022, 5, 31)),  # KL's story
        (date(2026, 12, 28), date(2027, 1, 4)),  # over New Year
        (date(2024, 2, 26), date(2024, 3, 4)),  # over a leap day
        (date(2026, 3, 27), date(2026, 4, 3)),  # over the spring change of clocks
        (date(2026, 10, 23), date(2026, 10, 30)),  # over the autumn change of clocks
    ],
)
def test_the_limit_counts_days_and_not_hours(discharge: date, limit: date) -> None:
    assert limit_of(ALMEN, discharge, None) == limit


def test_training_at_hospital_level_has_no_limit() -> None:
    terms = PORTFOLIO.terms(PlanType.GENOPTRAENING_SPECIALISERET, date(2026, 1, 1))
    assert limit_of(terms.law.limit, date(2026, 1, 1), None) is None
    assert terms.steps == ()


def test_a_later_start_moves_only_a_limit_that_heeds_it() -> None:
    assert ALMEN is not None
    heedless = replace(ALMEN, later_start=False)
    assert limit_of(heedless, date(2026, 1, 1), date(2026, 2, 1)) == date(2026, 1, 8)


def test_the_law_of_the_day_of_discharge_holds() -> None:
    def law(day: date) -> Law:
        return PORTFOLIO.terms(PlanType.REHABILITERING_SPECIALISERET, day).law

    assert law(date(2026, 12, 31)).authority is Authority.MUNICIPALITY
    assert law(date(2027, 1, 1)).authority is Authority.REGION
    assert law(date(1999, 1, 1)).since == date(2018, 7, 1)


@given(INSTANTS, DAYS, LATER_STARTS)
def test_the_first_day_offered_is_never_the_day_of_receipt_nor_before_the_start(
    received: datetime, discharge: date, later: date | None
) -> None:
    earliest = earliest_start(received, discharge, later)
    assert earliest > local_day(received)
    assert earliest >= begins(discharge, later)
    assert earliest > discharge
    day = timedelta(days=1)
    assert earliest in (local_day(received) + day, discharge + day, begins(discharge, later))


@given(INSTANTS, DAYS, LATER_STARTS)
def test_a_plan_is_too_late_exactly_when_it_comes_on_its_last_day_or_after(
    received: datetime, discharge: date, later: date | None
) -> None:
    limit = limit_of(ALMEN, discharge, later)
    assert limit is not None
    assert too_late(received, limit, discharge, later) == (local_day(received) >= limit)


@given(DAYS, st.integers(0, 30), INSTANTS)
def test_the_warning_comes_at_eight_local_time_or_after_the_grace(
    limit: date, days: int, known: datetime
) -> None:
    due = at_risk_due(limit, days, known, HOUR)
    warning = due.astimezone(COPENHAGEN)
    on_time = (warning.date(), warning.time()) == (limit - timedelta(days=days), time(8))
    assert on_time or due == known + HOUR
    assert due >= known + HOUR or on_time


@given(DAYS)
def test_the_limit_is_missed_at_the_local_midnight_after_it(limit: date) -> None:
    due = missed_due(limit)
    assert due.utcoffset() == timedelta(0)
    assert local_day(due) == limit + timedelta(days=1)
    assert local_day(due - timedelta(microseconds=1)) == limit


@given(DAYS, st.integers(0, 30), INSTANTS)
def test_nobody_is_warned_after_the_limit_was_missed(
    limit: date, days: int, known: datetime
) -> None:
    if local_day(known) < limit:  # otherwise the plan came too late, and nothing is at risk
        assert at_risk_due(limit, days, known, HOUR) < missed_due(limit) + HOUR


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 6, tzinfo=UTC)),  # summer time since 02:00
        (date(2026, 3, 28), datetime(2026, 3, 28, 7, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 7, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 6, tzinfo=UTC)),
    ],
)
def test_eight_in_the_morning_is_eight_on_the_wall(day: date, instant: datetime) -> None:
    assert local_instant(day, time(8)) == instant


def test_a_plan_received_just_after_local_midnight_is_received_on_the_new_day() -> None:
    assert local_day(datetime(2022, 5, 23, 22, 0, tzinfo=UTC)) == date(2022, 5, 24)
    assert local_day(datetime(2022, 5, 23, 21, 59, tzinfo=UTC)) == date(2022, 5, 23)
