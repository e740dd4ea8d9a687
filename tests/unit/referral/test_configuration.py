"""Files are checked as a whole, errors name file and key, and a new hospital needs no restart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.referral.configuration import (
    ConfigurationError,
    Hospitals,
    check_programmes,
    directory,
)
from shared.settings import SettingsError
from tests.unit.referral.factories import DEPARTMENT, HOSPITAL, ROOT

MUNICIPALITY = """
code = "316"
name = "Holbæk Kommune"
sor = "451000016003"
ean = "5790000121526"
postcodes = ["4300"]
[provider]
sor = "1037801000016003"
name = "Genoptræningscenteret"
"""


def a_folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_municipality_is_found_by_each_of_its_numbers(tmp_path: Path) -> None:
    found = directory(a_folder(tmp_path, holbaek=MUNICIPALITY))
    for kind, number in (
        ("sor", "451000016003"),
        ("ean", "5790000121526"),
        ("municipality", "316"),
    ):
        one = found.find(kind, number)
        assert one is not None
        assert (one.code, one.provider, one.at_risk_days) == ("316", "316", 3)
    assert found.find("sor", "316") is None
    assert found.find("name", "Holbæk Kommune") is None
    assert found.performers == {"316": "1037801000016003"}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('code = "31"', "code"),
        ("name = 7", "name"),
        ('sor = "S1"', "sor"),
        ('ean = "57"', "ean"),
        ("at_risk_days = 99", "at_risk_days"),
    ],
)
def test_a_wrong_key_of_a_municipality_is_named_with_its_file(
    tmp_path: Path, line: str, key: str
) -> None:
    kept = [one for one in MUNICIPALITY.splitlines() if not one.startswith(f"{key} =")]
    folder = a_folder(tmp_path, holbaek="\n".join([line, *kept]))
    with pytest.raises(ConfigurationError, match=rf"holbaek\.toml: {key}: "):
        directory(folder)


def test_a_municipality_runs_no_programme_that_is_not_there(tmp_path: Path) -> None:
    line = 'runs_for_region = ["back-pain-package", "rehab"]'
    found = directory(a_folder(tmp_path, holbaek="\n".join([line, MUNICIPALITY])))
    assert found.by_code["316"].runs_for_region == {"back-pain-package", "rehab"}
    check_programmes(found, ["back-pain-package", "rehab"])
    with pytest.raises(ConfigurationError, match="runs_for_region: there is no programme rehab"):
        check_programmes(found, ["back-pain-package"])


def test_two_municipalities_may_not_share_a_number(tmp_path: Path) -> None:
    other = MUNICIPALITY.replace('"316"', '"730"').replace("Holbæk", "Randers")
    folder = a_folder(tmp_path, holbaek=MUNICIPALITY, randers=other)
    with pytest.raises(ConfigurationError, match="have the same sor"):
        directory(folder)


@pytest.mark.parametrize("text", ["code =", "\x00"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"holbaek\.toml: "):
        directory(a_folder(tmp_path, holbaek=text))


def test_a_folder_without_municipalities_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no municipality"):
        directory(tmp_path)
    with pytest.raises(SettingsError, match="no such folder"):
        directory(tmp_path / "nowhere")


PARTY = """
[[party]]
kind = "hospital"
code = "1"
name = "Nyt Sygehus"
attributes = { departments = [{ sor = "2", name = "Afdeling" }] }
"""


def a_cluster_file(tmp_path: Path) -> Path:
    path = tmp_path / "topics.toml"
    path.write_text((ROOT / "deploy/topics.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_a_hospital_is_known_by_its_topic_with_its_departments(tmp_path: Path) -> None:
    hospital = Hospitals(a_cluster_file(tmp_path)).of(f"hospital.{HOSPITAL}.referrals")
    assert hospital is not None
    assert {HOSPITAL, DEPARTMENT} <= hospital.senders


def test_a_new_hospital_is_known_without_a_restart(tmp_path: Path) -> None:
    path = a_cluster_file(tmp_path)
    hospitals = Hospitals(path)
    assert hospitals.of("hospital.1.referrals") is None
    path.write_text(path.read_text(encoding="utf-8") + PARTY, encoding="utf-8")
    hospitals.refresh()
    hospital = hospitals.of("hospital.1.referrals")
    assert hospital is not None
    assert hospital.senders == {"1", "2"}


@pytest.mark.parametrize("text", ["not toml [", None])
def test_a_broken_cluster_file_leaves_the_hospitals_as_they_were(
    tmp_path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = a_cluster_file(tmp_path)
    hospitals = Hospitals(path)
    if text is None:
        os.remove(path)
    else:
        path.write_text(text, encoding="utf-8")
    hospitals.refresh()
    assert hospitals.of(f"hospital.{HOSPITAL}.referrals") is not None
    assert "hospitals stay as they were" in caplog.text
