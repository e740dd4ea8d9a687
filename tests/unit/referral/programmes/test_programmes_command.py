"""`genvej programmes`: what it prints, its JSON, and what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.errors import CommandError
from deploy.cli.programmes import app
from services.referral.programme_files import load
from tests.unit.referral.programmes.files import GOOD, a_folder, changed


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, list(arguments))


def said(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code in {0, 1, 3}, result.exception
    return json.loads(result.stdout)


def wrong(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, CommandError)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_the_list_names_every_programme_with_the_law_of_the_day() -> None:
    listed = {one["id"]: one for one in said("list", "--on", "2027-01-01")}
    assert set(listed) == set(load().programmes)
    assert [law["authority"] for law in listed["chronic-pain"]["laws"]] == ["region"]
    bases = [law["legal_basis"] for law in listed["loss-of-function"]["laws"]]
    assert bases == ["Serviceloven § 86, stk. 1", "Ældreloven"]
    table = run("list", "--on", "2026-01-01").stdout
    assert all(name in table for name in listed)
    assert "Ældreloven" in table


def test_a_programme_is_shown_whole() -> None:
    text = run("show", "mastery").stdout
    for part in (
        "Læring og mestring / Learning and mastery",
        "basis self, referred by citizen; age 18 and over",
        "since 2018-07-01: Sundhedsloven § 119; municipality; limit none",
        "8 × 150 min; 5 to 10 days between; 8 to 12 citizens; centre, room; led by 1 staff "
        "(mestring) and 1 peer",
        "asked before, after, six-months",
        "may lead on to: bridging-to-associations, open-activities",
    ):
        assert part in text


@pytest.mark.parametrize("id_", sorted(load().programmes))
def test_every_programme_is_shown_in_words_and_as_json(id_: str) -> None:
    assert run("show", id_).exit_code == 0
    whole = said("show", id_)
    assert whole["id"] == id_
    assert len(whole["step"]) == len(load().programmes[id_].steps)
    assert whole["law"]


def test_checking_says_that_nothing_is_wrong() -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "Nothing is wrong.\n")


def test_checking_a_file_names_file_line_key_and_reason(tmp_path: Path) -> None:
    path = a_folder(tmp_path, new=changed("minutes = 30", "minuts = 30")) / "new.toml"
    result = run("check", str(path))
    assert result.exit_code == 1
    assert result.stdout == f"{path}:20: step[0].minuts: is no key here; did you mean minutes?\n"
    assert said("check", str(path)) == [
        {
            "path": str(path),
            "line": 20,
            "key": "step[0].minuts",
            "reason": "is no key here; did you mean minutes?",
        }
    ]


def test_checking_a_folder_checks_it_as_a_service_would(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, new=GOOD)
    assert run("check", str(folder)).exit_code == 0
    (folder / "p140-rehabilitering-specialiseret.toml").unlink()
    result = run("check", str(folder))
    assert result.exit_code == 1
    assert "no programme takes plans of type rehabilitering-specialiseret" in result.stdout


def test_a_simulated_order_is_the_order_and_its_reasons() -> None:
    arguments = ("simulate", "--basis", "hospital", "--type", "almen", "--date", "2022-05-24")
    answer = said(*arguments, "--received", "2022-05-23")
    example = Path("shared/contracts/order.placed.v1.example.json")
    order = json.loads((Path(__file__).parents[4] / example).read_text(encoding="utf-8"))
    for step in order["steps"]:
        del step["step_id"]
    expected = ("programme", "earliest", "limit", "bedside", "steps")
    assert answer["order"] == {key: order[key] for key in expected}
    result = run(*arguments, "--received", "2022-05-23")
    assert result.exit_code == 0
    assert "limit 2022-05-31: 7 calendar days from discharge (2022-05-24)" in result.stdout


def test_where_nothing_is_ordered_the_reasons_are_told() -> None:
    result = run("simulate", "--basis", "gp", "--age", "12")
    assert result.exit_code == 3
    assert "no programme admits basis gp; age 12" in result.stdout
    assert "back-school: takes ages 18 and over; not 12" in result.stdout


def test_a_folder_of_ones_own_is_simulated(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, new=GOOD)
    ask = ("simulate", "--basis", "gp", "--age", "40", "--programme", "new")
    answer = said(*ask, "--folder", str(folder), "--date", "2026-11-20")
    assert answer["order"]["steps"][0]["code"]["code"] == "new/conversation"
    assert [step["seats"] for step in answer["afterwards"]] == [12]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("show", "gone"), "there is no programme gone: genvej programmes list"),
        (("simulate", "--basis", "gp", "--programme", "gone"), "there is no programme gone"),
        (("simulate", "--basis", "gp", "--type", "almen"), "are a hospital's: --basis hospital"),
        (("simulate", "--basis", "hospital", "--level", "basal"), "--level: only plans of type"),
        (("simulate", "--basis", "gp", "--date", "0001-01-01"), "--date: 0001-01-01 lies outside"),
        (("list", "--on", "9999-12-31"), "--on: 9999-12-31 lies outside"),
        (("list", "--folder", "/nowhere"), "/nowhere:1: no such folder of programmes"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: tuple[str, ...], expected: str) -> None:
    assert expected in wrong(*arguments)
