"""A service's own files: TOML read as a model, and files that are read anew when they change."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


def read_toml(path: Path, model: type[Model], fault: type[Exception]) -> Model:
    """The file as its model. Raises `fault`, which names file, key and reason, never a value."""
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise fault(f"{path}: {error}") from None
    except ValidationError as error:
        raise fault(f"{path}: {first_fault(error)}") from None


def first_fault(error: ValidationError) -> str:
    """The first key that is wrong, and why, without what stands there."""
    found = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, found['loc'])) or 'file'}: {found['msg']}"


class Watched(Generic[T]):
    """What `read` makes of files, made anew when one of them has changed.

    A file that can't be used then (`read` raises one of `faults`) changes nothing: `log` gets a
    warning that says what of `what` stays as it was. The first reading raises what `read` raises.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], T],
        *,
        faults: tuple[type[Exception], ...],
        what: str,
        log: logging.Logger,
    ) -> None:
        self._paths, self._read, self._faults = paths, read, faults
        self._what, self._log = what, log
        self._seen = self._versions()
        self.found = read()

    def refresh(self) -> None:
        """Looks whether a file has changed; costs one stat each."""
        seen = self._versions()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.found = self._read()
        except self._faults as error:
            self._log.warning(
                "a changed file can't be used, %s stay as they were: %s", self._what, error
            )

    def _versions(self) -> list[tuple[int, int]]:
        return [_version(path) for path in self._paths]


def _version(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
