"""Reads programmes from files and says exactly what is wrong with one: file, line, key, reason.

The file's name without `.toml` is the programme's id. `load` is for the service, which refuses to
start on a bad file; `check` finds everything that is wrong.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from services.referral.plan import PlanType
from services.referral.programme import Law, Programme
from services.referral.programme_checks import faults
from services.referral.programme_format import (
    ID_PATTERN,
    TEXT_PATTERN,
    WORD_PATTERN,
    ProgrammeFile,
    laws,
    to_programme,
)
from services.referral.programme_lines import Loc, line_of, lines_of
from services.referral.programme_policy import Portfolio, levels_of, taken
from shared.settings import SettingsError

PROGRAMMES: Final = Path(__file__).with_name("programmes")
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


class ProgrammeFileError(SettingsError):
    """Programmes can't be used; the message is one line: file, line, key, reason."""


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
class _Read:
    """One file: what it says, or why it can't be used."""

    path: Path
    file: ProgrammeFile | None
    problems: tuple[Problem, ...]
    lines: Mapping[Loc, int]

    @property
    def id(self) -> str:
        return self.path.stem

    def problem(self, loc: Loc, reason: str) -> Problem:
        return Problem(str(self.path), line_of(self.lines, loc), key_of(loc), reason)


def load(folder: Path = PROGRAMMES) -> Portfolio:
    """The programmes of a folder. Raises ProgrammeFileError, which names the first problem."""
    portfolio, problems = _folder(folder)
    if portfolio is None:
        more = len(problems) - 1
        also = f" (and {more} more: genvej programmes check {folder})" if more else ""
        raise ProgrammeFileError(f"{problems[0]}{also}")
    return portfolio


def check(path: Path) -> list[Problem]:
    """All that is wrong with a folder or a single file, in the order of files and lines.

    A single file is looked at among its neighbours: what it refers to must be there.
    """
    if path.is_dir() or not path.exists():
        return _folder(path)[1]
    one = _read(path)
    found = list(one.problems)
    if one.file is not None:
        known = {other.stem for other in path.parent.glob("*.toml")}
        found += _references(one, known)
        law_of = one.file.same_law_as
        if law_of in known:
            found += _borrowed(one, _read(path.with_name(f"{law_of}.toml")).file)
    return sorted(found)


def _folder(folder: Path) -> tuple[Portfolio | None, list[Problem]]:
    if not folder.is_dir():
        return None, [Problem(str(folder), 1, "", "no such folder of programmes")]
    reads = {path.stem: _read(path) for path in sorted(folder.glob("*.toml"), key=_id)}
    if not reads:
        return None, [Problem(str(folder), 1, "", "holds no programme (*.toml)")]
    problems = [problem for one in reads.values() for problem in one.problems]
    for one in reads.values():
        if one.file is not None:
            problems += _references(one, set(reads))
            if one.file.same_law_as in reads:
                problems += _borrowed(one, reads[one.file.same_law_as].file)
    if problems:
        return None, sorted(problems)
    programmes = {one.id: _programme(one, reads) for one in reads.values()}
    problems = [*_plans(folder, programmes, reads), *_displays(reads)]
    return (Portfolio(programmes), []) if not problems else (None, sorted(problems))


def _programme(one: _Read, reads: Mapping[str, _Read]) -> Programme:
    assert one.file is not None, "a folder with problems has no programmes"
    return to_programme(one.id, one.file, _laws(one.file, reads))


def _laws(file: ProgrammeFile, reads: Mapping[str, _Read]) -> tuple[Law, ...]:
    if file.same_law_as is None:
        return laws(file)
    other = reads[file.same_law_as].file
    assert other is not None, "a folder with problems has no programmes"
    return laws(other)


def _id(path: Path) -> str:
    return path.stem


class _Unusable(Exception):
    """A file that isn't TOML: why, and on which line."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def _read(path: Path) -> _Read:
    try:
        text = _text(path)
        content = _content(text)
    except _Unusable as error:
        return _Read(path, None, (Problem(str(path), error.line, "", error.reason),), {})
    return _validated(path, content, lines_of(text))


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


def _validated(path: Path, content: dict[str, Any], lines: Mapping[Loc, int]) -> _Read:
    try:
        file = ProgrammeFile.model_validate(content)
    except ValidationError as error:
        read = _Read(path, None, (), lines)
        found = error.errors(include_url=False, include_input=False)
        problems = tuple(read.problem(one["loc"], _said(one)) for one in _telling(found))
        return _Read(path, None, problems, lines)
    read = _Read(path, file, (), lines)
    problems = tuple(read.problem(loc, reason) for loc, reason in faults(file))
    return _Read(path, file, problems, lines)


def _telling(found: Sequence[Any]) -> Iterator[Any]:
    """Without what only follows from another fault: a misspelt key, an element that isn't one."""
    locs = [one["loc"] for one in found]
    meant = {
        (*one["loc"][:-1], _meant(one["loc"])) for one in found if one["type"] == "extra_forbidden"
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


def _said(fault: Any) -> str:
    kind = fault["type"]
    if kind == "extra_forbidden":
        meant = _meant(fault["loc"])
        return f"is no key here; did you mean {meant}?" if meant else "is no key here"
    if kind == "string_pattern_mismatch":
        return _PATTERNS[fault["ctx"]["pattern"]]
    if kind in _WORDS:
        return _WORDS[kind]
    message = " ".join(str(fault["msg"]).split())
    return message[:1].lower() + message[1:]


def _meant(loc: Loc) -> str | None:
    """What a key that doesn't exist was probably meant to be."""
    model: type[BaseModel] | None = ProgrammeFile
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


def _references(one: _Read, known: set[str]) -> Iterator[Problem]:
    assert one.file is not None, "only what could be read refers to anything"
    for index, other in enumerate(one.file.leads_to):
        if other == one.id:
            yield one.problem(("leads_to", index), "a programme doesn't lead to itself")
        elif other not in known:
            yield one.problem(("leads_to", index), f"there is no {other}.toml beside this file")
    law_of = one.file.same_law_as
    if law_of is not None and (law_of == one.id or law_of not in known):
        yield one.problem(("same_law_as",), f"there is no other programme {law_of}.toml")


def _borrowed(one: _Read, other: ProgrammeFile | None) -> Iterator[Problem]:
    """Whether a law can be taken from another file; what is wrong there is said there."""
    if other is None or one.file is None or one.file.same_law_as == one.id:
        return
    if not other.law:
        yield one.problem(("same_law_as",), "that programme states no [[law]] of its own")
    elif any(admission.plan_types for admission in one.file.admission) and any(
        (law.min_age, law.max_age) != (None, None) for law in other.law
    ):
        yield one.problem(("same_law_as",), "a programme that takes plans has one law for all ages")


def _plans(
    folder: Path, programmes: Mapping[str, Programme], reads: Mapping[str, _Read]
) -> Iterator[Problem]:
    """Every plan that a hospital may send has exactly one programme."""
    takers: dict[tuple[PlanType, str], str] = {}
    for programme in programmes.values():
        for kind, level in taken(programme):
            other = takers.setdefault((kind, level), programme.id)
            if other != programme.id:
                yield reads[programme.id].problem(
                    ("admission",), f"{other} takes plans of type {kind}, level {level}, already"
                )
    for kind in PlanType:
        for level in levels_of(kind):
            if (kind, level) not in takers:
                yield Problem(
                    str(folder), 1, "", f"no programme takes plans of type {kind}, level {level}"
                )


def _displays(reads: Mapping[str, _Read]) -> Iterator[Problem]:
    """A code means the same wherever it stands."""
    known: dict[tuple[str, str], str] = {}
    for one in reads.values():
        for index, step in enumerate(one.file.step if one.file is not None else ()):
            if step.code is None:
                continue
            first = known.setdefault((step.code.system, step.code.code), step.code.display)
            if first != step.code.display:
                yield one.problem(
                    ("step", index, "code", "display"), f"elsewhere this code is called {first}"
                )
