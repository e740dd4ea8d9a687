"""Roster files: TOML and CSV say the same, what is wrong is told with its line, and what was
accepted can be exported and read again."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.errors import CommandError
from deploy.cli.main import app
from deploy.planning import statement
from deploy.planning.faults import UnusableFileError
from deploy.planning.reading import accepted, roster_of
from deploy.planning.roster import Roster, stated
from services.scheduling.capacity import LocationWeek
from services.scheduling.incoming import CapacityStated
from services.scheduling.incoming import stated as week_stated
from services.scheduling.settings import COMPETENCES

MONDAY = date(2026, 11, 23)
LOCATIONS = """kode;navn;adresse;postnr;breddegrad;længdegrad;rum
by;Byen;Storegade 1;8900;56,4607;10,0364;Sal (barre, trappe)|Rum 2
aa;Å;Ågade 2;8981;56,5370;10,0379;Sal
"""
HOURS = """lokation;terapeut;kompetencer;sprog;dag;fra;til
by;t1;almen|neurologi;da|en;man;8.00;12.00
by;t1;almen|neurologi;da|en;onsdag;08:00;10:00
aa;t1;almen|neurologi;da|en;tir;08:00;12:00
aa;t2;almen;;2026-11-26;13:00;15:00
by;t3;almen;;;;
"""
DUTIES = "terapeut;enhed;andel\nt3;Distrikt Nord;0,5\n"
TOML = """
provider = "730"
source = "randers"
[[location]]
code = "by"
name = "Byen"
address = "Storegade 1"
postcode = "8900"
lat = 56.4607
lon = 10.0364
rooms = [{ name = "Sal", equipment = ["trappe", "barre"] }, "Rum 2"]
[[location]]
code = "aa"
name = "Å"
address = "Ågade 2"
postcode = "8981"
lat = 56.5370
lon = 10.0379
rooms = ["Sal"]
[[therapist]]
id = "t1"
location = "by"
competences = ["almen", "neurologi"]
languages = ["da", "en"]
hours = "mon 08:00-12:00, wed 08:00-10:00"
[[therapist]]
id = "t3"
location = "by"
competences = ["almen"]
[[therapist]]
id = "t1"
location = "aa"
competences = ["almen", "neurologi"]
languages = ["da", "en"]
hours = "tue 08:00-12:00"
[[therapist]]
id = "t2"
location = "aa"
competences = ["almen"]
hours = "thu 13:00-15:00"
[[duty]]
therapist = "t3"
unit = "Distrikt Nord"
share = 0.5
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "hours.csv").write_text(HOURS, encoding="utf-8")
    (tmp_path / "locations.csv").write_text(LOCATIONS, encoding="utf-8")
    (tmp_path / "duties.csv").write_text(DUTIES, encoding="utf-8")
    (tmp_path / "roster.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def from_csv(files: Path) -> Roster:
    return roster_of(
        files / "hours.csv",
        locations=files / "locations.csv",
        duties=files / "duties.csv",
        provider="730",
        source="randers",
    )


def weeks_of(roster: Roster) -> dict[str, LocationWeek]:
    return {one.week.location.code: one.week for one in stated(roster, MONDAY, 7)}


def test_csv_and_toml_say_the_same(files: Path) -> None:
    csv, toml = weeks_of(from_csv(files)), weeks_of(roster_of(files / "roster.toml"))
    assert csv.keys() == toml.keys() == {"by", "aa"}
    for code, week in csv.items():
        assert week.location == toml[code].location
        assert week.rooms == toml[code].rooms
        assert sorted(week.therapists, key=lambda one: one.id) == sorted(
            toml[code].therapists, key=lambda one: one.id
        )


def test_hours_by_date_hold_in_their_week_only(files: Path) -> None:
    roster = from_csv(files)
    (later,) = [
        one.week for one in stated(roster, date(2026, 11, 30)) if one.week.location.code == "aa"
    ]
    assert [bool(one.shifts) for one in later.therapists] == [True, False]
    assert roster.dated() == [MONDAY]


def test_what_is_published_is_what_scheduling_reads(files: Path) -> None:
    for one in stated(from_csv(files), MONDAY, 7):
        read = week_stated(CapacityStated.model_validate_json(statement.body(one)))
        assert read == one.week


def test_what_was_accepted_can_be_exported_and_imported(files: Path) -> None:
    weeks = list(weeks_of(from_csv(files)).values())
    (files / "again.toml").write_text(statement.toml("randers", weeks), encoding="utf-8")
    again = weeks_of(accepted(roster_of(files / "again.toml"), COMPETENCES, [MONDAY]))
    assert [again[week.location.code] for week in weeks] == weeks
    (files / "h.csv").write_text(statement.hours_csv(weeks), encoding="utf-8")
    (files / "l.csv").write_text(statement.locations_csv(weeks), encoding="utf-8")
    csv = weeks_of(
        roster_of(files / "h.csv", locations=files / "l.csv", provider="730", source="randers")
    )
    for week in weeks:
        assert csv[week.location.code].location == week.location
        assert list(csv[week.location.code].shifts()) == list(week.shifts())


def test_the_newest_version_of_a_week_is_exported(files: Path) -> None:
    old = list(stated(from_csv(files), MONDAY, 1))
    new = list(stated(from_csv(files), MONDAY, 2))
    every = [one.week for one in (*new, *old)]
    assert {week.version for week in statement.newest(every)} == {2}
    assert len(statement.newest(every)) == 2


def test_files_of_older_danish_programs_are_read(files: Path) -> None:
    (files / "locations.csv").write_bytes(LOCATIONS.replace("\n", "\r\n").encode("cp1252"))
    assert weeks_of(from_csv(files))["aa"].location.name == "Å"


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("hours.csv", "man;8.00;12.00", "man;12.00;8.00", "hours.csv:2: .* is not after the"),
        ("hours.csv", "onsdag;08:00", "monday;11:00", "hours.csv:3: "),
        ("hours.csv", "onsdag;08:00;10:00", "man;11:00;13:00", ":3: .*overlaps .*\\(line 2\\)"),
        ("hours.csv", "tir;08:00;12:00", "man;11:00;12:00", ":4: .*is at by then|:2: .*is at aa"),
        ("hours.csv", "tir;", "snartdag;", "hours.csv:4: 'snartdag' is no weekday"),
        ("hours.csv", "tir;08:00", "tir;25:00", "hours.csv:4: '25:00' is no time of day"),
        ("hours.csv", "aa;t2", "oslo;t2", "hours.csv:5: no location has the code 'oslo'"),
        ("hours.csv", "aa;t2;almen", "aa;t2;magi", "hours.csv:5: .*'magi' is no competence"),
        ("hours.csv", "by;t1;almen|neurologi;da|en;onsdag", "by;t1;almen;da|en;onsdag", ":3: t1"),
        ("hours.csv", "terapeut", "hvem", "hours.csv:1: lacks the head therapist"),
        ("hours.csv", "15:00", "15:00;x", "hours.csv:5: has 8 cells"),
        ("hours.csv", "aa;t2", '"aa;t2', "hours.csv:.*: is no CSV"),
        ("locations.csv", "56,5370", "46,5370", "locations.csv:3: .*46.537 is outside Denmark"),
        ("locations.csv", "56,5370", "nord", "locations.csv:3: lat: 'nord' is no number"),
        ("locations.csv", ";Sal\n", ";\n", "locations.csv:3: .*needs a room"),
        ("locations.csv", "aa;Å", "by;Å", "locations.csv:3: by stands on line 2 too"),
        ("duties.csv", "t3", "t9", "duties.csv:2: no therapist is called 't9'"),
        ("duties.csv", "0,5", "1,5", "1.5 is not above 0 and up to 1"),
    ],
)
def test_a_csv_that_cannot_be_used_is_answered_with_its_line(
    files: Path, file: str, before: str, after: str, says: str
) -> None:
    text = (files / file).read_text(encoding="utf-8")
    assert before in text
    (files / file).write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UnusableFileError) as caught:
        accepted(from_csv(files), COMPETENCES, [MONDAY])
    assert re.search(says, str(caught.value))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('hours = "tue 08:00-12:00"', 'hours = "tue 8-12"', "toml:35: 'tue 8-12': '8' is no time"),
        ('hours = "tue 08:00-12:00"', 'hours = "tue"', "toml:35: 'tue' is not like mon"),
        ("lat = 56.5370", 'lat = "nord"', "toml:17: lat must be a number"),
        ("lat = 56.5370", "lat = nan", "toml:17: lat must be a number"),
        ("lat = 56.5370\n", "", "toml:12: lat is missing"),
        ('rooms = ["Sal"]', 'rooms = "Sal"', "toml:19: rooms must be a list"),
        ('rooms = ["Sal"]', 'rum = ["Sal"]', "toml:19: rum is no key here"),
        ('id = "t2"', "id = 2", "toml:37: id must be a text"),
        ('{ name = "Sal", ', '{ navn = "Sal", ', "toml:11: navn is no key here"),
        ("[[duty]]", "[duty]", "duty must be tables"),
        ('code = "aa"', 'code = "a/a"', "must be a code without a slash"),
        ('provider = "730"', "", "toml:.*: provider is missing"),
        ("[[location]]", "[[location", "toml:4: is no TOML"),
    ],
)
def test_a_toml_that_cannot_be_used_is_answered_with_its_line(
    files: Path, before: str, after: str, says: str
) -> None:
    assert before in TOML
    (files / "roster.toml").write_text(TOML.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(UnusableFileError) as caught:
        accepted(roster_of(files / "roster.toml"), COMPETENCES, [MONDAY])
    assert re.search(says, str(caught.value))


def test_check_prints_a_line_for_each_fault_and_fails(files: Path) -> None:
    (files / "roster.toml").write_text(TOML.replace("10.03", "30.03"), encoding="utf-8")
    result = CliRunner().invoke(app, ["capacity", "check", str(files / "roster.toml")])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [re.sub(r".*roster", "roster", one)[:15] for one in lines] == [
        "roster.toml:10:",
        "roster.toml:18:",
    ]


def test_check_tells_staffing_rules_with_a_proposal_and_refuses_nothing(files: Path) -> None:
    result = CliRunner().invoke(
        app, ["capacity", "check", str(files / "roster.toml"), "--from", "2026-11-23", "--json"]
    )
    assert result.exit_code == 0
    told = {one["about"]: one for one in json.loads(result.stdout)["staffing"]}
    assert told["Distrikt Nord"]["problem"] == (
        "Distrikt Nord has 0.5 therapists, and at least 1 are needed"
    )
    assert told["Distrikt Nord"]["proposal"] == "0.5 of t3"
    assert told["Distrikt Nord"]["line"] == 41


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["check", "hours.csv", "--provider", "730"], "hours in a CSV need their locations"),
        (["import", "nowhere.toml"], "nowhere.toml:1: No such file"),
        (["import", "hours.csv"], "a CSV names no provider"),
        (["import", "hours.csv", "--provider", "999"], "no roster system"),
        (["export", "--provider", "730", "--week", "week 8"], "is no ISO week"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], says: str
) -> None:
    monkeypatch.chdir(files)
    result = CliRunner().invoke(app, ["capacity", *command])
    said = str(result.exception) if isinstance(result.exception, CommandError) else result.stdout
    assert result.exit_code == 1
    assert says in said
    assert "Traceback" not in said
