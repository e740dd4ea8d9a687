"""Files of data as forms: read whole, or refused with file, line, key and reason.

The file's name without `.toml` is an id.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from services.referral.programme_lines import Loc, line_of, lines_of

TEXT_PATTERN: Final = r"^[^\s\x00-\x1f]([^\x00-\x1f]*[^\s\x00-\x1f])?$"
WORD_PATTERN: Final = r"^[a-zæøå0-9]+(-[a-zæøå0-9]+)*$"
ID_PATTERN: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MAX_BYTES: Final = 256 * 1024
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "too_short": "should hold at least one",
}
_HYPHENED: Final = "should be words of lower-case letters and digits, joined by hyphens"
_PATTERNS: Final[Mapping[str, str]] = {
    ID_PATTERN: _HYPHENED,
    WORD_PATTERN: _HYPHENED,
    TEXT_PATTERN: "should be one line of text without spaces around it",
}
_SYNTAX: Final = re.compile(
    r"^(?P<what>.*?) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.S
)


Form = TypeVar("Form", bound=BaseModel)
Faults = Callable[[Form], Iterable[tuple[Loc, str]]]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a file. `key` is empty where it is the file as a whole."""

    path: str
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}"
        return f"{where}: {self.key}: {self.reason}" if self.key else f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Read(Generic[Form]):
    """One file: what it says, or why it can't be used."""

    path: Path
    file: Form | None
    problems: tuple[Problem, ...]
    lines: Mapping[Loc, int]

    @property
    def id(self) -> str:
        """The id that the file's name gives."""
        return self.path.stem

    def problem(self, loc: Loc, reason: str) -> Problem:
        """What is wrong at a path of this file."""
        return Problem(str(self.path), line_of(self.lines, loc), key_of(loc), reason)


def read(path: Path, form: type[Form], faults: Faults[Form]) -> Read[Form]:
    """Reads a file as a form. `faults`: what contradicts itself in a file of this form."""
    try:
        text = _text(path)
        content = _content(text)
    except _Unusable as error:
        return Read(path, None, (Problem(str(path), error.line, "", error.reason),), {})
    return _validated(path, content, lines_of(text), form, faults)


class _Unusable(Exception):
    """A file that isn't TOML: why, and on which line."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def _text(path: Path) -> str:
    if not re.fullmatch(ID_PATTERN, path.stem):
        raise _Unusable("the name must be lower-case letters, digits and hyphens, and .toml")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _Unusable(f"can't be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise _Unusable(f"is larger than {MAX_BYTES // 1024} KiB")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _Unusable("is not UTF-8", raw.count(b"\n", 0, error.start) + 1) from None


def _content(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _Unusable(*_syntax(str(error), text)) from None
    except RecursionError:
        raise _Unusable("is nested too deeply") from None


def _syntax(message: str, text: str) -> tuple[str, int]:
    found = _SYNTAX.match(message)
    if found is None:
        return f"is no TOML: {message}", 1
    line = int(found["line"]) if found["line"] else text.count("\n") + 1
    what = " ".join(found["what"].split())
    return f"is no TOML: {what[:1].lower()}{what[1:]}", line


def _validated(
    path: Path,
    content: dict[str, Any],
    lines: Mapping[Loc, int],
    form: type[Form],
    faults: Faults[Form],
) -> Read[Form]:
    try:
        file = form.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        bare: Read[Form] = Read(path, None, (), lines)
        problems = (bare.problem(one["loc"], _said(one, form)) for one in _telling(found, form))
        return Read(path, None, tuple(problems), lines)
    bare = Read(path, file, (), lines)
    return Read(path, file, tuple(bare.problem(*fault) for fault in faults(file)), lines)


def _telling(found: Sequence[Any], form: type[BaseModel]) -> Iterator[Any]:
    """Without what only follows from another fault: a misspelt key, an element that isn't one."""
    locs = [one["loc"] for one in found]
    meant = {
        (*one["loc"][:-1], _meant(one["loc"], form))
        for one in found
        if one["type"] == "extra_forbidden"
    }
    for one in found:
        loc = one["loc"]
        emptied = one["type"] == "too_short" and any(
            other[: len(loc)] == loc and other != loc for other in locs
        )
        if not emptied and not (one["type"] == "missing" and loc in meant):
            yield one


def key_of(loc: Loc) -> str:
    """A path as one reads it, such as step[0].minutes."""
    key = ""
    for part in loc:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _said(fault: Any, form: type[BaseModel]) -> str:
    kind = fault["type"]
    if kind == "extra_forbidden":
        meant = _meant(fault["loc"], form)
        return f"is no key here; did you mean {meant}?" if meant else "is no key here"
    if kind == "string_pattern_mismatch":
        return _PATTERNS[fault["ctx"]["pattern"]]
    if kind in _WORDS:
        return _WORDS[kind]
    message = " ".join(str(fault["msg"]).split())
    return message[:1].lower() + message[1:]


def _meant(loc: Loc, form: type[BaseModel]) -> str | None:
    """What a key that doesn't exist was probably meant to be."""
    model: type[BaseModel] | None = form
    for part in loc[:-1]:
        if isinstance(part, str) and model is not None:
            field = model.model_fields.get(part)
            model = _model_in(field.annotation) if field is not None else None
    close = difflib.get_close_matches(str(loc[-1]), model.model_fields if model else (), n=1)
    return close[0] if close else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(one) for one in getattr(annotation, "__args__", ()))
    return next((one for one in inner if one is not None), None)
