"""Public holidays in Denmark."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays


@lru_cache(maxsize=4096)
def public_holiday(day: date) -> bool:
    """Whether a date is a public holiday in Denmark; 1 May, 5 June, 24 and 31 December are not."""
    return day in _denmark(day.year)


@lru_cache(maxsize=64)
def _denmark(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("DK", years=year, categories=("public",))
