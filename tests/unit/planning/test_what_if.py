"""`genvej what-if` from end to end on a small municipality, and its answers to bad input."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.errors import CommandError
from deploy.cli.main import app, main
from services.scheduling.what_if.wire import Asked

ROSTER = """
provider = "730"
source = "randers"
location = [
    { code = "by", name = "Byen", lat = 56.46, lon = 10.04, rooms = ["A", "B", "C"] },
    { code = "nord", name = "Nørre Å", lat = 56.56, lon = 10.04, rooms = ["A"] },
    { code = "syd", name = "Syd", lat = 56.36, lon = 10.04, rooms = ["A"] },
    { code = "ny", name = "Ny", lat = 56.40, lon = 10.10, rooms = ["A"], open = false },
]
therapist = [
    { id = "t1", location = "by", competences = ["almen"], hours = "mon 08:00-12:00, wed 8-12" },
    { id = "t2", location = "nord", competences = ["almen"], hours = "tue 08:00-11:00" },
    { id = "t3", location = "syd", competences = ["almen"], hours = "thu 08:00-11:00" },
]
""".replace("wed 8-12", "wed 08:00-12:00")
PLACES = """
per_week = 8
need = [{ competences = ["almen"], share = 1.0 }]
place = [
    { name = "Byen", lat = 56.46, lon = 10.04, people = 6000 },
    { name = "Ås & Ærø", lat = 56.56, lon = 10.04, people = 1000 },
    { name = "Syd", lat = 56.36, lon = 10.04, people = 1000 },
]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "roster.toml").write_text(ROSTER, encoding="utf-8")
    (tmp_path / "places.toml").write_text(PLACES, encoding="utf-8")
    return tmp_path


def ask(files: Path, *options: str) -> Any:
    """Runs the command; raises what it raises."""
    result = CliRunner().invoke(
        app,
        [
            "what-if",
            *("--roster", str(files / "roster.toml"), "--places", str(files / "places.toml")),
            *("--weeks", "3", "--seeds", "2", "--quick-seeds", "2", "--best", "2"),
            *("--from", "2026-11-23", *options),
        ],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return result


def found(files: Path, *options: str) -> Any:
    return json.loads(ask(files, "--json", *options).stdout)


KEEP_TWO = ("--keep", "2", "--staff", "follow", "--rooms", "move")


def test_every_set_of_the_asked_size_is_tried_and_the_best_fully(files: Path) -> None:
    told = found(files, *KEEP_TWO)
    assert len(told["subsets"]) == 6  # 2 of 4, the one that could be opened among them
    assert len(told["options"]) == 2
    assert told["today"]["keep"] == ["by", "nord", "syd"]
    assert told["question"]["staff"] == "follow to the nearest"
    assert told["question"]["rooms"] == "move with the staff"
    assert told["runs"] == {"quick": 14, "full": 6, "quick_policy": "priced"}
    late = [one["figures"]["late"] for one in told["options"]]
    assert late == sorted(late)


def test_how_many_runs_and_how_long_is_said_first(files: Path) -> None:
    said = ask(files, "--json", *KEEP_TWO).stderr
    assert "14 runs by the online rule" in " ".join(said.split())
    assert "About" in said


def test_the_same_question_gets_the_same_answer_also_from_several_processes(files: Path) -> None:
    once = found(files, *KEEP_TWO, "--policy", "priced")
    assert found(files, *KEEP_TWO, "--policy", "priced", "--workers", "2") == once


def test_staff_that_is_cut_takes_its_seats_with_it(files: Path) -> None:
    close = ("--close", "syd", "--rooms", "stay")
    cut = found(files, *close, "--staff", "cut")["options"][0]
    moved = found(files, *close, "--staff", "follow")["options"][0]
    assert cut["close"] == ["syd"]
    assert cut["seats_lost"] == pytest.approx(3)
    assert moved["seats_lost"] == pytest.approx(0)
    assert cut["load"]["syd"] is None


def test_more_plans_are_told_beside_today_with_and_without_them(files: Path) -> None:
    told = found(files, "--close", "syd", *KEEP_TWO[2:], "--plans", "+50%")
    assert told["today"]["figures"]["sessions"] < told["today_grown"]["figures"]["sessions"]
    assert told["options"][0]["figures"]["sessions"] > told["today"]["figures"]["sessions"]


def test_more_citizens_than_capacity_is_said(files: Path) -> None:
    told = found(files, "--close", "nord", "--staff", "cut", "--rooms", "stay", "--plans", "+60%")
    assert any("more citizens than capacity" in one for one in told["warnings"])


def test_what_a_session_costs_follows_from_the_money_given(files: Path) -> None:
    told = found(
        files,
        *("--close", "syd", "--staff", "follow", "--rooms", "move"),
        *("--budget", "520000", "--rent", "syd=52.000", "--ride-cost", "100"),
    )
    today, then = told["today"]["cost"], told["options"][0]["cost"]
    assert today["budget_a_week"] - then["budget_a_week"] == pytest.approx(52_000 * 7 / 365.25)
    assert then["rides_a_week"] == 0  # nobody needs a ride here
    sessions = told["options"][0]["figures"]["sessions"]
    assert then["per_session"] == pytest.approx(then["budget_a_week"] / sessions)


def test_without_prices_nothing_is_made_up(files: Path) -> None:
    cost = found(files, *KEEP_TWO)["options"][0]["cost"]
    assert cost == {"rides_a_week": None, "budget_a_week": None, "per_session": None}


def test_an_opened_location_gets_the_staff_that_is_given(files: Path) -> None:
    after = ROSTER.replace(", open = false", "").replace(
        'location = "syd", c', 'location = "ny", c'
    )
    (files / "after.toml").write_text(after, encoding="utf-8")
    told = found(
        files,
        *("--open", "ny", "--close", "syd", "--staff", "given", "--rooms", "stay"),
        *("--staff-roster", str(files / "after.toml")),
    )["options"][0]
    assert told["open"] == ["ny"]
    assert told["load"]["ny"] is not None


def test_the_way_there_is_planned_month_by_month(files: Path) -> None:
    one = ("--keep", "1", "--stay", "by", *KEEP_TWO[2:], "--transition", "--notice", "1")
    told = found(files, *one, "--policy", "nearest")["transition"]
    assert told["orders_tried"] == 2
    assert {tuple(sorted(order["order"])) for order in told["orders"]} == {("nord", "syd")}
    assert [month["closes"] for month in told["months"]] == [
        None,
        *told["orders"][0]["order"],
        None,
    ]
    assert [len(month["open"]) for month in told["months"]] == [3, 2, 1, 1]
    assert sum(month["moved"] for month in told["months"]) > 0  # announced a day before
    for month in told["months"]:
        assert set(month["moved_to"]) <= set(month["open"])
        assert sum(month["moved_to"].values()) <= month["moved"]
    assert "summed over the months" in told["objective"]
    target = files / "way.html"
    printed = ask(files, *one, "--html", str(target)).stdout
    assert "Month by month" in printed
    assert "The way there, month by month" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--keep", "3", "--close", "syd", "--every", "0"), "every 1 to 26 weeks"),
        (("--keep", "2", "--notice", "60"), "announced from 1 day to 28 days"),
        (("--stay", "by"), "nothing closes"),
        (("--keep", "1", "--staff", "given"), "--staff-roster FILE"),
    ],
)
def test_a_transition_that_cannot_be_is_told(
    files: Path, options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        ask(files, *KEEP_TWO[2:], "--policy", "nearest", "--transition", *options)


class Page(HTMLParser):
    """What a screen reader needs of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_stands_alone_and_can_be_read_aloud(files: Path) -> None:
    target = files / "page.html"
    ask(files, *KEEP_TWO, "--html", str(target))
    text = target.read_text(encoding="utf-8")
    page = Page(text)
    assert not page.of("script")
    assert not page.of("link")
    assert not [a for _, a in page.tags if {"src", "href"} & a.keys()]
    assert page.of("html")[0]["lang"] == "en"
    assert len(page.of("svg")) == 3
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in page.of("svg"))
    assert len(page.of("title")) == 4  # the page's own and each picture's
    assert len(page.of("table")) == len(page.of("caption"))
    assert all(a.get("scope") in ("row", "col") for a in page.of("th"))
    assert "Ås &amp; Ærø" in text
    assert "Nørre Å" in text


def test_the_picture_is_svg(files: Path) -> None:
    target = files / "picture.svg"
    ask(files, *KEEP_TWO, "--picture", str(target))
    assert ET.fromstring(target.read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314


def test_the_table_names_what_is_best_by_what(files: Path) -> None:
    printed = " ".join(ask(files, *KEEP_TWO, "--objective", "km").stdout.split())
    assert "Staff: follow to the nearest. Rooms: move with the staff." in printed
    assert "best of 2 by the shortest mean way" in printed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--keep", "0"), "cannot keep 0 locations"),
        (("--keep", "9"), "cannot keep 9 of 4"),
        (("--keep", "two"), "a number such as 3"),
        (("--keep", "3-2"), "2 is less than 3"),
        (("--close", "mars"), "no location is called mars; known are by, nord, ny, syd"),
        (("--close", "by", "--close", "nord", "--close", "syd"), "cannot close every location"),
        (("--close", "by", "--stay", "by"), "can't both close and be open"),
        (("--close", "ny"), "is not open today"),
        (("--open", "by"), "is open today"),
        (("--open", "ny"), "nobody would work at ny"),
        (("--keep", "1", "--stay", "by", "--stay", "syd"), "from 2 to 4 can be kept"),
        (("--keep", "2", "--plans", "a lot"), "such as +30%"),
        (("--keep", "2", "--plans", "-100%"), "between 0 and 10 times"),
        (("--keep", "2", "--load", "0"), "a load lies above 0"),
        (("--keep", "2", "--load", "0.1"), "the load is at least"),
        (("--keep", "2", "--seeds", "0"), "from 1 to 200 seeds"),
        (("--keep", "2", "--weeks", "0"), "1 to 104 weeks"),
        (("--keep", "2", "--minutes", "0"), "5 to 600 minutes"),
        (("--keep", "2", "--rent", "by"), "CODE=DKK"),
        (("--keep", "2", "--budget", "-1"), "0 or more"),
        (("--keep", "2", "--staff", "fire"), "choose one of follow, spread, cut, given"),
        (("--keep", "2", "--staff", "given"), "--staff-roster FILE"),
        (("--keep", "2", "--load", "nan"), "a load lies above 0"),
        (("--keep", "2", "--plans", "nan%"), "such as +30%"),
        (("--keep", "2", "--budget", "nan"), "0 or more"),
        (("--keep", "2", "--rent", "by=nan"), "0 or more"),
        (("--keep", "2", "--ride-cost", "inf"), "0 or more"),
        (("--keep", "2", "--tell", "-1"), "0 to 60 open days"),
        (("--keep", "2", "--replay"), "--requests FILE"),
        (("--keep", "2", "--html", "/no-such-folder/x.html"), "no folder /no-such-folder"),
    ],
)
def test_what_cannot_be_is_answered_in_one_line(
    files: Path, options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError) as caught:
        ask(files, "--staff", "follow", "--rooms", "move", *options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["--staff", "--rooms"])
def test_what_becomes_of_staff_and_rooms_must_be_said(files: Path, missing: str) -> None:
    said = {"--staff": "follow", "--rooms": "move"}
    del said[missing]
    with pytest.raises(CommandError, match=f"say what becomes of the {missing[2:]}"):
        ask(files, "--keep", "2", *(part for pair in said.items() for part in pair))


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("roster", "lat = 56.56", "lat = 40.1", "roster.toml:6: location nord: location.lat 40.1"),
        ("roster", 'rooms = ["A"] }', "rooms = [] }", ":6: location nord: rooms a location"),
        ("roster", "tue 08:00-11:00", "tue 11:00-08:00", ":12: therapist t2: tue 11:00-08:00"),
        (
            "roster",
            "tue 08:00-11:00",
            "tue 08:00-11:00, tue 10:00-12:00",
            ":12: therapist t2: tue 10:00-12:00 overlaps tue 08:00-11:00 (line 12)",
        ),
        ("roster", '["almen"], hours = "tue', '["magi"], hours = "tue', "'magi' is no competence"),
        ("roster", 'location = "nord", c', 'location = "vest", c', "no location has the code"),
        ("roster", 'provider = "730"', "provider = ", ":2: is no TOML"),
        ("places", "people = 6000", "people = -1", "places.toml:5: people = -1 is out of range"),
        ("places", "lon = 10.04, people = 6000", "lon = 3.0, people = 6000", "outside Denmark"),
        ("places", "per_week = 8", "per_week = 0", "plans a week must be above 0"),
    ],
)
def test_a_file_that_cannot_be_used_is_answered_with_its_line(
    files: Path, file: str, before: str, after: str, says: str
) -> None:
    path = files / f"{file}.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        ask(files, *KEEP_TWO)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file or directory"),
        (b"", "roster.toml:1:"),
        (b"\x00\x01\xff", "is no text file"),
        (b'provider = "730"\nsource = [', ":2: is no TOML"),
    ],
)
def test_a_missing_or_garbled_file_is_one_line_and_exit_status_1(
    files: Path,
    content: bytes | None,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    roster = files / "roster.toml"
    roster.unlink()
    if content is not None:
        roster.write_bytes(content)
    places = str(files / "places.toml")
    command = ["genvej", "what-if", "--roster", str(roster), "--places", places, *KEEP_TWO]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as caught:
        main()
    told = capsys.readouterr().err
    assert caught.value.code == 1
    assert says in told
    assert "Traceback" not in told
    assert "genvej: " in told


def test_danish_letters_are_read_as_older_programs_write_them(files: Path) -> None:
    once = found(files, *KEEP_TWO, "--policy", "nearest")
    assert "Nørre Å" in [one["name"] for one in once["sites"]]
    for name in ("roster", "places"):
        path = files / f"{name}.toml"
        path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    assert found(files, *KEEP_TWO, "--policy", "nearest") == once


def test_twice_as_many_plans_are_simulated_and_the_overload_is_said(files: Path) -> None:
    told = found(files, *KEEP_TWO, "--policy", "nearest", "--plans", "+100%")
    assert told["question"]["plans"] == 2
    assert any("more citizens than capacity" in one for one in told["warnings"])


def test_first_sessions_take_as_long_as_the_file_says(files: Path) -> None:
    needs = """need = [
    { competences = ["almen"], share = 0.5, minutes = 30 },
    { competences = ["almen"], share = 0.5, minutes = 45, delivery = "telephone" },
]"""
    path = files / "places.toml"
    before = 'need = [{ competences = ["almen"], share = 1.0 }]'
    path.write_text(PLACES.replace(before, needs), encoding="utf-8")
    told = found(files, "--close", "syd", *KEEP_TWO[2:], "--policy", "nearest")
    said = " ".join(told["assumptions"])
    assert re.search(r"30 minutes \(\d+%\)", said)
    assert re.search(r"45 minutes by telephone \(\d+%\)", said)
    path.write_text(PLACES.replace("share = 1.0", 'share = 1.0, delivery = "boat"'), "utf-8")
    with pytest.raises(CommandError, match=r"places.toml:\d+: delivery must be one of"):
        found(files, *KEEP_TWO)


def test_an_empty_municipality_has_nothing_to_plan(files: Path) -> None:
    (files / "roster.toml").write_text('provider = "730"\nsource = "x"\n', encoding="utf-8")
    with pytest.raises(CommandError, match="states no open location"):
        ask(files, *KEEP_TWO)
    (files / "roster.toml").write_text(ROSTER, encoding="utf-8")
    (files / "places.toml").write_text(PLACES.replace("= 6000", "= 0").replace("1000", "0"))
    with pytest.raises(CommandError, match="empty municipality"):
        ask(files, *KEEP_TWO)


def test_therapists_without_an_hour_can_hold_nothing(files: Path) -> None:
    bare = re.sub(r'hours = "[^"]*"', 'hours = ""', ROSTER)
    (files / "roster.toml").write_text(bare, encoding="utf-8")
    with pytest.raises(CommandError, match="nothing can be booked"):
        ask(files, *KEEP_TWO)


def test_above_ten_locations_the_p_median_ranks_and_the_first_are_simulated(files: Path) -> None:
    rows = "\n".join(
        f'    {{ code = "l{n:02d}", name = "Sted {n}", lat = {56.3 + 0.03 * n:.2f}, lon = 10.0, '
        'rooms = ["A"] },'
        for n in range(12)
    )
    staff = "\n".join(
        f'    {{ id = "t{n}", location = "l{n:02d}", competences = ["almen"], '
        'hours = "mon 08:00-12:00" },'
        for n in range(12)
    )
    (files / "roster.toml").write_text(
        f'provider = "730"\nsource = "randers"\n'
        f"location = [\n{rows}\n]\ntherapist = [\n{staff}\n]\n",
        encoding="utf-8",
    )
    told = found(files, *KEEP_TWO, "--policy", "priced", "--stay", "l00")
    assert told["subsets"] == []
    assert len(told["options"]) == 11  # every pair with the one that must stay
    travel = told["travel"]
    assert travel["first"] == "proven least of all"
    assert "nothing else is in it" in travel["objective"]
    kilometres = [one["km"] for one in travel["sets"]]
    assert kilometres == sorted(kilometres)
    assert all("l00" in one["keep"] for one in travel["sets"])


def test_scheduling_is_asked_all_that_the_command_was_and_an_interrupt_ends_it_there(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, str, Any]] = []

    def ask_as(member: str, service: str, method: str, path: str, json: Any = None) -> Any:
        assert (member, service) == ("730-planner", "scheduling")
        calls.append((method, path, json))
        if method == "GET":
            raise KeyboardInterrupt
        return {"id": "w1", "requests": 3}

    monkeypatch.setattr("deploy.cli.what_if_run.ask_as", ask_as)
    after = ROSTER.replace(", open = false", "")
    (files / "after.toml").write_text(after, encoding="utf-8")
    command = ["what-if", "--provider", "730", "--roster", str(files / "roster.toml")]
    given = ["--open", "ny", "--close", "syd", "--staff", "given", "--rooms", "stay"]
    hours = ["--staff-roster", str(files / "after.toml"), "--from", "2026-11-25"]
    with pytest.raises(CommandError, match="cancelled, at scheduling too"):
        CliRunner().invoke(app, [*command, *given, *hours], catch_exceptions=False)
    assert [call[:2] for call in calls] == [
        ("POST", "/what-if"),
        ("GET", "/what-if/w1"),
        ("POST", "/what-if/w1/cancel"),
    ]
    asked = Asked.model_validate(calls[0][2])
    assert (asked.open, asked.close, asked.staff) == (["ny"], ["syd"], "given")
    assert [one.location.code for one in asked.candidates] == ["ny"]
    assert [one.location.code for one in asked.staff_weeks] == ["by", "nord", "syd", "ny"]
    assert asked.since == date(2026, 11, 23)
