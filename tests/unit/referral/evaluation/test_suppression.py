"""No small count is told, and none can be computed from what is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.evaluation.suppression import FEWEST, small, told

NAMES = ("waiting", "under_way", "completed", "ended")
ROWS = st.tuples(*(st.integers(0, 30) for _ in NAMES)).map(
    lambda counts: dict(zip(NAMES, counts, strict=True))
)


@pytest.mark.parametrize(
    ("counts", "total", "parts"),
    [
        ((10, 20, 30, 0), 60, (10, 20, 30, 0)),
        ((3, 20, 30, 9), 62, (None, 20, 30, None)),  # the next smallest goes, too
        ((1, 2, 30, 40), 73, (None, None, None, 40)),  # 1 + 2 would be a small count itself
        ((2, 4, 30, 40), 76, (None, None, 30, 40)),
        ((3, 0, 0, 8), 11, (None, 0, 0, None)),
        ((2, 0, 1, 0), None, (None, None, None, None)),
        ((0, 0, 0, 0), 0, (0, 0, 0, 0)),
    ],
)
def test_a_row_tells_what_it_may(
    counts: tuple[int, ...], total: int | None, parts: tuple[int | None, ...]
) -> None:
    assert told(dict(zip(NAMES, counts, strict=True))) == (
        total,
        dict(zip(NAMES, parts, strict=True)),
    )


@given(ROWS)
def test_no_small_count_is_told_and_none_is_left_over(counts: dict[str, int]) -> None:
    total, parts = told(counts)
    assert total is None or (total == sum(counts.values()) and not small(total))
    for name, count in parts.items():
        assert count is None or (count == counts[name] and not small(count))
    hidden = [name for name, count in parts.items() if count is None]
    if total is None or not hidden:
        return
    left = total - sum(count for count in parts.values() if count is not None)
    assert len(hidden) > 1
    assert left >= FEWEST
    # Whoever knows the rule still finds more than one way to fill each blank one.
    assert any(small(counts[name]) for name in hidden)


@given(ROWS)
def test_a_row_without_small_counts_is_told_whole(counts: dict[str, int]) -> None:
    if not any(small(count) for count in counts.values()):
        assert told(counts) == (sum(counts.values()), counts)


def test_every_small_row_of_two_is_hidden_whole_or_safe() -> None:
    for a, b in product(range(12), repeat=2):
        total, parts = told({"a": a, "b": b})
        if small(a) or small(b):
            assert total is None or set(parts.values()) == {None}
