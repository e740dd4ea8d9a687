"""Whatever a roster system sends, it is read or refused: nothing raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.handlers_roster import Refused, Rosters
from services.scheduling.settings import COMPETENCES, Sources
from tests.unit.scheduling.factories import MONDAY, a_message, a_statement, a_therapist, all_week

TOPICS = Path(__file__).parents[3] / "deploy" / "topics.toml"
ROSTERS = Rosters(Sources(TOPICS), lambda provider: COMPETENCES)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.datetimes().map(lambda instant: instant.isoformat() + "Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
paths = st.sampled_from(
    [
        ("provider",),
        ("week",),
        ("version",),
        ("closed",),
        ("rooms",),
        ("rooms", 0),
        ("rooms", 0, "code"),
        ("location",),
        ("location", "lat"),
        ("location", "code"),
        ("therapists",),
        ("therapists", 0),
        ("therapists", 0, "competences"),
        ("therapists", 0, "shifts"),
        ("therapists", 0, "shifts", 0),
        ("therapists", 0, "shifts", 0, "start"),
        ("therapists", 0, "shifts", 0, "end"),
    ]
)


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    statement = a_statement("R", a_therapist("T1", *all_week()))
    place: Any = statement
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return statement


@given(paths, values)
@settings(deadline=None)
def test_a_statement_with_anything_anywhere_is_read_or_refused(path: Any, value: Any) -> None:
    found = ROSTERS.read(a_message("", changed(path, value), topic="roster.randers.capacity"))
    assert not isinstance(found, Refused) or found.problems


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    found = ROSTERS.read(a_message("", value, topic="roster.randers.capacity"))
    assert isinstance(found, Refused)


def test_a_usual_statement_is_read() -> None:
    statement = a_statement("R", a_therapist("T1", (MONDAY, "08:00", "09:00")))
    found = ROSTERS.read(a_message("", statement, topic="roster.randers.capacity"))
    assert not isinstance(found, Refused)
