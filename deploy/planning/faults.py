"""What is wrong with a file, line by line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong. Lines count from 1."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class UnusableFileError(Exception):
    """A file can't be used; `faults` says all that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def read_text(path: str, content: bytes) -> str:
    """The text of a file: UTF-8, or Windows-1252 as older Danish programs write it.

    Raises `UnusableFileError`.
    """
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise UnusableFileError([Fault(path, 1, "is no text file (UTF-8 or Windows-1252)")])


def read_toml(file: str, text: str) -> dict[str, Any]:
    """The content of a TOML file. Raises `UnusableFileError` with the line where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else max(1, len(text.splitlines()))  # else: at the document's end
        raise UnusableFileError([Fault(file, line, f"is no TOML: {error}")]) from None
