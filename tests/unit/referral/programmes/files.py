"""Programmes as files of a test's own."""

from __future__ import annotations

import shutil
from pathlib import Path

from services.referral.programme_files import PROGRAMMES

GOOD = """\
name = { da = "Rygskole", en = "Back school" }
given_by = "municipality"
leads_to = ["p140-almen"]

[[admission]]
basis = "gp"
referred_by = ["gp"]
min_age = 18

[[law]]
since = 2018-07-01
legal_basis = "Sundhedsloven § 119"
authority = "municipality"
limit = "none"

[[step]]
id = "conversation"
kind = "conversation"
name = { da = "Samtale", en = "Conversation" }
minutes = 30
delivery = "telephone"
competences = ["ryg"]
room = false

[[step]]
id = "school"
kind = "teaching"
name = { da = "Skole", en = "School" }
count = 6
minutes = 90
spacing = { min_days = 5, max_days = 10 }
delivery = "location"
leaders = [{ role = "staff", competences = ["ryg"] }, { role = "peer" }]
seats = { min = 6, max = 12 }
room = true

[[evaluation]]
form = "own-goals"
name = { da = "Egne mål", en = "Own goals" }
asked = ["before", "after"]
"""


def a_folder(tmp_path: Path, **files: str) -> Path:
    """The plans' programmes and these files ("_" in a name stands for "-")."""
    folder = tmp_path / "programmes"
    folder.mkdir()
    for path in PROGRAMMES.glob("*.toml"):
        shutil.copy(path, folder)
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text, encoding="utf-8")
    return folder


def changed(old: str, new: str, text: str = GOOD) -> str:
    """The file with one thing changed."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)
