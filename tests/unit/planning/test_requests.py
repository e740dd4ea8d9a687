"""Past requests from a file: read line by line, forecast from or replayed, and anonymous."""

from __future__ import annotations

import json
import re
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.errors import CommandError
from deploy.cli.main import app
from deploy.planning.faults import UnusableFileError
from deploy.planning.requests_csv import read
from services.scheduling.orders import Window
from tests.unit.planning.test_what_if import ROSTER

HEADS = "modtaget;udskrevet;postnr;kompetencer;sårbar;kørsel;ugedage;fra;til;senere start"


def a_file(*rows: str) -> str:
    return "\n".join((HEADS, *rows, ""))


def test_a_citizen_is_read_with_limit_and_wishes() -> None:
    (one,) = read(
        "r.csv", a_file("23-11-2026;2026-11-22;8900;almen|neurologi;ja;x;man|ons;;12:00;")
    )
    assert (one.arrived, one.limit) == (date(2026, 11, 23), date(2026, 11, 29))
    assert one.earliest == date(2026, 11, 24)
    assert one.competences == {"almen", "neurologi"}
    assert (one.vulnerable, one.transport, one.district) == (True, True, "8900")
    assert one.windows == (Window(1, time.min, time(12)), Window(3, time.min, time(12)))


def test_a_later_start_moves_the_limit() -> None:
    (one,) = read("r.csv", a_file("2026-11-23;2026-11-22;8900;;;;;;;2026-12-06"))
    assert (one.earliest, one.limit) == (date(2026, 12, 6), date(2026, 12, 13))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2026-13-01;2026-11-22;8900", "r.csv:3: arrived: '2026-13-01' is no date"),
        ("2026-11-23;;8900", "r.csv:3: discharged: '' is no date"),
        ("2026-11-23;2026-11-22;8900;;måske", "r.csv:3: vulnerable: 'måske' is neither"),
        ("2026-11-23;2026-11-22;8900;;;;aldrig", "r.csv:3: 'aldrig' is no weekday"),
        ("2026-11-23;2026-11-22;8900;;;;;12:00;08:00", "r.csv:3: to: 08:00 is not after 12:00"),
    ],
)
def test_a_line_that_cannot_be_used_is_told(row: str, says: str) -> None:
    with pytest.raises(UnusableFileError) as caught:
        read("r.csv", a_file("2026-11-23;2026-11-22;8900", row))
    assert says in str(caught.value)


def test_what_tells_who_a_citizen_is_has_no_place_in_the_file() -> None:
    with pytest.raises(UnusableFileError, match="holds cpr, navn: take out what tells who"):
        read("r.csv", "cpr;navn;modtaget;udskrevet;postnr\n")


def ask(tmp_path: Path, *options: str, days: int = 60) -> Any:
    (tmp_path / "roster.toml").write_text(ROSTER, encoding="utf-8")
    rows = [
        f"{day};{day - timedelta(days=1)};{'8900' if number % 3 else '8981'};almen"
        for number in range(days)
        for day in [date(2026, 1, 5) + timedelta(days=number)]
    ]
    (tmp_path / "requests.csv").write_text(a_file(*rows), encoding="utf-8")
    result = CliRunner().invoke(
        app,
        [
            *("what-if", "--roster", str(tmp_path / "roster.toml")),
            *("--requests", str(tmp_path / "requests.csv"), "--weeks", "3", "--seeds", "2"),
            *("--close", "syd", "--staff", "follow", "--rooms", "move", "--json", *options),
        ],
        catch_exceptions=False,
    )
    return json.loads(result.stdout)


def test_the_past_is_forecast_from_at_its_own_rate(tmp_path: Path) -> None:
    told = ask(tmp_path, "--from", "2026-11-23")
    assert told["today"]["figures"]["sessions"] == pytest.approx(7, abs=3)  # one a day came
    assert {one["name"] for one in told["districts"]} == {"8900", "8981"}
    assert told["question"]["from"] == "2026-11-23"


def test_the_past_itself_is_replayed_once(tmp_path: Path) -> None:
    told = ask(tmp_path, "--replay", days=63)
    assert (told["question"]["from"], told["question"]["to"]) == ("2026-01-05", "2026-03-08")
    assert told["today"]["figures"]["sessions"] == pytest.approx(7)
    assert told["options"][0]["seeds"] == 1
    assert told["options"][0]["difference"]["late"][1] is None  # one run has no interval


@pytest.mark.parametrize("option", ["--load=0.5", "--plans=+10%"])
def test_the_past_has_its_own_plans_and_hours(tmp_path: Path, option: str) -> None:
    with pytest.raises(CommandError, match="need a forecast"):
        ask(tmp_path, "--replay", option)


def test_an_unknown_postcode_is_told_and_counted_as_far(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "r.csv").write_text(a_file("2026-01-05;2026-01-04;9999"), encoding="utf-8")
    result = CliRunner().invoke(
        app,
        [
            *("what-if", "--roster", str(tmp_path / "roster.toml"), "--seeds", "1"),
            *("--requests", str(tmp_path / "r.csv"), "--weeks", "3", "--policy", "nearest"),
            *("--close", "syd", "--staff", "follow", "--rooms", "move"),
        ],
    )
    assert re.search(r"postcode\s+9999,\s+which\s+is\s+not\s+known", result.stdout)
