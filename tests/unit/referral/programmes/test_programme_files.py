"""A bad file is refused by file, line, key and reason; a good folder becomes a portfolio."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.referral.plan import PlanType
from services.referral.programme_files import PROGRAMMES, ProgrammeFileError, check, load
from services.referral.programme_terms import Level
from shared.settings import SettingsError
from tests.unit.referral.programmes.files import GOOD, a_folder, changed

SHIPPED = sorted(PROGRAMMES.glob("*.toml"))


def said(tmp_path: Path, text: str) -> list[str]:
    """What is wrong with a file among the shipped ones, without the path."""
    folder = a_folder(tmp_path, new=text)
    found = check(folder / "new.toml")
    assert {problem.path for problem in found} <= {str(folder / "new.toml")}
    return [str(problem).removeprefix(f"{folder / 'new.toml'}:") for problem in found]


def test_nothing_is_wrong_with_what_is_shipped() -> None:
    assert check(PROGRAMMES) == []
    assert [problem for path in SHIPPED for problem in check(path)] == []


def test_a_new_programme_is_a_new_file(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, new=GOOD)
    assert check(folder) == []
    portfolio = load(folder)
    assert set(portfolio.programmes) == {path.stem for path in SHIPPED} | {"new"}
    new = portfolio.programmes["new"]
    assert [step.id for step in new.opening] == ["conversation"]
    assert [step.id for step in new.afterwards] == ["school"]
    assert new.steps[1].competences == ("ryg",)
    assert new.minutes == 30 + 6 * 90


FAULTS = [
    ("minutes = 30", "minutes = 3", "20: step[0].minutes: input should be greater than or equal"),
    ("minutes = 30", 'minutes = "30"', "20: step[0].minutes: input should be a valid integer"),
    ("minutes = 30", "minutes = 30.5", "20: step[0].minutes: input should be a valid integer"),
    ("minutes = 30", "minuts = 30", "20: step[0].minuts: is no key here; did you mean minutes?"),
    ("minutes = 30\n", "", "16: step[0].minutes: is missing"),
    ("since = 2018-07-01", 'since = "soon"', "11: law[0].since: input should be a valid date"),
    ("since = 2018-07-01\n", "", "10: law[0].since: is missing"),
    ('limit = "none"\n', "", "10: law[0].limit: is missing"),
    ('limit = "none"', 'limit = "nine"', '14: law[0].limit: should be "none" or a table with days'),
    (
        'limit = "none"',
        "limit = { days = 0, later_start = true, free_choice = true, grace_minutes = 60 }",
        "14: law[0].limit.days: input should be greater than or equal to 1",
    ),
    (
        'limit = "none"',
        "limit = { days = 7, later_start = 1, free_choice = true, grace_minutes = 60 }",
        "14: law[0].limit.later_start: input should be a valid boolean",
    ),
    ('"municipality"\nlimit', '"state"\nlimit', "13: law[0].authority: input should be"),
    ('basis = "gp"', 'basis = "doctor"', "6: admission[0].basis: input should be 'hospital', 'gp'"),
    ('["gp"]', '["citizen"]', "7: admission[0].referred_by[0]: citizen can't refer on basis gp"),
    ('["gp"]', '["gp", "gp"]', "7: admission[0].referred_by[1]: gp stands twice"),
    ('["gp"]', "[]", "7: admission[0].referred_by: should hold at least one"),
    (
        "min_age = 18",
        'min_age = 18\nplan_types = ["almen"]',
        "9: admission[0].plan_types: only hospitals send plans; the basis is gp",
    ),
    (
        'basis = "gp"\nreferred_by = ["gp"]\nmin_age = 18',
        'basis = "hospital"\nreferred_by = ["hospital"]',
        "5: admission[0].plan_types: is missing: a hospital refers by a plan",
    ),
    ("min_age = 18", 'levels = ["basal"]', "8: admission[0].levels: only type almen has levels"),
    (
        "min_age = 18",
        "min_age = 18\nmax_age = 17",
        "8: admission[0].min_age: is more than max_age (17)",
    ),
    ('id = "school"', 'id = "conversation"', "26: step[1].id: conversation stands twice"),
    ('id = "school"', 'id = "My School"', "26: step[1].id: should be words of lower-case letters"),
    (
        "spacing = { min_days = 5, max_days = 10 }\n",
        "",
        "25: step[1].spacing: is missing: how many days between 6 sessions?",
    ),
    ("min_days = 5", "min_days = 11", "31: step[1].spacing.min_days: is more than max_days (10)"),
    ("count = 6\n", "", "30: step[1].spacing: there is only one session"),
    ("min = 6", "min = 13", "34: step[1].seats.min: is more than max (12)"),
    ("room = false", "room = true", "23: step[0].room: delivery telephone needs no room of ours"),
    (
        "minutes = 30",
        "minutes = 30\nafter = { min_days = 1, max_days = 2 }",
        "21: step[0].after: no step comes before the first",
    ),
    (
        '{ role = "peer" }',
        '{ role = "peer", competences = ["ryg"] }',
        "33: step[1].leaders[1].competences: only staff have competences, not a peer",
    ),
    (
        '{ role = "peer" }',
        '{ role = "staff", competences = ["ryg"] }',
        "33: step[1].leaders[1]: staff stands twice with the same competences; raise count",
    ),
    (
        'delivery = "telephone"',
        'delivery = "telephone"\nleaders = [{ role = "volunteer" }]',
        "23: step[0].competences: only staff have competences, and none of the leaders is staff",
    ),
    ('["before", "after"]', '["later"]', "40: evaluation[0].asked[0]: input should be 'before'"),
    ('["before", "after"]', '["after", "after"]', "40: evaluation[0].asked[1]: after stands twice"),
    ('leads_to = ["p140-almen"]', 'leads_to = ["gone"]', "3: leads_to[0]: there is no gone.toml"),
    ('leads_to = ["p140-almen"]', 'leads_to = ["new"]', "3: leads_to[0]: a programme doesn't lead"),
    (
        'leads_to = ["p140-almen"]',
        'same_law_as = "p140-almen"',
        "3: same_law_as: either this or [[law]], not both",
    ),
    (
        'leads_to = ["p140-almen"]',
        "hours = { min = 12, max = 40 }",
        "3: hours: the steps last 9.5 hours together, not 12 to 40",
    ),
    (
        'da = "Rygskole"',
        'da = " Rygskole"',
        "1: name.da: should be one line of text",
    ),
    (
        'da = "Rygskole"',
        'da = "Ryg\\u0000"',
        "1: name.da: should be one line of text",
    ),
    ('da = "Rygskole", ', "", "1: name.da: is missing"),
    (
        'given_by = "municipality"',
        'given_by = "hospital"',
        "16: step: what a hospital gives is",
    ),
    ("[[evaluation]]", "[[evaluations]]", "37: evaluations: is no key here; did you mean evaluat"),
    ("[[evaluation]]", "[[evaluation]", "37: is no TOML: "),
    ("minutes = 30", "minutes = 30\nminutes = 31", "21: is no TOML: cannot overwrite a value"),
]


@pytest.mark.parametrize(("old", "new", "expected"), FAULTS, ids=[f[2] for f in FAULTS])
def test_a_fault_is_named_by_its_line_key_and_reason(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = said(tmp_path, changed(old, new))
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert "\n" not in found[0]


def test_every_fault_of_a_file_is_found_at_once(tmp_path: Path) -> None:
    text = changed("minutes = 30", "minutes = 3", changed("min_age = 18", "min_age = -1"))
    assert len(said(tmp_path, text)) == 2


def test_whoever_is_of_no_law_is_found(tmp_path: Path) -> None:
    text = changed("since = 2018-07-01", "since = 2018-07-01\nmin_age = 67")
    assert said(tmp_path, text) == ["10: law: no law holds at the age of 0"]


def test_two_laws_may_not_hold_for_the_same_ages_from_the_same_day(tmp_path: Path) -> None:
    law = GOOD[GOOD.index("[[law]]") : GOOD.index("[[step]]")]
    text = GOOD.replace(law, law + law.replace("[[law]]", "[[law]]\nmin_age = 67"), 1)
    assert said(tmp_path, text) == [
        "18: law[1].since: another law holds for the same ages from 2018-07-01 on"
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"name = \xff", "1: is not UTF-8"),
        (b"", "1: name: is missing"),
        (b"# long\n" * 40_000, "1: is larger than 256 KiB"),
        (b"a = " + b"[" * 5_000, "1: is nested too deeply"),
    ],
    ids=["latin-1", "empty", "huge", "deep"],
)
def test_what_is_no_programme_at_all_is_refused(tmp_path: Path, raw: bytes, expected: str) -> None:
    folder = a_folder(tmp_path)
    (folder / "new.toml").write_bytes(raw)
    assert any(str(one).endswith(f"new.toml:{expected}") for one in check(folder / "new.toml"))


def test_the_name_of_a_file_is_an_id(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "Min Fil.toml").write_text(GOOD, encoding="utf-8")
    assert "the name must be lower-case letters" in str(check(folder)[0])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "new.toml").mkdir()
    with pytest.raises(ProgrammeFileError, match=r"new\.toml:1: can't be read: "):
        load(folder)


def test_a_service_is_told_the_first_fault_in_one_line_and_how_many_there_are(
    tmp_path: Path,
) -> None:
    folder = a_folder(tmp_path, aa="name = 1\n", bb="given_by = 2\n")
    with pytest.raises(SettingsError) as raised:
        load(folder)
    assert str(raised.value).startswith(f"{folder / 'aa.toml'}:1: ")
    assert "more: genvej programmes check" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_programmes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgrammeFileError, match="holds no programme"):
        load(tmp_path)
    with pytest.raises(ProgrammeFileError, match="no such folder"):
        load(tmp_path / "nowhere")
    assert "no such folder" in str(check(tmp_path / "nowhere")[0])


@pytest.mark.parametrize("path", [one for one in SHIPPED if one.stem.startswith("p140")])
def test_no_type_of_plan_may_be_without_a_programme(tmp_path: Path, path: Path) -> None:
    folder = a_folder(tmp_path)
    text = path.read_text(encoding="utf-8")
    (folder / path.name).unlink()
    missing = [str(one) for one in check(folder)]
    assert missing
    if "leads_to" in text and path.stem not in {"p140-almen", "p140-basal", "p140-avanceret"}:
        assert all("no programme takes plans of type" in one for one in missing)


def test_two_programmes_may_not_take_the_same_plans(tmp_path: Path) -> None:
    twin = (PROGRAMMES / "p140-basal.toml").read_text(encoding="utf-8")
    found = check(a_folder(tmp_path, p140_twin=twin))
    assert [problem.key for problem in found] == ["admission"]
    assert "p140-basal takes plans of type almen, level basal, already" in found[0].reason


def test_a_code_is_called_the_same_everywhere(tmp_path: Path) -> None:
    code = '{ system = "urn:oid:1.2.208.176.2.21", code = "1130ad70-6553-490d-87f8-5e8941687a0c"'
    text = changed("minutes = 30", f'code = {code}, display = "Snak" }}\nminutes = 30')
    found = check(a_folder(tmp_path, new=text))
    assert [(problem.key, problem.line) for problem in found] == [("step[0].code.display", 20)]
    assert "Terapeutfaglig udredning" in found[0].reason


def test_a_law_is_borrowed_only_from_who_has_one(tmp_path: Path) -> None:
    law = GOOD[GOOD.index("[[law]]") : GOOD.index("[[step]]")]
    text = GOOD.replace(law, "").replace("leads_to", 'same_law_as = "p140-almen"\nleads_to')
    assert load(a_folder(tmp_path, new=text)).programmes["new"].laws[0].limit is not None
    folder = tmp_path / "programmes"
    for lender in ("p140-basal", "new", "gone"):
        borrowed = text.replace('same_law_as = "p140-almen"', f'same_law_as = "{lender}"')
        (folder / "new.toml").write_text(borrowed, encoding="utf-8")
        assert [one.key for one in check(folder / "new.toml")] == ["same_law_as"]
        assert "same_law_as" in [one.key for one in check(folder)]


def test_a_programme_that_takes_plans_has_one_law_for_all_ages(tmp_path: Path) -> None:
    text = (PROGRAMMES / "p140-almen.toml").read_text(encoding="utf-8")
    folder = a_folder(tmp_path, p140_almen=changed("since =", "min_age = 67\nsince =", text))
    keys = [(problem.key, problem.reason) for problem in check(folder)]
    assert ("law[0].min_age", "a programme that takes plans has one law for all ages") in keys
    borrowing = (PROGRAMMES / "p140-basal.toml").read_text(encoding="utf-8")
    lent = changed('"p140-almen"', '"loss-of-function"', borrowing)
    (folder / "p140-basal.toml").write_text(lent, encoding="utf-8")
    assert [one.key for one in check(folder / "p140-basal.toml")] == ["same_law_as"]


def test_a_plan_is_not_taken_by_what_is_not_open_yet(tmp_path: Path) -> None:
    text = (PROGRAMMES / "p140-almen.toml").read_text(encoding="utf-8")
    unopened = changed("given_by", 'lifecycle = "model"\ngiven_by', text)
    assert [one.key for one in check(a_folder(tmp_path, p140_almen=unopened))] == ["lifecycle"]


def test_windows_line_ends_change_no_line(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    text = changed("minutes = 30", "minutes = 3").replace("\n", "\r\n")
    (folder / "new.toml").write_bytes(text.encode())
    assert [problem.line for problem in check(folder / "new.toml")] == [20]


JUNK = ['""', "-1", "[]", "{}", "2018-07-01", "1e9", "nan", "true", '"\\u0000"', "[[[1]]]"]


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_becomes_of_a_file_it_is_read_or_refused_in_one_line(
    tmp_path: Path, data: st.DataObject
) -> None:
    folder = tmp_path / "programmes"
    folder = folder if folder.exists() else a_folder(tmp_path)
    path = data.draw(st.sampled_from(SHIPPED))
    rows = path.read_text(encoding="utf-8").split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(rows) - 1))
        key = rows[at].split("=")[0].strip() or "x"
        changes = ["", rows[at] * 2, rows[at][: len(rows[at]) // 2]]
        rows[at] = data.draw(st.sampled_from([*changes, *(f"{key} = {one}" for one in JUNK)]))
    (folder / path.name).write_text("\n".join(rows), encoding="utf-8")
    found = check(folder)
    for problem in found:
        assert "\n" not in str(problem)
        assert 1 <= problem.line <= len(rows)
        assert problem.reason
    if found:
        with pytest.raises(ProgrammeFileError):
            load(folder)
    else:
        assert load(folder).of_plan(PlanType.ALMEN, Level.BASAL).steps
    (folder / path.name).write_bytes(path.read_bytes())
