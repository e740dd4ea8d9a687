"""How far behind a consumer is, and when it counts as stuck."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.relay import LowWater
from shared.watch import Lag, Watch

P = ("orders", 0)


def watching() -> Watch:
    return Watch(patience=60)


def test_lag_is_counted_in_records_and_in_time() -> None:
    watch = watching()
    assert watch.observe(0, {P: 10}, {P: 10}) == [Lag(*P, 0, 0.0)]
    assert watch.observe(5, {P: 12}, {P: 10}) == [Lag(*P, 2, 0.0)]
    assert watch.observe(9, {P: 15}, {P: 10}) == [Lag(*P, 5, 4.0)]
    assert watch.observe(10, {P: 15}, {P: 13}) == [Lag(*P, 2, 1.0)]
    assert watch.observe(11, {P: 15}, {P: 15}) == [Lag(*P, 0, 0.0)]


def test_a_consumer_that_is_behind_and_does_not_move_is_stuck() -> None:
    watch = watching()
    watch.observe(0, {P: 10}, {P: 5})
    assert watch.stuck(60) == []
    assert watch.stuck(61) == [P]
    assert watch.stuck(61, excused={"orders"}) == []


def test_one_that_moves_however_slowly_is_not() -> None:
    watch = watching()
    for now in range(0, 600, 50):
        watch.observe(now, {P: 1000}, {P: now})
        assert watch.stuck(now) == []


def test_an_idle_one_is_not_stuck_when_a_record_comes_at_last() -> None:
    watch = watching()
    watch.observe(0, {P: 10}, {P: 10})
    watch.observe(10_000, {P: 11}, {P: 10})
    assert watch.stuck(10_001) == []


def test_a_partition_that_went_to_others_is_forgotten() -> None:
    watch = watching()
    watch.observe(0, {P: 10}, {P: 5})
    watch.observe(100, {}, {})
    assert watch.stuck(1000) == []


@given(
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=3), st.booleans()), min_size=1, max_size=60
    )
)
def test_no_row_is_ever_below_the_low_water_mark(steps: list[tuple[int, bool]]) -> None:
    """Transactions take ids and end in any order; the relay reads in between."""
    mark = LowWater()
    next_id, next_xid = 1, 1
    running: dict[int, int] = {}  # transaction → its row's id
    visible: set[int] = set()
    for what, commits in steps:
        if what == 0:
            running[next_xid] = next_id
            next_id, next_xid = next_id + 1, next_xid + 1
        elif what in {1, 2} and running:
            xid = min(running) if what == 1 else max(running)
            row = running.pop(xid)
            if commits:
                visible.add(row)
                assert row > mark.id, "a row appeared below the mark: it would never be sent"
        else:
            largest = max(visible, default=0)
            visible.clear()
            mark.saw(largest, min(running, default=next_xid), next_xid)
