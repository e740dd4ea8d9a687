"""One launcher at a time on a state folder; others can find it and ask it to stop."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from pathlib import Path
from typing import IO

from deploy.local.errors import StackError
from deploy.local.processes import wait_until


class HeldError(StackError):
    """Another launcher holds the state folder; the message names it."""


class Hold:
    """The exclusive hold on a state folder, which the kernel ends with the process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file: IO[str] | None = None

    @property
    def mine(self) -> bool:
        """Whether this launcher holds the folder."""
        return self._file is not None

    def take(self) -> None:
        """Raises HeldError where another launcher holds the folder."""
        if self._file is not None:
            return
        # Python's files are not inherited: a child that outlives us must not keep the hold.
        file = self._path.open("a+", encoding="utf-8")
        if not _take(file):
            file.seek(0)
            pid = file.read().strip() or "unknown"
            file.close()
            raise HeldError(
                f"a stack is up already on {self._path.parent} (process {pid}); `genvej down` "
                "stops it, GENVEJ_STATE names another folder"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def let_go(self) -> None:
        """Lets another launcher have the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None


def holder(folder: Path, *, stop: bool = False, seconds: float = 120) -> int | None:
    """The pid of the launcher that holds the folder's stack, or None.

    With `stop` it is asked to end, and this returns when it has. Raises HeldError where it has
    not within `seconds`.
    """
    path = folder / "lock"
    if not path.exists():
        return None
    with path.open("r", encoding="utf-8") as file:
        if _is_free(file):
            return None
        text = file.read().strip()
        if not text.isdigit():  # taken a moment ago and not written yet
            return None
        pid = int(text)
        if stop:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: _is_free(file), seconds=seconds, pause=0.1):
                raise HeldError(f"process {pid} has not stopped after {seconds:g} s")
        return pid


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True
