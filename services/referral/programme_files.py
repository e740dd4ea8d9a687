"""Reads programmes from files and says exactly what is wrong with one: file, line, key, reason.

The file's name without `.toml` is the programme's id. `load` is for the service, which refuses to
start on a bad file; `check` finds everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from services.referral import data_files
from services.referral.data_files import Problem, Read
from services.referral.plan import PlanType
from services.referral.programme import Law, Programme
from services.referral.programme_checks import faults
from services.referral.programme_format import ProgrammeFile, laws, to_programme
from services.referral.programme_policy import Portfolio, levels_of, taken
from shared.settings import SettingsError

PROGRAMMES: Final = Path(__file__).with_name("programmes")


class ProgrammeFileError(SettingsError):
    """Programmes can't be used; the message is one line: file, line, key, reason."""


_Read = Read[ProgrammeFile]


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


def _read(path: Path) -> _Read:
    return data_files.read(path, ProgrammeFile, faults)


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
