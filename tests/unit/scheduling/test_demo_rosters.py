"""The demo municipalities' rosters are what a roster system would be let through with."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from deploy.demo.capacity import RosterError, Statement, rosters, statements
from services.scheduling.capacity import LocationWeek, elsewhere, problems
from services.scheduling.incoming import CapacityStated, stated
from services.scheduling.settings import COMPETENCES
from shared.topics import load

ROOT = Path(__file__).parents[3]
A_DAY = date(2026, 11, 22)


def weeks(code: str, since: date = A_DAY) -> list[tuple[Statement, LocationWeek]]:
    found = statements(rosters()[code], since, 2)
    return [(one, stated(CapacityStated.model_validate_json(one.value))) for one in found]


@pytest.mark.parametrize("code", sorted(rosters()))
@pytest.mark.parametrize("since", [A_DAY, date(2022, 5, 23), date(2026, 10, 19)])
def test_every_statement_is_accepted(code: str, since: date) -> None:
    for statement, week in weeks(code, since):
        others = {
            other.location.code: [(t.id, shift) for t in other.therapists for shift in t.shifts]
            for _, other in weeks(code, since)
            if other.week == week.week and other.location.code != week.location.code
        }
        assert problems(week, COMPETENCES) == []
        assert list(elsewhere(week, others)) == []
        assert (statement.provider, statement.week) == (code, week.week)


@pytest.mark.parametrize("code", sorted(rosters()))
def test_the_roster_systems_may_speak_for_the_municipality(code: str) -> None:
    cluster = load(ROOT / "deploy" / "topics.toml")
    for statement, _ in weeks(code):
        party = cluster.party("source", statement.source)
        assert party is not None
        assert code in party.attributes["providers"]
        assert statement.topic in cluster.topics


def test_randers_has_five_locations_and_forty_therapists() -> None:
    first_week = [week for _, week in weeks("730")][:5]
    assert len({week.location.code for week in first_week}) == 5
    staff = [therapist for week in first_week for therapist in week.therapists]
    assert sum(bool(therapist.shifts) for therapist in staff) == 40
    assert [bool(one.duties) for one in staff] == [not one.shifts for one in staff]


def test_hours_keep_to_danish_time_when_the_clocks_change() -> None:
    before, after = (
        [shift for therapist in week.therapists for shift in therapist.shifts]
        for _, week in weeks("730", date(2026, 10, 19))
        if week.location.code == "randers"
    )
    assert after[0].start - before[0].start == timedelta(days=7, hours=1)


def test_a_wrong_hour_is_named_with_its_therapist(tmp_path: Path) -> None:
    path = tmp_path / "999.toml"
    path.write_text(
        rosters()["316"].read_text(encoding="utf-8").replace("mon ", "man ", 1), encoding="utf-8"
    )
    with pytest.raises(RosterError, match="316-t"):
        list(statements(path, A_DAY, 1))
