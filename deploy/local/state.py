"""The launcher's own folder: passwords, keys and ports that must be the same at the next start."""

from __future__ import annotations

import fcntl
import json
import os
import random
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Below the range that Linux and macOS hand out to outgoing connections, so that a port that was
# free once is not taken by somebody's connection at the next start.
PORTS = range(15_000, 32_000)


def new_password() -> str:
    """192 random bits in letters, digits, "-" and "_", which no DSN or JAAS line must quote."""
    return secrets.token_urlsafe(24)


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once and for good; only its owner may read it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_reserved: list[int] = []  # open files; their locks end with the process


def reserve(port: int) -> bool:
    """Keeps a port from this user's other launchers, who may choose at the same moment.

    Between choosing a port and listening on it pass seconds.
    """
    folder = Path(tempfile.gettempdir()) / f"genvej-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    _reserved.append(file)
    return True


class State:
    """What the launcher remembers between starts, in a folder that only its owner may enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self.folder / "state.json"

    @property
    def id(self) -> str:
        """Tells this state folder from an earlier one that stood at the same path."""
        return self.secret("id", lambda: secrets.token_hex(8))

    @property
    def logs(self) -> Path:
        """The folder that holds one log for each process."""
        return self.room("logs")

    def room(self, name: str) -> Path:
        """A folder of its own inside the state folder."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def secret(self, name: str, make: Callable[[], str] = new_password) -> str:
        """The secret of that name; made when first asked for."""
        known: dict[str, str] = self._read().get("secrets", {})
        if name in known:
            return known[name]
        with self._change() as content:
            secret: str = content.setdefault("secrets", {}).setdefault(name, make())
        return secret

    def port(self, name: str, preferred: int | None = None) -> int:
        """A free loopback port: last time's, the preferred one, or any, in this order."""
        known: dict[str, int] = self._read().get("ports", {})
        taken = {port for other, port in known.items() if other != name}
        wishes = [p for p in (known.get(name), preferred) if p is not None and p not in taken]
        others = random.sample([p for p in PORTS if p not in taken], 100)
        port = next((p for p in wishes if port_is_free(p)), None) or next(
            (p for p in others if port_is_free(p) and reserve(p)), None
        )
        if port is None:
            raise OSError("no free port between 15000 and 32000 on 127.0.0.1; stop what holds them")
        if known.get(name) != port:
            with self._change() as content:
                content.setdefault("ports", {})[name] = port
        return port

    def remembered_port(self, name: str) -> int | None:
        """The port chosen at the latest start, free or not; None before the first one."""
        port: int | None = self._read().get("ports", {}).get(name)
        return port

    def _read(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise OSError(f"{self._file} is damaged; remove {self.folder} to start anew") from error
        return content

    @contextmanager
    def _change(self) -> Iterator[dict[str, Any]]:
        """The content, to be changed; written at the end, one process after the other."""
        with (self.folder / "state.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            write_private(self._file, json.dumps(content, indent=1))
