"""Whatever a planner hands in, it is read or refused with a line: nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.planning import places, requests_csv, roster_csv, roster_toml
from deploy.planning.faults import Fault, UnusableFileError, read_text
from deploy.planning.roster import check
from services.scheduling.settings import COMPETENCES
from tests.unit.planning.test_requests import a_file
from tests.unit.planning.test_rosters import DUTIES, HOURS, LOCATIONS, MONDAY, TOML
from tests.unit.planning.test_what_if import PLACES

ODD = st.sampled_from(
    [
        *("", "-1", "1e999", "nan", "æøå", '"', "'", ";", ",", "|", "[", "]", "[[", "{", "}", "="),
        *("#", "\n", "\t", "99:99", "24:00", "mon", "2026-02-30", "0001-01-01", "9999-12-31"),
        *("0", "true", "null", "()", "((", "\\", "inf", "10000000000000000000000", "x" * 300),
    ]
)


def damaged(text: str) -> st.SearchStrategy[str]:
    """The text with a stretch of it replaced by something odd."""
    end = len(text)
    return st.tuples(st.integers(0, end), st.integers(0, 12), ODD).map(
        lambda cut: text[: cut[0]] + cut[2] + text[cut[0] + cut[1] :]
    )


def faults_of(read: Callable[[], object]) -> tuple[Fault, ...]:
    """What is wrong with a file, nothing where it can be used."""
    try:
        read()
    except UnusableFileError as error:
        return error.faults
    return ()


def told(faults: Sequence[Fault]) -> bool:
    return all(one.line >= 1 and one.text for one in faults)


@settings(deadline=None, max_examples=200)
@given(damaged(TOML))
def test_a_damaged_toml(text: str) -> None:
    def read() -> None:
        roster = roster_toml.read("r.toml", text)
        assert told(check(roster, COMPETENCES, [MONDAY, *roster.dated()]))

    assert told(faults_of(read))


@settings(deadline=None, max_examples=200)
@given(damaged(HOURS), damaged(LOCATIONS), damaged(DUTIES))
def test_a_damaged_csv(hours: str, locations: str, duties: str) -> None:
    def read() -> None:
        roster = roster_csv.read(
            ("h.csv", hours),
            ("l.csv", locations),
            provider="730",
            source="randers",
            duties=("d.csv", duties),
        )
        assert told(check(roster, COMPETENCES, [MONDAY, *roster.dated()]))

    assert told(faults_of(read))


@settings(deadline=None, max_examples=100)
@given(damaged(PLACES))
def test_damaged_places(text: str) -> None:
    assert told(faults_of(lambda: places.read("p.toml", text)))


@settings(deadline=None, max_examples=100)
@given(damaged(a_file("2026-11-23;2026-11-22;8900;almen;ja;x;man|ons;08:00;12:00;2026-12-01")))
def test_damaged_requests(text: str) -> None:
    assert told(faults_of(lambda: requests_csv.read("r.csv", text)))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(content: bytes) -> None:
    assert told(faults_of(lambda: read_text("f", content)))
