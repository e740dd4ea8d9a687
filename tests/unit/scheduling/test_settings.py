"""Each municipality's terms, and what is wrong with a file that has none."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from services.scheduling.app import public_holiday
from services.scheduling.orders import Window
from services.scheduling.settings import COMPETENCES, Municipality, Sources, read_municipalities
from services.scheduling.weights import Weights
from shared.settings import SettingsError
from shared.topics import ClusterFileError


def write(folder: Path, text: str) -> Path:
    (folder / "730.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_without_terms_has_the_defaults(tmp_path: Path) -> None:
    otherwise = Municipality(notice_days=2, transfer_minutes=30)
    file = write(tmp_path, 'code = "730"\n[provider]\ncode = "730"')
    found = read_municipalities(file, otherwise)["730"]
    assert (found.notice_days, found.transfer_minutes) == (2, 30)
    assert found.competences == COMPETENCES


def test_a_municipality_sets_its_own_terms(tmp_path: Path) -> None:
    text = (
        'code = "730"\n[scheduling]\nnotice_days = 3\ntransfer_minutes = 90\n'
        'competences = ["almen"]'
    )
    found = read_municipalities(write(tmp_path, text), Municipality())["730"]
    assert (found.notice_days, found.transfer_minutes) == (3, 90)
    assert found.competences == {"almen"}


def test_a_municipality_says_when_rides_run_and_what_a_move_costs(tmp_path: Path) -> None:
    text = (
        'code = "730"\n[scheduling]\nrides = {from = "08:30", to = "15:00"}\n'
        "[scheduling.weights]\nmove_km = 0"
    )
    found = read_municipalities(write(tmp_path, text), Municipality())["730"]
    assert found.rides == Window(None, time(8, 30), time(15))
    assert found.weights.move == 0


def test_a_municipality_weighs_in_kilometres_what_it_names_and_else_as_all_do(
    tmp_path: Path,
) -> None:
    text = 'code = "730"\n[scheduling.weights]\nwaited_day_km = 1.5\nvulnerable = 5\nreserve = 0'
    found = read_municipalities(write(tmp_path, text), Municipality())["730"].weights
    assert found == Weights(waited_day=1500, vulnerable=5, reserve=0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("code =", "730.toml"),
        ('name = "Randers"', "code"),
        ('code = "730"\n[scheduling]\nnotice_days = "to"', "notice_days"),
        ('code = "730"\n[scheduling]\nnotice_days = -1', "notice_days"),
        ('code = "730"\n[scheduling]\ntransfer_minutes = -5', "transfer_minutes"),
        ('code = "730"\n[scheduling]\ntransfer_minutes = 1.5', "transfer_minutes"),
        ('code = "730"\n[scheduling]\ncompetences = "almen"', "competences"),
        ('code = "730"\n[scheduling.weights]\nlate_km = -1', "weights.late_km"),
        ('code = "730"\n[scheduling]\nrides = "08:00"', "scheduling.rides must be hours"),
        (
            'code = "730"\n[scheduling]\nrides = {from = "15:00", to = "08:00"}',
            "scheduling.rides must be hours",
        ),
        ('code = "730"\n[scheduling.weights]\nlate = 1', "weights.late is no weight"),
        ('code = "730"\n[scheduling.weights]\nride = 0.5', "weights.ride"),
        ('code = "730"\n[scheduling.weights]\nvulnerable = 1.5', "weights.vulnerable"),
        ('code = "730"\n[scheduling.weights]\nreserve = 0.9', "weights.reserve"),
        ('code = "730"\n[scheduling.weights]\nreserve = true', "weights.reserve"),
        ('code = "730"\nscheduling = {weights = 3}', "scheduling.weights"),
        ('code = "730"\nscheduling = 3', "scheduling"),
        ('code = "730"\nprovider = 3', "provider"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read_municipalities(write(tmp_path, text), Municipality())


def test_a_folder_without_a_municipality_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no municipality"):
        read_municipalities(tmp_path, Municipality())


def test_store_bededag_is_a_working_day_since_2024() -> None:
    assert public_holiday(date(2023, 5, 5))
    assert not public_holiday(date(2024, 4, 26))


@pytest.mark.parametrize("day", ["2026-05-01", "2026-06-05", "2026-12-24", "2026-12-31"])
def test_optional_holidays_are_working_days(day: str) -> None:
    assert not public_holiday(date.fromisoformat(day))


SOURCE = '[[party]]\nkind = "source"\ncode = "{code}"\nattributes = {{ providers = {providers} }}\n'


def test_a_new_roster_system_needs_no_restart(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(SOURCE.format(code="randers", providers='["730"]'), encoding="utf-8")
    sources = Sources(path)
    assert sources.providers("holbaek") == frozenset()
    with path.open("a", encoding="utf-8") as file:
        file.write(SOURCE.format(code="holbaek", providers='["316"]'))
    sources.refresh()
    assert sources.providers("holbaek") == {"316"}


def test_a_cluster_file_that_breaks_later_leaves_rosters_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(SOURCE.format(code="randers", providers='["730"]'), encoding="utf-8")
    sources = Sources(path)
    path.write_text("[[party]", encoding="utf-8")
    sources.refresh()
    assert sources.providers("randers") == {"730"}


def test_a_cluster_file_that_is_wrong_from_the_start_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(SOURCE.format(code="randers", providers="730"), encoding="utf-8")
    with pytest.raises(ClusterFileError, match="providers"):
        Sources(path)
