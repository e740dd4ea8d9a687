"""On which line each key of a TOML file stands, which `tomllib` doesn't tell.

Reads only what `tomllib` has accepted; for anything else the lines mean nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Final, TypeAlias

Loc: TypeAlias = tuple[str | int, ...]
_BLANK: Final = " \t"
_NEWLINE: Final = "\r\n"
_QUOTES: Final = ('"""', "'''", '"', "'")


def lines_of(text: str) -> Mapping[Loc, int]:
    """The line (from 1) of each key, table and element by its path, such as ("step", 0, "id")."""
    reader = _Reader(text)
    reader.document()
    return reader.lines


def line_of(lines: Mapping[Loc, int], loc: Loc) -> int:
    """The line of a path, or of the nearest thing around it."""
    while loc and loc not in lines:
        loc = loc[:-1]
    return lines.get(loc, 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._arrays: dict[Loc, int] = {}
        self.lines: dict[Loc, int] = {}

    def document(self) -> None:
        table: Loc = ()
        while self._gap():
            if self._peek("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Loc:
        line, double = self._line, self._peek("[[")
        self._skip(2 if double else 1)
        loc = self._keys(self._current(()), header=True)
        self._skip(2 if double else 1)
        if double:
            self._arrays[loc] = self._arrays.get(loc, -1) + 1
            self.lines.setdefault(loc, line)
            loc = (*loc, self._arrays[loc])
        self.lines.setdefault(loc, line)
        return loc

    def _current(self, loc: Loc) -> Loc:
        """Inside an array of tables its last element is meant."""
        return (*loc, self._arrays[loc]) if loc in self._arrays else loc

    def _keys(self, loc: Loc, *, header: bool) -> Loc:
        """A dotted key below `loc`, which ends before "=" or "]"."""
        while True:
            if header:
                loc = self._current(loc)
            self._blank()
            loc = (*loc, self._key())
            self.lines.setdefault(loc, self._line)
            self._blank()
            if not self._peek("."):
                return loc
            self._skip(1)

    def _key(self) -> str:
        if self._text[self._at] in "\"'":
            start = self._at
            self._string()
            return str(tomllib.loads(f"key = {self._text[start : self._at]}")["key"])
        return self._until("=.] \t")

    def _pair(self, table: Loc) -> None:
        loc = self._keys(table, header=False)
        self._skip(1)
        self._blank()
        self._value(loc)

    def _value(self, loc: Loc) -> None:
        if self._peek("["):
            self._array(loc)
        elif self._peek("{"):
            self._inline(loc)
        elif self._text[self._at] in "\"'":
            self._string()
        else:
            self._until(",]}#\r\n")

    def _array(self, loc: Loc) -> None:
        self._skip(1)
        index = 0
        while self._gap() and not self._peek("]"):
            self.lines[*loc, index] = self._line
            self._value((*loc, index))
            index += 1
            self._gap()
            if self._peek(","):
                self._skip(1)
        self._skip(1)

    def _inline(self, loc: Loc) -> None:
        self._skip(1)
        while self._gap() and not self._peek("}"):
            self._pair(loc)
            self._gap()
            if self._peek(","):
                self._skip(1)
        self._skip(1)

    def _string(self) -> None:
        quote = next(one for one in _QUOTES if self._peek(one))
        self._skip(len(quote))
        while self._at < len(self._text) and not self._peek(quote):
            escaped = self._peek("\\") and quote[0] == '"'
            self._skip(2 if escaped else 1)
        self._skip(len(quote))
        while len(quote) == 3 and self._peek(quote[0]):  # a quote that ends the text itself
            self._skip(1)

    def _gap(self) -> bool:
        """Passes blanks, line ends and comments; False at the end."""
        while self._at < len(self._text):
            if self._text[self._at] == "#":
                self._until("\n")
            elif self._text[self._at] in _BLANK + _NEWLINE:
                self._skip(1)
            else:
                return True
        return False

    def _blank(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._skip(1)

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _until(self, ends: str) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ends:
            self._at += 1
        return self._text[start : self._at]

    def _skip(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count
