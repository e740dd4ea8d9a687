"""Where a key stands in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.programme_files import PROGRAMMES
from services.referral.programme_lines import Loc, line_of, lines_of

TEXT = '''# a comment with = and [brackets]
name = { da = "Navn # ikke en kommentar", en = "Name" } # a comment

[[step]]
id = "one"
"quoted key" = 'a literal \\'
minutes = 60
"æ".'ø'.plain = 1

leaders = [
    { role = "staff" }, # the first
    { role = "peer", count = 2 },
]

[[step]]
text = """
many
lines with \\""" inside"""
after.min_days = 2
dated = 2026-01-01 07:30:00

[step.inner]
deep = [[1, 2], [
    3,
]]

[other]
ends = true'''


def test_each_key_table_and_element_has_its_line() -> None:
    assert tomllib.loads(TEXT), "the reader reads only what is TOML"
    lines = lines_of(TEXT)
    expected: dict[Loc, int] = {
        ("name",): 2,
        ("name", "en"): 2,
        ("step",): 4,
        ("step", 0): 4,
        ("step", 0, "id"): 5,
        ("step", 0, "quoted key"): 6,
        ("step", 0, "minutes"): 7,
        ("step", 0, "æ", "ø", "plain"): 8,
        ("step", 0, "leaders"): 10,
        ("step", 0, "leaders", 0, "role"): 11,
        ("step", 0, "leaders", 1): 12,
        ("step", 0, "leaders", 1, "count"): 12,
        ("step", 1): 15,
        ("step", 1, "text"): 16,
        ("step", 1, "after", "min_days"): 19,
        ("step", 1, "dated"): 20,
        ("step", 1, "inner"): 22,
        ("step", 1, "inner", "deep", 1, 0): 24,
        ("other",): 27,
        ("other", "ends"): 28,
    }
    assert {loc: lines[loc] for loc in expected} == expected


def test_what_is_missing_is_named_by_the_line_of_what_surrounds_it() -> None:
    lines = lines_of(TEXT)
    assert line_of(lines, ("step", 1, "minutes")) == 15
    assert line_of(lines, ("name", "sv")) == 2
    assert line_of(lines, ("nothing",)) == 1


def paths(value: Any, loc: Loc = ()) -> Iterator[Loc]:
    if loc:
        yield loc
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*loc, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from paths(one, (*loc, index))


@pytest.mark.parametrize("path", sorted(PROGRAMMES.glob("*.toml")), ids=lambda path: path.stem)
def test_nothing_in_the_programmes_is_without_its_own_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines, rows = lines_of(text), text.split("\n")
    for loc in paths(tomllib.loads(text)):
        key = next(part for part in reversed(loc) if isinstance(part, str))
        assert loc in lines
        if isinstance(loc[-1], str):
            assert key in rows[lines[loc] - 1]


KEYS = st.sampled_from(["a", "b-c", "d_1", "æ", "two words", 'q"uote', "x.y", "="])
SCALARS = st.one_of(
    st.integers(-5, 5),
    st.booleans(),
    st.dates(),
    st.text(alphabet="ab\"'\\#[]{}=,. \n\tø", max_size=12),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


class Writer:
    """Writes TOML and remembers on which line each path stands."""

    def __init__(self, draw: Any) -> None:
        self.text = ""
        self.lines: dict[Loc, int] = {}
        self._draw = draw

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def table(self, content: dict[str, Any], loc: Loc = (), name: str = "") -> None:
        nested: list[tuple[str, Any]] = []
        for key, value in content.items():
            listed = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
            if (isinstance(value, dict) or listed) and self._draw(st.booleans()):
                nested.append((key, value))
                continue
            self.blank()
            self.lines[*loc, key] = self.line
            self.text += f"{self.key(key)} = "
            self.value(value, (*loc, key))
            self.text += self._draw(st.sampled_from(["\n", " # said\n", "\n\n"]))
        for key, value in nested:
            path = f"{name}.{self.key(key)}" if name else self.key(key)
            if isinstance(value, dict):
                self.blank()
                self.lines[*loc, key] = self.line
                self.text += f"[{path}]\n"
                self.table(value, (*loc, key), path)
                continue
            for index, one in enumerate(value):
                self.blank()
                self.lines.setdefault((*loc, key), self.line)
                self.lines[*loc, key, index] = self.line
                self.text += f"[[ {path} ]]\n"
                self.table(one, (*loc, key, index), path)

    def blank(self) -> None:
        self.text += self._draw(st.sampled_from(["", "", "\n", '# [[a]] = "\n', "  "]))

    def key(self, key: str) -> str:
        bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
        return key if bare and self._draw(st.booleans()) else self.string(key)

    def string(self, text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'

    def value(self, value: Any, loc: Loc) -> None:
        match value:
            case bool():
                self.text += str(value).lower()
            case str() if "\n" in value and "'''" not in value and self._draw(st.booleans()):
                self.many(value)
            case str():
                self.text += self.string(value)
            case list():
                self.text += "["
                for index, one in enumerate(value):
                    self.text += self._draw(st.sampled_from(["", " ", "\n", " # one ]\n"]))
                    self.lines[*loc, index] = self.line
                    self.value(one, (*loc, index))
                    self.text += self._draw(st.sampled_from([",", " ,", ",\n"]))
                self.text += "]"
            case dict():
                self.text += "{"
                for index, (key, one) in enumerate(value.items()):
                    self.text += ", " if index else " "
                    self.lines[*loc, key] = self.line
                    self.text += f"{self.key(key)} = "
                    self.value(one, (*loc, key))
                self.text += " }"
            case _:
                self.text += str(value)

    def many(self, text: str) -> None:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        self.text += f'"""\n{escaped}"""'


@given(st.data(), st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_path_of_any_document_has_the_line_it_was_written_on(
    data: st.DataObject, content: dict[str, Any]
) -> None:
    writer = Writer(data.draw)
    writer.table(content)
    assert tomllib.loads(writer.text) == content
    lines = lines_of(writer.text)
    assert {loc: lines[loc] for loc in paths(content)} == writer.lines
